"""`truce fairness`: who got what of each pool, what fair would have been, and which leads made the difference."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

import typer

from sync.cli import people, place
from sync.cli.duty import with_store
from sync.cli.output import PROBLEM, CannotRun, as_json, console
from sync.lead import hours
from sync.lead.pool import WORDS
from sync.lead.state import from_ms, to_ms
from sync.playbook.models import Playbook
from sync.store import turns
from sync.trial.fairness import Examination, Member, Missed, PoolReport

SHOWN = 3
"""So many leads are named per reason; --json has all."""
Name = Callable[[str], str]
_AGO = re.compile(r"(\d{1,5})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def fairness(
    since: Annotated[
        str, typer.Option(help="Tell of turns from then on: a day (2026-11-16) or how long ago (7d, 12h, 4w); without it, of all.")
    ] = "",
    pool: Annotated[str, typer.Option(help="Only this pool.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON, with every lead that somebody could not have.")] = False,
) -> None:
    """Show for each pool who got what, what fair would have been, and which leads made the difference and why.

    Every turn since the pool began is checked, whichever are told of: exit 1 if one went to somebody else than it should have, or is missing.

    Example: `truce fairness --since 7d`
    """

    async def step(connection: Any, _: place.Place) -> tuple[list[PoolReport], Playbook | None, int]:
        book = await people.in_force(connection)
        start = start_of(since, book.timezone if book else "UTC", datetime.now(UTC)) if since else 0
        examination = Examination(start, {name: one.members for name, one in book.pools.items()} if book else None)
        async for turn in turns.read(connection, pool or None):
            examination.add(turn)
        return examination.reports(), book, start

    reports, book, start = with_store(step)
    if json:
        as_json({"since": from_ms(start).isoformat() if start else None, "pools": [one.plain() for one in reports]})
    elif not reports:
        console.print(f"No turn was taken{f' in a pool {pool}' if pool else ''} yet.", markup=False)
    else:
        for report in reports:
            for line in told(report, book, start):
                console.print(line, markup=False)
    if any(report.broken for report in reports):
        raise typer.Exit(PROBLEM)


def start_of(text: str, zone: str, now: datetime) -> int:
    """Give the moment (ms) that a day, or a length of time before now, begins at; raises CannotRun for anything else."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return max(0, to_ms(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})))
    try:
        on = date.fromisoformat(text.strip())
    except ValueError:
        raise CannotRun(f"--since {text}: write a day (2026-11-16) or how long ago (7d, 12h, 4w).") from None
    return to_ms(datetime(on.year, on.month, on.day, tzinfo=hours.zone(zone)))


def told(report: PoolReport, book: Playbook | None, start: int) -> Sequence[str]:
    """Give a pool's report as lines."""

    def name(who: str) -> str:
        rep = book.reps.get(who) if book else None
        return rep.name if rep else who

    zone = book.timezone if book else "UTC"
    since = f" since {datetime.fromtimestamp(start / 1000, hours.zone(zone)):%a %d %b %Y %H:%M}" if start else ""
    by = ", ".join(WORDS[one] for one in WORDS if one in report.by)
    lines = [" · ".join(part for part in (report.name, by, f"{_count(report.turns, 'turn')}{since}") if part)]
    members = sorted(report.members.values(), key=lambda one: (-one.had, one.who))
    width = max((len(name(one.who)) for one in members), default=0)
    if members:
        lines.append(f"  {'':{width}}   had    fair   diff   of those that they might have had")
    lines += [_row(one, name, width, report.turns) for one in members]
    differences = [line for one in members for line in _missed(one, name)]
    if differences:
        lines += ["  What made the difference", *differences]
    if report.next and report.turns:
        lines.append(f"  Next          {name(report.next)}, if the next lead may go to the same people as the last")
    lines += [f"  ✘ {said}" for said in report.broken]
    return [*lines, "" if report.broken else "  ✔ every turn went to whoever was furthest behind, and none is missing"]


def _row(one: Member, name: Name, width: int, turns_: int) -> str:
    covered = "".join(f", {n} of theirs to {name(who)} as cover" for who, n in sorted(one.covered.items()))
    return f"  {name(one.who):{width}}  {one.had:4}  {one.fair:6.1f}  {one.had - one.fair:+5.1f}   {one.might} of {turns_}{covered}"


def _missed(one: Member, name: Name) -> list[str]:
    """Tell which leads somebody could not have, by reason."""
    return [f"    {name(one.who)} could not have {_count(len(m.turns), 'lead')}: {m.why} ({_leads(m)})" for m in one.missed.values()]


def _leads(missed: Missed) -> str:
    shown = ", ".join(f"turn {number} {lead}" for number, lead in missed.turns[:SHOWN])
    return shown + (f" and {len(missed.turns) - SHOWN} more" if len(missed.turns) > SHOWN else "")


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
