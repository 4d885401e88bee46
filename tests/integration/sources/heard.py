"""What stands on a topic, read to its end."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas import envelope
from schemas.envelope import Envelope


async def heard(bootstrap: str, topic: str, partitions: int = 2) -> list[Envelope]:
    """Give all messages of `changes`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, p) for p in range(partitions)]
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found: list[Envelope] = []
        while len(found) < sum(ends.values()):
            for rows in (await consumer.getmany(timeout_ms=1000)).values():
                found += [envelope.read(row.value, row.headers) for row in rows]
        return found
    finally:
        await consumer.stop()
