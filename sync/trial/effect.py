"""What a candidate would do to the goals: the MQLs of the history as a rate, through the shares that marketing promises. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sync.playbook.models import Goals, MqlPromise
from sync.playbook.models.goals import number
from sync.trial.world import Qualified

DAY_MS = 86_400_000
MONTH_DAYS = 365.25 / 12
LEAST_DAYS = 7.0
"""A shorter history says nothing about a month."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One goal or promise of MQLs: what it wants in each period, and what the history would give under both playbooks."""

    id: str
    name: str
    where: str
    per: str
    wanted: float
    before: float
    after: float
    words: str
    """How `after` is worked out."""

    @property
    def lost(self) -> bool:
        """Say whether it is reached under the rules in force, and missed under the candidate."""
        return self.before >= self.wanted > self.after

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, for `--json`."""
        return {
            "id": self.id, "name": self.name, "where": self.where, "per": self.per, "wanted": self.wanted,
            "before": round(self.before, 4), "after": round(self.after, 4), "words": self.words, "lost": self.lost,
        }  # fmt: skip


def days(span: tuple[int, int] | None) -> float:
    """Give how many days a history covers; `span`: its first and last moment, ms."""
    return 0.0 if span is None else (span[1] - span[0]) / DAY_MS


def effects(goals: Goals, qualified: tuple[Iterable[Qualified], Iterable[Qualified]], length: float, part: float) -> list[Effect]:
    """Say what each promise of MQLs and each goal comes to; `length`: days of the history; `part`: the share of the leads that was replayed.

    A promise without a segment is for the leads of all segments that have no promise of their own. Goals count on the shares that marketing
    promises, because a history that ends today does not show yet who becomes a customer.
    """
    if length < LEAST_DAYS or not goals.marketing:
        return []
    rates = [_rates(goals, some, MONTH_DAYS / length / part) for some in qualified]
    found = [_promise(one, rates[0][one.id], rates[1][one.id]) for one in goals.marketing]
    for goal in goals.goals:
        sides = [goals.parts(goal, rate) for rate in rates]
        totals = [[part.gives for part in parts if part.gives is not None] for parts in sides]
        if totals[1]:
            words = " + ".join(part.words for part in sides[1] if part.gives is not None)
            found.append(Effect(goal.id, goal.name, str(goal.where), goal.per, goal.target, sum(totals[0]), sum(totals[1]), words))
    return found


def _rates(goals: Goals, qualified: Iterable[Qualified], factor: float) -> dict[str, float]:
    """Give the MQLs a month that count for each promise."""
    counts = Counter(one.segment for one in qualified)
    own = {promise.segment for promise in goals.marketing if promise.segment is not None}
    rest = sum(count for segment, count in counts.items() if segment not in own)
    return {one.id: (rest if one.segment is None else counts[one.segment]) * factor for one in goals.marketing}


def _promise(promise: MqlPromise, before: float, after: float) -> Effect:
    words = f"{number(after)} MQLs ({promise.id})"
    return Effect(promise.id, "MQLs that marketing promises", str(promise.where), "month", promise.mqls, before, after, words)
