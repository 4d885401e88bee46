"""The breaker on a real PostgreSQL: open for every process, one probe at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from prometheus_client import REGISTRY

from connectors.errors import Unavailable
from sync.runtime import breaker as module
from sync.runtime.breaker import SqlBreaker
from sync.store.connect import open_pool


@pytest.fixture
async def pool(postgres: str, installation: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(module, "FRESH_S", 0.0)
    made = await open_pool(postgres, installation, size=4)
    yield made
    await made.close()


async def let_through(breaker: SqlBreaker) -> bool:
    try:
        await breaker.before()
    except Unavailable as error:
        return error.unknown_outcome
    return True


async def fail(breaker: SqlBreaker, times: int) -> None:
    for _ in range(times):
        await breaker.before()
        await breaker.after(ok=False)


async def until_probed(breaker: SqlBreaker) -> None:
    async with asyncio.timeout(10):
        while not await let_through(breaker):
            await asyncio.sleep(0.02)


async def test_it_opens_after_some_failures_for_every_process(pool: Any) -> None:
    one, other = SqlBreaker(pool, "crm", failures=3), SqlBreaker(pool, "crm", failures=3)
    await fail(one, 2)
    assert await let_through(other)
    await fail(one, 1)
    assert not await let_through(other)
    assert await let_through(SqlBreaker(pool, "map", failures=3))
    assert 25 < await other.wait_s() <= 30


async def test_successes_make_up_for_failures(pool: Any) -> None:
    breaker = SqlBreaker(pool, "crm", failures=3)
    for _ in range(6):
        await fail(breaker, 1)
        await breaker.before()
        await breaker.after(ok=True)
    assert await let_through(breaker)


async def test_half_of_the_calls_failing_in_pairs_opens_it(pool: Any) -> None:
    breaker = SqlBreaker(pool, "crm", failures=4)
    for _ in range(3):
        await breaker.before()
        await breaker.after(ok=True)
        await fail(breaker, 2)
    assert not await let_through(breaker)


async def test_one_probe_at_a_time_and_a_success_closes_it(pool: Any) -> None:
    one, other = (SqlBreaker(pool, "crm", failures=1, probe_s=0.3) for _ in range(2))
    await fail(one, 1)
    await until_probed(one)
    assert not await let_through(other)
    await one.after(ok=True)
    assert await let_through(other)
    assert await other.wait_s() == 0


async def test_a_failed_probe_keeps_it_open_for_another_while(pool: Any) -> None:
    breaker = SqlBreaker(pool, "crm", failures=1, probe_s=0.3)
    await fail(breaker, 1)
    await until_probed(breaker)
    await breaker.after(ok=False)
    assert not await let_through(breaker)
    await until_probed(breaker)


async def test_a_probe_that_never_came_back_is_followed_by_another(pool: Any) -> None:
    one, other = (SqlBreaker(pool, "crm", failures=1, probe_s=0.3) for _ in range(2))
    await fail(one, 1)
    await until_probed(one)
    await until_probed(other)


async def test_every_call_is_counted_by_how_it_went(pool: Any) -> None:
    def counted(outcome: str) -> float:
        return REGISTRY.get_sample_value("truce_calls_total", {"system": "counted", "outcome": outcome}) or 0.0

    breaker = SqlBreaker(pool, "counted", failures=3)
    await fail(breaker, 2)
    await breaker.before()
    await breaker.after(ok=True)
    assert (counted("unavailable"), counted("answered")) == (2, 1)
