"""The budget on a real PostgreSQL: never more calls than the quota in any sliding window, over several processes' pools."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from connectors.base import Priority, Quota
from sync.runtime.budget import SqlBudget
from sync.store import quota as store
from sync.store.connect import open_pool
from tests.examples import examples


@pytest.fixture
async def pools(postgres: str, installation: str) -> AsyncIterator[list[Any]]:
    made = [await open_pool(postgres, installation, size=4) for _ in range(2)]
    yield made
    for pool in made:
        await pool.close()


async def call(budget: SqlBudget, quota: str, priority: Priority, lasts_s: float, arrivals: list[float]) -> None:
    """Make a call: the vendor gets it somewhere between its send and its answer."""
    async with budget.slot(quota, priority=priority):
        share = random.random()
        await asyncio.sleep(lasts_s * share)
        arrivals.append(time.monotonic())
        await asyncio.sleep(lasts_s * (1 - share))


def most_in_a_window(arrivals: Sequence[float], seconds: float) -> int:
    times = sorted(arrivals)
    return max(sum(1 for t in times if start <= t < start + seconds) for start in times)


@examples(8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    calls=st.integers(1, 6),
    window=st.sampled_from([0.1, 0.25]),
    made=st.lists(st.tuples(st.sampled_from(["hot", "normal", "bulk"]), st.sampled_from([0.0, 0.01, 0.05])), min_size=1, max_size=20),
)
def test_no_sliding_window_has_more_calls_than_the_quota(
    postgres: str, installation: str, calls: int, window: float, made: list[tuple[Priority, float]]
) -> None:
    async def run() -> list[float]:
        pools = [await open_pool(postgres, installation, size=4) for _ in range(2)]
        name = uuid.uuid4().hex
        budgets = [SqlBudget(pool, name, [Quota(name="calls", calls=calls, seconds=window)]) for pool in pools]
        arrivals: list[float] = []
        try:
            async with asyncio.timeout(30):
                await asyncio.gather(*[call(budgets[n % 2], "calls", p, lasts, arrivals) for n, (p, lasts) in enumerate(made)])
        finally:
            for budget, pool in zip(budgets, pools, strict=True):
                await budget.close()
                await pool.close()
        return arrivals

    arrivals = asyncio.run(run())
    assert len(arrivals) == len(made)
    assert most_in_a_window(arrivals, window) <= calls


async def came(arrivals: list[float], count: int) -> None:
    """Wait until so many calls have gone out."""
    async with asyncio.timeout(10):
        while len(arrivals) < count:
            await asyncio.sleep(0.01)


async def test_a_share_is_kept_for_hot_calls(pools: list[Any]) -> None:
    budget = SqlBudget(pools[0], "crm", [Quota(name="calls", calls=10, seconds=30)])
    arrivals: dict[Priority, list[float]] = {"bulk": [], "normal": [], "hot": []}
    tasks = []
    for priority, free in (("bulk", 6), ("normal", 2), ("hot", 2)):
        tasks += [asyncio.create_task(call(budget, "calls", priority, 0.0, arrivals[priority])) for _ in range(12)]  # type: ignore[index,arg-type]
        await came(arrivals[priority], free)  # type: ignore[index]
    assert {name: len(times) for name, times in arrivals.items()} == {"bulk": 6, "normal": 2, "hot": 2}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await budget.close()


async def test_a_long_window_is_counted_over_processes_and_keeps_its_reserve(pools: list[Any]) -> None:
    budgets = [SqlBudget(pool, "crm", [Quota(name="daily", calls=10, seconds=86_400)]) for pool in pools]
    bulk: list[float] = []
    hot: list[float] = []
    tasks = [asyncio.create_task(call(budgets[n % 2], "daily", "bulk", 0.0, bulk)) for n in range(12)]
    async with asyncio.timeout(10):
        while len(bulk) < 6:
            await asyncio.sleep(0.01)
        await asyncio.gather(*[call(budgets[n % 2], "daily", "hot", 0.0, hot) for n in range(4)])
    assert (len(bulk), len(hot)) == (6, 4)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for budget in budgets:
        await budget.close()


async def test_nothing_is_sent_before_a_block_ends_in_any_process(pools: list[Any]) -> None:
    budgets = [SqlBudget(pool, "crm", [Quota(name="calls", calls=100, seconds=1)]) for pool in pools]
    until = datetime.now(UTC) + timedelta(seconds=0.8)
    await budgets[0].seen("calls", blocked_until=until)
    arrivals: list[float] = []
    begun = time.monotonic()
    await asyncio.gather(*[call(budget, "calls", "hot", 0.0, arrivals) for budget in budgets for _ in range(3)])
    assert min(arrivals) - begun >= 0.75
    for budget in budgets:
        await budget.close()


async def refused(budget: SqlBudget, quota: str, until: datetime, arrivals: list[float], *, answers: int) -> None:
    """Make a call that the vendor refuses until then, but for one after so many."""
    async with budget.slot(quota, priority="normal"):
        arrivals.append(time.monotonic())
    if len(arrivals) <= answers:
        await budget.seen(quota, blocked_until=until)


@pytest.mark.parametrize("window", [1, 86_400])
async def test_an_absurd_block_lets_one_call_through_from_time_to_time_and_ends_with_its_answer(pools: list[Any], window: int) -> None:
    quota, tomorrow = Quota(name="calls", calls=100, seconds=window), datetime.now(UTC) + timedelta(days=1)
    budget = SqlBudget(pools[0], "crm", [quota], probe_s=0.3)
    await budget.seen("calls", blocked_until=tomorrow)
    assert list(await store.blocks(pools[0], 60)) == ["crm"]
    arrivals: list[float] = []
    begun = time.monotonic()
    async with asyncio.timeout(30):
        await asyncio.gather(*[refused(budget, "calls", tomorrow, arrivals, answers=1) for _ in range(5)])
    assert arrivals[0] - begun >= 0.3
    assert arrivals[1] - arrivals[0] >= 0.3, "it was refused once more"
    assert arrivals[2] - arrivals[1] >= 1, "none goes out before that one's answer is known to be a good one"
    assert await store.blocks(pools[0], 60) == {}
    await budget.close()


async def test_bulk_has_its_least_of_a_short_window_while_polls_hold_more_than_its_share(pools: list[Any]) -> None:
    budgets = [SqlBudget(pool, "crm", [Quota(name="calls", calls=20, seconds=2)]) for pool in pools]
    polls, over = list[float](), asyncio.Event()

    async def poll() -> None:
        async with budgets[0].slot("calls", priority="normal"):
            polls.append(time.monotonic())
            await over.wait()

    tasks = [asyncio.create_task(poll()) for _ in range(16)]
    await came(polls, 16)
    begun, arrivals = time.monotonic(), list[float]()
    async with asyncio.timeout(30):
        for _ in range(3):
            await call(budgets[1], "calls", "bulk", 0.0, arrivals)
        assert time.monotonic() - begun >= 4, "it is a twentieth, and no more"
        await call(budgets[1], "calls", "hot", 0.0, arrivals)
        over.set()
        await asyncio.gather(*tasks)
    for budget in budgets:
        await budget.close()


async def test_what_others_use_is_taken_off(pools: list[Any]) -> None:
    budget = SqlBudget(pools[0], "crm", [Quota(name="calls", calls=10, seconds=30)])
    await budget.seen("calls", used=7, limit=10)
    arrivals: list[float] = []
    tasks = [asyncio.create_task(call(budget, "calls", "hot", 0.0, arrivals)) for _ in range(6)]
    await came(arrivals, 3)
    await asyncio.wait(tasks, timeout=0.5)
    assert len(arrivals) == 3
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await budget.close()


async def test_where_others_used_up_the_day_a_call_is_tried_and_learns_that_they_use_less(pools: list[Any]) -> None:
    budget = SqlBudget(pools[0], "crm", [Quota(name="daily", calls=1_000, seconds=86_400)])
    await budget.seen("daily", used=990, limit=1_000)
    arrivals: list[float] = []
    tasks = [asyncio.create_task(call(budget, "daily", "normal", 0.0, arrivals)) for _ in range(3)]
    await came(arrivals, 1)
    await asyncio.wait(tasks, timeout=0.5)
    assert len(arrivals) == 1  # one, not all
    budget._seen_at.clear()
    await budget.seen("daily", used=5, limit=1_000)  # its answer
    async with asyncio.timeout(10):
        await asyncio.gather(*tasks)
    await budget.close()


async def test_a_call_that_is_given_up_leaves_no_hole(pools: list[Any]) -> None:
    budget = SqlBudget(pools[0], "crm", [Quota(name="calls", calls=1, seconds=0.2)])
    arrivals: list[float] = []
    tasks = [asyncio.create_task(call(budget, "calls", "hot", 0.0, arrivals)) for _ in range(6)]
    await asyncio.wait(tasks, timeout=0.05)
    for task in tasks[1:5]:
        task.cancel()
    async with asyncio.timeout(10):
        await asyncio.gather(tasks[0], tasks[5])
    assert len(arrivals) == 2
    await budget.close()


async def test_a_quota_that_the_manifest_does_not_name_is_free(pools: list[Any]) -> None:
    budget = SqlBudget(pools[0], "crm", [])
    async with budget.slot("other", priority="bulk"):
        await budget.seen("other", used=5)
    await budget.close()
    assert await pools[0].fetchval("SELECT count(*) FROM slots") == 0
