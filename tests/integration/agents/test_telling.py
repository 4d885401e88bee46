"""Telling clocks that are due, on a real PostgreSQL: what Kafka does not take, and how much is told at once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError

from schemas.envelope import write
from sync.agents import clocks as telling
from sync.agents.batch import Batch
from sync.agents.clocks import ROOM, Clocks
from sync.agents.input import prepare
from sync.agents.outbox import Headers
from sync.agents.rules import Rules
from sync.lead.clocks import told
from sync.lead.identity import wanted
from sync.runtime.clock import Clock
from sync.runtime.health import Health
from sync.store import applied, playbooks
from sync.store.applied import Epoch
from sync.store.connect import open_pool
from tests.integration.agents import tiny
from tests.integration.agents.test_batch import Record

LEADS = """
INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version) SELECT gen_random_uuid(), 'k', 1, '{}', true, 1 FROM generate_series(1, $1)
"""
CLOCKS = "INSERT INTO clocks (lead_id, kind, due_at, playbook_version) SELECT id, 'stage', now() - interval '1 min', 1 FROM leads"
STATES = "SELECT attempts, claimed_until IS NULL AS due, count(*) FROM clocks GROUP BY 1, 2 ORDER BY 1"


@dataclass
class Place:
    """Where in `changes` a message stands."""

    partition: int
    offset: int


@dataclass
class Kafka:
    """Takes messages, until it shall not any more."""

    takes: int = 1_000_000
    error: Exception | None = None
    taken: list[bytes] = field(default_factory=list)

    async def send(self, topic: str, key: bytes, value: bytes, headers: Headers) -> asyncio.Future[Any]:
        sent = asyncio.get_running_loop().create_future()
        if len(self.taken) < self.takes:
            self.taken.append(value)
            sent.set_result(Place(0, len(self.taken) - 1))
        elif self.error is not None:
            sent.set_exception(self.error)
        return sent


@pytest_asyncio.fixture
async def pool(postgres: str, installation: str) -> AsyncIterator[Any]:
    made = await open_pool(postgres, installation, size=2)
    yield made
    await made.close()


async def due(pool: Any, count: int) -> None:
    await pool.execute(LEADS, count)
    await pool.execute(CLOCKS)


async def states(pool: Any) -> list[tuple[int, bool, int]]:
    """Give (attempts, due now, how many)."""
    return [tuple(row) for row in await pool.fetch(STATES)]


def idle(reach: Mapping[int, int]) -> int:
    return 0


async def test_what_kafka_does_not_take_is_due_as_before(pool: Any) -> None:
    await due(pool, 5)
    kafka = Kafka(takes=2, error=KafkaConnectionError())
    one = Clocks(pool, "t", kafka.send, Health(), idle)
    with pytest.raises(KafkaConnectionError):
        await one.step()
    assert await states(pool) == [(0, True, 3), (1, False, 2)]
    kafka.takes = 100
    assert await one.tell() == 3
    assert len(set(kafka.taken)) == 5


async def test_a_kafka_that_does_not_answer_is_not_waited_for_for_ever(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "SEND_S", 0.1)
    await due(pool, 3)
    with pytest.raises(KafkaTimeoutError):
        await Clocks(pool, "t", Kafka(takes=1).send, Health(), idle).tell()
    assert await states(pool) == [(0, True, 2), (1, False, 1)]


async def test_nothing_is_claimed_while_kafka_is_away_or_where_nothing_is_decided(pool: Any) -> None:
    await due(pool, 3)
    health, kafka = Health(), Kafka()
    with health.waiting("kafka"):
        await Clocks(pool, "t", kafka.send, health, idle).step()
    await Clocks(pool, "t", kafka.send, health, lambda reach: None).step()
    assert await states(pool) == [(0, True, 3)]
    assert kafka.taken == []


async def test_no_more_is_told_than_there_is_room_behind_what_waits(pool: Any) -> None:
    await due(pool, 30)
    kafka, waiting = Kafka(), ROOM - 20
    one = Clocks(pool, "t", kafka.send, Health(), lambda reach: waiting + reach.get(0, 0))
    await one.step()
    assert len(kafka.taken) == 20, "what it told itself counts before any fetch shows it"
    await one.step()
    assert len(kafka.taken) == 20
    waiting -= 5
    await one.step()
    assert len(kafka.taken) == 25


async def test_a_clock_that_cannot_be_decided_stands_still_with_its_message(pool: Any) -> None:
    def explode(*args: Any) -> Any:
        raise RuntimeError("the decision blew up")

    lead, topic, epoch = str(uuid.uuid4()), "t", Epoch(1, 1)
    at = 1_790_000_000_123
    async with pool.acquire() as connection:
        await playbooks.add(connection, {"x": b""}, "1", "test")
        await applied.take(connection, topic, [0], epoch)
        insert = (
            "INSERT INTO clocks (lead_id, kind, due_at, playbook_version) VALUES ($1::text::uuid, $2, to_timestamp($3::bigint / 1000.0), 1)"
        )
        await connection.execute(insert, lead, "stage", at)
        await connection.execute(insert, lead, "hold", at)
        value, headers = write(told(lead, "stage", at, at, "worker"))
        message = prepare(Record(topic, 0, 0, at, None, value, headers), wanted, b"s")
        done = await Batch(topic, Rules(explode, wanted, tiny.load), b"s", Clock(), budget_ms=60_000).apply(connection, [message], epoch)
        assert done.outcomes == ["parked"]
        assert await connection.fetchval("SELECT lead_id FROM parked") == lead
        assert await connection.fetch("SELECT kind, claimed_until = 'infinity' FROM clocks ORDER BY kind") == [
            ("hold", None),
            ("stage", True),
        ]
