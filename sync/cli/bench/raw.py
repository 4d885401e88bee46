"""The raw loop that everything is compared to: aiokafka alone, consume and produce, acknowledged by all replicas."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from sync.cli.local import Local

BATCH = 500


async def loop(bootstrap: str, source: str, target: str, partitions: Sequence[int], at: float, seconds: float) -> float:
    """Copy these partitions, again and again, from `at` on for so many seconds; gives messages per second."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, fetch_max_wait_ms=100)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", linger_ms=0, max_batch_size=1 << 18)
    await consumer.start()
    await producer.start()
    try:
        consumer.assign([TopicPartition(source, p) for p in partitions])
        await consumer.seek_to_beginning()
        await asyncio.sleep(max(0.0, at - time.time()))
        return await _copy(consumer, producer, target, seconds)
    finally:
        await producer.stop()
        await consumer.stop()


async def _copy(consumer: Any, producer: Any, target: str, seconds: float) -> float:
    began, done = time.perf_counter(), 0
    while (took := time.perf_counter() - began) < seconds:
        found = await consumer.getmany(timeout_ms=20, max_records=BATCH)
        if not found:
            await consumer.seek_to_beginning()
            continue
        waits = [
            await producer.send(target, r.value, key=r.key, partition=r.partition, headers=list(r.headers))
            for rows in found.values()
            for r in rows
        ]
        await asyncio.gather(*waits)
        done += len(waits)
    return done / took


async def make_topic(bootstrap: str, name: str, partitions: int) -> None:
    """Make a topic as Truce's own are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1)])
    finally:
        await admin.close()


def measure(local: Local, source: str, partitions: int, processes: int, seconds: float) -> float:
    """Give messages per second of so many processes, each with its share of the partitions."""
    target = f"bench.raw.{processes}"
    asyncio.run(make_topic(local.bootstrap, target, partitions))
    at = time.time() + 1.0 + processes
    started = []
    for n in range(processes):
        mine = ",".join(str(p) for p in range(n, partitions, processes))
        started.append(
            local.parts.start(f"raw-{processes}-{n}", "bench-raw", local.bootstrap, source, target, mine, str(at), str(seconds), pipe=True)
        )
    total = 0.0
    for part in started:
        answer, _ = part.process.communicate(timeout=seconds + 60)
        total += float(answer)
        del local.parts.running[part.name]
    return total
