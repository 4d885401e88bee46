"""CloudEvents 1.0 in binary mode on Kafka: attributes in `ce_` headers, the data as JSON in the value."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import from_json

from schemas.base import Message
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.command import Command
from schemas.event import LeadEvent
from schemas.touch import TouchRecorded
from schemas.write import WriteDone

TYPES: dict[str, type[Message]] = {
    "truce.record.changed": RecordChanged,
    "truce.record.merged": RecordMerged,
    "truce.record.converted": RecordConverted,
    "truce.record.deleted": RecordDeleted,
    "truce.touch.recorded": TouchRecorded,
    "truce.write.done": WriteDone,
    "truce.command.replay": Command,
    "truce.command.link": Command,
    "truce.command.separate": Command,
    "truce.command.rejudge": Command,
    "truce.command.resync": Command,
}
"""Every type that may stand on `changes`, and the model that reads it."""

EVENT_TYPES: dict[str, type[Message]] = {
    "truce.lead.created": LeadEvent,
    "truce.lead.stage_changed": LeadEvent,
    "truce.lead.owner_changed": LeadEvent,
    "truce.handoff.offered": LeadEvent,
    "truce.problem.opened": LeadEvent,
}
"""Every type that may stand on `events`."""

NAMESPACE = uuid.UUID("6f1f0d3e-6a54-5c0b-9a55-7275636500aa")
MAX_BYTES = 1_000_000
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
        if name.startswith("ce_"):
            try:
                found[name[3:]] = value.decode()
            except UnicodeDecodeError as error:
                raise Unreadable(f"header {name} is not UTF-8") from error
    return found


def _reason(error: ValidationError) -> str:
    first: Any = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the value'}: {first['msg']}"


def read(value: bytes | None, headers: Headers) -> Envelope:
    """Read a message of `changes`; raises Unreadable with the attribute or field that is wrong, never with its value."""
    attributes = _attributes(headers or ())
    if attributes.get("specversion") != "1.0":
        raise Unreadable(f"ce_specversion is {attributes.get('specversion', 'missing')!r}, needs '1.0'")
    missing = [name for name in ("id", "type", "source", "time") if not attributes.get(name)]
    if missing:
        raise Unreadable(f"header ce_{missing[0]} is missing")
    model = TYPES.get(attributes["type"])
    if model is None:
        raise Unreadable(f"ce_type {attributes['type'][:80]!r} is unknown to this version")
    if value is None or len(value) > MAX_BYTES:
        raise Unreadable("the value is missing" if value is None else f"the value has {len(value)} bytes, {MAX_BYTES} at most")
    if b"\\u0000" in value or b"\x00" in value:
        raise Unreadable("the value has a NUL character, which no store of ours can keep")
    try:
        time = datetime.fromisoformat(attributes["time"])
        data = model.model_validate(from_json(value, allow_inf_nan=False))
    except ValidationError as error:
        raise Unreadable(_reason(error)) from error
    except ValueError as error:
        raise Unreadable(str(error)[:200]) from error
    if time.tzinfo is None:
        raise Unreadable("ce_time has no zone")
    return Envelope(attributes["id"], attributes["type"], attributes["source"], time, data)
