"""Clocks whose time has come go onto `changes`, where the lead agent decides them; no sweep: it sleeps until the next one is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from schemas import envelope
from sync.agents.outbox import Headers
from sync.lead.clocks import told
from sync.runtime.metrics import metrics
from sync.store import clocks
from sync.store.connect import Pool

MOST = 500
REST_S = 10.0
"""So long it sleeps at most: another worker may have set a clock, and died before it told it."""
LEAST_S = 0.005
Send = Callable[[str, bytes, bytes, Headers], Awaitable["asyncio.Future[object]"]]


class Clocks:
    """Tells what is due; several workers share it by row locks."""

    def __init__(self, pool: Pool, topic: str, send: Send) -> None:
        self.pool, self.topic, self._send = pool, topic, send
        self._sooner = asyncio.Event()
        self._until_ms: float | None = None
        """Until when it sleeps now (ms since 1970); None: it is awake."""

    def sooner(self, due_ms: int | None) -> None:
        """A clock was set: wake up when it is due before the next look."""
        if due_ms is not None and (self._until_ms is None or due_ms < self._until_ms):
            self._sooner.set()

    async def step(self) -> None:
        """Tell everything that is due, then sleep until the next clock is."""
        self._sooner.clear()
        while await self.tell():
            pass
        seconds = await clocks.wait(self.pool)
        await self._sleep(REST_S if seconds is None else max(LEAST_S, min(seconds, REST_S)))

    async def tell(self) -> int:
        """Claim what is due and put it on `changes`; gives how many. What Kafka did not take comes back by itself."""
        due = await clocks.claim(self.pool, MOST)
        now = round(datetime.now(UTC).timestamp() * 1000)
        waits = []
        for one in due:
            value, headers = envelope.write(told(one.lead_id, one.kind, round(one.due_at.timestamp() * 1000), now, "worker"))
            waits.append(await self._send(self.topic, one.key.encode(), value, headers))
        await asyncio.gather(*waits)
        if due:
            metrics.count("truce_clocks_due_total", len(due))
        return len(due)

    async def _sleep(self, seconds: float) -> None:
        self._until_ms = datetime.now(UTC).timestamp() * 1000 + seconds * 1000
        try:
            await asyncio.wait_for(self._sooner.wait(), seconds)
        except TimeoutError:
            pass
        finally:
            self._until_ms = None
