"""What became of each leg of each hand-off, found in two ways that share nothing: from the ledger's rows, and by going through the timeline.

A leg counts once per hand-off, for who did it or first let its deadline pass. It is met when it was done and no deadline of it was missed; what
is still open, or ended without it (sales moved the lead on in the CRM before anybody answered), counts neither way. A report takes the hand-offs that were opened in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from sync.lead.cycle import NO_RULE
from sync.playbook.models import LEGS, Leg

SLOW = "slow"
"""The cause of a breach that nothing but its owner's time explains."""
CAUSES = ("absence", "cap", "parked", NO_RULE, "outage", SLOW)
"""In the order in which they are told: what isn't working comes before who."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a hand-off is counted under."""

    handoff: str
    lead_id: str
    kind: str
    sla: str
    pool: str
    segment: str
    version: int
    opened_at: int


@dataclass(frozen=True, slots=True)
class Unit:
    """One leg of one hand-off, decided."""

    handoff: str
    leg: Leg
    owner: str
    met: bool
    cause: str = ""
    """Of one that was missed."""


@dataclass(frozen=True, slots=True)
class Share:
    """How many were met and how many missed."""

    met: int = 0
    missed: int = 0

    @property
    def attained(self) -> float | None:
        """Give the share that was met; None while nothing is decided."""
        total = self.met + self.missed
        return self.met / total if total else None

    def plus(self, met: bool) -> Share:
        """Count one more."""
        return Share(self.met + met, self.missed + (not met))


def from_ledger(handoffs: Iterable[Mapping[str, Any]], legs: Iterable[Mapping[str, Any]]) -> list[Unit]:
    """Read the rows of the ledger: `handoffs` (id, accepted_at, worked_at, closed_at, reason) and their `legs`."""
    known = {row["id"]: row for row in handoffs}
    found = []
    for row in legs:
        handoff = known.get(row["handoff_id"])
        if handoff is None:
            continue
        given_back = handoff["closed_at"] if handoff["reason"] else None  # a no is an answer
        done = {"accept": handoff["accepted_at"] or given_back, "first_response": handoff["worked_at"]}.get(row["leg"])
        if row["leg"] == "work":
            done = handoff["closed_at"] if handoff["worked_at"] else None
        if row["breached_at"] is not None:
            found.append(Unit(row["handoff_id"], row["leg"], row["owner"], False, row["cause"] or SLOW))
        elif done is not None:
            found.append(Unit(row["handoff_id"], row["leg"], row["owner"], True))
    return ordered(found)


def from_timeline(lines: Iterable[Mapping[str, Any]], promised: Mapping[str, frozenset[Leg]]) -> list[Unit]:
    """Go through what was told of hand-offs, line by line in their order: (at, data). `promised`: hand-off → the legs that its SLA has."""
    told: dict[str, _Told] = {}
    for line in lines:
        data = line["data"]
        if data.get("handoff") in promised:
            told.setdefault(data["handoff"], _Told()).take(data, line["at"])
    found = []
    for handoff, one in told.items():
        for leg in promised[handoff]:
            if leg in one.missed:
                found.append(Unit(handoff, leg, *one.missed[leg]))
            elif leg in one.done:
                found.append(Unit(handoff, leg, one.done[leg], True))
    return ordered(found)


_ENDS: Mapping[str, Leg] = {"accepted": "accept", "rejected": "accept", "worked": "first_response", "closed": "work"}


class _Told:
    """One hand-off, as far as the timeline was read."""

    def __init__(self) -> None:
        self.done: dict[Leg, str] = {}
        self.missed: dict[Leg, tuple[str, bool, str]] = {}
        self._due: dict[Leg, int] = {}
        self._late: set[Leg] = set()
        """Missed, and done afterwards."""
        self._cause: dict[Leg, str] = {}
        self._took: str | None = None
        """Who had accepted it in time before it was offered to somebody else."""
        self._unruled: dict[str, bool] = {}
        """Whether it fell to somebody because no rule names anybody, when they were offered it last."""

    def take(self, data: Mapping[str, Any], at: int) -> None:
        """Read one line on."""
        state, leg, when = data["state"], cast("Leg", data.get("leg")), data.get("at") or at
        if state == "offered":
            self._unruled[data["owner"]] = bool(data.get("unruled"))
        if state == "offered" and not data.get("goes_on"):  # to be accepted again, by somebody else
            self._took = self.done.pop("accept", self._took)
            self._late.discard("accept")
        elif state == "delayed":
            self._cause[leg] = "outage"
        elif state == "breached" and leg not in self.missed and leg not in self.done:
            self._miss(leg, data["owner"], data["due"], data.get("cause"))
        elif (ends := _ENDS.get(state)) is not None and not self._ended(ends):
            if ends == "accept" and "due" not in data:
                return self._unasked(final=state == "accepted" or bool(data.get("final")))
            worked = self._ended("first_response")
            for owed, due in (data.get("owed") or {ends: data.get("due")}).items():
                self._in_time(owed, data["owner"], when, due)
            if ends != "work" or worked:
                (self._late.add if ends in self.missed else lambda one: self.done.setdefault(one, data["owner"]))(ends)

    def _unasked(self, *, final: bool) -> None:
        """An answer that was due at no time: where it is the last one, what somebody said in time before stands."""
        if final and self._took is not None:
            self.done["accept"] = self._took

    def _ended(self, leg: Leg) -> bool:
        return leg in self.done or leg in self._late

    def _miss(self, leg: Leg, owner: str, due: int, cause: str | None) -> None:
        alone = NO_RULE if self._unruled.get(owner) else SLOW
        self.missed[leg], self._due[leg] = (owner, False, cause or self._cause.get(leg, alone)), due

    def _in_time(self, leg: Leg, owner: str, when: int, due: int | None) -> None:
        """A leg ended: one that was missed may have been done before, and one that nobody missed yet may be late."""
        if leg in self.missed:
            if when <= self._due[leg]:
                del self.missed[leg]
        elif due is not None and when > due:
            self._miss(leg, owner, due, None)


def ordered(units: Iterable[Unit]) -> list[Unit]:
    """Give units in the order of their hand-offs and legs, so that two ways of finding them can be compared."""
    return sorted(units, key=lambda one: (one.handoff, LEGS.index(one.leg)))


def shares(units: Iterable[Unit], labels: Mapping[str, Label], by: Callable[[Unit, Label], str]) -> dict[str, dict[Leg, Share]]:
    """Count units leg by leg, under what `by` names."""
    found: dict[str, dict[Leg, Share]] = {}
    for one in units:
        label = labels.get(one.handoff)
        if label is not None:
            legs = found.setdefault(by(one, label), {})
            legs[one.leg] = legs.get(one.leg, Share()).plus(one.met)
    return {name: found[name] for name in sorted(found)}


def causes(units: Iterable[Unit]) -> dict[str, dict[Leg, int]]:
    """Count what was missed by cause, in the order in which causes are told."""
    found: dict[str, dict[Leg, int]] = {}
    for one in units:
        if not one.met:
            legs = found.setdefault(one.cause, {})
            legs[one.leg] = legs.get(one.leg, 0) + 1
    rank = {cause: n for n, cause in enumerate(CAUSES)}
    return dict(sorted(found.items(), key=lambda item: (rank.get(item[0], len(rank) - 1.5), item[0])))
