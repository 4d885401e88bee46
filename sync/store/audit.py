"""Law 6 looked at from outside: MQLs without an owner or an open hand-off, by the tables alone and by no code that should have made them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sync.store.statement import Connection

KIND = "no_handoff"
GRACE = timedelta(minutes=2)
"""A batch is decided in one transaction; so long nothing is looked at in any case."""
# What was handed over before there was a ledger cannot be missing from it.
_BEGAN = "(SELECT least((SELECT min(opened_at) FROM handoffs), (SELECT min(at) FROM offers)))"
_LOST = f"""
SELECT l.id FROM leads l WHERE l.stage = 'mql' AND l.in_scope AND l.survivor IS NULL AND NOT l.held
  AND l.stage_since < $1::timestamptz AND l.stage_since >= {_BEGAN}
  AND (coalesce(l.owner, '') = '' OR NOT EXISTS (SELECT FROM handoffs h WHERE h.lead_id = l.id AND h.closed_at IS NULL))
  AND NOT EXISTS (SELECT FROM clocks c WHERE c.lead_id = l.id AND c.kind = 'hold')
"""
_OPEN = f"""
INSERT INTO problems (kind, key, text, lead_id, owner)
SELECT '{KIND}', l.id::text, CASE WHEN coalesce(l.owner, '') = '' THEN 'this MQL has no owner, and nothing says why'
  ELSE 'this MQL has no open hand-off, and nothing says why' END, l.id, nullif(l.owner, '')
FROM leads l WHERE l.id IN ({_LOST})
  AND NOT EXISTS (SELECT FROM problems p WHERE p.lead_id = l.id AND p.closed_at IS NULL)
ORDER BY l.id LIMIT 1000
ON CONFLICT (kind, key) WHERE closed_at IS NULL DO NOTHING RETURNING lead_id::text AS id
"""
_CLOSE = f"""
UPDATE problems p SET closed_at = now() WHERE p.kind = '{KIND}' AND p.closed_at IS NULL AND p.lead_id IS NOT NULL AND p.lead_id NOT IN ({_LOST})
"""
FIND = f"SELECT id::text AS id FROM ({_LOST}) w ORDER BY id LIMIT 1000"
"""Those who are lost, of the time before $1."""


async def lost(connection: Connection, now: datetime) -> list[str]:
    """Give the ids of MQLs without an owner or an open hand-off, whether a problem is open for them or not."""
    return [row["id"] for row in await connection.fetch(FIND, now - GRACE)]


async def look(pool: Any, now: datetime) -> int:
    """Open a problem for each lost MQL that has none, close those that are found again; gives how many were opened."""
    before = now - GRACE
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_CLOSE, before)
        return len(await connection.fetch(_OPEN, before))
