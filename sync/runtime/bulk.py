"""Budgets of whoever reads in bulk: every call counts as bulk and is counted; and one for a process that has no store to count in."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import monotonic

from connectors.base import Budget, Priority, Quota
from connectors.dialect import AGAIN_S
from connectors.errors import RateLimited
from sync.runtime.budget import LONG_S, SHARE


@dataclass(slots=True)
class Bulk:
    """Lets every call be one of bulk, whatever it says of itself, and counts them by the quota."""

    budget: Budget
    calls: Counter[str] = field(default_factory=Counter)
    used: dict[str, int] = field(default_factory=dict)
    """Quota → the vendor's own count, others' calls included, where it told one."""
    limits: dict[str, int] = field(default_factory=dict)

    def slot(self, quota: str, *, priority: Priority) -> AbstractAsyncContextManager[None]:
        """Wait for a slot that bulk may have."""
        self.calls[quota] += 1
        return self.budget.slot(quota, priority="bulk")

    async def seen(self, quota: str, *, used: int | None = None, limit: int | None = None, blocked_until: datetime | None = None) -> None:
        """Keep what the vendor said, and pass it on."""
        self.used |= {quota: used} if used is not None else {}
        self.limits |= {quota: limit} if limit is not None else {}
        await self.budget.seen(quota, used=used, limit=limit, blocked_until=blocked_until)


@dataclass(slots=True)
class _Window:
    quota: Quota
    most: int
    out: int = 0
    answered: deque[float] = field(default_factory=deque)
    taken: int = 0
    others: int = 0
    blocked_until: float = 0.0

    def wait_s(self) -> float:
        """Give how long until a slot is free, 0 when one is."""
        now = monotonic()
        while self.answered and self.answered[0] <= now - self.quota.seconds:
            self.answered.popleft()
        if now < self.blocked_until:
            return self.blocked_until - now
        if self.out + len(self.answered) < self.most:
            return 0.0
        return max(0.01, self.answered[0] + self.quota.seconds - now) if self.answered else 0.01


class Alone:
    """The budget of a process without a store: bulk's share of each window, by its own calls and what the vendor says of others'."""

    def __init__(self, quotas: Sequence[Quota]) -> None:
        self._windows = {one.name: _Window(one, max(1, int(one.calls * SHARE["bulk"]))) for one in quotas}

    def slot(self, quota: str, *, priority: Priority) -> AbstractAsyncContextManager[None]:
        """Wait for a free slot; raises RateLimited when bulk's share of a day is used up."""
        return self._slot(quota)

    @asynccontextmanager
    async def _slot(self, quota: str) -> AsyncIterator[None]:
        window = self._windows.get(quota)
        if window is None:
            yield
            return
        if window.quota.seconds > LONG_S:
            if window.taken + window.others >= window.most:
                words = f"bulk's share of the quota {quota} is used up ({window.most:,} of {window.quota.calls:,} calls)"
                raise RateLimited(words, retry_after=window.quota.seconds, daily=True)
            window.taken += 1
            yield
            return
        while (wait := window.wait_s()) > 0:
            await asyncio.sleep(wait)
        window.out += 1
        try:
            yield
        finally:
            window.out -= 1
            window.answered.append(monotonic())

    async def seen(self, quota: str, *, used: int | None = None, limit: int | None = None, blocked_until: datetime | None = None) -> None:
        """Take in what the vendor says: its own count includes ours."""
        window = self._windows.get(quota)
        if window is None:
            return
        if limit is not None:
            window.most = max(1, int(limit * SHARE["bulk"]))
        if used is not None:
            window.others = max(0, used - window.taken)
        if blocked_until is not None:
            window.blocked_until = monotonic() + min(AGAIN_S, (blocked_until - datetime.now(UTC)).total_seconds())
