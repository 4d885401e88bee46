"""People who may own records, by system: how an e-mail of the playbook becomes a vendor's id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.base import User
from sync.lead.decision import VendorUser


async def put(pool: Any, system: str, users: Sequence[User]) -> None:
    """Keep what a system says of its users; those it no longer names are inactive from now on."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            """INSERT INTO vendor_users (system, id, email, name, active)
               SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bool[])
               ON CONFLICT (system, id) DO UPDATE SET email = excluded.email, name = excluded.name, active = excluded.active, seen_at = now()""",
            system,
            [u.id for u in users],
            [u.email.strip().lower() for u in users],
            [u.name for u in users],
            [u.active for u in users],
        )
        await connection.execute(
            "UPDATE vendor_users SET active = false WHERE system = $1 AND NOT id = ANY($2::text[])", system, [u.id for u in users]
        )
        await connection.execute(_INACTIVE, system)


_INACTIVE = """
WITH gone AS (
  SELECT email, max(name) AS name FROM vendor_users WHERE system = $1 GROUP BY email HAVING NOT bool_or(active)),
theirs AS (
  SELECT g.email, g.name, count(*) AS leads FROM gone g JOIN leads l ON l.owner = g.email
  WHERE l.stage = 'mql' AND l.in_scope AND l.survivor IS NULL GROUP BY g.email, g.name),
closed AS (
  UPDATE problems SET closed_at = now()
  WHERE kind = 'inactive_owner' AND system = $1 AND closed_at IS NULL AND NOT field = ANY(SELECT email FROM theirs))
INSERT INTO problems (kind, key, text, system, field, count)
SELECT 'inactive_owner', $1 || ':' || email,
  name || ' is inactive in ' || $1 || ' and still has handed-over leads: give them to somebody who is there', $1, email, leads
FROM theirs ON CONFLICT (kind, key) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), count = excluded.count
"""
"""Law 6: who was given leads and cannot work on them any more is a problem, until they are somebody else's."""


async def every(pool: Any) -> dict[str, dict[str, VendorUser]]:
    """Give all users: system → vendor's id → user."""
    found: dict[str, dict[str, VendorUser]] = {}
    for row in await pool.fetch("SELECT system, id, email, active FROM vendor_users"):
        found.setdefault(row["system"], {})[row["id"]] = VendorUser(row["system"], row["id"], row["email"], row["active"])
    return found
