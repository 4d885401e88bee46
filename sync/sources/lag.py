"""How much of `changes` waits to be decided: bulk goes on only while it is little, so that a form fill never waits behind an import."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

LITTLE = 1_000


class LagGate:
    """Lets bulk pass while fewer than `little` messages wait."""

    def __init__(self, bootstrap: str, topic: str, pool: Any, little: int = LITTLE) -> None:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        self._topic, self._pool, self._little, self._started = topic, pool, little, False

    async def lag(self) -> int:
        """Count the messages that are on `changes` and not yet applied."""
        if not self._started:
            await self._consumer.start()
            self._started = True
        partitions = [TopicPartition(self._topic, p) for p in self._consumer.partitions_for_topic(self._topic) or await self._find()]
        ends = await self._consumer.end_offsets(partitions)
        rows = await self._pool.fetch("SELECT partition, next_offset FROM applied WHERE topic = $1", self._topic)
        done = {row["partition"]: row["next_offset"] for row in rows}
        return sum(end - done.get(tp.partition, 0) for tp, end in ends.items())

    async def _find(self) -> set[int]:
        self._consumer.subscribe([self._topic])
        await self._consumer._client.force_metadata_update()
        self._consumer.unsubscribe()
        return self._consumer.partitions_for_topic(self._topic) or set()

    async def open(self) -> None:
        """Return when there is little lag."""
        while await self.lag() >= self._little:
            await asyncio.sleep(0.1)

    async def close(self) -> None:
        """Release the connection."""
        if self._started:
            await self._consumer.stop()
