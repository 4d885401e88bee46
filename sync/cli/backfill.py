"""`truce backfill`: what the first sync would do, on paper; then a system's people read as bulk, in slices if you like."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sync.cli.duty import Json
from sync.cli.output import CannotRun, as_json, console
from sync.cli.since import Since, moment
from sync.settings import Settings

STOPPED = 130

if TYPE_CHECKING:
    from sync.sources.backfill import Progress


def backfill(
    system: Annotated[str, typer.Argument(help="Which system to read; with --dry-run none is needed.")] = "",
    object_: Annotated[str, typer.Option("--object", help="Only this object of the system (Lead, contacts).")] = "",
    since: Since = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read all systems, write nothing, and say what the first sync would do.")
    ] = False,
    first: Annotated[int | None, typer.Option(min=1, help="Stop when so many people were read in all; the next run goes on there.")] = None,
    csv: Annotated[Path | None, typer.Option(help="With --dry-run: the folder for the lists to clean from.")] = None,
    playbook: Annotated[
        Path | None, typer.Option(help="With --dry-run: the playbook's folder, if it is another than TRUCE_PLAYBOOK.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what the first sync would do (--dry-run), or read a system's people as bulk: all, in slices, or what changed since a time.

    It goes on where it stopped, in bulk's share of the day's calls, and pauses while hot work waits.

    Example: `truce backfill salesforce --first 100`
    """
    settings, at = Settings(), moment(since, datetime.now(UTC))
    if dry_run:
        if first is not None:
            raise CannotRun("--first is for the run; --dry-run looks at everybody.")
        _dry_run(settings, system, object_, at, csv, playbook or settings.playbook, json=json)
        return
    if csv or playbook:
        raise CannotRun("--csv and --playbook are for --dry-run; the run goes by the playbook in force.")
    if not system:
        raise CannotRun("say which system: truce backfill salesforce --first 100, or look first: truce backfill --dry-run")
    if first is not None and (object_ or at):
        raise CannotRun("--first goes with neither --object nor --since: what these read was read before.")
    _run(settings, system, first, object_, at, json=json)


def _run(settings: Settings, system: str, first: int | None, object_: str, since: datetime | None, *, json: bool) -> None:
    from sync.cli.filling import Order, fill

    try:
        with _reading(system, first, shown=not json) as tell:
            found = asyncio.run(fill(settings, Order(system, first, object_, since), tell))
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. What was read is kept; the same command goes on there.\n")
        raise typer.Exit(STOPPED) from None
    as_json(found) if json else console.print("\n".join(_said(found)))


def _said(found: Mapping[str, Any]) -> Iterator[str]:
    """Say what was read, and what stands now that did not before."""
    much = "all of them" if found["done"] else "not all yet"
    yield f"{found['people']:,} people of {found['system']} read so far, {much}; {found['records']:,} records in {found['calls']:,} calls now."
    if not found["decided"]:
        yield "Not everything of it is decided yet: does a worker run? (truce doctor)"
    before, after = found["before"], found["after"]
    for name, what in STANDS.items():
        change = f" (before: {before[name]:,})" if before[name] != after[name] else ""
        yield f"  {after[name]:>9,}  {what}{change}"
    if found["to_plan"]:
        yield f"The writers have {found['to_plan']:,} people left to plan, and what is kept back or set aside grows until then. Before you judge it:"
        yield "truce observe report, truce parked. Where it does not go on, truce doctor says why (does every writer run?)."
    if not found["done"]:
        further = 10 * max(100, found["people"])
        yield f"Look, then go on: truce backfill {found['system']} --first {further}, or all of them: truce backfill {found['system']}"


STANDS = {
    "people": "people known",
    "matched": "in more than one system",
    "ambiguous": "for a person to place: truce duplicates",
    "parked": "set aside: truce parked",
    "held": "hand-offs held because it is bulk: truce rejudge --hand-over",
    "would_be_written": "values kept back by observe mode: truce observe report",
    "people_to_write": "people who are still to be written",
}


def _dry_run(settings: Settings, system: str, object_: str, since: datetime | None, csv: Path | None, folder: Path, *, json: bool) -> None:
    from sync.cli.doctor import systems_of
    from sync.cli.first.report import Asked, report
    from sync.cli.first.screen import show
    from sync.playbook import loader

    playbook = loader.load(folder, environment=settings.environment)
    if system and system not in playbook.told:
        raise CannotRun(f"no system {system!r} in {folder}: {', '.join(playbook.told)}")
    if object_ and not system:
        raise CannotRun("--object: say of which system, as in truce backfill salesforce --object Lead --dry-run")
    with counting(shown=not json) as tell:
        found = asyncio.run(report(settings, systems_of(settings), playbook, Asked(system, object_, since, csv), tell))
    as_json(found) if json else show(found, str(csv or ""))
    if not json:
        console.print("Next: put it right in the systems or the playbook, and look again; then `truce backfill SYSTEM --first 100`.")


@contextmanager
def _reading(system: str, first: int | None, *, shown: bool) -> Iterator[Callable[[Progress], None]]:
    """Show on a terminal how far the reading is; a bar where it is known how many there will be."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} people"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[waits]}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task(system, total=first, waits="")
        yield lambda found: bar.update(task, completed=found.people, total=found.total, waits=found.waits)


@contextmanager
def counting(*, shown: bool) -> Iterator[Callable[[str, int], None]]:
    """Give what shows on a terminal how many of something there are by now."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:,.0f}"))
    tasks: dict[str, Any] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:

        def tell(what: str, done: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=None)
            bar.update(tasks[what], completed=done)

        yield tell
