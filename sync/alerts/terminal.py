"""Alerts in the terminal: each open problem is told once, by its cause, without personal values."""

from __future__ import annotations

import asyncio
from typing import Any

from sync.alerts.escape import plain
from sync.runtime.metrics import metrics
from sync.store.connect import connect

_CLAIM = """
UPDATE problems SET alerted_at = now() WHERE id IN (
  SELECT id FROM problems WHERE closed_at IS NULL AND alerted_at IS NULL ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED)
RETURNING kind, system, field, text, count
"""


async def claim(connection: Any) -> list[str]:
    """Give the alerts that are due, each once over all processes: one line per problem, the number of records behind it in front."""
    rows = await connection.fetch(_CLAIM)
    for row in rows:
        metrics.count("truce_alerts_total", kind=row["kind"])
    return [_line(row) for row in rows]


def _line(row: Any) -> str:
    many = f"{row['count']} × " if row["count"] > 1 else ""
    return f"{many}{plain(row['text'])}"


def lines(dsn: str, installation: str) -> list[str]:
    """The same for callers without a loop."""

    async def run() -> list[str]:
        connection = await connect(dsn, installation)
        try:
            return await claim(connection)
        finally:
            await connection.close()

    return asyncio.run(run())
