"""One active source per system: whoever holds the lease reads, the others wait for it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from sync.runtime import log
from sync.runtime.guard import OUTAGES, passing
from sync.runtime.health import here
from sync.store import cursors

HOLD_S, RENEW_S = 10.0, 3.0
_log = log.get("source")


class Lease:
    """Held while `held` is set; lost when a renewal comes too late."""

    def __init__(self) -> None:
        self.held = asyncio.Event()
        self.lost = asyncio.Event()


async def _renew(pool: Any, name: str, holder: str, lease: Lease) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + HOLD_S
    while True:
        await asyncio.sleep(RENEW_S)
        try:
            kept = await cursors.hold_lease(pool, name, holder, HOLD_S)
        except OUTAGES:
            kept = loop.time() < until
        else:
            until = loop.time() + HOLD_S
        if not kept:
            lease.lost.set()
            return


async def _taken(pool: Any, name: str, holder: str, named: ExitStack) -> bool:
    named.close()
    try:
        return await cursors.hold_lease(pool, name, holder, HOLD_S)
    except OUTAGES as error:
        _log.warning("waiting", waiting="database", error=type(error).__name__)
        named.enter_context(here().waiting("database"))
        return False


async def in_turn(pool: Any, name: str, once: Callable[[datetime], Awaitable[object]], seconds: float) -> None:
    """Do a step again and again while this process holds the lease, so long apart; an outage passes, and the next time finds the same."""
    while True:
        async with hold(pool, name) as lease:
            while not lease.lost.is_set():
                try:
                    await once(datetime.now(UTC))
                except Exception as error:
                    if (reason := passing(error)) is None:
                        raise
                    _log.warning("waiting", waiting=reason, reason=type(error).__name__)
                await asyncio.sleep(seconds)


@asynccontextmanager
async def hold(pool: Any, name: str) -> AsyncIterator[Lease]:
    """Wait for the lease, keep it for the length of the block, give it back."""
    holder, lease = uuid.uuid4().hex, Lease()
    with ExitStack() as named:
        while not await _taken(pool, name, holder, named):
            await asyncio.sleep(1.0)
    lease.held.set()
    keeper = asyncio.create_task(_renew(pool, name, holder, lease))
    try:
        yield lease
    finally:
        keeper.cancel()
        if not lease.lost.is_set():
            with suppress(*OUTAGES):  # it ends by itself
                await cursors.drop_lease(pool, name, holder)
