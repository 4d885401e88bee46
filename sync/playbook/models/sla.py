"""What is owed by when once a lead is handed over: legs with their clocks, what follows when one runs out, and the reasons for a no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sync.playbook.models.base import When, Where

Leg = Literal["accept", "first_response", "work"]
LEGS: tuple[Leg, ...] = ("accept", "first_response", "work")
"""Offered → accepted → first response → closed. A leg begins when the one before it that its SLA has is done; the first with the offer."""
Unit = Literal["s", "m", "h", "d"]
Clock = Literal["business", "always"]
"""`business`: the working time of the person who is responsible (hours, holidays, zone); `always`: every hour of every day."""
Do = Literal["remind", "escalate", "reassign", "away", "fallback"]
Outcome = Literal["reassign", "recycle", "disqualify"]
SECONDS: Mapping[Unit, int] = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Within:
    """A length of time on a clock: one number of one unit, so that days and hours never mix.

    On the business clock seconds, minutes and hours are working time: Wednesday 20:00 + 10 h at 10:00 to 18:00 is Friday 12:00. A day is a working
    day: `1d` from Wednesday 14:00 is the same time on the next day that is worked, at the latest that day's end; what begins outside working
    time begins with the next. On the clock `always` a day is 24 hours.
    """

    amount: int
    unit: Unit
    clock: Clock = "business"

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"

    @property
    def spelled(self) -> str:
        """Give it as people say it: 30 min, 4 h, 1 working day."""
        unit = {"s": "s", "m": "min", "h": "h", "d": "working day" if self.clock == "business" else "day"}[self.unit]
        return f"{self.amount} {unit}{'s' if self.unit == 'd' and self.amount > 1 else ''}"

    def seconds(self, day: int = 86_400) -> int:
        """Give it in seconds, a day of the business clock as so many."""
        return self.amount * (day if self.unit == "d" and self.clock == "business" else SECONDS[self.unit])

    def minutes(self, day: int = 1440) -> float:
        """Give it in minutes, a day of the business clock as so many."""
        return self.seconds(day * 60) / 60


@dataclass(frozen=True, slots=True)
class FollowUp:
    """One thing that follows when a leg was not done in time."""

    do: Do
    where: Where
    after: Within | None = None
    """So long after the deadline, on the leg's clock, if it is still not done; None: at the deadline."""
    misses: int | None = None
    """For `away`: after so many legs in a row that the person let run out."""


@dataclass(frozen=True, slots=True)
class LegRule:
    """One leg of an SLA."""

    leg: Leg
    within: Within
    accountable: str
    where: Where
    warn: Within | None = None
    """So long before the deadline the owner is reminded."""
    then: tuple[FollowUp, ...] = ()
    done: When | None = None
    """What shows in the lead's values that it is done, besides the buttons and commands."""
    task: bool = False
    """The CRM gets a task for the owner, due at the deadline."""


@dataclass(frozen=True, slots=True)
class Sla:
    """One service-level agreement, by the name that routes and hand-offs use."""

    name: str
    where: Where
    legs: tuple[LegRule, ...]
    label: str = ""
    offers: int | None = None
    """After so many people in a row it goes to the route's fallback; None: to whoever the route still finds."""
    pause: Within | None = None
    """The owner may stop the clock (waiting for the customer) for so long at most; None: it cannot be stopped."""

    def leg(self, leg: Leg) -> LegRule | None:
        """Give one of its legs."""
        return next((one for one in self.legs if one.leg == leg), None)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody gives a lead back, and what follows."""

    id: str
    label: str
    then: Outcome
    where: Where
    after: Within | None = None
    """For `recycle`: it may come back after so long at the earliest."""
    comment: bool = False
    """A sentence of explanation is asked for."""
    quality: bool = True
    """It counts against the quality that marketing promised."""


@dataclass(frozen=True, slots=True)
class Slas:
    """sla.yaml; empty where there is none."""

    named: Mapping[str, Sla] = field(default_factory=dict)
    default: str | None = None
    """For hand-offs whose route names none."""
    reasons: Mapping[str, Reason] = field(default_factory=dict)
    reason_field: str = ""
    """The shared field that holds why a lead was given back: whoever fills it in in the CRM rejects, and a no said elsewhere is written there."""
    comment_field: str = ""
    """The shared field that holds the sentence that goes with it."""

    def get(self, name: str | None) -> Sla | None:
        """Give the SLA of a hand-off: the one named, else the default."""
        return self.named.get(name or self.default or "")
