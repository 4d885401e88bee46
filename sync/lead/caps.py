"""How much somebody was given, and whether one more would break a cap.

What was given is counted in quarter hours, in which every day of every zone begins; so a cap per day or week is exact, and one over a rolling
window counts at most a quarter of an hour too early. Turns are numbered by locks, not by time: what stands after `now` counts too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sync.lead.hours import DAY_MS, day_span, week_span
from sync.lead.state import Lead
from sync.lead.turns import Turn
from sync.playbook.models import Caps

QUARTER_MS = 900_000
Quarters = Mapping[int, int]
"""Quarter hour (ms // QUARTER_MS) → leads given in it."""
CLOSED = ("opportunity", "customer", "recycled", "disqualified")
"""Stages in which a lead is no longer one of its owner's open leads."""
Given = Mapping[str, Mapping[str, Quarters]]
"""Pool, or person (by e-mail) → owner → what they were given."""


def count(given: Iterable[Quarters], start: int, end: int | None = None) -> int:
    """Give how many were given from `start` on, and before `end`."""
    return sum(
        n for one in given for quarter, n in one.items() if quarter * QUARTER_MS >= start and (end is None or quarter * QUARTER_MS < end)
    )


def days(caps: Caps) -> int:
    """Give over how many days back must be counted."""
    return max(2 if caps.day is not None else 0, 8 if caps.week is not None else 0, caps.window[0] + 1 if caps.window else 0)


def full(caps: Caps, given: Iterable[Quarters], open_: int, now: int, zone: str, first: int = 1) -> str | None:
    """Say which cap one more lead would break (`8 of 8 today`); None when it would break none. `first`: the ISO weekday that begins a week."""
    rows = list(given)
    if caps.day is not None and (n := count(rows, *day_span(now, zone))) >= caps.day:
        return f"{n} of {caps.day} today"
    if caps.week is not None and (n := count(rows, *week_span(now, zone, first))) >= caps.week:
        return f"{n} of {caps.week} this week"
    if caps.window is not None:
        length, most = caps.window
        n = count(rows, now - length * DAY_MS - QUARTER_MS + 1)
        if n >= most:
            return f"{n} of {most} in {length} days"
    if caps.open is not None and open_ >= caps.open:
        return f"{open_} of {caps.open} open leads"
    return None


def holder(lead: Lead | None) -> str | None:
    """Give whose open lead it is, as the CRM and we have it; None when it is nobody's."""
    if lead is None or not lead.in_scope or lead.survivor is not None or lead.value("stage") in CLOSED:
        return None
    owner = lead.value("owner")
    return owner if isinstance(owner, str) else None


def move(open_: dict[str, int], before: Lead | None, after: Lead | None) -> None:
    """Count an open lead that is another one's now, where either is counted."""
    was, is_ = holder(before), holder(after)
    if was == is_:
        return
    if was in open_:
        open_[was] -= 1
    if is_ in open_:
        open_[is_] += 1


def add(given: dict[str, Mapping[str, Quarters]], turn: Turn) -> None:
    """Count one more turn, for its owner and its pool; what stood there before is left as it was."""
    quarter = turn.at // QUARTER_MS
    for name in {turn.owner, turn.pool} - {None}:
        owners = dict(given.get(str(name), {}))
        quarters = dict(owners.get(turn.owner, {}))
        quarters[quarter] = quarters.get(quarter, 0) + 1
        owners[turn.owner] = quarters
        given[str(name)] = owners
