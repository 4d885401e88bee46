"""From outcomes to results on `changes`: what the lead agent learns of a write, and what was read on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from connectors.base import Item
from schemas import envelope
from schemas.base import Message, Ref
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded
from schemas.write import Outcome, WriteDone
from sync.lead.seen import TRUCE_ID
from sync.lead.state import from_ms
from sync.runtime.rest import Fair
from sync.writer.batch import Ended

_KINDS: dict[type[Message], str] = {
    RecordChanged: "truce.record.changed",
    RecordMerged: "truce.record.merged",
    RecordConverted: "truce.record.converted",
    RecordDeleted: "truce.record.deleted",
    TouchRecorded: "truce.touch.recorded",
    ResponseRecorded: "truce.response.recorded",
    WriteDone: "truce.write.done",
}


def corrected(item: Item, skew: timedelta) -> Item:
    """Give what was read with the vendor's times moved by the measured skew of its clock."""
    changes: dict[str, Any] = {"at": item.at - skew}
    if isinstance(item, RecordChanged):
        changes["times"] = {name: at - skew for name, at in item.times.items()}
    elif isinstance(item, TouchRecorded) and item.delivered_at is not None:
        changes["delivered_at"] = item.delivered_at - skew
    return item.model_copy(update=changes)


class News(NamedTuple):
    """A message for `changes`, with the key of its lead."""

    key: str
    data: Item | WriteDone


def parked_id(system: str, ended: Ended) -> str:
    """Name what was refused: the same values refused again are the same parked write."""
    what = sorted((one.field, str(one.value)) for one in ended.refused)
    return envelope.derived_id("parked", system, ended.sent.lead_id, ended.sent.row.record_id, what)


def outcome(ended: Ended) -> Outcome:
    """Name the outcome as the lead agent knows it; raises KeyError for one that is no result."""
    if ended.end == "written" and ended.sent.row.kind == "create":
        return "created"
    found: dict[str, Outcome] = {"written": "written", "rejected": "rejected", "gone": "gone"}
    return found[ended.end]


def result(system: str, ended: Ended, told: Outcome | None = None, *, skew: timedelta = timedelta()) -> WriteDone:
    """Make the result of an intent; `told` says another outcome than the row's own, `skew` is the vendor's clock minus ours."""
    row = ended.sent.row
    held = {name: one for name, one in row.fields.items() if one.name in ended.held}
    return WriteDone(
        intent_id=ended.sent.intent_id,
        lead_id=ended.sent.lead_id,
        system=system,
        ref=str(Ref(system, row.object, ended.record_id)) if ended.record_id else None,
        outcome=told or outcome(ended),
        fields=ended.held,
        versions={name: one.version for name, one in held.items() if name != TRUCE_ID},
        times={name: from_ms(one.at) for name, one in held.items() if name != TRUCE_ID},
        truce_id=TRUCE_ID in held,
        refused=ended.refused,
        parked_id=parked_id(system, ended) if ended.refused else None,
        sent_at=ended.sent_at,
        done_at=ended.done_at - skew if ended.by_vendor else ended.done_at,
        answered_at=ended.answered_at,
    )


def _envelope(news: News, system: str, now: datetime) -> envelope.Envelope:
    data = news.data
    if isinstance(data, WriteDone):
        return envelope.new(
            _KINDS[WriteDone], data, source=f"writer {system}", ident=envelope.derived_id(data.intent_id, "done"), time=data.done_at
        )
    ident = envelope.derived_id(type(data).__name__, data.model_dump_json(exclude={"received_at", "read_at"}), news.key)
    return envelope.new(_KINDS[type(data)], data, source=system, ident=ident, time=now)


class Results:
    """The writer's way onto `changes`."""

    def __init__(self, producer: Any, topic: str, system: str) -> None:
        self._producer, self._topic, self._system = producer, topic, system

    async def publish(self, news: Sequence[News], now: datetime) -> None:
        """Publish in order; returns when Kafka has all of it, raises KafkaError when it has not."""
        waits, fair = [], Fair()
        for one in news:
            await fair.give_way()
            value, headers = envelope.write(_envelope(one, self._system, now))
            waits.append(await self._producer.send(self._topic, value, key=one.key.encode(), headers=headers))
        await asyncio.gather(*waits)

    async def ring(self, topic: str, leads: Sequence[str]) -> None:
        """Ring doorbells."""
        await asyncio.gather(*[await self._producer.send(topic, b"", key=lead.encode()) for lead in leads])
