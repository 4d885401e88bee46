"""What the tests of the lead agent share: messages, worker processes, and waiting for what is true in SQL."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from schemas.base import Scalar
from schemas.change import RecordChanged
from schemas.envelope import new, write
from sync.agents import ground
from sync.store import connect, playbooks
from sync.topology import changes_name
from tests.forked import Forked

PARTITIONS = 4
AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
REPOSITORY = Path(__file__).parents[3]


@dataclass
class World:
    """One installation on the test's servers, with its workers."""

    kafka: str
    dsn: str
    name: str
    connection: Any
    folder: Path
    workers: list[Forked] = field(default_factory=list)

    @property
    def topic(self) -> str:
        """`changes` of this installation."""
        return changes_name(self.name, 1)

    def start(self, fault: str = "", *, session_s: float = 2.0, request_s: float = 10.0, batch: int = 500) -> Forked:
        """Start a worker; its log goes to worker-N.log."""
        number = len(self.workers)
        env = {
            **os.environ,
            **{
                "TRUCE_INSTALLATION": self.name,
                "TRUCE_DATABASE": self.dsn,
                "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
                "TRUCE_PARTITIONS": str(PARTITIONS),
            },
            **{"TRUCE_SYSTEMS__CRM__VENDOR": "none", "TRUCE_SYSTEMS__CRM__URL": "http://127.0.0.1:1", "TRUCE_BATCH_SIZE": str(batch)},
            **{"TEST_FAULT": fault, "TEST_FLAG": str(self.folder / f"flag-{number}"), "TEST_SESSION_S": str(session_s)},
            **{"TEST_REQUEST_S": str(request_s)},
        }
        worker = Forked(env, self.folder / f"worker-{number}.log", "tests.integration.agents.worker_main")
        self.workers.append(worker)
        return worker

    def log(self, number: int = 0) -> str:
        """What a worker said so far."""
        return (self.folder / f"worker-{number}.log").read_text()

    async def value(self, sql: str, *args: object) -> Any:
        """Ask SQL."""
        return await self.connection.fetchval(sql, *args)

    async def done(self) -> int:
        """How many messages are dealt with."""
        return int(await self.value("SELECT coalesce(sum(next_offset), 0)::int FROM applied"))

    async def until(self, what: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
        """Wait until something is true; fails with the logs when it does not come."""
        end = time.monotonic() + seconds
        while not await what():
            if time.monotonic() > end:
                raise AssertionError("not in time:\n" + "\n".join(self.log(n) for n in range(len(self.workers))))
            await asyncio.sleep(0.05)

    async def until_done(self, count: int, seconds: float = 40.0) -> None:
        """Wait until that many messages are dealt with."""

        async def reached() -> bool:
            return await self.done() >= count

        await self.until(reached, seconds)

    async def applied_once(self, ids: Iterable[str]) -> None:
        """Every message left exactly one line, and the counts add up to the offsets."""
        rows = [row["id"] for row in await self.connection.fetch("SELECT data->>'id' AS id FROM timeline ORDER BY id")]
        assert sorted(rows) == sorted(ids)
        assert await self.value("SELECT bool_and(applied + noop + filtered + parked = next_offset) FROM applied")

    async def read_topic(self, topic: str) -> list[Any]:
        """Give every record of a topic."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka)
        await consumer.start()
        try:
            tps = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or await _partitions(consumer, topic)]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            ends, found = await consumer.end_offsets(tps), list[Any]()
            while sum(ends.values()) > len(found):
                for rows in (await consumer.getmany(timeout_ms=2000)).values():
                    found += rows
            return found
        finally:
            await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    consumer.subscribe([topic])
    await consumer.getmany(timeout_ms=200)
    found = consumer.partitions_for_topic(topic) or set()
    consumer.unsubscribe()
    return set(found)


@asynccontextmanager
async def world(kafka: str, dsn: str, name: str, folder: Path) -> AsyncIterator[World]:
    """Lay the ground for an installation; ends its workers."""
    connection = await connect.connect(dsn, name)
    made = World(kafka, dsn, name, connection, folder)
    try:
        await playbooks.add(connection, {"x.yaml": b"x: 1"}, "1", "test")
        await ground.prepare(connection, kafka, name, ["crm"], PARTITIONS)
        yield made
    finally:
        for worker in made.workers:
            worker.kill()
            worker.wait(10)
        await connection.close()


async def exit_code(worker: Forked, seconds: float = 40.0) -> int:
    """Wait for a worker to end by itself."""
    return await asyncio.to_thread(worker.wait, seconds)


@contextmanager
def stopwatch() -> Any:
    """Measure seconds."""
    start = time.monotonic()
    took: list[float] = []
    yield took
    took.append(time.monotonic() - start)


def message(ref: str, n: int = 0, **fields: Scalar) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """Give (id, value, headers) of a change, told by its record's system."""
    ident = str(uuid.uuid4())
    data = RecordChanged(ref=ref, at=AT, received_at=AT, fields={"n": n, **fields})
    value, headers = write(new("truce.record.changed", data, source=ref.partition(":")[0], ident=ident, time=AT))
    return ident, value, headers


async def send(
    at: World, messages: Iterable[tuple[str, bytes, list[tuple[str, bytes]]]], *, per_partition: Callable[[int], int] | None = None
) -> list[str]:
    """Send messages to `changes`, spread over the partitions in turn; gives their ids."""
    producer = AIOKafkaProducer(bootstrap_servers=at.kafka, acks="all")
    await producer.start()
    try:
        ids, futures = [], []
        for n, (ident, value, headers) in enumerate(messages):
            partition = per_partition(n) if per_partition else n % PARTITIONS
            futures.append(await producer.send(at.topic, value, key=ident.encode(), partition=partition, headers=headers))
            ids.append(ident)
        await asyncio.gather(*futures)
    finally:
        await producer.stop()
    return ids
