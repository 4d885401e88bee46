"""Which time a report is about: a quarter, month or year of the company's own calendar."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from sync.cli import people
from sync.cli.output import CannotRun
from sync.lead import hours
from sync.lead.periods import current, period
from sync.lead.state import to_ms
from sync.playbook.models import Playbook

Period = Annotated[str, typer.Option("--period", help="A quarter, month or year: 2026-Q4, 2026-11, 2026; none: the quarter that it is.")]


def zone_of(playbook: Playbook) -> str:
    """Give the zone by which reports begin their days."""
    return playbook.goals.timezone or playbook.timezone


def bounds(playbook: Playbook, text: str, now: int) -> tuple[int, int]:
    """Give where a period begins and ends (ms); raises CannotRun for what is none."""
    zone = zone_of(playbook)
    found = period(text, playbook.goals) if text else current("quarter", hours.wall(now, zone).date(), playbook.goals)
    if found is None:
        raise CannotRun(f"--period {text}: write a quarter, month or year: 2026-Q4, 2026-11, 2026.")
    first, last = (to_ms(datetime(one.year, one.month, one.day, tzinfo=hours.zone(zone))) for one in found)
    return first, last


async def in_force(connection: Any) -> Playbook:
    """Give the playbook in force; raises CannotRun where there is none."""
    playbook = await people.in_force(connection)
    if playbook is None:
        raise CannotRun("no playbook is in force yet: truce apply DIR puts one in force.")
    return playbook
