"""A record of an account or opportunity changed, was merged, deleted or restored: entered into the ledger, and nobody's lead.

An opportunity moves the stage of the people in it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from schemas.base import Ref, Scalar
from schemas.change import RecordChanged, RecordDeleted, RecordMerged
from schemas.keys import keyed, normal_email
from sync.lead.copies import due
from sync.lead.decision import Decision, Identity
from sync.lead.ledger import Entry, Kind, Shown, blank, outcome_of
from sync.lead.settle import settle
from sync.lead.sighting import Value, read
from sync.lead.work import Work

Entered = RecordChanged | RecordMerged | RecordDeleted


def kind_of(work: Work, data: object) -> Kind | None:
    """Say whether a message is about an account or opportunity, by its record's object; None: about a person, or no record at all."""
    about = work.index.about
    if not about or not isinstance(data, Entered):
        return None
    system, object_, *_ = (data.survivor if isinstance(data, RecordMerged) else data.ref).split(":", 2)
    return about.get((system, object_))


def entered(work: Work, data: object, kind: Kind) -> Decision:
    """Decide a message about an account or opportunity. It counts when leads next change; the people in an opportunity are judged at once."""
    match data:
        case RecordChanged():
            return _changed(work, data, kind)
        case RecordMerged():
            return _merged(work, data, kind)
        case RecordDeleted():
            return _deleted(work, data, kind)
    raise TypeError(f"{type(data).__name__} is entered nowhere")


def _held(work: Work, kind: Kind, ref: str) -> Entry:
    return work.facts.ledger.entries.get(ref) or blank(kind, ref)


def _put(work: Work, before: Entry, after: Entry) -> bool:
    """Keep an entry that is another than before."""
    if after.kind == "opportunity":
        after = replace(after, outcome=outcome_of(after, work.playbook))
    if after == before and after.acts == before.acts:
        return False
    _enter(work, before, after)
    return True


def _enter(work: Work, before: Entry, after: Entry) -> None:
    work.out.entries.append(after)
    work.out.copies |= due(before, after, work.playbook)


def _changed(work: Work, data: RecordChanged, kind: Kind) -> Decision:
    system = Ref.parse(data.ref).system
    values, unfit = read(work, data, system, work.index.entered[system, kind])
    for name, value, reason in unfit:
        work.park_field(name, value, reason, data.ref, None)
    at = work.clamp(data.at, data.received_at)
    shown: dict[str, Shown] = {}
    for one in values:
        own = data.times.get(one.mapped.name)
        shown[one.shared.name] = Shown(_pointing(work, one, system, kind), at if own is None else work.clamp(own, data.received_at))
    work.bulk = data.bulk or data.origin == "import"
    work.hot = not work.bulk and data.origin in ("person", "form", "unknown")
    before = _held(work, kind, data.ref)
    if data.intent_id is not None:
        work.out.settled_intents.append(data.intent_id)
        _enter(work, before, before.told(shown, at))
        return work.end("applied")
    after = before.show(shown, at)
    if _put(work, before, after):
        _tell_people(work, before, after, at)
        return work.end("applied")
    if unfit and not values:
        return work.end("parked", "; ".join(f"{name}: {reason}" for name, _, reason in unfit)[:500])
    return work.end("filtered", "erased: nothing of it is kept") if before.gone == "erased" else work.end("noop", "nothing new")


def _pointing(work: Work, one: Value, system: str, kind: Kind) -> Scalar:
    """Give a value; what names other records does so by their refs, whatever the vendor writes."""
    if kind == "account" or one.value is None or one.shared.name not in ("account", "people"):
        return one.value
    if one.shared.name == "account":
        return _ref(str(one.value), system, work.playbook.systems[system].account)
    return " ".join(sorted({known for word in re.split(r"[,;\s]+", str(one.value)) if word for known in _person(work, word, system)}))


def _ref(text: str, system: str, object_: str) -> str:
    try:
        return str(Ref.parse(text))
    except ValueError:
        return f"{system}:{object_}:{text}"


def _person(work: Work, word: str, system: str) -> list[str]:
    """Give how a person in an opportunity may be known: an e-mail by its key, an id as a record of any of the system's people's objects."""
    plain = normal_email(word)
    if plain is not None:
        return [f"email:{keyed(work.facts.secret, plain)}"]
    rules = work.playbook.systems[system]
    people = {name for name in (*rules.people, *rules.objects) if (system, name) not in work.index.about}
    return sorted({_ref(word, system, name) for name in people})


def _merged(work: Work, data: RecordMerged, kind: Kind) -> Decision:
    at, fresh = work.clamp(data.at, data.received_at), False
    for ref in data.losers:
        if ref != data.survivor:
            before = _held(work, kind, ref)
            fresh |= _put(work, before, before.end("merged", at, data.survivor))
    return work.end("applied") if fresh else work.end("noop", "this merge is known")


def _deleted(work: Work, data: RecordDeleted, kind: Kind) -> Decision:
    at, before = work.clamp(data.at, data.received_at), _held(work, kind, data.ref)
    after = before.restore(at) if data.how == "restored" else before.end(data.how, at)
    if not _put(work, before, after):
        return work.end("noop", "stale: older than what is known")
    _tell_people(work, before, after, at)
    return work.end("applied")


def _tell_people(work: Work, before: Entry, after: Entry, at: int) -> None:
    """An opportunity moves the stage of the people who are in it, and of those who were; nobody else is judged again."""
    if before.kind == "account" or _tells(before) == _tells(after):
        return
    named = sorted({*before.people, *after.people})
    work.out.concerns |= {_identity(one) for one in named}
    ledger = work.facts.ledger.copy()
    ledger.put(after)
    work.facts = replace(work.facts, ledger=ledger)
    known = {found for one in named if (found := work.facts.identities.get(_identity(one))) is not None}
    for ident in sorted(known):
        lead = work.find(ident)
        if lead is not None:
            settle(work, lead, [], at=at, source=Ref.parse(after.ref).system)


def _tells(one: Entry) -> tuple[object, ...]:
    """Give what people's records show of an opportunity, or follows from it."""
    return (one.there, one.people, *(one.value(name) for name in ("stage", "amount", "currency", "close_date")))


def _identity(person: str) -> Identity:
    return ("email", person.removeprefix("email:")) if person.startswith("email:") else ("ref", person)
