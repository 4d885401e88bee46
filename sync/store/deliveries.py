"""What came through doors, by the sender's id of it, so that the same is taken once however often it is sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sync.store.statement import Connection

KEPT = "8 days"
"""Longer than any sender tries again."""
_BEGIN = """
INSERT INTO deliveries (door, id, first_at) VALUES ($1, $2, $3)
ON CONFLICT (door, id) DO UPDATE SET tries = deliveries.tries + 1 RETURNING first_at, done_at IS NOT NULL AS done
"""
_CLOSE = """
UPDATE problems SET closed_at = now() WHERE kind = 'schema' AND system = $1 AND closed_at IS NULL AND starts_with(key, $2) AND NOT key = ANY($3::text[])
"""
_FIGURES = """
SELECT door, coalesce(outcome, 'refused') AS outcome, count(*)::int AS count, max(coalesce(done_at, first_at)) AS last
FROM deliveries WHERE first_at > $1 GROUP BY 1, 2 ORDER BY 1, 2
"""


async def begin(connection: Connection, door: str, ident: str, now: datetime) -> tuple[datetime, bool]:
    """Note a delivery; gives when it first came, and whether it was taken already."""
    row = await connection.fetchrow(_BEGIN, door, ident, now)
    return row["first_at"], row["done"]


async def done(connection: Connection, door: str, ident: str, outcome: str, rule: str, now: datetime) -> None:
    """Note what became of a delivery."""
    sql = "UPDATE deliveries SET outcome = $3, rule = $4, done_at = $5 WHERE door = $1 AND id = $2"
    await connection.execute(sql, door, ident, outcome, rule, now)


async def known(connection: Connection, key: str) -> bool:
    """Say whether an e-mail, by its keyed hash, is somebody's."""
    sql = "SELECT EXISTS (SELECT FROM identities WHERE kind = 'email' AND key = $1 AND lead_id IS NOT NULL)"
    return bool(await connection.fetchval(sql, key))


async def well(connection: Connection, door: str, prefix: str, still: Iterable[str]) -> None:
    """Close the problems of a door's rule that are over."""
    await connection.execute(_CLOSE, door, prefix, list(still))


async def figures(connection: Connection, since: datetime) -> list[Any]:
    """Count what came through each door since then, by what became of it."""
    rows: list[Any] = await connection.fetch(_FIGURES, since)
    return rows


async def forget(connection: Connection, now: datetime) -> None:
    """Let deliveries go that no sender tries again."""
    await connection.execute(f"DELETE FROM deliveries WHERE first_at < $1::timestamptz - interval '{KEPT}'", now)
