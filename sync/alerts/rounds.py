"""What the notifier does from time to time, one process for all: the auditor, and the sign of life."""

from __future__ import annotations

from typing import Any

from sync.alerts.calls import Calls
from sync.alerts.channel import Refused
from sync.alerts.flush import Ground
from sync.runtime import log
from sync.runtime.clock import Clock
from sync.store import alerts, audit, telling

AUDIT_S, HEART_S = 300.0, 60.0
LATE_S = 300.0
"""A message that waits for so long is no longer well."""
_log = log.get("notifier")
_STUCK = """
SELECT count(*) FROM alert_messages WHERE state = 'waiting' AND at < $1::timestamptz - make_interval(secs => $2)
"""


class Rounds:
    """The rounds of one process; whoever comes first when one is due does it."""

    def __init__(self, pool: Any, clock: Clock, heartbeat_url: str = "") -> None:
        self._pool, self._clock, self._last = pool, clock, -HEART_S
        self._heart = Calls("heartbeat", heartbeat_url) if heartbeat_url else None

    async def audit(self, _: Ground) -> None:
        """Look for MQLs that nobody has, every five minutes."""
        now = self._clock.now()
        if await alerts.tick(self._pool, "audit", now, AUDIT_S) and (found := await audit.look(self._pool, now)):
            _log.error("MQLs without an owner or an open hand-off", count=found)
        if await alerts.tick(self._pool, "forget", now, 86_400):
            await telling.forget(self._pool, now)

    async def beat(self, ground: Ground) -> None:
        """Call the outside URL once a minute, and only while alerts can go out: no channel broken without a next, nothing stuck."""
        at = self._clock.monotonic()
        if self._heart is None or not ground.ready or at - self._last < HEART_S:
            return
        self._last = at
        if await self._pool.fetchval(_STUCK, self._clock.now(), LATE_S):
            return
        try:
            await self._heart.call("GET", "", plain=True)
        except Refused as refused:
            _log.warning("the sign of life was not taken", reason=str(refused))

    async def close(self) -> None:
        """Let go of connections."""
        if self._heart is not None:
            await self._heart.close()
