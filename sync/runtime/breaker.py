"""The circuit breaker of a system, kept in SQL: while the vendor is down nobody calls, but one probe from time to time."""

from __future__ import annotations

import math
from time import monotonic
from typing import Any

from connectors.errors import Unavailable
from sync.runtime.metrics import metrics

FRESH_S = 1.0
"""How old what we know of the others' failures may be."""
_READ = """
SELECT failures, greatest(0, extract(epoch FROM open_until - clock_timestamp()))::float8 AS open_s,
  greatest(0, extract(epoch FROM probe_until - clock_timestamp()))::float8 AS probe_s, open_until IS NOT NULL AS open
FROM breakers WHERE system = $1
"""
_FAIL = """
INSERT INTO breakers AS b (system, failures, open_until) VALUES ($1, 1, CASE WHEN $2 <= 1 THEN clock_timestamp() + make_interval(secs => $3) END)
ON CONFLICT (system) DO UPDATE SET failures = b.failures + 1, changed_at = now(),
  open_until = CASE WHEN b.failures + 1 >= $2 OR b.open_until IS NOT NULL THEN clock_timestamp() + make_interval(secs => $3) END
"""
_CALM = """
UPDATE breakers SET failures = greatest(0, failures - 1), changed_at = now() WHERE system = $1 AND open_until IS NULL AND failures > 0
"""
_CLOSE = "UPDATE breakers SET failures = 0, open_until = NULL, probe_until = NULL, changed_at = now() WHERE system = $1"
_PROBE = """
UPDATE breakers SET probe_until = clock_timestamp() + make_interval(secs => $2), changed_at = now()
WHERE system = $1 AND open_until <= clock_timestamp() AND (probe_until IS NULL OR probe_until <= clock_timestamp()) RETURNING system
"""


class SqlBreaker:
    """The breaker of one system in one process; `connectors.base.Breaker`.

    It opens at `failures` failures that successes did not make up for, and then lets one call through every `probe_s` seconds.
    """

    def __init__(self, pool: Any, system: str, *, failures: int = 5, probe_s: float = 30.0) -> None:
        self._pool, self._system, self._most, self._probe_s = pool, system, failures, probe_s
        self._failures, self._open, self._shut_s, self._read_at = 0, False, 0.0, -math.inf
        self._probing = False

    async def before(self) -> None:
        """Let the call through, or raise Unavailable while open; of all processes one at a time gets to be the probe."""
        await self._refresh()
        if not self._open:
            return
        if self._left() <= 0 and await self._pool.fetchrow(_PROBE, self._system, self._probe_s) is not None:
            self._probing = True
            return
        raise Unavailable(f"{self._system} did not answer several times; it is tried again every {self._probe_s:g} s", code="breaker_open")

    async def after(self, *, ok: bool) -> None:
        """Tell how the call went."""
        metrics.count("truce_calls_total", system=self._system, outcome="answered" if ok else "unavailable")
        if not ok:
            self._probing = False
            await self._pool.execute(_FAIL, self._system, self._most, self._probe_s)
            self._read_at = -math.inf
        elif self._probing:
            self._probing = False
            await self._pool.execute(_CLOSE, self._system)
            self._read_at = -math.inf
        elif self._failures and not self._open:
            await self._pool.execute(_CALM, self._system)
            self._failures -= 1

    async def wait_s(self) -> float:
        """Give how many seconds nothing is let through; 0: a call may be tried."""
        await self._refresh()
        return self._left() if self._open else 0.0

    def _left(self) -> float:
        return max(0.0, self._shut_s - (monotonic() - self._read_at))

    async def _refresh(self) -> None:
        if monotonic() - self._read_at < FRESH_S:
            return
        row = await self._pool.fetchrow(_READ, self._system)
        self._read_at = monotonic()
        self._failures, self._open = (row["failures"], row["open"]) if row else (0, False)
        self._shut_s = max(row["open_s"] or 0.0, row["probe_s"] or 0.0) if row else 0.0
