"""What may not be written now, and why: `all`, `system:NAME` or `field:NAME`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple


class Pause(NamedTuple):
    """One thing that is paused."""

    scope: str
    reason: str
    by: str
    at: datetime


async def put(pool: Any, scope: str, reason: str, by: str) -> bool:
    """Pause a scope; False when it was paused already (the first reason stays)."""
    row = await pool.fetchrow(
        "INSERT INTO pauses (scope, reason, by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING scope", scope, reason, by
    )
    return row is not None


async def lift(pool: Any, scope: str) -> list[str]:
    """Resume a scope (`all`: every one), and close the problems that its pause opened; gives the scopes lifted."""
    rows = await pool.fetch(
        """WITH gone AS (DELETE FROM pauses WHERE scope = $1 OR $1 = 'all' RETURNING scope),
           noted AS (INSERT INTO meta (key, value) SELECT 'resumed', to_jsonb(clock_timestamp()) FROM gone LIMIT 1
             ON CONFLICT (key) DO UPDATE SET value = excluded.value),
           closed AS (UPDATE problems SET closed_at = now() WHERE closed_at IS NULL AND kind = 'paused' AND key IN (SELECT scope FROM gone))
           SELECT scope FROM gone ORDER BY scope""",
        scope,
    )
    return [row["scope"] for row in rows]


async def every(pool: Any) -> list[Pause]:
    """Give everything that is paused."""
    rows = await pool.fetch("SELECT scope, reason, by, at FROM pauses ORDER BY scope")
    return [Pause(row["scope"], row["reason"], row["by"], row["at"]) for row in rows]


async def halt(pool: Any, system: str, reason: str, *, by: str = "truce") -> bool:
    """Pause a system and open the problem that says so, in one statement; False when it was paused already."""
    row = await pool.fetchrow(
        """WITH put AS (INSERT INTO pauses (scope, reason, by) VALUES ('system:' || $1::text, $2, $3) ON CONFLICT DO NOTHING RETURNING scope)
           INSERT INTO problems (kind, key, text, system) SELECT 'paused', scope, $2, $1 FROM put
           ON CONFLICT (kind, key) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), count = problems.count + 1, text = excluded.text
           RETURNING id""",
        system,
        reason,
        by,
    )
    return row is not None


async def let_go(pool: Any, system: str) -> int:
    """Let all that waits to be written in a system now go past its guard, within a day; gives how much that is."""
    found = await pool.fetchval(
        """INSERT INTO let_go (system, room, until, last_at)
           SELECT $1, count(*), now() + interval '1 day', now() FROM dirty WHERE system = $1
           ON CONFLICT (system) DO UPDATE SET room = excluded.room, until = excluded.until, last_at = excluded.last_at RETURNING room""",
        system,
    )
    return int(found)


async def take(pool: Any, system: str, rows: int) -> int:
    """Take so many rows, or as many as there are left, of what a person let go; gives how many."""
    found = await pool.fetchval(
        """UPDATE let_go l SET room = l.room - least(o.room, $2), last_at = now()
           FROM (SELECT room FROM let_go WHERE system = $1 AND room > 0 AND until > now() FOR UPDATE) o
           WHERE l.system = $1 RETURNING least(o.room, $2)""",
        system,
        rows,
    )
    return int(found or 0)


async def put_back(pool: Any, system: str, rows: int) -> None:
    """Give rows back that were taken and not written: they still wait, and a person let them go."""
    await pool.execute("UPDATE let_go SET room = room + $2 WHERE system = $1", system, rows)
