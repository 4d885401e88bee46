"""Marketo's limits, 100 calls in 20 seconds and ten at once, hold for a subscription: a source, a writer and a backfill share them by the budget."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from connectors.base import Connection, Done, Sink, Source, Update
from connectors.contract import NotedBreaker
from connectors.emulator.control import serve
from connectors.emulator.marketo import Marketo
from connectors.registry import load
from sync.runtime.budget import SqlBudget
from sync.runtime.bulk import Bulk
from sync.store.connect import open_pool

WANTED = {"leads": ["email", "title"]}


@asynccontextmanager
async def process(dsn: str, installation: str, url: str, *, bulk: bool = False) -> AsyncIterator[tuple[Source, Sink]]:
    """Give what one process has: a source and a sink of its own, and its own end of the budget."""
    pool, made = await open_pool(dsn, installation, size=2), load("marketo")
    budget = SqlBudget(pool, "marketo", made.manifest.quotas)
    connection = Connection("marketo", "marketo", url, {"client_id": "truce", "client_secret": "emulated"}, {"gap_ids": "10"})
    counted = Bulk(budget) if bulk else budget
    source, sink = made.source(connection, counted, NotedBreaker()), made.sink(connection, counted, NotedBreaker())
    try:
        yield source, sink
    finally:
        await source.close()
        await sink.close()
        await budget.close()
        await pool.close()


async def again(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        await step()


async def test_a_source_a_writer_and_a_backfill_are_never_too_many(postgres: str, installation: str) -> None:
    vendor = Marketo()
    ids = [vendor.put({"email": f"n{n}@example.com"}) for n in range(40)]
    vendor.faults.latency_s = 0.05
    async with AsyncExitStack() as stack:
        url = (await stack.enter_async_context(serve(vendor.app))).url
        parts = [await stack.enter_async_context(process(postgres, installation, url, bulk=bulk)) for bulk in (False, False, True)]
        (source, _), (_, sink), (backfill, _) = parts

        async def poll() -> None:
            async for _ in source.changes(source.start(vendor.clock()), WANTED):
                pass

        async def write(ident: str) -> None:
            (told,) = await sink.update([Update(key="k", object="leads", id=ident, fields={"title": "CEO"})], priority="hot")
            assert isinstance(told, Done)

        async def fill() -> None:
            async for _ in backfill.everything(None, WANTED):
                pass

        steps: list[Callable[[], Awaitable[None]]] = [poll, *(partial(write, one) for one in ids[:8]), *[fill] * 8]
        tasks = [asyncio.create_task(again(step)) for step in steps]
        done, _ = await asyncio.wait(tasks, timeout=6)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert [task.exception() for task in done] == []
    assert vendor.limits.peak == 100, "as much as there is was used"
    assert 5 < vendor.limits.crowd <= 9
    assert not vendor.limits.refused
