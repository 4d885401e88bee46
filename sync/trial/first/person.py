"""Records that share an address or a Truce id, decided one by one as the lead agent would decide them when they are read first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from schemas.change import RecordChanged
from schemas.envelope import Envelope
from schemas.keys import keyed, lead_key, normal_email
from sync.lead.decide import decide
from sync.lead.decision import Facts, ParkedNote, VendorUser, fold
from sync.lead.identity import UNSEEN, address, as_lead_id, by_ref
from sync.lead.ledger import Entry, Ledger
from sync.lead.state import Lead
from sync.playbook.models import Playbook

Way = Literal["Truce id", "e-mail"]
Users = Mapping[str, Mapping[str, VendorUser]]


@dataclass(slots=True)
class Together:
    """What the core makes of some records that belong together, or seem to."""

    facts: Facts
    seen: list[RecordChanged] = field(default_factory=list)
    matched: dict[str, Way] = field(default_factory=dict)
    """Record → by what it came to a lead that had one already."""
    asked: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """Record → why only a person can place it, and the leads that it may belong to."""
    unfit: list[ParkedNote] = field(default_factory=list)
    """Values that a field of their kind cannot hold."""

    @property
    def leads(self) -> list[Lead]:
        """Everybody who has a record."""
        return [lead for lead in self.facts.leads.values() if lead.survivor is None and lead.records]


def tokens(data: RecordChanged, secret: bytes, playbook: Playbook) -> tuple[str, ...]:
    """Give what a record may be known by in another system: records that share one are to be decided together."""
    email, named = normal_email(address(data, playbook)), as_lead_id(data.truce_id)
    return tuple(one for one in (keyed(secret, email) if email else None, named) if one)


def together(
    messages: Sequence[Envelope], users: Users, secret: bytes, playbook: Playbook, now: int, ledger: Ledger | None = None
) -> Together:
    """Decide records of people, in their order, as if nobody were known; what is no record's snapshot says nothing here.

    `ledger`: the accounts and opportunities that may matter to them.
    """
    found = Together(Facts(secret, users=users, read_fully=frozenset(playbook.systems), ledger=ledger or Ledger()))
    for message in messages:
        if isinstance(message.data, RecordChanged):
            _decide(found, message, message.data, playbook, now)
    return found


def entered(message: Envelope, users: Users, secret: bytes, playbook: Playbook, now: int) -> tuple[Entry | None, list[ParkedNote]]:
    """Give what an account's or opportunity's record shows, and the values that no field of their kind can hold."""
    decision = decide(message, Facts(secret, users=users), playbook, now)
    return next(iter(decision.entries), None), decision.parked


def _decide(found: Together, message: Envelope, data: RecordChanged, playbook: Playbook, now: int) -> None:
    facts, named = found.facts, as_lead_id(data.truce_id)
    if named is not None and named not in facts.leads:  # whoever gave it this id knows the lead by it: nothing else is known of it here
        facts.leads[named] = Lead(named, lead_key(facts.secret, data.email, data.ref), now, now, in_scope=False, scope_rule=UNSEEN)
    decision = decide(message, facts, playbook, now)
    fold(facts, decision)
    found.seen.append(data)
    found.unfit += decision.parked
    found.asked |= {one.ref: (one.reason, one.leads) for one in decision.duplicates if one.ref and one.open}
    lead = by_ref(facts, data.ref)
    if lead is not None and lead.undecided is None and any(ref != data.ref for ref in lead.records):
        found.matched[data.ref] = "Truce id" if named == lead.id else "e-mail"
