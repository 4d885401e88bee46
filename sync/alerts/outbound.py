"""What happens in Truce goes to other programs: the events that alerts.yaml names, each to its webhook, once by its id, until it is taken.

Read from the topic `events`, by an offset that is kept in the same transaction as the messages, and sent as alerts are: in a lane of its own, claimed,
tried again, with a problem open while its receiver refuses.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas import strict
from schemas.envelope import derived_id
from sync.alerts.channel import Message
from sync.alerts.flush import Ground
from sync.alerts.message import kept
from sync.playbook.models.alerts import Subscription
from sync.runtime.clock import Clock
from sync.store import meta, telling
from sync.store.telling import EVENT, Intent

MOST = 500
KEY = "outbound"
"""Under it stands in `meta` where each partition was read to."""
PATIENCE_S = 4.0
_log = structlog.get_logger(role="notifier")


class Outbound:
    """Reads the topic of events for as long as somebody subscribes to one."""

    def __init__(self, pool: Any, clock: Clock, bootstrap: str, topic: str) -> None:
        self._pool, self._clock, self._bootstrap, self._topic = pool, clock, bootstrap, topic
        self._consumer: AIOKafkaConsumer | None = None
        self._forgotten = False

    async def look(self, ground: Ground) -> None:
        """Keep what is to be sent of the events that came; what Kafka does not give now is read with a later look."""
        wanted = [one for one in ground.playbook.alerts.events if one.to in ground.ready]
        if not wanted:
            await self.close()
            if not ground.playbook.alerts.events and not self._forgotten:
                await meta.drop(self._pool, KEY)  # who subscribes later is told of what happens from then on
                self._forgotten = True
            return
        self._forgotten = False
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._take(wanted)
        except (KafkaError, TimeoutError, OSError) as error:
            _log.warning("events_wait", error=type(error).__name__)
            await self.close()

    async def _take(self, wanted: list[Subscription]) -> None:
        consumer = self._consumer or await self._open()
        found = await consumer.getmany(timeout_ms=0, max_records=MOST)
        begun = {str(one.partition): rows[0].offset for one, rows in found.items() if rows}
        if not begun:
            return
        now, after = self._clock.now(), {str(one.partition): rows[-1].offset + 1 for one, rows in found.items() if rows}
        intents = [intent for rows in found.values() for row in rows for intent in _intents(row, wanted)]
        async with self._pool.acquire() as connection, connection.transaction():
            held = await self._places(connection)
            if any(held.get(name, 0) != at for name, at in begun.items()):
                self._seek(consumer, held)  # another notifier read on meanwhile
                return
            for left, intent in zip(range(len(intents), 0, -1), intents, strict=True):  # sent in the order in which they happened
                await telling.intend(connection, [intent], now - timedelta(microseconds=left))
            await meta.put(connection, KEY, {**held, **after})

    async def _places(self, connection: Any) -> dict[str, int]:
        """Give where each partition is read from, locked for the transaction."""
        return dict(await connection.fetchval("SELECT value FROM meta WHERE key = $1 FOR UPDATE", KEY) or {})

    async def _open(self) -> AIOKafkaConsumer:
        """Begin where it was left; the first time of all at the end: what happened before nobody asked for."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
        await consumer.start()
        self._consumer = consumer
        consumer.subscribe([self._topic])
        await consumer._client.force_metadata_update()
        consumer.unsubscribe()
        places = [TopicPartition(self._topic, p) for p in sorted(consumer.partitions_for_topic(self._topic) or ())]
        consumer.assign(places)
        if places:
            ends = {str(place.partition): end for place, end in (await consumer.end_offsets(places)).items()}
            self._seek(consumer, await meta.begin(self._pool, KEY, ends))
        return consumer

    def _seek(self, consumer: AIOKafkaConsumer, held: Mapping[str, int]) -> None:
        for place in consumer.assignment():
            consumer.seek(place, held.get(str(place.partition), 0))

    async def close(self) -> None:
        """Let go of the connection."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await consumer.stop()


def _intents(row: Any, wanted: list[Subscription]) -> Iterator[Intent]:
    """Give the messages that an event becomes, one for each channel that wants it."""
    attributes = {name: value.decode(errors="replace") for name, value in row.headers if value is not None}
    kind, ident = attributes.get("ce_type", ""), attributes.get("ce_id", "")
    channels = dict.fromkeys(one.to for one in wanted if one.wants(kind))
    if not channels:
        return
    try:
        data = strict.parse(row.value or b"")
    except strict.Unfit as error:
        _log.warning("event_unreadable", error=str(error)[:200])
        return
    event = {"id": ident, "type": kind, "timestamp": attributes.get("ce_time", ""), "data": data}
    for name in channels:
        told = Message(kind, level="note", event=event)
        yield Intent(derived_id("event", ident, name), EVENT, name, None, "channel", None, kept(told))
