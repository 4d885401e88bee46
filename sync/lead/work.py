"""One message under decision: its inputs, the leads that it touches as copies, and the decision as it grows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from schemas.base import Ref, Scalar
from schemas.envelope import Envelope, derived_id, new
from schemas.event import EventType, LeadEvent
from schemas.keys import lead_key
from sync.lead.cycle import IN_HANDS, HandoffNote, copied
from sync.lead.decision import (
    ClockNote,
    Decision,
    DuplicateNote,
    Facts,
    Line,
    NoticeKind,
    NoticeNote,
    OutcomeKind,
    ParkedNote,
    ProblemNote,
)
from sync.lead.identity import follow
from sync.lead.index import Index, index
from sync.lead.state import Known, Lead, Record, branch, from_ms, to_ms
from sync.playbook.models import MQL, Playbook

FUTURE_MS = 5 * 60 * 1000
"""How much later than its receipt a vendor's time may be (law 4)."""


@dataclass(slots=True)
class Work:
    """What one decision works on."""

    message: Envelope
    facts: Facts
    playbook: Playbook
    now: int
    bulk: bool = False
    hot: bool = False
    """An act of a person caused it."""
    withdrew: bool = False
    """All that it says is that they want to hear no more."""
    priority: Literal["hot", "normal"] | None = None
    """As the route says that handed the lead over, where it says so: it goes before `hot`."""
    out: Decision = field(default_factory=lambda: Decision("noop"))
    open: dict[str, Lead] = field(default_factory=dict)
    """The copies that this decision changes."""
    changed: set[str] = field(default_factory=set)
    index: Index = field(init=False)

    def __post_init__(self) -> None:
        self.index = index(self.playbook)

    @property
    def lets_go(self) -> bool:
        """Say whether this is an act by which a hand-off that was held goes on: whoever opts out does not ask for a call."""
        return self.hot and not self.withdrew

    @property
    def rank(self) -> dict[str, int]:
        """Each system's place in the order that settles ties."""
        return self.index.ranks

    def ident(self, kind: str, target: str, ordinal: int = 0) -> str:
        """Give the id of an output: the same for the same message."""
        return derived_id(self.message.id, kind, target, ordinal)

    def take(self, lead: Lead) -> Lead:
        """Give the copy of a lead that this decision may change."""
        held = self.open.get(lead.id)
        if held is None:
            held = self.open[lead.id] = branch(lead)
            held.now = max(self.now, held.now)
        return held

    def find(self, lead_id: str | None) -> Lead | None:
        """Give a lead (or whom it was joined into) as this decision has it."""
        lead = follow(self.facts, lead_id)
        return self.take(lead) if lead is not None else None

    def create(self, email: str | None, ref: str, why: str = "") -> Lead:
        """Begin a lead; its id comes from the message's. `why` names the scope rule of one that nothing is known of yet."""
        ident = self.ident("lead", ref, len(self.open))
        lead = Lead(ident, lead_key(self.facts.secret, email, ref), self.now, self.now, in_scope=not why, scope_rule=why)
        self.open[ident] = lead
        self.touch(lead)
        self.event(lead, "truce.lead.created")
        return lead

    def touch(self, lead: Lead) -> None:
        """Note that the lead's document changed."""
        self.changed.add(lead.id)

    def record(self, lead: Lead, ref: str, by: Known | None = None) -> Record:
        """Give the lead's record, made as a stub when it is new: `by` what it is then known as this person's, where they have others."""
        held = lead.records.get(ref)
        if held is None:
            parts = Ref.parse(ref)
            held = lead.records[ref] = Record(
                ref, parts.system, parts.object, self.now, 0, partial=True, by=by if lead.records else "first"
            )
            self.out.identities["ref", ref] = lead.id
            self.touch(lead)
            if parts.system in self.playbook.sales and lead.handoff is not None and lead.handoff.state in IN_HANDS:
                self.notice(lead, "linked", lead.handoff.owner)
        return held

    def clamp(self, at: datetime, received: datetime) -> int:
        """Give a vendor's time in ms, never later than receipt + 5 min, never before 1970."""
        return max(0, min(to_ms(at), to_ms(received) + FUTURE_MS))

    def line(self, lead: Lead, kind: str, /, **data: Any) -> None:
        """Add a line to the lead's timeline."""
        self.out.lines.append(Line(lead.id, self.now, kind, data))

    def event(
        self, lead: Lead, kind: EventType, before: Scalar = None, after: Scalar = None, rule: str = "", *, handoff: str = "", leg: str = ""
    ) -> None:
        """Tell the world; carries no personal value."""
        at, version = from_ms(self.now), self.playbook.version
        told = "" if handoff == MQL else handoff
        data = LeadEvent(
            lead_id=lead.id, at=at, type=kind, before=before, after=after, rule=rule, kind=told, leg=leg, playbook_version=version
        )
        self.out.events.append(new(kind, data, source="truce", ident=self.ident(kind, lead.id, len(self.out.events)), time=at))

    def cycle(self, lead: Lead) -> HandoffNote:
        """Give the lead's hand-off as this decision may change it; it goes into the ledger as it is in the end."""
        note = lead.handoff
        if note is None:
            raise LookupError("the lead has no hand-off")
        known = self.out.handoffs.get(note.id)
        if known is None or known[1] is not note:
            note = lead.handoff = copied(note)
            self.out.handoffs[note.id] = (lead.id, note)
            self.touch(lead)
        return note

    def notice(self, lead: Lead, kind: NoticeKind, person: str, /, **data: Any) -> None:
        """Let somebody be told about the lead's hand-off: about their own offer, the last of theirs; else about the one that is open."""
        note = self.cycle(lead)
        n = next((one.n for one in reversed(note.offers) if one.owner == person), len(note.offers))
        ident = self.ident("notice", f"{note.id}:{n}:{kind}:{person}", len(self.out.notices))
        self.out.notices.append(NoticeNote(ident, lead.id, note.id, n, kind, person, self.now, data))

    def clock(self, lead: Lead, kind: str, due_at: int | None, **data: Any) -> None:
        """Set a clock of the lead, or end it with None."""
        if lead.clocks.get(kind) == due_at:
            return
        if due_at is None:
            del lead.clocks[kind]
        else:
            lead.clocks[kind] = due_at
        self.out.clocks[lead.id, kind] = None if due_at is None else ClockNote(due_at, self.playbook.version, data)
        self.touch(lead)

    def end_clocks(self, lead: Lead) -> None:
        """End every clock of a lead to which nothing is to happen any more."""
        for kind in list(lead.clocks):
            self.clock(lead, kind, None)

    def problem(self, kind: str, key: str, text: str, lead: Lead | None = None, *, opened: bool = True, **where: Any) -> None:
        """Open or close a problem; opening one about a lead is an event too. What was said of it last in this decision is not said again."""
        note = ProblemNote(kind, key, opened, text, lead_id=lead.id if lead else None, **where)
        if note != next((one for one in reversed(self.out.problems) if (one.kind, one.key) == (kind, key)), None):
            self.out.problems.append(note)
            if opened and lead is not None:
                self.event(lead, "truce.problem.opened", after=kind)

    def duplicate(self, ref: str | None, leads: Iterable[str], reason: str, lead: Lead) -> str:
        """Ask a person; the same question has the same id."""
        candidates = tuple(sorted(set(leads)))
        ident = derived_id("duplicate", ref or "", *candidates)
        self.out.duplicates.append(DuplicateNote(ident, ref, candidates, reason))
        self.problem("duplicate", ident, f"may be one person: {reason}", lead, ref=ref)
        return ident

    def decided_upon(self, lead: Lead) -> None:
        """Close the question about an undecided lead: a person, or a vendor's own merge, has answered it."""
        if lead.undecided is not None:
            self.out.duplicates.append(DuplicateNote(lead.undecided, None, (lead.id,), "settled", open=False))
            self.problem("duplicate", lead.undecided, "settled", lead, opened=False)
            lead.undecided, lead.in_scope, lead.scope_rule = None, True, ""

    def park_field(self, field_: str, value: Scalar, reason: str, ref: str, lead: Lead | None) -> None:
        """Set one value aside; the rest of the message goes on."""
        system = ref.partition(":")[0]
        text = f"{field_}: {reason}"
        shown = value if not isinstance(value, str) else value[:200].encode(errors="replace").decode().replace("\x00", "")
        if isinstance(value, int | float) and not isinstance(value, bool) and not -(2**63) < value < 2**63:
            shown = None
        ident = derived_id("field", ref, field_, repr(value)[:500].encode(errors="backslashreplace").decode())
        lead_id = lead.id if lead else None
        self.out.parked.append(ParkedNote(ident, "message", text, "bad_value", system, ref, lead_id, field_, shown))
        self.problem("bad_value", f"{system}:{field_}", text, lead, system=system, field=field_)

    def end(self, outcome: OutcomeKind, reason: str = "") -> Decision:
        """Close the decision: changed leads go out, with their revision one up."""
        self.out.outcome, self.out.reason = outcome, reason
        for ident in sorted(self.changed):
            lead = self.open[ident]
            lead.rev += 1
            self.out.leads.append(lead)
        return self.out
