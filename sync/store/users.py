"""People who may own records, by system: how an e-mail of the playbook becomes a vendor's id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.base import User
from sync.lead.decision import VendorUser
from sync.store.responsible import HANDED_OVER

FEW = 3
"""So few people may all leave at once."""


async def put(pool: Any, system: str, users: Sequence[User]) -> None:
    """Keep what a system says of its users; those it no longer names are inactive from now on.

    Where more than half of the active ones are gone at once it is most likely the list that is wrong: for a day nobody is taken for gone,
    and a problem says so.
    """
    async with pool.acquire() as connection, connection.transaction():
        if await _fell(connection, system, [u.id for u in users if u.active]):
            await _keep(connection, system, [u for u in users if u.active])
            return
        await _keep(connection, system, users)
        await connection.execute(
            "UPDATE vendor_users SET active = false WHERE system = $1 AND NOT id = ANY($2::text[])", system, [u.id for u in users]
        )
        await connection.execute(_INACTIVE, system)


async def _keep(connection: Any, system: str, users: Sequence[User]) -> None:
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


async def _fell(connection: Any, system: str, active: Sequence[str]) -> bool:
    """Say whether too many are gone at once to be believed yet, and keep the problem that says so."""
    row = await connection.fetchrow(
        "SELECT count(*) AS before, count(*) FILTER (WHERE id = ANY($2::text[])) AS still FROM vendor_users WHERE system = $1 AND active",
        system,
        active,
    )
    before, still = row["before"], row["still"]
    if before <= FEW or still * 2 >= before:
        await connection.execute(
            "UPDATE problems SET closed_at = now() WHERE kind = 'users_fell' AND key = $1 AND closed_at IS NULL", system
        )
        return False
    text = (
        f"{system} names {still} of {before} active users all at once: nobody is taken for gone yet. Look whether Truce may still read all users "
        "there; if it stays so for a day it counts"
    )
    return not await connection.fetchval(_FALL, system, text)


_FALL = """
INSERT INTO problems (kind, key, text, system) VALUES ('users_fell', $1, $2, $1)
ON CONFLICT (kind, key) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), text = excluded.text
RETURNING opened_at < now() - interval '1 day'
"""
_INACTIVE = f"""
WITH gone AS (
  SELECT email, max(name) AS name FROM vendor_users WHERE system = $1 GROUP BY email HAVING NOT bool_or(active)),
theirs AS (
  SELECT g.email, g.name, count(*) AS leads FROM gone g JOIN {HANDED_OVER} w ON w.who = g.email GROUP BY g.email, g.name),
closed AS (
  UPDATE problems SET closed_at = now()
  WHERE kind = 'inactive_owner' AND system = $1 AND closed_at IS NULL AND NOT field = ANY(SELECT email FROM theirs))
INSERT INTO problems (kind, key, text, system, field, count)
SELECT 'inactive_owner', $1 || ':' || email,
  name || ' is inactive in ' || $1 || ' and still has handed-over leads: give them to somebody who is there by truce reassign --from ' || email,
  $1, email, leads
FROM theirs ON CONFLICT (kind, key) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), count = excluded.count
"""
"""Law 6: who was given leads and cannot work on them any more is a problem, until they are somebody else's."""


async def every(pool: Any) -> dict[str, dict[str, VendorUser]]:
    """Give all users: system → vendor's id → user."""
    found: dict[str, dict[str, VendorUser]] = {}
    for row in await pool.fetch("SELECT system, id, email, active FROM vendor_users"):
        found.setdefault(row["system"], {})[row["id"]] = VendorUser(row["system"], row["id"], row["email"], row["active"])
    return found
