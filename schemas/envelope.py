"""CloudEvents 1.0 in binary mode on Kafka: attributes in `ce_` headers, the data as JSON in the value."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas import strict
from schemas.base import Message
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.clock import ClockDue
from schemas.command import Command
from schemas.event import GoalEvent, LeadEvent
from schemas.notice import NoticeSent
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded
from schemas.write import WriteDone

TYPES: dict[str, type[Message]] = {
    "truce.record.changed": RecordChanged,
    "truce.record.merged": RecordMerged,
    "truce.record.converted": RecordConverted,
    "truce.record.deleted": RecordDeleted,
    "truce.touch.recorded": TouchRecorded,
    "truce.write.done": WriteDone,
    "truce.response.recorded": ResponseRecorded,
    "truce.notice.sent": NoticeSent,
    "truce.clock.due": ClockDue,
    "truce.command.replay": Command,
    "truce.command.link": Command,
    "truce.command.separate": Command,
    "truce.command.rejudge": Command,
    "truce.command.resync": Command,
    "truce.command.accept": Command,
    "truce.command.reject": Command,
    "truce.command.reassign": Command,
    "truce.command.note": Command,
    "truce.command.hold_clock": Command,
    "truce.command.run_clock": Command,
    "truce.command.snooze": Command,
}
"""Every type that may stand on `changes`, and the model that reads it."""

EVENT_TYPES: dict[str, type[Message]] = {
    "truce.lead.created": LeadEvent,
    "truce.lead.stage_changed": LeadEvent,
    "truce.lead.owner_changed": LeadEvent,
    "truce.handoff.offered": LeadEvent,
    "truce.handoff.accepted": LeadEvent,
    "truce.handoff.rejected": LeadEvent,
    "truce.handoff.expired": LeadEvent,
    "truce.handoff.reassigned": LeadEvent,
    "truce.handoff.worked": LeadEvent,
    "truce.handoff.warned": LeadEvent,
    "truce.handoff.breached": LeadEvent,
    "truce.handoff.paused": LeadEvent,
    "truce.handoff.resumed": LeadEvent,
    "truce.handoff.closed": LeadEvent,
    "truce.problem.opened": LeadEvent,
    "truce.goal.reached": GoalEvent,
    "truce.goal.lost": GoalEvent,
    "truce.goal.missed": GoalEvent,
}
"""Every type that may stand on `events`."""

NAMESPACE = uuid.UUID("6f1f0d3e-6a54-5c0b-9a55-7275636500aa")
MAX_BYTES = strict.MAX_BYTES
MAX_ATTRIBUTE = 512
Headers = Sequence[tuple[str, bytes]]


class Unreadable(ValueError):
    """A message that cannot be read; the text says which attribute or field, and what was wrong, without its value."""


class Envelope(NamedTuple):
    """One message with its CloudEvents attributes; `data` is the model of its type."""

    id: str
    type: str
    source: str
    time: datetime
    data: Message


def derived_id(*parts: object) -> str:
    """Give the same UUIDv5 for the same parts: outputs get ids from (input id, kind, target, ordinal)."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(map(str, parts))))


def new(type_: str, data: Message, *, source: str, ident: str, time: datetime) -> Envelope:
    """Wrap `data` as a message of `type_`; raises KeyError for a type that does not exist."""
    if type_ not in EVENT_TYPES:
        TYPES[type_]
    return Envelope(ident, type_, source, time, data)


def write(envelope: Envelope) -> tuple[bytes, list[tuple[str, bytes]]]:
    """Give (value, headers) as they go to Kafka."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", envelope.id.encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_time", envelope.time.astimezone(UTC).isoformat().encode()),
        ("content-type", b"application/json"),
    ]
    return envelope.data.model_dump_json(exclude_defaults=True).encode(), headers


def _attributes(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name.startswith("ce_") and value is not None:  # Kafka lets a header be null
            try:
                found[name[3:]] = value.decode()
            except UnicodeDecodeError:
                raise Unreadable(f"header {strict.named((name,))} is not UTF-8") from None
    return found


def _needed(attributes: Mapping[str, str]) -> None:
    for name in ("id", "type", "source", "time"):
        text = attributes.get(name)
        if not text:
            raise Unreadable(f"header ce_{name} is missing")
        if len(text) > MAX_ATTRIBUTE or not text.isprintable():
            raise Unreadable(f"header ce_{name} is longer than {MAX_ATTRIBUTE} characters, or has some that are no text")


def _reason(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = first["loc"]
    if "fields" in place and place[-1] in ("str", "int", "float", "bool"):
        return f"{strict.named(place[:-1])}: neither text, number, flag nor blank"
    # a validator of ours may quote the value in its words; pydantic's own never do
    words = "not written as it should be" if first["type"] in ("value_error", "assertion_error") else first["msg"]
    return f"{strict.named(place)}: {words}"


def _moment(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable("header ce_time is no time between the years 1 and 9999") from None
    raise Unreadable("header ce_time has no zone")


def read(value: bytes | None, headers: Headers) -> Envelope:
    """Read a message of `changes`; raises Unreadable with the attribute or field that is wrong, never with its value."""
    attributes = _attributes(headers or ())
    version = attributes.get("specversion", "missing")
    if version != "1.0":
        raise Unreadable(f"header ce_specversion is {version[:20]!r}, needs '1.0'")
    _needed(attributes)
    model = TYPES.get(attributes["type"])
    if model is None:
        raise Unreadable(f"header ce_type {attributes['type'][:80]!r} is unknown to this version")
    time = _moment(attributes["time"])
    if value is None:
        raise Unreadable("the value is missing")
    try:
        data = model.model_validate(strict.parse(value))
    except ValidationError as error:
        raise Unreadable(_reason(error)) from None
    except strict.Unfit as error:
        raise Unreadable(str(error)) from None
    except OverflowError:
        raise Unreadable("a time outside the years 1 to 9999") from None
    return Envelope(attributes["id"], attributes["type"], attributes["source"], time, data)
