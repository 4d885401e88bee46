"""Which promises are in danger because a system of sales is not read, before their time is over. Pure. Times are ms.

A promise is in danger when the system was not read for longer than is left until its warning: at the same pace the warning passes unseen, and
then the deadline. A few minutes without a read are nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sync.lead import business
from sync.lead.hours import moment
from sync.lead.legs import calendar_of
from sync.playbook.models import Leg, Playbook
from sync.playbook.models.sla import Within

PATIENCE_MS = 600_000
"""So long no system has to be read: twice as long as from one poll to the next of a system that calls us."""


class Promise(NamedTuple):
    """A leg under its clock, or an offer that is not known to have reached its owner."""

    sla: str
    leg: Leg
    owner: str
    due_at: int | None
    offered_at: int
    """When it was offered: without `due_at` its time begins then at the earliest."""


class Danger(NamedTuple):
    """What is in danger because of one system."""

    since: int
    """Until when the system was read."""
    many: int
    first: int
    last: int
    """When the first and the last of them is due."""


def unread(seen: Mapping[str, int], playbook: Playbook, now: int) -> dict[str, int]:
    """Give the systems of sales that were read once, and not for a while; system → until when."""
    return {name: seen[name] for name in playbook.sales if name in seen and now - seen[name] > PATIENCE_MS}


def horizon(behind: Iterable[int], playbook: Playbook, now: int) -> int:
    """Give until when something may be due that is in danger."""
    longest = max((_ms(leg.warn) for sla in playbook.slas.named.values() for leg in sla.legs), default=0)
    return now + max(now - since for since in behind) + longest


def dangers(promises: Iterable[Promise], behind: Mapping[str, int], playbook: Playbook, now: int) -> dict[str, Danger]:
    """Give what is in danger by system, each with how much and until when."""
    found: dict[str, Danger] = {}
    for one in promises:
        due, warn = _due(one, playbook)
        if due is None:
            continue
        for name, since in behind.items():
            if due > since and now - since > due - now - warn:
                held = found.get(name, Danger(since, 0, due, due))
                found[name] = Danger(since, held.many + 1, min(held.first, due), max(held.last, due))
    return found


def _due(one: Promise, playbook: Playbook) -> tuple[int | None, int]:
    sla = playbook.slas.get(one.sla)
    rule = sla.leg(one.leg) if sla is not None else None
    if one.due_at is not None or rule is None:
        return one.due_at, _ms(rule.warn) if rule is not None else 0
    return business.after(one.offered_at, rule.within, *calendar_of(playbook, one.owner)), _ms(rule.warn)


def _ms(length: Within | None) -> int:
    return length.seconds() * 1000 if length is not None else 0


def words(system: str, danger: Danger, now: int, zone: str) -> str:
    """Say it to whoever answers for the system."""
    first, last = moment(danger.first, now, zone), moment(danger.last, now, zone)
    how = f"{danger.many:,} promise{'s' * (danger.many != 1)} of hand-offs {'are' if danger.many != 1 else 'is'} in danger"
    until = f"due {first}" if first == last else f"due from {first} to {last}"
    return f"{system} has not been read since {moment(danger.since, now, zone)}: {how}, {until} ({zone}); nobody loses a lead before it is read"
