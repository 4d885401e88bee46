"""Puts what a source saw on `changes`: keyed, with an id that is the same for the same content, acknowledged by Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka import AIOKafkaProducer

from connectors.base import Item
from schemas import envelope
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.envelope import Envelope
from schemas.keys import lead_key
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded
from sync.runtime.metrics import metrics
from sync.runtime.rest import Fair
from sync.sources import fitting

_KINDS: dict[type, str] = {
    RecordChanged: "truce.record.changed",
    RecordMerged: "truce.record.merged",
    RecordConverted: "truce.record.converted",
    RecordDeleted: "truce.record.deleted",
    TouchRecorded: "truce.touch.recorded",
    ResponseRecorded: "truce.response.recorded",
}
_UNSTABLE = {"received_at", "read_at"}


def ref_of(item: Item) -> str | None:
    """Name the record that an item is about."""
    return item.survivor if isinstance(item, RecordMerged) else item.ref


def ident(item: Item) -> str:
    """Give the same id for the same content, however often it is read."""
    return envelope.derived_id(type(item).__name__, item.model_dump_json(exclude=_UNSTABLE))


def wrap(item: Item, source: str) -> Envelope:
    """Make the CloudEvent of an item."""
    return envelope.new(_KINDS[type(item)], item, source=source, ident=ident(item), time=item.received_at)


def corrected(item: Item, skew_s: float) -> Item:
    """Give the item with the vendor's times moved by the measured skew of its clock (vendor minus ours, seconds)."""
    if not skew_s:
        return item
    off = timedelta(seconds=skew_s)
    changes: dict[str, Any] = {"at": _before(item.at, off)}
    if isinstance(item, RecordChanged):
        changes["times"] = {name: _before(at, off) for name, at in item.times.items()}
    elif isinstance(item, TouchRecorded) and item.delivered_at is not None:
        changes["delivered_at"] = _before(item.delivered_at, off)
    return item.model_copy(update=changes)


def _before(at: datetime, off: timedelta) -> datetime:
    try:
        return at - off
    except OverflowError:  # the first minutes of the year 1: no clock's, but some field's
        return at


class Publisher:
    """One process's way onto `changes`."""

    def __init__(self, pool: Any, producer: AIOKafkaProducer, topic: str, secret: bytes) -> None:
        self._pool, self._producer, self._topic, self._secret = pool, producer, topic, secret

    async def keys(self, refs: Sequence[str]) -> Mapping[str, str]:
        """Give the key that the lead of a known record carries, by record ref."""
        rows = await self._pool.fetch(
            "SELECT r.ref, coalesce(s.key, l.key) AS key FROM records r JOIN leads l ON l.id = r.lead_id LEFT JOIN leads s ON s.id = l.survivor "
            "WHERE r.ref = ANY($1::text[])",
            list(refs),
        )
        return {row["ref"]: row["key"] for row in rows}

    async def publish(self, items: Sequence[Item], *, source: str, kind: str) -> None:
        """Publish items; returns when Kafka has all of them, raises KafkaError when it has not."""
        known = await self.keys([ref for item in items if (ref := ref_of(item))])
        waits, fair = [], Fair()
        for item in items:
            await fair.give_way()
            ref = ref_of(item)
            email = getattr(item, "email", None)
            key = known.get(ref or "") or lead_key(self._secret, email, ref or ident(item))
            for value, headers in messages(item, source):
                waits.append(await self._producer.send(self._topic, value, key=key.encode(), headers=headers))
        await asyncio.gather(*waits)
        metrics.count("truce_received_total", len(items), system=source, kind=kind)

    async def put(self, key: str, message: Envelope) -> None:
        """Publish a message that is made already, with its lead's key; returns when Kafka has it, raises KafkaError when it has not."""
        value, headers = envelope.write(message)
        await self._producer.send_and_wait(self._topic, value, key=key.encode(), headers=headers)


def messages(item: Item, source: str) -> list[tuple[bytes, list[tuple[str, bytes]]]]:
    """Give an item as one message that its reader takes, or as several where it is too large for one."""
    message = envelope.write(wrap(item, source))
    if fitting.odd(message[0]):
        item = fitting.kept(item)
        message = envelope.write(wrap(item, source))
    if len(message[0]) <= fitting.MOST:
        return [message]
    return [envelope.write(wrap(part, source)) for part in fitting.parts(item)]


def now() -> datetime:
    """The time of receipt, by our clock."""
    return datetime.now(UTC)
