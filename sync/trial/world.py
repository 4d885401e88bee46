"""One world: a playbook, and what came of the messages under it. Pure; times are ms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from schemas.base import Scalar
from schemas.command import Command
from schemas.envelope import Envelope
from schemas.write import WriteDone
from sync.lead import account
from sync.lead.clocks import told as clock_told
from sync.lead.cycle import HandoffNote
from sync.lead.decide import decide
from sync.lead.decision import Decision, Facts, fold
from sync.lead.handoff import handing
from sync.lead.ledger import Entry, Ledger
from sync.lead.offers import HANDOFF
from sync.lead.qualify import stage_values
from sync.lead.reconcile import TRUCE
from sync.lead.state import Lead
from sync.playbook.models import Playbook, Route, Value, Values
from sync.trial.echoes import Users, told

SECRET = b"a history keeps no secret"
"""Addresses are compared, never kept: any secret does."""
NO_LEAD = Decision("noop", "this world has no such lead")


@dataclass(frozen=True, slots=True)
class HandOff:
    """One hand-off as a world opened it, with what choosing again needs."""

    line: int
    """The history's line that opened it: the order of hand-offs."""
    at: int
    lead_id: str
    owner: str
    """As chosen without knowing the hand-offs of others."""
    rule: str
    sla: str
    kind: str
    how: str
    values: Values
    routed: bool = True
    """A route chose; else it went to whoever looks after the person."""
    had: tuple[str, ...] = ()
    """Who had it before, newest last."""
    said_no: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Qualified:
    """A lead that entered the stage that hands over."""

    at: int
    source: str
    rule: str
    segment: str = ""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a lead stands at the end."""

    lead_id: str
    stage: Scalar
    stage_rule: str
    owner: Scalar
    rule: str
    sla: str
    ours: bool
    """The owner is whom Truce chose; else whom the CRM says."""


@dataclass(slots=True)
class Log:
    """What happened to one person's leads."""

    qualified: list[Qualified] = field(default_factory=list)
    given: list[HandOff] = field(default_factory=list)


def slas(playbook: Playbook) -> dict[str, str]:
    """Give the SLA of each route's hand-offs, by its id: the one that it names, else the default."""

    def below(routes: Sequence[Route]) -> dict[str, str]:
        found: dict[str, str] = {}
        for route in routes:
            found |= {route.id: route.assign.sla or playbook.slas.default or "", **below(route.routes)}
        return found

    return below(playbook.routes)


def source_of(lead: Lead) -> str:
    """Say where a lead came from: what a shared field `source` or `lead_source` says, else what the person did last."""
    said = lead.value("source") or lead.value("lead_source")
    return str(said) if said else lead.touches[-1].kind if lead.touches else "record"


class World:
    """Decides persons one by one under one playbook; accounts and opportunities are everybody's."""

    def __init__(self, playbook: Playbook, users: Users, timeline: Sequence[tuple[int, Entry]] = ()) -> None:
        """Take the playbook, the vendors' users, and the accounts' entries by the line that made them so."""
        self.playbook, self.users = playbook, users
        self.slas = slas(playbook)
        stage = handing(playbook)
        self.hands_over = stage.id if stage is not None else None
        self._timeline, self._next = timeline, 0
        self.ledger = Ledger()
        self._persons: dict[int, Known] = {}

    def rewind(self) -> None:
        """Begin anew, with nobody known."""
        self._next, self.ledger = 0, Ledger()
        self._persons.clear()

    def upto(self, line: int) -> None:
        """Let accounts be as they were when this line was decided."""
        while self._next < len(self._timeline) and self._timeline[self._next][0] < line:
            self.ledger.put(self._timeline[self._next][1])
            self._next += 1

    def person(self, number: int) -> Known:
        """Give what is known of a person."""
        held = self._persons.get(number)
        if held is None:
            facts = Facts(SECRET, users=self.users, read_fully=frozenset(self.playbook.systems), ledger=self.ledger)
            held = self._persons[number] = Known(self, facts)
        return held


@dataclass(slots=True)
class Known:
    """One person in one world."""

    world: World
    facts: Facts
    once: set[str] = field(default_factory=set)
    log: Log = field(default_factory=Log)

    def decide(self, message: Envelope, line: int, now: int) -> Decision:
        """Decide one message as the lead agent would, and note what it opened."""
        data = message.data
        if isinstance(data, WriteDone):
            ours = told(message, data, self.facts, self.world.playbook)
            if ours is None:
                return NO_LEAD
            message = ours
        once = message.id if isinstance(data, WriteDone | Command) else None
        if once is not None and once in self.once:
            return NO_LEAD
        before = {lead.id: lead for lead in self.facts.leads.values()}
        decision = decide(message, self.facts, self.world.playbook, now)
        fold(self.facts, decision)
        if once is not None and decision.outcome != "parked":
            self.once.add(once)
        self._note(decision, before, line)
        return decision

    def pass_time(self, until: int, line: int) -> Iterator[tuple[int, Decision]]:
        """Let time pass up to a moment: what is due by then is decided, in its order; gives when, and what came of it.

        Who would have answered in time is not known, so the clocks of hand-offs do not count: it is told who would get a lead first.
        """
        while True:
            coming = [
                *(
                    (at, lead.id, kind)
                    for lead in self.facts.leads.values()
                    for kind, at in lead.clocks.items()
                    if at <= until and kind != HANDOFF
                )
            ]
            if not coming:
                return
            at, lead_id, kind = min(coming)
            yield at, self.decide(clock_told(lead_id, kind, at, at), line, at)

    def _note(self, decision: Decision, before: Mapping[str, Lead], line: int) -> None:
        for one in decision.lines:
            if one.kind == "stage" and one.data.get("after") == self.world.hands_over:
                lead = self.facts.leads[one.lead_id]
                self.log.qualified.append(Qualified(one.at, source_of(lead), str(one.data.get("rule") or ""), lead.segment))
        for lead in decision.leads:
            old = before.get(lead.id)
            was = old.handoff if old is not None else None
            if lead.handoff is not None and (was is None or was.id != lead.handoff.id):
                self.log.given.append(self._given(decision, old, lead, lead.handoff, line))

    def _given(self, decision: Decision, old: Lead | None, lead: Lead, note: HandoffNote, line: int) -> HandOff:
        playbook, now = self.world.playbook, note.opened_at
        values: dict[str, Value] = stage_values(lead, playbook, now, account.values_of(lead, self.facts, playbook))
        changed = [one for one in decision.lines if one.kind == "owner" and one.lead_id == lead.id]
        values["owner"] = changed[-1].data.get("before") if changed else lead.value("owner")
        chosen = lead.why.get("owner") or {}
        return HandOff(
            line, now, lead.id, note.owner, note.rule, self._sla(note), note.kind, str(chosen.get("how") or ""), values,
            chosen.get("rule") == note.rule, tuple(old.had) if old is not None else (), frozenset(lead.said_no),
        )  # fmt: skip

    def _sla(self, note: HandoffNote) -> str:
        """Give what a hand-off runs under: what it says itself, else what its route says."""
        return note.sla or self.world.slas.get(note.rule.rpartition(" ")[2], "")

    def stand(self, lead: Lead) -> Stand:
        """Say where a lead stands."""
        desired, stage, owner = lead.desired, lead.desired.get("stage"), lead.desired.get("owner")
        why = lead.why.get("stage") or {}
        rule = str(why.get("rule") or "") if why.get("stage") == lead.value("stage") else stage.rule if stage else ""
        given = lead.handoff.rule if lead.handoff is not None else ""
        sla = self._sla(lead.handoff) if lead.handoff is not None else ""
        ours = owner is not None and (owner.ref == TRUCE or "owner" not in desired)
        return Stand(lead.id, lead.value("stage"), rule, lead.value("owner"), given, sla, ours)
