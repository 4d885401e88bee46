"""What became of our own write: what the vendor holds now, what it refused, what must be read."""

from __future__ import annotations

from dataclasses import replace

from connectors.dialect import scrub
from schemas.base import Ref, Scalar
from schemas.keys import keyed, normal_email
from schemas.write import FieldRefused, WriteDone
from sync.lead.canonical import Unfit, canonical
from sync.lead.decision import Decision, ParkedNote
from sync.lead.fates import still_held
from sync.lead.identity import as_lead_id, by_ref, is_stub
from sync.lead.join import absorb
from sync.lead.observe import written
from sync.lead.queues import with_queues
from sync.lead.seen import TRUCE_ID
from sync.lead.settle import settle, unblock
from sync.lead.state import Lead, Record, Refused, to_ms
from sync.lead.work import Work
from sync.playbook.models import SharedField


def _name(data: WriteDone, shared: SharedField) -> str:
    """Give how the record that was written calls a field."""
    return shared.systems[data.system].name_of(Ref.parse(data.ref).object if data.ref else "")


def _value(work: Work, lead: Lead, data: WriteDone, shared: SharedField) -> Scalar:
    """Give the canonical value that the record holds because of us; raises Unfit when it is none."""
    spelled, name = shared.systems[data.system], _name(data, shared)
    held = lead.desired.get(shared.name)
    raw = data.fields.get(name)
    for intent in work.facts.intents.get((lead.id, data.system), ()):
        told = intent.fields.get(shared.name) if intent.id == data.intent_id else None
        if told is not None and (name not in data.fields or raw in (told.get("sent"), told.get("value"))):
            return told.get("value")
    same = held is not None and data.versions.get(shared.name) == held.version
    if held is not None and same and (name not in data.fields or spelled.to_vendor.get(str(held.value)) == raw):
        return held.value
    users = with_queues(work.facts.users.get(data.system), data.system, work.playbook)
    return canonical(shared, raw, spelled=spelled, country=work.playbook.systems[data.system].country, users=users)


def _refuse(work: Work, lead: Lead, record: Record | None, data: WriteDone, name: str, refused: FieldRefused, place: int) -> None:
    """Park one refused field with the vendor's words, but none that are the person's own; the others go on."""
    refused = refused.model_copy(update={"words": scrub(refused.words, _personal(work, lead, record))})
    ident = data.parked_id if data.parked_id and place == 0 else work.ident("parked", f"{data.ref or data.system}:{name}", place)
    value = _tried(work, lead, data, name, refused)
    note = Refused(value, refused.code, refused.words, ident, work.now)
    if record is not None:
        record.refused[name] = note
    else:
        first = lead.blocked[data.system] if place else note
        lead.blocked[data.system] = replace(first, beside=(*first.beside, ident)) if place else first
    field = name or refused.field
    work.out.parked.append(
        ParkedNote(ident, "write", refused.words or refused.code, refused.code, data.system, data.ref, lead.id, field, value)
    )
    text = f"{data.system} refuses {field or 'the record'}: {refused.words or refused.code}"
    if record is not None or place == 0:  # of a record that was to be made one problem, whatever was wrong with it: `unblock` closes it
        key = f"{data.system}:{field if record is not None else ''}:{refused.code}"
        work.problem("write_refused", key, text, lead, system=data.system, field=field, ref=data.ref)
    work.line(lead, "parked", system=data.system, field=field, code=refused.code, words=refused.words, parked_id=ident)


def _personal(work: Work, lead: Lead, record: Record | None) -> list[Scalar]:
    """Give what is known of the person in fields that are personal: a vendor may quote them though nobody sent them."""
    names = [name for name, shared in work.playbook.fields.items() if shared.personal]
    shown = [record.fields[name].value for name in names if record is not None and name in record.fields]
    return [*shown, *(lead.value(name) for name in names)]


def _tried(work: Work, lead: Lead, data: WriteDone, name: str, refused: FieldRefused) -> Scalar:
    """Give the value that was refused: what the intent said; a newer desired value is another one, and is tried."""
    for intent in work.facts.intents.get((lead.id, data.system), ()):
        if intent.id == data.intent_id and name in intent.fields:
            return intent.fields[name].get("value")
    held = lead.desired.get(name)
    return held.value if held is not None else refused.value


def _shared(work: Work, data: WriteDone, vendor_name: str) -> str:
    for name, shared in work.playbook.fields.items():
        spelled = shared.systems.get(data.system)
        if spelled is not None and vendor_name in spelled.names:
            return name
    return ""


def _told(work: Work, lead: Lead, data: WriteDone, vendor_name: str) -> str:
    """Give what the write calls a field that the playbook does not have: the Truce id, which is refused as any other may be."""
    sent = (intent.fields for intent in work.facts.intents.get((lead.id, data.system), ()) if intent.id == data.intent_id)
    return next((name for fields in sent for name, one in fields.items() if one.get("name") == vendor_name), "")


def _refusals(work: Work, lead: Lead, record: Record | None, data: WriteDone) -> None:
    refused = data.refused or ((FieldRefused(field="", code="rejected"),) if data.outcome == "rejected" else ())
    place = 0
    for one in refused:
        name = _shared(work, data, one.field) or _told(work, lead, data, one.field)
        every = [name] if name or record is None else (sorted(data.versions) or _open(lead, record))
        for each in every or [name]:
            _refuse(work, lead, record, data, each, one, place)
            place += 1


def _open(lead: Lead, record: Record) -> list[str]:
    """Give the fields in which the record still shows something else than it should: one of them was refused."""
    return [name for name, held in lead.desired.items() if name in record.fields and record.fields[name].value != held.value]


def _settled(work: Work, record: Record, name: str, system: str) -> None:
    """A field that was refused is taken now."""
    refused = record.refused.pop(name, None)
    if refused is not None:
        work.out.released += refused.parked
        work.problem("write_refused", f"{system}:{name}:{refused.code}", "taken now", None, opened=False, system=system, field=name)


def _holds(work: Work, lead: Lead, record: Record, data: WriteDone) -> None:
    """Take in every field that the vendor holds because of us."""
    done = to_ms(data.done_at)
    answered = to_ms(data.answered_at) if data.answered_at else 0
    refused = {one.field for one in data.refused}
    shown: dict[str, Scalar] = {}
    for name, shared in work.playbook.fields.items():
        theirs = _name(data, shared) if data.system in shared.systems else ""
        if not theirs or theirs in refused or (theirs not in data.fields and name not in data.versions):
            continue
        try:
            value = _value(work, lead, data, shared)
        except Unfit as reason:
            work.park_field(theirs, data.fields.get(theirs), str(reason), record.ref, lead)
            continue
        held = lead.desired.get(name)
        current = held is not None and data.versions.get(name) == held.version
        at = to_ms(data.times[name]) if name in data.times else held.at if held is not None and current else to_ms(data.sent_at)
        written(record, name, value, at, done, answered)
        shown[name] = value
        _settled(work, record, name, data.system)
        if held is not None and current and value != held.value:
            words = "took the write and keeps another value"
            _refuse(work, lead, record, data, name, FieldRefused(field=theirs, value=held.value, code="altered", words=words), 1)
        if shared.kind == "email" and (plain := normal_email(str(value))) is not None:
            record.email_key = keyed(work.facts.secret, plain)
    if shown:
        work.line(lead, "written", system=data.system, ref=record.ref, outcome=data.outcome, fields=shown)


def _home(work: Work, lead: Lead, data: WriteDone, ref: str) -> Record | None:
    """Give the lead's record of a result; None when the record is another lead's, which only a person may settle."""
    other = by_ref(work.facts, ref)
    if other is not None and other.id != lead.id:
        if not is_stub(other):
            work.duplicate(
                ref, [lead.id, other.id], f"{data.system} says that this record is the person's; it belongs to another lead", lead
            )
            return None
        absorb(work, lead, work.take(other), f"{data.system} says that its record is theirs", source=data.system)
    return work.record(lead, ref, "created" if data.outcome == "created" else "linked")


def done(work: Work, data: WriteDone) -> Decision:
    """Take in the outcome of one intent; its doorbell rings again only when something is still to be told."""
    lead = work.find(as_lead_id(data.lead_id))
    work.out.settled_intents.append(data.intent_id)
    if lead is None:
        return work.end("parked", "lead_id: no such lead")
    work.touch(lead)
    work.hot = True
    if data.system not in work.playbook.systems:
        return work.end("noop", f"the playbook has no system {data.system} any more")
    if data.ref is not None and Ref.parse(data.ref).system != data.system:
        return work.end("parked", "ref: is of another system than the result")
    record = lead.records.get(data.ref) if data.ref else None
    match data.outcome:
        case "written" | "created" | "linked":
            record = _home(work, lead, data, data.ref) if data.ref else record
            if record is None:
                return work.end("applied", "a duplicate for a person" if data.ref else "")
            record.last_at = max(record.last_at, to_ms(data.done_at)) if data.outcome == "created" else record.last_at
            record.has_truce_id = record.has_truce_id or data.truce_id
            if record.has_truce_id:
                _settled(work, record, TRUCE_ID, data.system)
            unblock(work, lead, data.system)
            if not lead.erased:
                _holds(work, lead, record, data)
            if data.outcome == "linked" or (record.partial and data.outcome == "created"):
                work.out.read_orders.add(record.ref)
        case "gone":
            if record is not None and record.gone is None:
                record.gone, record.last_at = "deleted", max(record.last_at, to_ms(data.done_at))
                still_held(work, lead)
                work.line(lead, "deleted", ref=record.ref)
        case "unknown":
            if data.ref is not None:
                work.out.read_orders.add(data.ref)
        case _:
            pass
    if not lead.erased:
        _refusals(work, lead, record, data)
        _after(work, lead, data)
    return work.end("applied")


def _after(work: Work, lead: Lead, data: WriteDone) -> None:
    """Ring again for what is still to be told; what was refused or is not known yet waits for something to happen."""
    settle(work, lead, [], judge=False, force=data.outcome == "gone")
    if data.outcome == "unknown" or (data.outcome == "rejected" and data.ref is None):
        work.out.dirty = {one for one in work.out.dirty if one[:2] != (lead.id, data.system)}
