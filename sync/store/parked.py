"""What was set aside with the reason: messages with their bytes, refused writes with the vendor's words."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from sync.lead.decision import ParkedNote
from sync.store.statement import Statement, clean, columns

_WRITE = """
INSERT INTO parked (id, kind, reason, code, system, ref, lead_id, field, value, topic, partition, "offset", key, body, headers, traceback)
SELECT w.id, w.kind, w.reason, w.code, w.system, w.ref, w.lead_id::uuid, w.field, w.value::jsonb, w.topic, w.partition, w.o, w.key, w.body,
  w.headers::jsonb, w.traceback
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::int[],
  $12::bigint[], $13::bytea[], $14::bytea[], $15::text[], $16::text[])
  w(id, kind, reason, code, system, ref, lead_id, field, value, topic, partition, o, key, body, headers, traceback)
ON CONFLICT (id) DO UPDATE SET reason = excluded.reason, code = excluded.code, value = excluded.value, parked_at = now(), settled_at = NULL,
  settled_how = NULL
"""
_SETTLE = "UPDATE parked SET settled_at = now(), settled_how = $2 WHERE id = ANY($1::text[]) AND settled_at IS NULL"


@dataclass(frozen=True, slots=True)
class Original:
    """A message as Kafka gave it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    body: bytes | None
    headers: Sequence[tuple[str, bytes]]
    traceback: str | None = None


def pack_headers(headers: Sequence[tuple[str, bytes]]) -> str:
    """Give headers as JSON: a list of [name, value in base64], so that every byte comes back."""
    return orjson.dumps([[clean(name), base64.b64encode(value or b"").decode()] for name, value in headers]).decode()


def unpack_headers(packed: Sequence[Sequence[str]]) -> list[tuple[str, bytes]]:
    """Give back the headers of a parked message."""
    return [(name, base64.b64decode(value)) for name, value in packed]


def _row(note: ParkedNote, original: Original | None) -> tuple[object, ...]:
    o = original
    return (
        *(
            note.id,
            note.kind,
            clean(note.reason),
            note.code,
            note.system,
            note.ref,
            note.lead_id,
            note.field,
            orjson.dumps(note.value).decode(),
        ),
        *((o.topic, o.partition, o.offset, o.key, o.body, pack_headers(o.headers)) if o else (None,) * 6),
        clean(o.traceback, 20_000) if o and o.traceback else None,
    )


def write(notes: Iterable[tuple[ParkedNote, Original | None]]) -> Statement:
    """Set things aside; what has the same id is the same thing, open again."""
    rows = {note.id: _row(note, original) for note, original in notes}
    return Statement(_WRITE, columns([rows[ident] for ident in sorted(rows)], 16))


def settle(ids: Iterable[str], how: str) -> Statement:
    """Say that parked things are settled."""
    return Statement(_SETTLE, (sorted(set(ids)), how))
