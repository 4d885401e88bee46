"""Which message a task in Asana was made by, and whether its completion was told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sync.store.statement import Connection

# The task of a notice is about its lead; that of a group only where one lead is behind it.
_TASK = """
SELECT m.id, l.key, (SELECT r.ref FROM records r WHERE r.lead_id = l.id AND r.gone IS NULL ORDER BY r.ref LIMIT 1) AS ref
FROM alert_messages m JOIN leads l ON l.id = coalesce(
  (SELECT n.lead_id FROM notices n WHERE n.id = m.notice_id),
  (SELECT min(p.lead_id::text)::uuid FROM problems p WHERE p.alert_group = m.group_id AND p.kind IN ('not_accepted', 'not_worked')
   AND p.closed_at IS NULL HAVING count(DISTINCT p.lead_id) = 1))
WHERE m.channel = $1 AND m.ref = $2 AND m.answered_at IS NULL ORDER BY m.at LIMIT 1
"""


async def task(connection: Connection, channel: str, gid: str) -> Any:
    """Give the message that made a task, with its lead's key and a record of it; None: none of ours, or told before."""
    row = await connection.fetchrow(_TASK, channel, gid)
    return row if row is not None and row["ref"] is not None else None


async def told(connection: Connection, ident: str, now: datetime) -> None:
    """Note that the completion was told."""
    await connection.execute("UPDATE alert_messages SET answered_at = $2 WHERE id = $1", ident, now)
