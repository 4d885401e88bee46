"""What goes into a decision and what comes out: facts looked up before, effects carried out after."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from schemas.base import Scalar
from schemas.envelope import Envelope
from sync.lead import caps
from sync.lead.basis import NOTHING, Basis
from sync.lead.cycle import HandoffNote
from sync.lead.ledger import Entry, Ledger
from sync.lead.presence import PresenceNote
from sync.lead.seen import OpenIntent
from sync.lead.state import Lead
from sync.lead.tasks import TaskNote
from sync.lead.turns import PoolState, Turn
from sync.topology import Lane

IdentityKind = Literal["ref", "email"]
Identity = tuple[IdentityKind, str]
"""("ref", record ref) or ("email", keyed hash of the normalised e-mail)."""
NoticeKind = Literal[
    "offered", "warned", "reminded", "escalated", "moved", "accepted", "rejected", "expired", "worked", "closed", "linked", "snoozed"
]  # fmt: skip
"""`linked`: the lead has another record in a system of sales, which a card can lead to."""
OutcomeKind = Literal["applied", "noop", "filtered", "parked"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be looked up and locked before a message can be decided."""

    identities: frozenset[Identity] = frozenset()
    leads: frozenset[str] = frozenset()
    touches: frozenset[tuple[str, str]] = frozenset()
    """(system, activity id)."""
    once: str | None = None
    """The input's id when it may be applied only once (commands, write results, due clocks)."""


@dataclass(frozen=True, slots=True)
class VendorUser:
    """A person who may own records in a system."""

    system: str
    id: str
    email: str
    active: bool


@dataclass(slots=True)
class Facts:
    """What the batch looked up; the shell folds each decision into it before the next message is decided."""

    secret: bytes
    identities: dict[Identity, str] = field(default_factory=dict)
    """Identity → lead id."""
    leads: dict[str, Lead] = field(default_factory=dict)
    touches: set[tuple[str, str]] = field(default_factory=set)
    """Touches that were counted before, (system, activity id)."""
    pools: dict[str, PoolState] = field(default_factory=dict)
    given: dict[str, Mapping[str, Mapping[int, int]]] = field(default_factory=dict)
    """Pool or person (by e-mail) → owner → quarter hour → leads given."""
    open: dict[str, int] = field(default_factory=dict)
    """Person → open leads, of those who are counted."""
    users: Mapping[str, Mapping[str, VendorUser]] = field(default_factory=dict)
    """System → the vendor's user id → user."""
    read_fully: frozenset[str] = frozenset()
    """Systems whose first full read is done."""
    intents: Mapping[tuple[str, str], Sequence[OpenIntent]] = field(default_factory=dict)
    """(lead id, system) → intents whose result is not applied: a value that matches one is our own, coming back."""
    ledger: Ledger = field(default_factory=Ledger)
    """The accounts and opportunities that may matter."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a lead's timeline."""

    lead_id: str
    at: int
    kind: str
    """`message`, `decided`, `stage`, `owner`, `aside`, `parked`, `written` …"""
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ProblemNote:
    """A problem opened or closed; equal (kind, key) is the same problem."""

    kind: str
    """`write_refused`, `duplicate`, `unrouted`, `held`, `frozen_field`, `message_parked` …"""
    key: str
    """What makes it one problem: the cause, not the record (alerts group by it)."""
    open: bool
    text: str = ""
    system: str | None = None
    field: str | None = None
    ref: str | None = None
    lead_id: str | None = None
    owner: str | None = None
    """E-mail of whose lead it is."""
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    """What alerts.yaml may match and group it by besides: priority, sla, segment, pool."""


@dataclass(frozen=True, slots=True)
class NoticeNote:
    """What a person is to be told about one hand-off."""

    id: str
    lead_id: str
    handoff: str
    offer: int
    kind: NoticeKind
    person: str
    """E-mail of whom to tell."""
    at: int
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class AnswerNote:
    """What became of a person's order, in words for that person."""

    id: str
    """The order's own id."""
    lead_id: str | None
    ok: bool
    """False: it changed nothing."""
    text: str


@dataclass(frozen=True, slots=True)
class DuplicateNote:
    """A record or lead that only a person can place; `leads` are the candidates."""

    id: str
    ref: str | None
    leads: tuple[str, ...]
    reason: str
    open: bool = True


@dataclass(frozen=True, slots=True)
class ParkedNote:
    """A message or a part of it that is set aside with the reason."""

    id: str
    kind: Literal["message", "write"]
    reason: str
    code: str = ""
    system: str | None = None
    ref: str | None = None
    lead_id: str | None = None
    field: str | None = None
    value: Scalar = None


@dataclass(frozen=True, slots=True)
class ClockNote:
    """What is to happen to a lead at a time (ms), under which version of the playbook."""

    due_at: int
    version: int
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Decision:
    """What follows from one message."""

    outcome: OutcomeKind
    reason: str = ""
    """Why nothing followed, which rule filtered, or why it was parked."""
    leads: list[Lead] = field(default_factory=list)
    """New states (never the objects that stood in the facts)."""
    identities: dict[Identity, str] = field(default_factory=dict)
    dirty: set[tuple[str, str, Lane]] = field(default_factory=set)
    """(lead id, system, lane): ring the doorbell."""
    events: list[Envelope] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    problems: list[ProblemNote] = field(default_factory=list)
    duplicates: list[DuplicateNote] = field(default_factory=list)
    parked: list[ParkedNote] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    """Parked ids that are settled now (replayed, or no longer wanted)."""
    touches: list[tuple[str, str, str, str, str, int]] = field(default_factory=list)
    """New ones: (system, activity id, lead id, kind, name, at)."""
    read_orders: set[str] = field(default_factory=set)
    """Record refs that must be read before anything can be said."""
    pools: dict[str, PoolState] = field(default_factory=dict)
    basis: Basis = NOTHING
    """What its choices may depend on: locked and counted before they hold."""
    turns: list[Turn] = field(default_factory=list)
    """Hand-offs, and who was given each."""
    settled_intents: list[str] = field(default_factory=list)
    """Intents whose result is now part of the lead."""
    handoffs: dict[str, tuple[str, HandoffNote]] = field(default_factory=dict)
    """Hand-offs that are another than before: id → (lead id, as it is now)."""
    tasks: list[TaskNote] = field(default_factory=list)
    """What reps have to do, as the CRM is to show it."""
    notices: list[NoticeNote] = field(default_factory=list)
    answers: list[AnswerNote] = field(default_factory=list)
    presence: list[PresenceNote] = field(default_factory=list)
    """Whom it takes for away from now on."""
    clocks: dict[tuple[str, str], ClockNote | None] = field(default_factory=dict)
    """(lead id, kind) → the clock as it is set now; None: it is over."""
    entries: list[Entry] = field(default_factory=list)
    """Accounts and opportunities as they are now."""
    copies: set[tuple[str, str]] = field(default_factory=set)
    """(opportunity, system) whose copy there may have to show something else."""
    concerns: set[Identity] = field(default_factory=set)
    """People whom it concerns besides those that the message names: it counts only if they were locked, too."""


def fold(facts: Facts, decision: Decision) -> None:
    """Put a decision into the facts, so that the next message of the batch sees it."""
    facts.identities.update(decision.identities)
    for lead in decision.leads:
        if facts.open:
            caps.move(facts.open, facts.leads.get(lead.id), lead)
    for turn in decision.turns:
        caps.add(facts.given, turn)
    facts.leads.update((lead.id, lead) for lead in decision.leads)
    facts.touches.update((touch[0], touch[1]) for touch in decision.touches)
    facts.pools.update(decision.pools)
    for entry in decision.entries:
        facts.ledger.put(entry)
