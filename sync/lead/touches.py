"""What a person did: scored once, and what they said about being contacted."""

from __future__ import annotations

from schemas.base import Ref
from schemas.touch import TouchRecorded
from sync.lead import consent
from sync.lead.decision import Decision
from sync.lead.identity import UNSEEN, by_email, by_ref, email_identity, is_stub, why_not_join
from sync.lead.join import adopt
from sync.lead.settle import GONE, settle
from sync.lead.state import Lead, TouchNote, to_ms
from sync.lead.work import Work

KEPT = 200
"""So many touches stand in the lead for scoring, the newest; all stand in the table."""


def _erased_before(lead: Lead, at: int) -> bool:
    return at > max((record.last_at for record in lead.records.values() if record.gone == "erased"), default=lead.created_at)


def _place(work: Work, data: TouchRecorded, at: int) -> Lead | None:
    """Find whose act it was, or begin a lead of which nothing else is known yet; None when the message does not say at all."""
    known = by_ref(work.facts, data.ref) if data.ref else None
    holder = by_email(work.facts, data.email, work.playbook)
    if known is not None and data.ref and is_stub(known):
        known = adopt(work, work.take(known), holder, data.ref, data.email, {})
    lead = known or holder
    identity = email_identity(work.facts.secret, data.email)
    if lead is not None and not (lead.erased and not data.bulk and _erased_before(lead, at)):
        held = work.take(lead)
        if identity is not None and is_stub(held) and identity[1] not in held.email_keys and data.ref in held.records:
            held.email_keys.append(identity[1])
            held.records[data.ref].email_key = identity[1]
            work.out.identities[identity] = held.id
        _comes_along(work, held, data)
        return held
    if identity is None and not data.ref:
        return None
    fresh = work.create(data.email, data.ref or f"{data.system}:touch:{data.activity_id}", UNSEEN)
    fresh.in_scope = False
    if identity is not None:
        fresh.email_keys.append(identity[1])
        work.out.identities[identity] = fresh.id
    if data.ref and (lead is None or data.ref not in lead.records):
        work.record(fresh, data.ref).email_key = identity[1] if identity else None
        work.out.read_orders.add(data.ref)
    return fresh


def _comes_along(work: Work, lead: Lead, data: TouchRecorded) -> None:
    """A record that only this touch names joins by the touch's e-mail, as it would by its own; it is read in any case."""
    identity = email_identity(work.facts.secret, data.email)
    if not data.ref or ("ref", data.ref) in work.facts.identities or lead.erased or identity is None:
        return
    work.out.read_orders.add(data.ref)
    if why_not_join(lead, Ref.parse(data.ref).system, str(data.email), {}, work.playbook) is None:
        work.record(lead, data.ref, "touch").email_key = identity[1]


def _after_ms(data: TouchRecorded) -> int | None:
    """Give how long after its message's delivery it came; None where nothing says so."""
    if data.machine:
        return 0
    return None if data.delivered_at is None else max(0, to_ms(data.at) - to_ms(data.delivered_at))


def recorded(work: Work, data: TouchRecorded) -> Decision:
    """Decide one touch."""
    if (data.system, data.activity_id) in work.facts.touches:
        return work.end("noop", "this touch was counted before")
    work.bulk, work.hot, work.withdrew = data.bulk, not data.bulk, False in data.consent.values()
    at = work.clamp(data.at, data.received_at)
    lead = _place(work, data, at)
    if lead is None:
        return work.end("parked", "email: is no e-mail address, and ref is missing: nobody did this")
    said = consent.say(lead, data.consent, at, f"{data.system} {data.kind} {data.activity_id}") if data.consent else False
    outside = not lead.in_scope and lead.undecided is None and lead.scope_rule not in (UNSEEN, GONE)
    if outside or lead.erased:
        if said:
            settle(work, lead, [], at=at, source=data.system)
            return work.end("applied", "consent crosses the scope")
        return work.end("filtered", lead.scope_rule)
    act = TouchNote(data.system, data.activity_id, data.kind, data.name, at, _after_ms(data))
    lead.touches = sorted([*lead.touches, act], key=lambda t: (t.at, t.id))[-KEPT:]
    work.out.touches.append((data.system, data.activity_id, lead.id, data.kind, data.name, at))
    work.line(lead, "touch", system=data.system, what=data.kind, name=data.name, touched_at=at)
    settle(work, lead, [], at=at, source=data.system, force=True, act=act)
    return work.end("applied")
