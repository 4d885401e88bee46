"""Whether all is well, for whoever watches from outside: what is to be said is said, and what came in is decided."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sync.runtime.clock import Clock
from sync.runtime.guard import OUTAGES
from sync.store import clocks, telling

LATE_S = 300.0
"""What waits for so long is no longer well."""
ASK_S = 5.0
"""So long Kafka is asked at most: nobody's alert waits longer for that."""
Waiting = Callable[[], Awaitable[Mapping[int, int]]]
"""Gives the partitions of `changes` on which something waits to be decided → the place of the first that does."""


class Alive:
    """Looks whether notifier and workers do what they are there for; a worker that has nothing to do is well."""

    def __init__(self, pool: Any, clock: Clock, waiting: Waiting | None = None) -> None:
        self._pool, self._clock, self._waiting = pool, clock, waiting
        self._stands: dict[int, tuple[int, float]] = {}
        """Partition → (where it stands, since when it has stood there)."""

    async def wrong(self) -> str | None:
        """Give what is not well, None when all is."""
        if await telling.stuck(self._pool, self._clock.now(), LATE_S):
            return "alerts do not go out"
        if (late := await clocks.overdue(self._pool)).waiting and late.seconds > LATE_S:
            return "clocks whose time has come are not told: is a worker running?"
        return await self._undecided()

    async def _undecided(self) -> str | None:
        if self._waiting is None:
            return None
        try:
            async with asyncio.timeout(ASK_S):
                places = await self._waiting()
        except OUTAGES as error:
            return f"it is not known what waits to be decided ({type(error).__name__}): is Kafka there?"
        now, before = self._clock.monotonic(), self._stands
        self._stands = {p: (at, before[p][1] if p in before and before[p][0] == at else now) for p, at in places.items()}
        if any(now - since >= LATE_S for _, since in self._stands.values()):
            return "what is on `changes` is not decided: is a worker running?"
        return None
