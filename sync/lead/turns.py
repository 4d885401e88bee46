"""Whose turn it is in a pool, and why that is fair: everyone's leads had, minus what their weight would have given them.

For every lead that a pool gives away, each member who may have it is due their weight's share of it; one of them gets it. `ahead` is what
somebody had minus what they were due, in leads. The next lead goes to whoever, with half a lead more, would be least ahead for their weight;
of equals to whoever waits longest (with constant weights this is Webster's method of sharing out seats). What follows, for every sequence of
leads, whoever may have which:
  - Two people who may always have the same leads, of weights w and v, never differ by more than (1/w + 1/v) / 2 in leads for their weight:
    one step. Where the weights are equal they take turns, strictly.
  - Who is away is due nothing and gets nothing: they return as they left, neither owed nor owing.
  - In a pool of n equals nobody is ever further than (n-1)²/n leads from what they were due, whoever may have which lead: this is the greedy
    answer to the carpool problem (Fagin and Williams 1983).
  - Only the weights' proportions matter, in each turn by itself: 2:1 and 200:100 are the same, and a ramp moves nobody's past.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sync.playbook.models import By

How = Literal["turn", "cover", "sticky", "named", "fallback"]
TIE = 1e-6
"""Leads; what is nearer than that is equal: sums of shares are not exact."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """What a pool remembers, in its locked row."""

    number: int = 0
    """The last turn's: turns are numbered in the order in which the pool was locked."""
    ahead: Mapping[str, float] = field(default_factory=dict)
    """Member → leads had minus leads due; who is new begins at 0."""
    served: Mapping[str, int] = field(default_factory=dict)
    """Member → the number of their last turn."""
    week: str = ""
    """The first day (ISO) of the week that `had` and `due` count."""
    had: Mapping[str, int] = field(default_factory=dict)
    due: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turn:
    """One hand-off and who got it; kept for ever."""

    lead_id: str
    at: int
    owner: str
    how: How
    rule: str
    version: int
    passed_over: tuple[tuple[str, str], ...] = ()
    """(who, why), in the order in which they were looked at."""
    pool: str | None = None
    """The pool whose turn it was; None: nobody's turn was used up."""
    number: int | None = None
    member: str | None = None
    """Whose turn it was: the owner, or the absent one whom the owner covers."""
    by: By | None = None
    eligible: Mapping[str, float] = field(default_factory=dict)
    """Who might have had it: member → weight."""


def first(state: PoolState, weights: Mapping[str, float]) -> str:
    """Give whose turn it is among those who may (member → weight, in the pool's order; not empty)."""
    mean = sum(weights.values()) / len(weights)
    places = {who: (state.ahead.get(who, 0.0) + 0.5) * mean / weight for who, weight in weights.items()}
    return longest_waiting(state, places)


def longest_waiting(state: PoolState, places: Mapping[str, float]) -> str:
    """Give who stands lowest; of equals who was served longest ago, then who comes first in the pool."""
    lowest = min(places.values()) + TIE
    return min((who for who, place in places.items() if place <= lowest), key=lambda who: state.served.get(who, 0))


def after(state: PoolState, who: str, weights: Mapping[str, float], week: str, *, due: bool = True) -> PoolState:
    """Give the pool once `who` has had the turn; `due`: it was taken by turns, so that it counts for and against everyone who might have."""
    number, total = state.number + 1, sum(weights.values())
    ahead, same = dict(state.ahead), state.week == week
    had, owed = (dict(state.had), dict(state.due)) if same else ({}, {})
    had[who] = had.get(who, 0) + 1
    for member, weight in weights.items():
        share = weight / total
        owed[member] = owed.get(member, 0.0) + share
        if due:
            ahead[member] = ahead.get(member, 0.0) - share
    if due:
        ahead[who] += 1
    return PoolState(number, ahead, {**state.served, who: number}, week, had, owed)


def tally(state: PoolState, who: str) -> str:
    """Say how somebody stands in the pool this week."""
    count = sum(state.had.values())
    return f"{state.had.get(who, 0)} of {count} this week, fair {state.due.get(who, 0.0):.1f}"
