"""What a source saw of a record's fields: whose record it is, what is news, what follows."""

from __future__ import annotations

from schemas.base import Ref
from schemas.change import RecordChanged
from sync.lead.decision import Decision
from sync.lead.fates import ENDED, SURE_MS, still_held
from sync.lead.identity import (
    UNSEEN,
    address,
    as_lead_id,
    by_email,
    by_ref,
    email_identity,
    names_conflict,
    why_not_join,
)
from sync.lead.join import absorb, adopt
from sync.lead.settle import GONE, flip, scope_rule, settle
from sync.lead.sighting import Look, Value, read
from sync.lead.state import Known, Lead, Record, to_ms
from sync.lead.work import Work

ACTS = ("person", "form")


def _join(work: Work, holder: Lead, data: RecordChanged, values: list[Value], email: str) -> tuple[Lead, str | None]:
    """Give the lead for a record without one whose e-mail has a holder: the holder, or a lead of its own that a person must place."""
    system = Ref.parse(data.ref).system
    named = {one.shared.name: one.value for one in values}
    reason = why_not_join(holder, system, email, named, work.playbook)
    if reason is None:
        return work.take(holder), None
    lead = work.create(email, data.ref)
    lead.in_scope = False
    lead.undecided = work.duplicate(data.ref, [holder.id, lead.id], reason, lead)
    lead.scope_rule = f"a person must say whether it is somebody known: {reason}"
    return lead, reason


def _stranger(lead: Lead, ref: str, values: list[Value]) -> bool:
    """Say whether a record that a touch's e-mail alone brought here turns out to have another name."""
    record = lead.records.get(ref)
    unread = record is not None and record.email_key is not None and record.last_at == 0 and not record.fields
    return unread and len(lead.records) > 1 and names_conflict(lead, {one.shared.name: one.value for one in values})


def _asked_again(work: Work, lead: Lead, holder: Lead | None, data: RecordChanged, values: list[Value], email: str) -> Lead:
    """The question about an undecided lead falls away when its address is its own now, or nothing speaks against joining any more."""
    if holder is None or holder.id == lead.id:
        work.decided_upon(lead)
        return lead
    named = {name: lead.value(name) for name in ("first_name", "last_name")} | {one.shared.name: one.value for one in values}
    if why_not_join(holder, Ref.parse(data.ref).system, email, named, work.playbook) is not None:
        return lead
    home = work.take(holder)
    absorb(work, home, lead, "nothing speaks against it any more")
    return home


def _place(work: Work, data: RecordChanged, values: list[Value]) -> Lead | None:
    """Find the lead of a record, or begin one; None when it must be read first."""
    known = by_ref(work.facts, data.ref)
    email = address(data, work.playbook)
    holder = by_email(work.facts, email, work.playbook)
    claimed = work.find(as_lead_id(data.truce_id))
    if known is not None:
        lead = work.take(known)
        if email is not None and _stranger(lead, data.ref, values):
            del lead.records[data.ref]
            return _join(work, lead, data, values, email)[0]
        if lead.undecided is not None and email is not None:
            return _asked_again(work, lead, holder, data, values, email)
        sure = claimed is not None and claimed.id != lead.id
        named = {one.shared.name: one.value for one in values}
        return adopt(work, lead, claimed if sure else holder, data.ref, email or data.truce_id, named, sure=sure)
    if claimed is not None:
        return claimed
    if holder is not None and email is not None:
        return _join(work, holder, data, values, email)[0]
    identity = email_identity(work.facts.secret, email)
    if identity is None and not data.complete:
        work.out.read_orders.add(data.ref)
        return None
    lead = work.create(email, data.ref)
    if identity is not None:
        work.out.identities[identity] = lead.id
        lead.email_keys.append(identity[1])
    return lead


def _address(work: Work, lead: Lead, record: Record, data: RecordChanged) -> None:
    """Keep which address the record shows; one that another lead holds is a question for a person."""
    email = address(data, work.playbook)
    identity = email_identity(work.facts.secret, email)
    at = work.clamp(data.at, data.received_at)
    if identity is None or record.email_key == identity[1] or (record.email_key is not None and at < record.last_at):
        return
    record.email_key = identity[1]
    work.touch(lead)
    holder = by_email(work.facts, email, work.playbook)
    if holder is not None and holder.id != lead.id:
        if lead.undecided is None:
            work.duplicate(record.ref, [holder.id, lead.id], "two leads show one e-mail", lead)
        return
    work.out.identities[identity] = lead.id
    lead.email_keys = [identity[1], *(key for key in lead.email_keys if key != identity[1])][:8]


def _fresh_person(work: Work, lead: Lead, data: RecordChanged) -> Lead | None:
    """Give a new lead for a person who was erased and acts again; None when this is no such act."""
    erased = max((r.last_at for r in lead.records.values() if r.gone == "erased"), default=lead.now)
    if data.bulk or data.origin not in ACTS or work.clamp(data.at, data.received_at) <= erased or data.ref in lead.records:
        return None
    email = address(data, work.playbook)
    fresh = work.create(email, data.ref)
    identity = email_identity(work.facts.secret, email)
    if identity is not None:
        work.out.identities[identity] = fresh.id
        fresh.email_keys.append(identity[1])
    return fresh


def _comes_in(work: Work, lead: Lead, record: Record, data: RecordChanged, values: list[Value], *, moved: bool) -> bool | None:
    """For a lead outside the scope: True when this message brings it in, None when a read must tell, False when it stays outside."""
    rules = work.playbook.scope
    fresh = moved or lead.playbook_version != work.playbook.version
    if not fresh:
        return False
    if data.complete:
        named = {one.shared.name: one.value for one in values}
        return scope_rule(lead, named, work) is None
    return None if any(one.shared.name in rules.names for one in values) else False


def _revived(work: Work, record: Record, at: int, read_at: int | None) -> bool:
    """A deleted record that changed later is there again.

    So is one whose last change is its deletion, of the same moment, that a consistent read shows well after it: it was restored in that moment.
    """
    if record.gone != "deleted" or at < record.last_at:
        return False
    if at == record.last_at and (read_at or 0) <= at + SURE_MS:
        if (read_at or 0) > at:  # it may have been sent before the deletion: another one will tell
            work.out.read_orders.add(record.ref)
        return False
    record.gone, record.for_good = None, False
    return True


def _stands(work: Work, lead: Lead, data: RecordChanged) -> None:
    """Of somebody who was erased a record is there that was not known, or is there again: that is all that is kept of it."""
    at, known = work.clamp(data.at, data.received_at), data.ref in lead.records
    record = work.record(lead, data.ref)
    if known and not _revived(work, record, at, to_ms(data.read_at) if data.read_at is not None and data.complete else None):
        return
    record.last_at = max(at, record.last_at)
    work.touch(lead)
    still_held(work, lead)


def changed(work: Work, data: RecordChanged) -> Decision:
    """Decide a record's fields as a source saw them."""
    ref = Ref.parse(data.ref)
    if ref.system not in work.playbook.systems:
        return work.end("parked", f"ref: the playbook has no system {ref.system}")
    values, unfit = read(work, data, ref.system)
    work.bulk = data.bulk or data.origin == "import"
    work.hot = not work.bulk and data.origin in (*ACTS, "unknown")
    known = by_ref(work.facts, data.ref)
    lead = _place(work, data, values)
    if lead is None:
        return work.end("noop", "nothing is known of this record yet: it will be read")
    if lead.erased:
        fresh = _fresh_person(work, lead, data)
        if fresh is None:
            _stands(work, lead, data)
            return work.end("filtered", "erased: nothing of this person is kept or made again")
        lead = fresh
    for name, value, reason in unfit:
        work.park_field(name, value, reason, data.ref, lead)
    freed = known is not None and known.undecided is not None and lead.undecided is None
    decision = _look(work, lead, data, values, freed=freed)
    if unfit and decision.outcome == "noop" and not values:
        decision.outcome, decision.reason = "parked", "; ".join(f"{name}: {reason}" for name, _, reason in unfit)[:500]
    return decision


def _known_by(work: Work, lead: Lead, data: RecordChanged) -> Known:
    """Say by what a record that was not seen before is this person's."""
    for other in lead.records.values():
        if other.became == data.ref and other.gone in ("merged", "converted"):
            return "merged" if other.gone == "merged" else "converted"
    claimed = work.find(as_lead_id(data.truce_id))
    return "truce_id" if claimed is not None and claimed.id == lead.id else "email"


def _look(work: Work, lead: Lead, data: RecordChanged, values: list[Value], *, freed: bool) -> Decision:
    """Take in what the record shows, and settle what follows."""
    new = data.ref not in lead.records
    record = work.record(lead, data.ref, _known_by(work, lead, data))
    at = work.clamp(data.at, data.received_at)
    moved = new or at > record.last_at
    read_at = to_ms(data.read_at) if data.read_at is not None and data.complete else None
    revived = _revived(work, record, at, read_at) or freed
    _address(work, lead, record, data)
    if data.truce_id == lead.id and not record.has_truce_id:
        record.has_truce_id = True
        work.touch(lead)
    outside = not lead.in_scope and lead.undecided is None and lead.scope_rule not in (UNSEEN, GONE, "")
    comes = _comes_in(work, lead, record, data, values, moved=moved) if outside else True
    if comes is None:
        work.out.read_orders.add(data.ref)
    ended = record.gone in ENDED
    look = Look(work, lead, record, data, consent_only=ended or comes is not True)
    for value in values:
        look.take(value)
    outs = {
        shared.name for shared in work.index.consents if (said := lead.claims.get(shared.name, {}).get(record.ref)) and said.value is True
    }
    work.withdrew = bool(look.news) and outs.issuperset(look.news)
    told_whole = data.complete or (data.created and data.email is not None)  # of a new record everything is told: the rest is blank
    if told_whole and comes is True:
        look.stirred |= record.partial
        record.partial = False
    if moved and comes is not None:  # else the read that was ordered must still find that the record moved
        record.last_at = max(at, record.last_at)
        work.touch(lead)
    return _conclude(work, lead, record, look, outside=outside and comes is not True, new=new, revived=revived)


def _same_mailbox(work: Work, lead: Lead, record: Record, look: Look) -> bool:
    """An opt-out concerns the address: it holds for the other lead that is known by it too, while a person is asked who is who."""
    outs = {
        shared.name: claim
        for shared in work.index.consents
        if (claim := lead.claims.get(shared.name, {}).get(record.ref)) is not None and claim.value is True
    }
    email = address(look.data, work.playbook) if outs else None
    if lead.undecided is not None and email is None and outs.keys() & set(look.news):
        work.out.read_orders.add(record.ref)  # the read says whose address it is
    holder = by_email(work.facts, email, work.playbook)
    if holder is None or holder.id == lead.id or holder.erased:
        return False
    other, crossed = work.take(holder), False
    for name, claim in outs.items():
        if other.claims.get(name, {}).get(record.ref) != claim:
            other.claims.setdefault(name, {})[record.ref] = claim
            settle(work, other, [], at=claim.at, source=record.system)
            crossed = True
    return crossed


def _bad_address(work: Work, lead: Lead, look: Look) -> None:
    """An e-mail that is none is kept as text, told, and is no identity."""
    for name in look.news:
        shared, seen = work.playbook.fields[name], look.record.fields.get(name)
        if shared.kind == "email" and seen is not None and seen.value is not None and email_identity(b"", str(seen.value)) is None:
            work.line(lead, "noted", field=name, reason=f"{name}: is no e-mail address; kept as text, no identity")


def _conclude(work: Work, lead: Lead, record: Record, look: Look, *, outside: bool, new: bool, revived: bool) -> Decision:
    """Say what became of the message."""
    if _same_mailbox(work, lead, record, look):
        look.stirred = True
    if look.stirred or new or revived:
        work.touch(lead)
    if not (look.stirred or new or revived or look.news):
        told = "stale: " if "stale" in look.results.values() else ""
        ended = f"the record is gone ({record.gone})" if record.gone else "nothing new"
        return work.end("filtered", lead.scope_rule) if outside else work.end("noop", told + ended)
    _bad_address(work, lead, look)
    at = max((seen.at for name in look.news if (seen := record.fields.get(name)) is not None), default=look.at)
    wanted = {name: lead.desired.get(name) for name in look.left}
    moved = settle(work, lead, look.news, at=at, source=record.system, force=revived)
    for name, before in wanted.items():
        if before is not None and (held := lead.desired.get(name)) is not None and held.value == before.value:
            flip(work, lead, name)
    consents = [m for m in moved if (shared := work.playbook.fields.get(m.field)) is not None and shared.consent is not None]
    if not lead.in_scope and lead.undecided is None and lead.scope_rule not in (GONE,) and not consents:
        return work.end("filtered", lead.scope_rule)
    if moved or look.news or new or revived or len(work.changed) > 1:
        return work.end("applied")
    if "echo" in look.results.values():
        return work.end("noop", "echo: our own write coming back")
    return work.end("noop", "stale: older than what is known" if "stale" in look.results.values() else "nothing new")
