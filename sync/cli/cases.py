"""`truce test`: the cases of a playbook, given → expected, with the path through the rules of those that fail, and what none reaches."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from sync.cli.output import PROBLEM, as_json, console
from sync.settings import Settings
from sync.trial.cases import Played, Report, play
from sync.trial.coverage import Coverage
from sync.trial.doors import PlayedDoor
from sync.trial.path import Step


def play_all(
    folder: Annotated[Path | None, typer.Argument(help="The playbook's folder.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Write what came out into the cases' files, for review.")] = False,
    complete: Annotated[bool, typer.Option("--complete", help="Fail also when a rule is reached by no case.")] = False,
) -> None:
    """Play the playbook's cases (cases/*.yaml, and the payloads of its doors) by its own rules; exit 1 if one comes out otherwise than expected.

    Example: `truce test deploy/playbook`
    """
    from sync.playbook.loader import load

    where = folder or Settings().playbook
    report = play(load(where, environment=Settings().environment))
    if update:
        from sync.cli.update import write

        changed = write(where, report.failed)
    if json:
        as_json(report.plain())
    elif update:
        names = ", ".join(changed)
        console.print(f"Wrote what came out into {names}: review it, as with any change." if changed else "Nothing to write.", markup=False)
    else:
        show(report)
    if (report.wrong and not update) or (complete and report.coverage.unreached):
        raise typer.Exit(PROBLEM)


def show(report: Report) -> None:
    """Print the cases that failed, and the coverage."""
    failures(report)
    count, failed = report.count, len(report.wrong)
    if not count:
        console.print("No cases: write some into cases/*.yaml, or let `truce case WHO` make one of a real lead.", markup=False)
    else:
        console.print(f"{count} {'case' if count == 1 else 'cases'}: {count - failed} as expected, {failed} not.", markup=False)
    console.print("\n".join(_coverage(report.coverage)), markup=False)


def failures(report: Report) -> None:
    """Print the cases that failed, each with the path through the rules."""
    for played in report.wrong:
        console.print("\n".join(_failed(played)), markup=False)
        console.print()


def _failed(played: Played | PlayedDoor) -> Iterable[str]:
    yield f"✘ {played.case.where}  {played.case.id}"
    rows = [(f"{d.where}", d.what, f"expected {_shown(d.expected)}, got {_shown(d.got)}") for d in played.differences]
    widths = [max(len(row[n]) for row in rows) for n in range(2)]
    yield from (f"    {where:<{widths[0]}}  {what:<{widths[1]}}  {told}" for where, what, told in rows)
    yield from (f"    {_step(step)}" for step in played.path)


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else "blank" if value is None else str(value)


def _step(step: Step) -> str:
    mark = {"note": "→", "passed over": "·"}.get(step.kind, "✔" if step.matched else "✘")
    what = f"passed over: {step.id}" if step.kind == "passed over" else step.id
    return f"{mark} {step.where:<18} {what:<20} {' · '.join(step.why) or 'matches always'}".rstrip()


def _coverage(coverage: Coverage) -> Iterable[str]:
    reached, passed = coverage.rules - len(coverage.unreached), coverage.branches - len(coverage.never)
    yield f"Reached: {reached} of {coverage.rules} rules, {passed} of {coverage.branches} outcomes of their lines."
    yield from (f"  no case reaches  {where:<18} {kind} {name}".rstrip() for kind, where, name in coverage.unreached)
    yield from (f"  never {one.never:<5}      {one.where!s:<18} {one.text}" for one in coverage.never)
