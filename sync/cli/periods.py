"""Which time a report is about: a quarter, month or year of the company's own calendar."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import typer

from sync.cli import people
from sync.cli.output import CannotRun
from sync.lead import hours
from sync.lead.state import to_ms
from sync.playbook.models import Playbook
from sync.reports.goals import period as read

Period = Annotated[str, typer.Option("--period", help="A quarter, month or year: 2026-Q4, 2026-11, 2026; none: the quarter that it is.")]


def zone_of(playbook: Playbook) -> str:
    """Give the zone by which reports begin their days."""
    return playbook.goals.timezone or playbook.timezone


def bounds(playbook: Playbook, text: str, now: int) -> tuple[int, int]:
    """Give where a period begins and ends (ms); raises CannotRun for what is none."""
    zone = zone_of(playbook)
    text = text or f"{_quarter(playbook, hours.wall(now, zone).date())}"
    found = read(text, playbook.goals)
    if found is None:
        raise CannotRun(f"--period {text}: write a quarter, month or year: 2026-Q4, 2026-11, 2026.")
    first, last = (to_ms(datetime(one.year, one.month, one.day, tzinfo=hours.zone(zone))) for one in found)
    return first, last


def _quarter(playbook: Playbook, today: date) -> str:
    for year in (today.year - 1, today.year):
        for part in range(1, 5):
            found = read(f"{year}-Q{part}", playbook.goals)
            if found is not None and found[0] <= today < found[1]:
                return f"{year}-Q{part}"
    return str(today.year)


async def in_force(connection: Any) -> Playbook:
    """Give the playbook in force; raises CannotRun where there is none."""
    playbook = await people.in_force(connection)
    if playbook is None:
        raise CannotRun("no playbook is in force yet: truce apply DIR puts one in force.")
    return playbook
