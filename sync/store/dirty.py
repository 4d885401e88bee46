"""Leads that a system has not been told everything about: the truth behind every doorbell."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sync.store.cursors import READING
from sync.topology import Lane

_EVERYWHERE = """NOT EXISTS (
      SELECT FROM unnest({systems}) s WHERE NOT EXISTS (SELECT FROM records r WHERE r.lead_id = d.lead_id AND r.system = s OFFSET 0))"""
"""A lead has a record in each of these systems. `OFFSET 0`: looked up for each, as it comes."""
# The time of the statement, not of the row (`clock_timestamp()`): else no index knows where to stop, and every look reads every row.
_DUE = f"""
UPDATE dirty SET rung_at = clock_timestamp() WHERE system = $1 AND lead_id IN (
  SELECT lead_id FROM dirty d WHERE system = $1 AND rung_at <= statement_timestamp() - make_interval(secs => $2){{who}}
    AND (d.lane = 'hot' OR d.rung_at <= statement_timestamp() - make_interval(secs => $5) OR {_EVERYWHERE.format(systems="$4::text[]")})
  ORDER BY lane DESC, rung_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING lead_id, lane
"""
_KNOWN = " AND EXISTS (SELECT FROM records r WHERE r.lead_id = d.lead_id AND r.system = $1 OFFSET 0)"


RARELY_S = 600.0


class Bell(NamedTuple):
    """Whom to ring for, and in which lane."""

    lead_id: str
    lane: Lane


async def mark(pool: Any, leads: Sequence[str], system: str, lane: Lane) -> None:
    """Mark leads dirty at the rev that they have; a hot mark stays hot."""
    await pool.execute(
        """INSERT INTO dirty (lead_id, system, lane, rev) SELECT id, $2, $3, rev FROM leads WHERE id = ANY($1::uuid[]) ORDER BY id
           ON CONFLICT (lead_id, system) DO UPDATE SET rev = greatest(dirty.rev, excluded.rev),
             lane = CASE WHEN 'hot' IN (dirty.lane, excluded.lane) THEN 'hot' ELSE 'bulk' END""",
        list(leads),
        system,
        lane,
    )


async def due(pool: Any, system: str, older_s: float, most: int, *, unknown: bool, reading: Collection[str] = ()) -> list[Bell]:
    """Claim dirty leads that nobody rang for in so long, hot first: ring for them.

    `unknown`: also for those without a record there. Bulk that lacks a record in a system of `reading` waits until it has been read: it is
    rung for rarely.
    """
    rows = await pool.fetch(_DUE.format(who="" if unknown else _KNOWN), system, older_s, most, list(reading), RARELY_S)
    return sorted((Bell(row["lead_id"], row["lane"]) for row in rows), key=lambda bell: bell.lane != "hot")


async def unring(pool: Any, system: str) -> None:
    """Forget when the bells of a system were rung: all of them are due."""
    await pool.execute(
        """UPDATE dirty SET rung_at = '-infinity' WHERE system = $1 AND lead_id IN (
             SELECT lead_id FROM dirty WHERE system = $1 FOR UPDATE SKIP LOCKED)""",
        system,
    )


async def count(pool: Any, system: str | None = None) -> int:
    """Count the leads that are dirty, in one system or in all together."""
    found: int = await pool.fetchval("SELECT count(*) FROM dirty WHERE $1::text IS NULL OR system = $1", system)
    return found


_TO_PLAN = f"""
SELECT count(DISTINCT d.lead_id) FROM dirty d WHERE NOT EXISTS (SELECT FROM pauses WHERE scope IN ('all', 'system:' || d.system))
  AND (EXISTS (SELECT FROM records r WHERE r.lead_id = d.lead_id AND r.system = d.system)
    OR EXISTS (SELECT FROM cursors c WHERE c.system = d.system AND c.name = 'everything' AND c.done_at IS NOT NULL))
  AND (d.lane = 'hot' OR {_EVERYWHERE.format(systems=READING)})
"""


async def to_plan(pool: Any) -> int:
    """Count the people whom some writer can plan at this moment: no pause and no first read is in the way."""
    found: int = await pool.fetchval(_TO_PLAN)
    return found


async def revive(pool: Any, system: str, writable: Iterable[str] = ()) -> int:
    """Mark dirty again what had been left for a reason that is gone: a user who exists now, a field that can be written now
    (`writable`: `field:OBJECT.NAME`), a duplicate that was settled.

    Of duplicates those that were settled since the last time, however long ago that was (the system may have been paused, its writer
    away), and two minutes more: a transaction may have settled one then and have ended after it.
    """
    done: str = await pool.execute(
        """WITH now_on AS (
             INSERT INTO meta (key, value) VALUES ('revived:' || $1, to_jsonb(now()))
             ON CONFLICT (key) DO UPDATE SET value = excluded.value),
           free AS (
             UPDATE problems p SET closed_at = now() FROM vendor_users u
             WHERE p.closed_at IS NULL AND p.kind = 'unknown_owner' AND p.system = $1 AND u.system = $1 AND u.active
               AND p.key = $1 || ':' || md5(u.email)
             RETURNING u.email),
           there AS (
             DELETE FROM lacks WHERE system = $1 AND what = ANY($2::text[] || ARRAY(
               SELECT 'user:' || email FROM vendor_users WHERE system = $1 AND active))
             RETURNING lead_id),
           who AS (
             SELECT l.id, l.rev FROM leads l JOIN free ON l.owner = free.email
             UNION SELECT l.id, l.rev FROM there t JOIN leads l ON l.id = t.lead_id WHERE l.survivor IS NULL
             UNION SELECT l.id, l.rev FROM duplicates d CROSS JOIN LATERAL jsonb_array_elements_text(d.leads) AS n(id)
               JOIN leads l ON l.id = n.id::uuid WHERE d.settled_at > coalesce(
                 (SELECT (value #>> '{}')::timestamptz FROM meta WHERE key = 'revived:' || $1), '-infinity') - interval '2 minutes')
           INSERT INTO dirty (lead_id, system, lane, rev, rung_at) SELECT id, $1, 'bulk', rev, '-infinity' FROM who ORDER BY id
           ON CONFLICT DO NOTHING""",
        system,
        sorted(writable),
    )
    return int(done.rsplit(" ", 1)[-1])
