"""What the company counts by, the goals that both sides share, and what each of them promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Literal

from sync.playbook.models.base import Where
from sync.playbook.models.sla import Leg

Measure = Literal["mql", "sal", "sql", "opportunity", "customer", "amount"]
"""What a goal counts: leads that reach a stage, or the money of won opportunities."""
Reached = Literal["sal", "sql", "opportunity", "customer"]
REACHED: tuple[Reached, ...] = ("sal", "sql", "opportunity", "customer")
"""How far an MQL gets, in order."""
PLURALS: Mapping[str, str] = {"mql": "MQLs", "sal": "SALs", "sql": "SQLs", "opportunity": "opportunities", "customer": "customers"}
Period = Literal["month", "quarter", "year"]
MONTHS: Mapping[Period, int] = {"month": 1, "quarter": 3, "year": 12}
"""How many months a period has."""
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Month = Literal[
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Goal:
    """So much of a measure in each period, which both sides reach or miss together."""

    id: str
    name: str
    measure: Measure
    target: float
    per: Period
    accountable: str
    where: Where
    segment: str | None = None
    """None: the leads of all segments count."""

    @property
    def counts(self) -> str:
        """Give what is counted for it, as reports call it: `customer`, of one segment `customer:enterprise`."""
        return f"{self.measure}:{self.segment}" if self.segment else self.measure

    def besides(self, reached: Mapping[str, float]) -> dict[str, float]:
        """Give by currency what was won in others than the company's, as reports count it (`amount@USD`): it does not count."""
        found = ((*name.rpartition("@"), amount) for name, amount in sorted(reached.items()))
        return {currency: amount for counts, _, currency, amount in found if counts == self.counts}


@dataclass(frozen=True, slots=True)
class MqlPromise:
    """What marketing owes in each month: so many MQLs, of which such shares get so far."""

    id: str
    mqls: int
    accountable: str
    where: Where
    segment: str | None = None
    """None: the leads of all segments that have no promise of their own."""
    quality: Mapping[Reached, float] = field(default_factory=dict)
    amount: float | None = None
    """What one customer of these is worth on average."""


@dataclass(frozen=True, slots=True)
class WorkPromise:
    """What sales owes: for such shares of the hand-offs under an SLA, each leg done within its time."""

    id: str
    sla: str
    accountable: str
    where: Where
    within: Mapping[Leg, float]
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one promise gives to a goal, with the arithmetic in words."""

    promise: MqlPromise
    gives: float | None
    """None: it does not say which share gets so far, or what that is worth."""
    words: str


@dataclass(frozen=True, slots=True)
class Goals:
    """goals.yaml; empty where there is none."""

    timezone: str = ""
    """By which reports begin their days; empty: the team's."""
    week_starts: int = 1
    """ISO weekday: 1 is Monday."""
    fiscal_year_starts: int = 1
    """The month, 1 to 12."""
    currency: str = "EUR"
    goals: tuple[Goal, ...] = ()
    marketing: tuple[MqlPromise, ...] = ()
    sales: tuple[WorkPromise, ...] = ()

    def parts(self, goal: Goal, mqls: Mapping[str, float] | None = None) -> tuple[Part, ...]:
        """Say what each promise for the goal's leads gives to it in one period; `mqls`: promise → what really comes in a month, if known."""
        found = (one for one in self.marketing if goal.segment is None or one.segment == goal.segment)
        return tuple(_part(one, goal, one.mqls if mqls is None else mqls[one.id]) for one in found)


def _part(promise: MqlPromise, goal: Goal, mqls: float) -> Part:
    months, reached = MONTHS[goal.per], "customer" if goal.measure == "amount" else goal.measure
    factors = [(float(mqls), "MQLs")] + ([(float(months), "months")] if months > 1 else [])
    if reached != "mql":
        if reached not in promise.quality:
            return Part(promise, None, f"{promise.id} does not say how many of its MQLs become {PLURALS[reached]}")
        factors.append((promise.quality[reached], PLURALS[reached]))
    if goal.measure == "amount":
        if promise.amount is None:
            return Part(promise, None, f"{promise.id} does not say what a customer is worth")
        factors.append((promise.amount, "each"))
    total = prod(factor for factor, _ in factors)
    return Part(promise, total, f"{' × '.join(f'{number(factor)} {name}' for factor, name in factors)} = {number(total)} ({promise.id})")


def number(value: float) -> str:
    """Give a number as people write it: 1,200 and 0.25."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def money(amounts: Mapping[str, float]) -> str:
    """Give amounts of money, each with its currency: 18,000 EUR · 500 USD."""
    return " · ".join(f"{number(amount)} {currency}" for currency, amount in amounts.items())
