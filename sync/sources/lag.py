"""How much of `changes` waits to be decided: bulk goes on only while it is little, so that a form fill never waits behind an import."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

LITTLE, FEW = 500, 100
HOT_S = 0.25
"""So long may what is hot stand behind bulk."""
PACE_S = 0.3
"""How far apart looks are at the least by which the pace of deciding is told."""


def allowed(per_s: float | None, little: int) -> int:
    """Give how many messages may wait where so many are decided in a second (None: it is not known yet): those of a quarter of a second, within bounds."""
    return min(little, FEW if per_s is None else max(FEW, int(per_s * HOT_S)))


class Pace:
    """How many messages are decided in a second, told by looks between which there always was something to decide."""

    def __init__(self) -> None:
        self.per_s: float | None = None
        self._last: tuple[float, int, int] | None = None

    def look(self, now: float, done: int, waiting: int) -> None:
        """Take in how many were decided in all, and how many wait."""
        if self._last is None or not waiting:
            self._last = (now, done, waiting)
            return
        at, before, waited = self._last
        if now - at < PACE_S:
            return
        if waited and done >= before:
            fresh = (done - before) / (now - at)
            self.per_s = fresh if self.per_s is None else (self.per_s + fresh) / 2
        self._last = (now, done, waiting)


LOOK_S = 10.0
"""So long the first message that waits is looked for."""


class LagGate:
    """Lets bulk pass while fewer messages wait than are decided in a quarter of a second, and never more than `little`."""

    def __init__(self, bootstrap: str, topic: str, pool: Any, little: int = LITTLE) -> None:
        self._bootstrap, self._topic, self._pool, self.little = bootstrap, topic, pool, little
        self._pace = Pace()
        self._known: AIOKafkaConsumer | None = None
        self._connecting = asyncio.Lock()

    async def lag(self) -> int:
        """Count the messages that are on `changes` and not yet applied."""
        places = (await self._places()).values()
        waiting = sum(end - at for at, end in places)
        self._pace.look(monotonic(), sum(at for at, _ in places), waiting)
        return waiting

    async def shut(self) -> bool:
        """Say whether too much waits for bulk to come."""
        return await self.lag() >= allowed(self._pace.per_s, self.little)

    async def waiting(self) -> dict[int, int]:
        """Give the partitions on which messages wait to be applied → the offset of the first of them."""
        return {partition: at for partition, (at, end) in (await self._places()).items() if at < end}

    async def since(self) -> dict[int, datetime]:
        """Give the partitions on which messages wait to be applied → when the first of them came. Not for a gate that others ask meanwhile."""
        places = await self.waiting()
        consumer, found = self._known, dict[int, datetime]()
        if consumer is None or not places:
            return found
        consumer.assign([TopicPartition(self._topic, partition) for partition in places])
        for partition, at in places.items():
            consumer.seek(TopicPartition(self._topic, partition), at)
        async with asyncio.timeout(LOOK_S):
            while len(found) < len(places):
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    found.setdefault(tp.partition, datetime.fromtimestamp(records[0].timestamp / 1000, UTC))
        return found

    async def _places(self) -> dict[int, tuple[int, int]]:
        """Give partition → (the next offset to be applied, where the log ends)."""
        async with self._connecting:  # all systems of a process ask here, and at once
            consumer = self._known = self._known or await self._connected()
        partitions = [TopicPartition(self._topic, p) for p in consumer.partitions_for_topic(self._topic) or await self._find(consumer)]
        ends = await consumer.end_offsets(partitions)
        rows = await self._pool.fetch("SELECT partition, next_offset FROM applied WHERE topic = $1", self._topic)
        done = {row["partition"]: row["next_offset"] for row in rows}
        return {tp.partition: (done.get(tp.partition, 0), end) for tp, end in ends.items()}

    async def _connected(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        return consumer

    async def _find(self, consumer: AIOKafkaConsumer) -> set[int]:
        consumer.subscribe([self._topic])
        await consumer._client.force_metadata_update()
        consumer.unsubscribe()
        return consumer.partitions_for_topic(self._topic) or set()

    async def open(self) -> None:
        """Return when there is little lag."""
        while await self.shut():
            await asyncio.sleep(0.1)

    async def passed(self) -> None:
        """Return when everything is applied that is on `changes` now."""
        ends = {partition: end for partition, (_, end) in (await self._places()).items()}
        while any(at < ends.get(partition, 0) for partition, (at, _) in (await self._places()).items()):
            await asyncio.sleep(0.1)

    async def __aenter__(self) -> LagGate:
        """Stay open for the length of a block."""
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Release the connection."""
        if self._known is not None:
            await self._known.stop()
