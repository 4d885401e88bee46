"""Holds a system's stream of events open: what it rings for becomes read orders, its position is stored when they stand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from typing import Any

from connectors.base import Notice, Ring, Source, Wanted
from connectors.errors import Unavailable
from sync.store import cursors

POSITION = "events"
"""The name under which the place in the stream is kept, beside the cursors."""


class Listening:
    """One system's ear. Events ring, reads tell: whatever the stream leaves out, doubles or loses is found by the next poll."""

    def __init__(
        self,
        pool: Any,
        system: str,
        source: Source,
        *,
        wanted: Callable[[], Wanted],
        order: Callable[[Notice], Awaitable[None]],
        again: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        self._pool, self._system, self._source, self._wanted, self._order, self._again = pool, system, source, wanted, order, again
        self._open = AsyncExitStack()
        self._rings: AsyncIterator[Ring] | None = None
        self._heard: Mapping[str, Sequence[str]] = {}

    async def once(self) -> None:
        """Wait for the next ring and do what it asks for; whatever goes wrong, the stream begins anew where all before it is done."""
        try:
            if self._rings is None or self._heard != self._wanted():  # another version of the playbook wants other fields
                await self._begin()
            await self._answer(await self._next())
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let the stream go."""
        self._rings = None
        await self._open.aclose()

    async def _begin(self) -> None:
        await self.close()
        known = await cursors.get(self._pool, self._system, POSITION)
        self._heard = self._wanted()
        rings: Any = self._source.listen(known.cursor if known else "", self._heard)
        self._rings = await self._open.enter_async_context(aclosing(rings))

    async def _next(self) -> Ring:
        assert self._rings is not None
        ring = await anext(self._rings, None)
        if ring is None:
            raise Unavailable("the stream of events ended")
        return ring

    async def _answer(self, ring: Ring) -> None:
        if ring.lost or ring.objects:
            await self._again([] if ring.lost else ring.objects)
        if ring.read:
            await self._order(Notice(read=ring.read))
        await cursors.put(self._pool, self._system, POSITION, ring.position)
