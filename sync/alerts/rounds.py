"""What the notifier does from time to time, one process for all: the auditor, and the sign of life."""

from __future__ import annotations

import asyncio
from typing import Any

from sync.alerts.alive import Alive, Waiting
from sync.alerts.calls import Calls
from sync.alerts.channel import Refused
from sync.alerts.flush import Ground
from sync.lead import danger
from sync.lead.state import to_ms
from sync.runtime import log
from sync.runtime.clock import Clock
from sync.runtime.metrics import Metrics, metrics
from sync.store import alerts, audit, cursors, deliveries, problems, promises, telling, visits

AUDIT_S, HEART_S, PROMISES_S, COUNT_S = 300.0, 60.0, 30.0, 15.0
_log = log.get("notifier")


class Rounds:
    """The rounds of one process; whoever comes first when one is due does it."""

    def __init__(self, pool: Any, clock: Clock, heartbeat_url: str = "", waiting: Waiting | None = None, gauges: Metrics = metrics) -> None:
        self._pool, self._clock, self._last = pool, clock, -HEART_S
        self._began = clock.monotonic()
        self._gauges, self._counted, self._kinds = gauges, -COUNT_S, frozenset[str]()
        self._alive = Alive(pool, clock, waiting)
        self._heart = Calls("heartbeat", heartbeat_url) if heartbeat_url else None
        self._beating: asyncio.Task[None] | None = None

    async def audit(self, _: Ground) -> None:
        """Look for MQLs that nobody has, every five minutes."""
        now = self._clock.now()
        if await alerts.tick(self._pool, "audit", now, AUDIT_S) and (found := await audit.look(self._pool, now)):
            _log.error("MQLs without an owner or an open hand-off", count=found)
        if await alerts.tick(self._pool, "forget", now, 86_400):
            await telling.forget(self._pool, now)
            await deliveries.forget(self._pool, now)
            await visits.forget(self._pool, now)

    async def promises(self, ground: Ground) -> None:
        """Say in time which promises are in danger because a system is not read, twice a minute; not before the sources had a minute to read."""
        now = self._clock.now()
        if self._clock.monotonic() - self._began < HEART_S or not await alerts.tick(self._pool, "promises", now, PROMISES_S):
            return
        at, book = to_ms(now), ground.playbook
        behind = danger.unread({name: to_ms(until) for name, until in (await cursors.seen(self._pool)).items()}, book, at)
        found: dict[str, danger.Danger] = {}
        if behind:
            some = await promises.running(self._pool, min(behind.values()), danger.horizon(behind.values(), book, at))
            found = danger.dangers(some, behind, book, at)
        await promises.tell(self._pool, {name: danger.words(name, one, at, ground.zone) for name, one in found.items()})

    async def count(self, _: Ground) -> None:
        """Tell Prometheus how many problems are open, each process for itself."""
        at = self._clock.monotonic()
        if at - self._counted < COUNT_S:
            return
        self._counted, found = at, await problems.count(self._pool)
        for kind in self._kinds | found.keys():
            self._gauges.set("truce_open_problems", found.get(kind, 0), kind=kind)
        self._kinds = self._kinds | found.keys()

    async def beat(self, ground: Ground) -> None:
        """Call the outside URL once a minute, and only while all is well: alerts go out, clocks are told, what came in is decided.

        Whoever answers slowly holds up nothing: the call goes on beside the next looks.
        """
        at = self._clock.monotonic()
        if self._heart is None or not ground.ready or at - self._last < HEART_S or (self._beating and not self._beating.done()):
            return
        self._last = at
        if (wrong := await self._alive.wrong()) is not None:
            _log.warning("no sign of life is given", reason=wrong)
            return
        self._beating = asyncio.create_task(self._tell(self._heart))

    async def _tell(self, heart: Calls) -> None:
        try:
            await heart.call("GET", "", plain=True)
        except Refused as refused:
            _log.warning("the sign of life was not taken", reason=str(refused))

    async def close(self) -> None:
        """Let go of connections."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        if self._heart is not None:
            await self._heart.close()
