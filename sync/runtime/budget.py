"""The budget: every call has a slot from before its send until its answer plus the window, over all processes, by a table of slots."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

from connectors.base import Priority, Quota
from sync.runtime import log
from sync.runtime.metrics import metrics
from sync.runtime.rest import rest
from sync.store import quota as store
from sync.store.quota import Window

_log = log.get("budget")
LONG_S = 60.0
"""Windows longer than this are counted by the minute."""
SHARE: dict[Priority, float] = {"hot": 1.0, "normal": 0.8, "bulk": 0.6}
"""How much of a quota may be used up when a call of this priority asks: the rest is kept for the hotter ones."""
RANK: dict[Priority, int] = {"hot": 0, "normal": 1, "bulk": 2}
MOST = 32
"""How many slots are asked for at once, when so many calls wait."""
LEASE_S = 30.0
SEEN_S = 1.0
PRUNE_S = 30.0
MOST_COUNTED = 10**12
"""No vendor counts more calls."""
PROBE_S = 300.0
"""How often a call is let through for which there is no share left of a long window, or although the vendor asked to be left alone."""
LEAST = 0.05
"""So much of a short window is bulk's at the least, a call at a time, however much of it polls use; what is hot goes before that, too."""
AT_ONCE_S = 2.5
"""As of a window of so many seconds a slot is looked for again where the quota is of calls at once."""


_Waiter = tuple[int, int, asyncio.Future[int | None]]
"""The rank of a call, its number, and what it waits for."""


@dataclass(slots=True)
class _Line:
    """The calls that wait for one quota in this process."""

    window: Window
    waiters: list[_Waiter] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    server: asyncio.Task[None] | None = None
    ids: list[int] = field(default_factory=list)
    leases: dict[int, tuple[int, float]] = field(default_factory=dict)
    """Rank → (calls counted ahead, until when they may be used)."""
    pruned_at: float = 0.0
    probed_at: float = float("-inf")
    """When a call was let through although others have nearly used up the quota."""
    bulk_at: float = float("-inf")
    """When bulk got a slot."""
    looked_at: float = float("-inf")
    shut_at: float | None = None
    """When the vendor asked to be left alone, as far as this process knows, or a call was let through in spite of it."""
    probe: asyncio.Future[int | None] | None = None
    """The call that was let through in spite of it."""
    answered_at: float | None = None
    """When that call had its answer, and none that asks for the same again."""

    @property
    def long(self) -> bool:
        return self.window.seconds > LONG_S

    def head(self) -> list[_Waiter]:
        """Give the waiters that are next: those of the hottest rank there is."""
        while self.waiters and self.waiters[0][2].done():
            heapq.heappop(self.waiters)
        if not self.waiters:
            return []
        return [one for one in heapq.nsmallest(MOST, self.waiters) if one[0] == self.waiters[0][0] and not one[2].done()]

    def least(self) -> list[_Waiter]:
        """Give the call of bulk that goes before the others, if its least is due and nothing hot waits."""
        pace_s = (self.window.seconds or AT_ONCE_S) / max(1e-9, self.window.calls * LEAST)
        if self.long or not self.waiters or self.waiters[0][0] == RANK["hot"] or monotonic() - self.bulk_at < pace_s:
            return []
        return sorted(one for one in self.waiters if one[0] == RANK["bulk"] and not one[2].done())[:1]

    def grant(self, one: _Waiter, ident: int | None) -> bool:
        """Give a slot to a waiter; False when it no longer waits."""
        if one[2].done():
            return False
        self.bulk_at = monotonic() if one[0] == RANK["bulk"] else self.bulk_at
        one[2].set_result(ident)
        return True


class SqlBudget:
    """The budget of one system in one process; `connectors.base.Budget`. A quota that the manifest does not name is free."""

    def __init__(self, pool: Any, system: str, quotas: Sequence[Quota], *, probe_s: float = PROBE_S) -> None:
        self._pool, self._system, self._probe_s = pool, system, probe_s
        self._lines = {one.name: _Line(Window(system, one.name, one.calls, one.seconds)) for one in quotas}
        self._order = itertools.count()
        self._answered: list[int] = []
        self._flush: asyncio.Task[None] | None = None
        self._seen_at: dict[str, float] = {}

    def slot(self, quota: str, *, priority: Priority) -> AbstractAsyncContextManager[None]:
        """Wait for a free slot of this quota; leaving the context marks the answer's time."""
        return self._slot(quota, priority)

    @asynccontextmanager
    async def _slot(self, quota: str, priority: Priority) -> AsyncIterator[None]:
        line = self._lines.get(quota)
        if line is None:
            yield
            return
        waiter: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        heapq.heappush(line.waiters, (RANK[priority], next(self._order), waiter))
        line.came.set()
        if line.server is None or line.server.done():
            line.server = asyncio.create_task(self._serve(line))
        ident = await waiter
        metrics.count("truce_slots_total", system=self._system, quota=quota, priority=priority)
        try:
            yield
            if line.probe is waiter:
                line.answered_at = monotonic()
        finally:
            if ident is not None:
                self._give_back(ident)

    async def seen(self, quota: str, *, used: int | None = None, limit: int | None = None, blocked_until: datetime | None = None) -> None:
        """Keep what the vendor's headers said: blocks at once, counts at most once a second."""
        if quota not in self._lines:
            return
        now = monotonic()
        if blocked_until is None and now - self._seen_at.get(quota, float("-inf")) < SEEN_S:
            return
        self._seen_at[quota] = now
        if blocked_until is not None:
            line = self._lines[quota]
            line.leases.clear()
            line.shut_at, line.answered_at = now, None
        used, limit = (None if one is None else max(0, min(one, MOST_COUNTED)) for one in (used, limit))  # it may be any number
        await store.note(self._pool, self._system, quota, used, limit, blocked_until)

    async def close(self) -> None:
        """Give back what was answered, and end."""
        for line in self._lines.values():
            if line.server is not None:
                line.server.cancel()
                await asyncio.gather(line.server, return_exceptions=True)
        if self._flush is not None:
            await asyncio.gather(self._flush, return_exceptions=True)
        if self._answered:
            await store.give_back(self._pool, self._answered)

    def _give_back(self, ident: int) -> None:
        self._answered.append(ident)
        if self._flush is None or self._flush.done():
            self._flush = asyncio.create_task(self._mark())

    async def _mark(self) -> None:
        """Mark answers in SQL, those that came meanwhile together; later than it was is on the safe side."""
        while self._answered:
            some, self._answered = self._answered, []
            try:
                await store.give_back(self._pool, some)
            except Exception:
                self._answered += some
                await asyncio.sleep(0.5)

    async def _serve(self, line: _Line) -> None:
        """Hand out slots while anybody waits; whatever goes wrong, nobody gets one unasked."""
        while line.head():
            line.came.clear()
            try:
                done = await self._served(line)
            except Exception:  # PostgreSQL is away: no slot, no call
                done = False
            if not done:
                await self._pause(line)

    async def _served(self, line: _Line) -> bool:
        """Hand out what there is to those who are next; False when some of them wait on."""
        head, least = line.head(), line.least()
        if line.long:
            got = await self._leased(line, head)
        elif least:
            head, got = least, await self._taken(line, least, SHARE["hot"])
        else:
            got = await self._taken(line, head, _share(head[0][0]))
        line.shut_at = None if got else line.shut_at
        return got == len(head) or await self._tried(line)

    async def _pause(self, line: _Line) -> None:
        """Wait for a slot to come free, or for somebody to come who may use the reserve."""
        seconds = 1.0 if line.long else min(0.25, max(0.01, (line.window.seconds or AT_ONCE_S) / 50))
        await rest(seconds, line.came)

    async def _taken(self, line: _Line, head: Sequence[_Waiter], share: float) -> int:
        if len(line.ids) < len(head):
            line.ids += await store.fresh_ids(self._pool, 4 * MOST)
        ids = line.ids[: len(head)]
        got = await store.take(self._pool, line.window, ids, share)
        del line.ids[: len(head)]
        line.ids += ids[got:]
        for one, ident in zip(head, ids[:got], strict=False):
            if not line.grant(one, ident):
                self._give_back(ident)  # whoever waited is gone: the slot counts for one window all the same
        now = monotonic()
        if now - line.pruned_at > PRUNE_S:
            line.pruned_at = now
            await store.prune(self._pool, line.window)
        return got

    async def _leased(self, line: _Line, head: Sequence[_Waiter]) -> int:
        rank = head[0][0]
        left, until = line.leases.get(rank, (0, 0.0))
        if left == 0 or monotonic() > until:
            want = max(1, min(20, line.window.calls // 10_000))
            if not await store.lease(self._pool, line.window, want, _share(rank)):
                one = want > 1 and await store.lease(self._pool, line.window, 1, _share(rank))
                if not (one or await self._probe(line, rank)):
                    return 0
                want = 1
            left, until = want, monotonic() + LEASE_S
        line.leases[rank] = (left - sum(line.grant(one, None) for one in head[:left]), until)
        return len(head)  # of those who got none, the next lease decides

    async def _probe(self, line: _Line, rank: int) -> bool:
        """Let one call through from time to time: only an answer says that others use less again, and what waits reads nothing meanwhile."""
        if rank > RANK["normal"] or monotonic() - line.probed_at < self._probe_s:
            return False
        line.probed_at = monotonic()
        _log.warning("the day's calls are nearly used up: one is tried from time to time", system=self._system, quota=line.window.quota)
        return await store.lease(self._pool, line.window, 1, SHARE["hot"])

    async def _tried(self, line: _Line) -> bool:
        """Let one call through from time to time while the vendor wants to be left alone: only an answer says whether it still does."""
        now = monotonic()
        if now - line.looked_at < SEEN_S:
            return False
        line.looked_at = now
        if not await store.blocked(self._pool, line.window):
            line.shut_at = None
        elif line.answered_at is not None and now - line.answered_at < SEEN_S:
            return False  # whether it was a good answer is known in a moment
        elif line.answered_at is not None and now - line.answered_at < LEASE_S:
            line.shut_at = line.answered_at = None
            await store.lift(self._pool, line.window)
        elif line.shut_at is None:
            line.shut_at = now
        elif now - line.shut_at >= self._probe_s:
            line.shut_at = now
            return await self._despite(line)
        return False

    async def _despite(self, line: _Line) -> bool:
        """Let the first call through."""
        _log.warning("the vendor asked to be left alone: one call is tried from time to time", system=self._system, quota=line.window.quota)
        if not line.long:
            ident = line.ids.pop(0)
            let = await store.take(self._pool, line.window, [ident], SHARE["hot"], despite=True) == 1
        else:
            ident, let = None, await store.lease(self._pool, line.window, 1, SHARE["hot"], despite=True)
        head = line.head()
        if not let or not head:
            return False
        line.probe = head[0][2]
        return line.grant(head[0], ident)


def _share(rank: int) -> float:
    return SHARE[next(name for name, place in RANK.items() if place == rank)]
