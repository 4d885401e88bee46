"""Kim's hand-off under an SLA of the test's own: what people, systems and clocks say to it, with every promise that must hold after each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from schemas.command import Command
from schemas.notice import NoticeSent
from schemas.response import ResponseRecorded
from sync.lead import clocks
from sync.lead.cycle import HandoffNote, LegNote
from sync.lead.decision import Decision
from sync.lead.offers import HANDOFF
from sync.playbook.models import FollowUp, Leg, LegRule, Outcome, Playbook, Reason, Sla, Slas, When, Where, Within
from tests import factory
from tests.factory import CONTACT, LEAD, PEOPLE, SF, at, changed, envelope, ms, shared
from tests.unit.lead.play import Play

ANA, BEN, JOE, VERA = PEOPLE
HERE = Where("sla.yaml", 3)
M, H = 60, 3_600
MANAGERS = {ANA: VERA, BEN: VERA, JOE: VERA}


def within(text: str, clock: Literal["business", "always"] = "business") -> Within:
    """Give a length of time as sla.yaml spells it."""
    unit: Any = text[-1]
    return Within(int(text[:-1]), unit, clock)


def leg(name: Leg, length: str, *then: str, warn: str | None = None, done: When | None = None) -> LegRule:
    """Give a leg; what follows is spelled `escalate+1h`, `away+1h*3`."""
    follows = []
    for one in then:
        word, _, misses = one.partition("*")
        what, _, after = word.partition("+")
        do: Any = what
        follows.append(FollowUp(do, HERE, within(after) if after else None, int(misses) if misses else None))
    return LegRule(name, within(length), VERA, HERE, within(warn) if warn else None, tuple(follows), done)


def reason(ident: str, then: Outcome, *, after: str | None = None, comment: bool = False) -> Reason:
    """Give a reason for a no."""
    return Reason(ident, ident.replace("_", " "), then, HERE, within(after) if after else None, comment)


REASONS = (
    reason("not_mine", "reassign"),
    reason("bad_timing", "recycle", after="90d"),
    reason("no_budget", "recycle"),
    reason("junk", "disqualify", comment=True),
)
LEGS_OF = (
    leg("accept", "30m", "reassign", "escalate", warn="10m"),
    leg("first_response", "1h", "escalate", "escalate+1h", "reassign+2h", warn="15m"),
)


def slas(*legs: LegRule, **more: Any) -> Slas:
    """Give sla.yaml: one SLA, called fast."""
    fast = Sla("fast", HERE, legs or LEGS_OF, **{"offers": 3, "pause": within("4h"), **more})
    return Slas({"fast": fast}, "fast", {one.id: one for one in REASONS}, "no_reason", "no_comment")


def book(*legs: LegRule, sla: dict[str, Any] | None = None, **changes: Any) -> Playbook:
    """Give the playbook of the tests with an SLA, managers, and a field for the reason of a no."""
    fields = factory.fields()
    fields["no_reason"] = shared("no_reason", "text", "sales", "Reason__c", None)
    fields["no_comment"] = shared("no_comment", "text", "sales", "Comment__c", None)
    base = factory.playbook(fields=fields, slas=slas(*legs, **(sla or {})))
    reps = {email: replace(rep, manager=MANAGERS.get(email)) for email, rep in base.reps.items()}
    return replace(base, **{"reps": reps, **changes})


@dataclass
class Handed(Play):
    """Kim, who asked for a demo in the tenth second: offered to Ana, whose clock begins when the CRM shows her."""

    now: float = 10.0
    open: bool = True

    def __post_init__(self) -> None:
        Play.__post_init__(self)
        self.problems: dict[tuple[str, str], str] = {}
        if self.open:
            self.did("a", self.now)

    def go(self, message: Any, seconds: float | None = None) -> Decision:
        """Decide, and keep which problems are open."""
        decision = Play.go(self, message, seconds)
        for note in decision.problems:
            self.problems.pop((note.kind, note.key), None)
            if note.open:
                self.problems[note.kind, note.key] = note.text
        return decision

    @property
    def note(self) -> HandoffNote:
        """The hand-off."""
        assert self.lead.handoff is not None
        return self.lead.handoff

    @property
    def due(self) -> float | None:
        """When the clock of the hand-off rings, in seconds."""
        found = self.lead.clocks.get(HANDOFF)
        return None if found is None else (found - ms(0)) / 1000

    def leg(self, name: Leg = "accept") -> LegNote:
        """One of its legs."""
        return self.note.legs[name]

    def due_of(self, name: Leg = "accept") -> float:
        """By when a leg is due, in seconds."""
        return (self.leg(name).due_at - ms(0)) / 1000

    @property
    def offers(self) -> list[tuple[str, str | None]]:
        """Who was offered it, and how each offer ended."""
        return [(one.owner, one.ended) for one in self.note.offers]

    @property
    def kinds(self) -> set[str]:
        """Which problems are open."""
        return {kind for kind, _ in self.problems}

    def shown(self, seconds: float, owner: str | None = None) -> Decision:
        """The writer wrote who has it."""
        self.now = seconds
        held = self.lead.desired["owner"]
        owner = owner or str(held.value)
        return self.go(factory.done(self.lead.id, LEAD, seconds, {"OwnerId": PEOPLE[owner]}, {"owner": held.version}), seconds)

    def card(self, seconds: float, offer: int | None = None, handoff: str | None = None) -> Decision:
        """The card reached its owner."""
        data = NoticeSent(lead_id=self.lead.id, handoff=handoff or self.note.id, offer=offer or len(self.note.offers), at=at(seconds))
        return self.go(envelope("truce.notice.sent", data))

    def order(
        self, name: Any, seconds: float, who: str | None = None, *, arrives: float | None = None, ident: str | None = None, **more: Any
    ) -> Decision:
        """Somebody gives an order; it may arrive later."""
        more.setdefault("handoff", self.note.id if self.lead.handoff is not None else None)
        by = who or self.note.owner
        data = Command(name=name, lead_id=self.lead.id, by=by, reason="a button", at=at(seconds), **more)
        return self.go(envelope(f"truce.command.{name}", data, ident), arrives if arrives is not None else seconds)

    def said(self, name: Any, seconds: float, who: str | None = None, **more: Any) -> tuple[bool, str]:
        """Give the answer to an order."""
        [answer] = self.order(name, seconds, who, **more).answers
        return answer.ok, answer.text

    def ring(self, *, late: float = 0, seen: dict[str, float] | None = None) -> Decision:
        """The clock rings; `late`: so many seconds after its time."""
        due = self.lead.clocks[HANDOFF]
        self.now = (due - ms(0)) / 1000 + late
        read = {name: at(second) for name, second in (seen or {SF: self.now}).items()}
        return self.go(clocks.told(self.lead.id, HANDOFF, due, ms(self.now), seen=read), self.now)

    def until(self, seconds: float) -> list[Decision]:
        """Let the clock ring as often as it does up to a time."""
        found = []
        while self.due is not None and self.due <= seconds:
            found.append(self.ring())
        return found

    def responded(self, seconds: float, owner: str = ANA, *, arrives: float | None = None) -> Decision:
        """A rep called Kim."""
        came = at(arrives if arrives is not None else seconds)
        data = ResponseRecorded(
            system=SF, ref=LEAD, activity_id=f"r{seconds}", kind="call", by=PEOPLE[owner], at=at(seconds), received_at=came
        )
        return self.go(envelope("truce.response.recorded", data), arrives if arrives is not None else seconds)


def states(decision: Decision) -> list[str]:
    """Give what a decision said of the hand-off."""
    return [str(line.data["state"]) for line in decision.lines if line.kind == "handoff"]


def told(decision: Decision) -> list[tuple[str, str]]:
    """Give who is to be told what."""
    return [(note.kind, note.person) for note in decision.notices]


__all__ = [
    "ANA",
    "BEN",
    "CONTACT",
    "JOE",
    "LEAD",
    "VERA",
    "H",
    "Handed",
    "M",
    "book",
    "changed",
    "leg",
    "reason",
    "states",
    "told",
    "within",
]
