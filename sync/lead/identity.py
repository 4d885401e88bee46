"""Who is it? The key only picks the partition; a lead is found by its records, the Truce id, the e-mail, in this order. Pure."""

from __future__ import annotations

import unicodedata
import uuid
from functools import lru_cache

from schemas.base import Scalar
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.command import Command
from schemas.envelope import Envelope
from schemas.keys import keyed, normal_email
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded
from schemas.write import WriteDone
from sync.lead.canonical import MAX_REF, Unfit, clean
from sync.lead.decision import Facts, Identity, Wanted
from sync.lead.state import Lead
from sync.playbook.models import Playbook

UNSEEN = "no record of it was seen yet"
"""The scope rule of a lead that is known by a touch or a bare ref only: nothing is created for it."""


def as_lead_id(text: str | None) -> str | None:
    """Give a lead id in its one spelling, None for a text that is none."""
    try:
        return str(uuid.UUID(text)) if text else None
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def email_identity(secret: bytes, email: str | None) -> Identity | None:
    """Give the identity of an e-mail, None when it is no address that can be kept."""
    plain = normal_email(email)
    if plain is None:
        return None
    try:
        clean(plain)
    except Unfit:
        return None
    return ("email", keyed(secret, plain))


def address(data: RecordChanged, playbook: Playbook | None = None) -> str | None:
    """Give the record's e-mail as the message carries it: in `email`, else in the mapped field."""
    if data.email is not None or playbook is None:
        return data.email
    system, object_ = [*data.ref.split(":", 2), ""][:2]
    for shared in playbook.fields.values():
        if shared.kind == "email" and system in shared.systems:
            value = data.fields.get(shared.systems[system].name_of(object_))
            if isinstance(value, str):
                return value
    return None


def _refs(data: object) -> list[str]:
    match data:
        case RecordMerged():
            return [data.survivor, *data.losers]
        case RecordConverted():
            return [data.ref, *([data.became] if data.became else [])]
        case RecordChanged() | RecordDeleted() | ResponseRecorded():
            return [data.ref]
        case TouchRecorded() | WriteDone() | Command():
            return [data.ref] if data.ref else []
    return []


def unfit(envelope: Envelope) -> str | None:
    """Say which name in a message cannot be kept (too long, no character), by its field; None when all can."""
    data = envelope.data
    names = [(f"ref {i}", ref) for i, ref in enumerate(_refs(data))] + [("ce_id", envelope.id)]
    for field in (
        "activity_id",
        "system",
        "name",
        "truce_id",
        "parked_id",
        "by",
        "intent_id",
        "kind",
        "handoff",
        "who",
        "to",
        "code",
        "run",
        "channel",
    ):
        value = data.__dict__.get(field)
        if isinstance(value, str):
            names.append((field, value))
    for field, text in names:
        try:
            clean(text, MAX_REF)
        except Unfit as reason:
            return f"{field}: {reason}"
    return None


def _emails(data: object) -> list[str | None]:
    match data:
        case RecordChanged():
            spelled = [value for value in data.fields.values() if isinstance(value, str) and 3 < len(value) <= 320 and "@" in value]
            return [data.email, *spelled]
        case TouchRecorded():
            return [data.email]
    return []


def wanted(envelope: Envelope, secret: bytes) -> Wanted:
    """Say what must be looked up and locked before the message can be decided."""
    data = envelope.data
    if unfit(envelope) is not None:
        return Wanted()
    identities: set[Identity] = {("ref", ref) for ref in _refs(data)}
    identities |= {found for email in _emails(data) if (found := email_identity(secret, email)) is not None}
    named = getattr(data, "truce_id", None) if isinstance(data, RecordChanged) else getattr(data, "lead_id", None)
    lead = as_lead_id(named if isinstance(named, str) else None)
    touches = frozenset({(data.system, data.activity_id)}) if isinstance(data, TouchRecorded) else frozenset()
    once = envelope.id if isinstance(data, WriteDone | Command) else getattr(data, "intent_id", None)
    return Wanted(frozenset(identities), frozenset({lead} if lead else ()), touches, once)


def follow(facts: Facts, lead_id: str | None) -> Lead | None:
    """Give the lead with this id, or the one that it was joined into; None when it is not among the facts."""
    lead = facts.leads.get(lead_id) if lead_id else None
    for _ in range(64):
        if lead is None or lead.survivor is None:
            return lead
        lead = facts.leads.get(lead.survivor)
    return None


def by_ref(facts: Facts, ref: str) -> Lead | None:
    """Give the lead that a record belongs to."""
    return follow(facts, facts.identities.get(("ref", ref)))


def shows(lead: Lead, key: str, secret: bytes, playbook: Playbook) -> bool:
    """Say whether an address is the lead's now: what it should show, or what a record shows that will not be told another one."""
    if lead.erased or not lead.records:
        return key in lead.email_keys
    for name, held in lead.desired.items():
        shared = playbook.fields.get(name)
        if shared is not None and shared.kind == "email" and isinstance(held.value, str):
            plain = normal_email(held.value)
            if plain is not None and keyed(secret, plain) == key:
                return True
    told = {
        s for f in playbook.fields.values() if f.kind == "email" and lead.value(f.name) for s, m in f.systems.items() if not m.read_only
    }
    for record in lead.records.values():
        if record.email_key != key or record.gone in ("merged", "erased"):
            continue
        if record.gone is not None or not lead.in_scope or record.system not in told:
            return True
        rules = playbook.systems.get(record.system)
        primary = lead.primary(record.system, rules.primary if rules else ())
        if primary is not None and primary.ref != record.ref:
            return True
    return key in lead.email_keys and not any(record.email_key for record in lead.records.values())


def by_email(facts: Facts, email: str | None, playbook: Playbook) -> Lead | None:
    """Give the lead whose address this is now; an address that it showed once is free for another person."""
    identity = email_identity(facts.secret, email)
    lead = follow(facts, facts.identities.get(identity)) if identity else None
    return lead if lead is not None and identity is not None and shows(lead, identity[1], facts.secret, playbook) else None


def is_stub(lead: Lead) -> bool:
    """Say whether nothing is known of the lead but a ref or a touch: it has no person of its own yet."""
    return lead.scope_rule == UNSEEN and not lead.in_scope and not lead.erased and lead.undecided is None


def _folded(value: Scalar) -> str:
    text = unicodedata.normalize("NFKD", str(value or "")).casefold()
    return "".join(c for c in text if c.isalnum())


def names_conflict(lead: Lead, values: dict[str, Scalar]) -> bool:
    """Say whether two names that are both known are two names: first or last, accents, case and punctuation apart."""
    for name in ("first_name", "last_name"):
        ours, theirs = _folded(lead.value(name)), _folded(values.get(name))
        if ours and theirs and ours != theirs:
            return True
    return False


def why_not_join(lead: Lead, system: str, email: str, values: dict[str, Scalar], playbook: Playbook) -> str | None:
    """Say why a record without a lead may not join the lead that holds its e-mail by itself; None: it may."""
    if lead.erased:
        return None
    local = (normal_email(email) or "").partition("@")[0]
    if local in playbook.role_mailboxes:
        return f"{local}@ is a mailbox of many people"
    rules = playbook.systems.get(system)
    if lead.live(system) and not (rules is not None and rules.door):  # at a door somebody is whom their address says
        return f"the lead has a record in {system} already"
    if names_conflict(lead, values):
        return "the names differ"
    return None
