"""`truce backfill`: what the first sync would do, on paper; then a system's people read as bulk, in slices if you like."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sync.cli.duty import Json
from sync.cli.output import CannotRun, as_json, console
from sync.cli.since import Since, moment
from sync.settings import Settings


def backfill(
    system: Annotated[str, typer.Argument(help="Which system to read; with --dry-run none is needed.")] = "",
    object_: Annotated[str, typer.Option("--object", help="Only this object of the system (Lead, contacts).")] = "",
    since: Since = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read all systems, write nothing, and say what the first sync would do.")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="With --dry-run: the folder for the lists to clean from.")] = None,
    playbook: Annotated[
        Path | None, typer.Option(help="With --dry-run: the playbook's folder, if it is another than TRUCE_PLAYBOOK.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what the first sync would do (--dry-run).

    Example: `truce backfill --dry-run --csv first-sync`
    """
    settings, at = Settings(), moment(since, datetime.now(UTC))
    if not dry_run:
        raise CannotRun("only --dry-run is there yet.")
    _dry_run(settings, system, object_, at, csv, playbook or settings.playbook, json=json)


def _dry_run(settings: Settings, system: str, object_: str, since: datetime | None, csv: Path | None, folder: Path, *, json: bool) -> None:
    from sync.cli.doctor import systems_of
    from sync.cli.first.report import Asked, report
    from sync.cli.first.screen import show
    from sync.playbook import loader

    playbook = loader.load(folder, environment=settings.environment)
    if system and system not in playbook.systems:
        raise CannotRun(f"no system {system!r} in {folder}: {', '.join(playbook.systems)}")
    if object_ and not system:
        raise CannotRun("--object: say of which system, as in truce backfill salesforce --object Lead --dry-run")
    with counting(shown=not json) as tell:
        found = asyncio.run(report(settings, systems_of(settings), playbook, Asked(system, object_, since, csv), tell))
    as_json(found) if json else show(found, str(csv or ""))
    if not json:
        console.print("Next: put it right in the systems or the playbook, and look again; then `truce backfill SYSTEM --first 100`.")


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
