"""Clocks whose time has come go onto `changes`, where the lead agent decides them; no sweep: it sleeps until the next one is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka.errors import KafkaTimeoutError

from schemas import envelope
from sync.agents.outbox import Headers
from sync.lead.clocks import told
from sync.lead.offers import HANDOFF
from sync.runtime.health import Health
from sync.runtime.metrics import metrics
from sync.runtime.rest import rest
from sync.store import clocks, cursors
from sync.store.clocks import Due
from sync.store.connect import Pool

MOST = 500
ROOM = 1000
"""So many messages may wait at most for clocks to be put behind them: what people do must not wait behind thousands of clocks."""
MOMENT_S = 0.2
SEND_S = 10.0
"""What Kafka did not take by then counts as not sent."""
REST_S = 10.0
"""So long it sleeps at most: another worker may have set a clock, and died before it told it."""
LEAST_S = 0.005
Send = Callable[[str, bytes, bytes, Headers], Awaitable["asyncio.Future[Any]"]]
Behind = Callable[[Mapping[int, int]], int | None]
"""Gives how many messages wait for this worker when partitions are known to reach so far; None: it has no partition to decide."""


class Clocks:
    """Tells what is due; several workers share it by row locks."""

    def __init__(self, pool: Pool, topic: str, send: Send, health: Health, behind: Behind) -> None:
        self.pool, self.topic, self._send, self.health, self._behind = pool, topic, send, health, behind
        self._sooner = asyncio.Event()
        self._until_ms: float | None = None
        """Until when it sleeps now (ms since 1970); None: it is awake."""
        self._ends: dict[int, int] = {}
        """How far the partitions reach by what it put there itself: the fetches show that only later."""

    def sooner(self, due_ms: int | None) -> None:
        """A clock was set: wake up when it is due before the next look."""
        if due_ms is not None and (self._until_ms is None or due_ms < self._until_ms):
            self._sooner.set()

    async def step(self) -> None:
        """Tell everything that is due and has room, then sleep until the next clock is."""
        self._sooner.clear()
        while (room := self._room()) > 0:
            if not await self.tell(min(MOST, room)):
                break
        else:
            return await asyncio.sleep(MOMENT_S)
        seconds = await clocks.wait(self.pool)
        await self._sleep(REST_S if seconds is None else max(LEAST_S, min(seconds, REST_S)))

    def _room(self) -> int:
        """Give how many clocks may be told now: none while Kafka is away, or where nothing is decided."""
        behind = None if "kafka" in self.health.waits else self._behind(self._ends)
        return 0 if behind is None else ROOM - behind

    async def tell(self, most: int = MOST) -> int:
        """Claim what is due and put it on `changes`; gives how many. What Kafka did not take is given back, and its error raised."""
        due = await clocks.claim(self.pool, most)
        seen = await cursors.seen(self.pool) if any(one.kind == HANDOFF for one in due) else {}
        untold, error = await self._put(due, seen)
        if len(due) > len(untold):
            metrics.count("truce_clocks_due_total", len(due) - len(untold))
        if error is not None:
            await clocks.give_back(self.pool, untold)
            raise error
        return len(due)

    async def _put(self, due: Sequence[Due], seen: Mapping[str, datetime]) -> tuple[list[Due], BaseException | None]:
        """Send what is due; gives what was not taken, with why. `seen`: how far systems had been read before."""
        now, waits = round(datetime.now(UTC).timestamp() * 1000), list[asyncio.Future[Any]]()
        error: BaseException | None = None
        try:
            async with asyncio.timeout(SEND_S):
                for one in due:
                    value, headers = envelope.write(
                        told(
                            one.lead_id,
                            one.kind,
                            round(one.due_at.timestamp() * 1000),
                            now,
                            "worker",
                            seen if one.kind == HANDOFF else None,
                        )
                    )
                    waits.append(await self._send(self.topic, one.key.encode(), value, headers))
                if waits:
                    await asyncio.wait(waits)
        except TimeoutError:
            error = KafkaTimeoutError(f"{len(due)} clocks were not taken in {SEND_S:g} s")
        except Exception as other:
            error = other
        for sent in waits:
            sent.add_done_callback(_look)
        errors = [sent.exception() for sent in waits if sent.done() and not sent.cancelled()]
        untold = [one for n, one in enumerate(due) if n >= len(waits) or not self._taken(waits[n])]
        return untold, error or next((one for one in errors if one is not None), None)

    def _taken(self, sent: asyncio.Future[Any]) -> bool:
        """Say whether Kafka has it; notes how far its partition reaches then."""
        if not sent.done() or sent.cancelled() or sent.exception() is not None:
            return False
        at = sent.result()
        self._ends[at.partition] = max(self._ends.get(at.partition, 0), at.offset + 1)
        return True

    async def _sleep(self, seconds: float) -> None:
        self._until_ms = datetime.now(UTC).timestamp() * 1000 + seconds * 1000
        try:
            await rest(seconds, self._sooner)
        finally:
            self._until_ms = None


def _look(sent: asyncio.Future[Any]) -> None:
    """Take note of how it ended: an error that nobody looks at would be told as a fault."""
    if not sent.cancelled():
        sent.exception()
