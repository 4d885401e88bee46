"""`truce simulate`: recorded history under the rules in force and under a candidate, side by side; nothing is ever written."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sync.cli.duty import with_store
from sync.cli.export import day_ms
from sync.cli.output import as_json, console
from sync.cli.past import File, Kept, Past
from sync.cli.place import Place
from sync.playbook.models.goals import number
from sync.settings import Settings
from sync.trial.simulate import Change, Pair, Simulation, What
from sync.trial.sure import Share

SAMPLE = 10_000
"""Leads that are replayed unless more are asked for: on two cores that is less than a minute."""
SHOWN = 12
"""Rows of a table that are shown; `--json` has all."""
LEFT_OUT = 5
ALL_ALONG = (
    "This is as if the candidate had been in force all along. truce apply judges today's leads again, where an MQL does not go back: "
    "its numbers may be others."
)


def simulate(
    candidate: Annotated[Path, typer.Option("--candidate", help="The folder of the playbook to try.")],
    history: Annotated[Path | None, typer.Option(help="A file by `truce history export`.")] = None,
    since: Annotated[str | None, typer.Option(help="Without a file: what the store knows from this day on; else of 30 days.")] = None,
    sample: Annotated[int, typer.Option(min=0, help="So many leads, drawn the same way each time; 0: all.")] = SAMPLE,
    in_force: Annotated[Path | None, typer.Option("--in-force", help="Compare with this folder, not with the version in force.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Try a playbook on recorded history: who would stand in another stage, with somebody else, under another SLA. Never writes anything.

    Example: `truce simulate --candidate deploy/playbook --history november.jsonl.gz`
    """
    from sync.cli.parallel import Books
    from sync.cli.parallel import simulate as run
    from sync.playbook.loader import environment_of, load_files, read

    chosen = Settings().environment
    old = read(in_force, chosen) if in_force is not None else _in_force(required=history is None)
    files = read(candidate, chosen or environment_of(old))
    load_files(files)
    if history is not None:
        past: Past = File(history)
        notes: list[str] = []
    else:
        from sync.trial.remembered import CAVEAT

        begin = day_ms(since) or int((datetime.now(UTC) - timedelta(days=30)).timestamp() * 1000)
        past, notes = _remembered(begin, old), [CAVEAT]
    if not past.users:
        notes.append("The history does not say whom the systems know: everyone of team.yaml counts as an active user.")
    with _progress(shown=not json and sys.stderr.isatty()) as told:
        found = run(past, Books(old, files), sample, told=told.tell)
    as_json(found.plain() | {"notes": notes}) if json else show(found, notes)


def _in_force(*, required: bool) -> dict[str, bytes]:
    """Give the version in force, else the configured folder's playbook where there is no store and none is needed."""
    from sync.cli.place import NothingThere
    from sync.playbook.loader import read
    from sync.store import playbooks

    async def step(connection: Any, _: Place) -> dict[str, bytes] | None:
        kept = await playbooks.active(connection)
        return kept.files if kept is not None else None

    try:
        return with_store(step) or read(Settings().playbook, Settings().environment)
    except (NothingThere, OSError):
        if required:
            raise
        return read(Settings().playbook, Settings().environment)


def replayed(old: dict[str, bytes], candidate: dict[str, bytes], sample: int) -> Simulation:
    """Try a candidate on what the store knows of 30 days."""
    from sync.cli.parallel import Books
    from sync.cli.parallel import simulate as run

    begin = int((datetime.now(UTC) - timedelta(days=30)).timestamp() * 1000)
    with _progress(shown=False) as told:
        return run(_remembered(begin, old), Books(old, candidate), sample, told=told.tell)


def _remembered(since: int, old: dict[str, bytes]) -> Kept:
    from sync.lead.state import load
    from sync.playbook.loader import load_files
    from sync.store import leads, users
    from sync.trial.remembered import Act, log, messages

    playbook = load_files(old)

    async def step(connection: Any, _: Place) -> Kept:
        rows: list[Any] = []
        async for row in leads.stream(connection):
            lead = load(row["doc"])
            acts = await connection.fetch("SELECT system, activity_id, kind, name, at FROM touches WHERE lead_id::text = $1", row["id"])
            known = [Act(r["system"], r["activity_id"], r["kind"], r["name"], int(r["at"].timestamp() * 1000)) for r in acts]
            rows += messages(lead, known, since, playbook)
        return Kept(log(rows), await users.every(connection))

    return with_store(step)


class _progress:
    """A progress bar on standard error, where somebody looks at it."""

    def __init__(self, *, shown: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown)
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> _progress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell(self, what: str, done: int, total: int) -> None:
        """Show how far it is."""
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(f"messages {what}", total=total or None)
        self._bar.update(self._tasks[what], completed=done, total=total or None)


def show(found: Simulation, notes: Iterable[str] = ()) -> None:
    """Print what differs."""
    lines = list(_lines(found, notes))
    console.print("\n".join(lines), markup=False)


def _lines(found: Simulation, notes: Iterable[str]) -> Iterable[str]:
    if not found.messages:
        yield "The history is empty: no message in it concerns a person."
        yield from _left_out(found)
        return
    of = f"{found.looked:,} of about {found.everyone:,} leads (a sample)" if found.sampled else f"{found.looked:,} leads"
    yield f"Replayed {found.messages:,} messages of {of} under both playbooks. Nothing was written."
    yield from notes
    yield f"Changes for {_count(found.changed)}."
    if found.counts["stage"].found:
        yield ALL_ALONG
    for what, title in (("stage", "stage"), ("owner", "owner"), ("sla", "SLA")):
        yield from _changed(found, what, title)  # type: ignore[arg-type]
    yield from _table("MQLs per week", found.weeks)
    yield from _table("MQLs per source", found.sources)
    yield from _goals(found)
    yield from _table("Hand-offs per person", found.load)
    if found.sampled and found.load:
        yield "Loads are those of the sample: caps are reached later than with everybody (--sample 0 replays all)."
    yield from _left_out(found)


def _count(one: Share) -> str:
    if one.looked >= one.everyone:
        return f"{one.found:,} of {one.looked:,} leads"
    return f"about {one.estimate:,} of {one.everyone:,} leads, 95 % sure between {one.low:,} and {one.high:,} ({one.found:,} in the sample)"


def _changed(found: Simulation, what: What, title: str) -> Iterable[str]:
    count = found.counts[what]
    if not count.found:
        yield f"\nNobody changes {title}."
        return
    yield f"\nChange {title}: {_count(count)}"
    if what == "owner" and found.turns:
        yield f"  of these {found.turns:,}{' (in the sample)' if found.sampled else ''} only because turns fall otherwise; they come last"
    for change in found.examples[what]:
        who = f"{change.name} ({change.ref})" if change.name else change.ref
        yield f"  {who}  {_value(change.before)} → {_value(change.after)}  {_rules(change)}".rstrip()
        if change.detail:
            yield f"      {change.detail}"


def _value(value: object) -> str:
    return "none" if value in (None, "") else str(value)


def _rules(change: Change) -> str:
    before, after = change.rule_before, change.rule_after
    return before if before == after else f"{before or 'no rule'} → {after or 'no rule'}"


def _table(title: str, rows: dict[str, Pair]) -> Iterable[str]:
    if not rows:
        return
    total = (sum(one for one, _ in rows.values()), sum(other for _, other in rows.values()))
    width = max(len(name) for name in rows)
    yield f"\n{title}  before {total[0]:,}, after {total[1]:,}"
    for name, (before, after) in list(rows.items())[:SHOWN]:
        yield f"  {name:<{width}}  {before:>7,}  {after:>7,}  {after - before:+,}"
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN} more: --json has all."


def _goals(found: Simulation) -> Iterable[str]:
    if found.too_short:
        yield f"\nGoals: the history covers only {found.days:.1f} days; a week at least is needed to say what it means for them."
    if not found.goals:
        return
    yield f"\nGoals  at the rate of these {found.days:,.0f} days, with the shares that marketing promises"
    for one in found.goals:
        mark = "✔" if one.after >= one.wanted else "✘"
        now = " (reached under the rules in force)" if one.lost else ""
        yield f"  {mark} {one.name}, {number(one.wanted)} a {one.per}: before {number(one.before)}, after {number(one.after)}{now}  {one.where}"
        yield f"      {one.words}"


def _left_out(found: Simulation) -> Iterable[str]:
    if found.unusable:
        yield f"\nLeft out: {len(found.unusable):,} lines that are no messages."
        yield from (f"  line {line}: {why}" for line, why in found.unusable[:LEFT_OUT])
