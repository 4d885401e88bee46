"""A process's parts: outages are waited out, a defect is told and the part begun again, and only what a person must settle ends the role."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from aiokafka.errors import KafkaConnectionError

from sync.runtime.guard import passing
from sync.runtime.health import Health, bind
from sync.runtime.upkeep import first, keep


class Pool:
    """Notes what is told to PostgreSQL."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    async def fetchrow(self, sql: str, *args: Any) -> dict[str, Any]:
        self.told.append(args)
        return {"done": 1}


class Part:
    """Fails as told, then works until stopped."""

    def __init__(self, stop: asyncio.Event, *errors: Exception) -> None:
        self.stop, self.errors, self.begun = stop, list(errors), 0

    async def run(self) -> None:
        self.begun += 1
        if self.errors:
            raise self.errors.pop(0)
        self.stop.set()


async def kept(*errors: Exception, ends: tuple[type[Exception], ...] = ()) -> tuple[Part, Pool]:
    stop, pool = asyncio.Event(), Pool()
    part = Part(stop, *errors)
    await keep("writer of crm", part.run, pool, stop, ends, wait_s=0.001)
    return part, pool


async def test_an_outage_is_waited_out_and_is_no_problem() -> None:
    outages = (
        ConnectionRefusedError(),
        KafkaConnectionError(),
        asyncpg.CannotConnectNowError("starting"),
        asyncpg.DeadlockDetectedError("x"),
    )
    part, pool = await kept(*outages, ExceptionGroup("both", [OSError(), KafkaConnectionError()]))
    assert part.begun == 6
    assert pool.told == []


async def test_a_defect_is_told_by_its_place_and_the_part_begins_again() -> None:
    part, pool = await kept(ValueError("kim@nordwind.example"))
    assert part.begun == 2
    ((kinds, keys, texts, *_),) = pool.told
    assert (kinds, keys) == (["part_failed"], ["writer of crm"])
    assert "ValueError at test_upkeep.py:" in texts[0]
    assert "kim" not in texts[0]


async def test_what_only_a_person_can_settle_ends_it() -> None:
    with pytest.raises(KeyError):
        await kept(ExceptionGroup("wrapped", [KeyError("port")]), ends=(KeyError,))


async def test_the_health_names_what_a_part_waits_for() -> None:
    health, stop, seen = Health(), asyncio.Event(), asyncio.Event()
    bind(health)

    async def failing() -> None:
        seen.set()
        raise ConnectionRefusedError

    task = asyncio.create_task(keep("source", failing, Pool(), stop, wait_s=5.0))
    await asyncio.wait_for(seen.wait(), 5)
    await asyncio.sleep(0)
    assert list(health.waits) == ["database"]
    stop.set()
    await asyncio.wait_for(task, 5)
    assert health.waits == {}


def test_a_group_passes_only_if_all_in_it_passes() -> None:
    assert passing(ExceptionGroup("x", [KafkaConnectionError()])) == "kafka"
    assert passing(ExceptionGroup("x", [KafkaConnectionError(), ValueError()])) is None
    assert isinstance(first(ExceptionGroup("x", [ExceptionGroup("y", [ValueError()])])), ValueError)
