"""What waits for the digest, and when it was told last. The time is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sync.store.statement import Connection

NAME = "digest"
_OPEN = """
SELECT g.id, g.token, g.labels, count(*)::int AS open, count(*) FILTER (WHERE p.told_at IS NULL)::int AS new, min(p.opened_at) AS oldest,
  array_agg(p.id) FILTER (WHERE p.told_at IS NULL) AS untold
FROM alert_groups g JOIN problems p ON p.alert_group = g.id AND p.closed_at IS NULL
WHERE g.route = ANY($1::text[]) GROUP BY g.id ORDER BY count(*) DESC, g.id
"""
_JOINING = "SELECT EXISTS (SELECT FROM problems WHERE alert_group IS NULL AND closed_at IS NULL AND opened_at <= to_timestamp($1 / 1000.0))"


async def last(connection: Connection, now: datetime, name: str = NAME) -> datetime | None:
    """Give and lock when a digest was told last (it counts from now on where it never was); None while somebody else tells it."""
    await connection.execute("INSERT INTO alert_ticks (name, at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", name, now)
    found: datetime | None = await connection.fetchval("SELECT at FROM alert_ticks WHERE name = $1 FOR UPDATE SKIP LOCKED", name)
    return found


async def done(connection: Connection, now: datetime, name: str = NAME) -> None:
    """Note that it was told, or that there was nothing to tell."""
    await connection.execute("UPDATE alert_ticks SET at = $2 WHERE name = $1", name, now)


async def open_in(connection: Connection, routes: Sequence[str]) -> list[Any]:
    """Give the open problems of these nodes by group, the largest first."""
    rows: list[Any] = await connection.fetch(_OPEN, list(routes))
    return rows


async def joining(connection: Connection, due: int) -> bool:
    """Say whether an open problem of before the digest was `due` (ms) is in no group yet: another notifier is just putting it into one."""
    return bool(await connection.fetchval(_JOINING, due))
