"""Law 6 as one question: which handed-over leads has nobody, without an open problem that says so?"""

from __future__ import annotations

from typing import Any

from sync.lead.waiting import HOLD
from sync.store.responsible import WHO

# Somebody can work on a lead who has an active user in every system that knows them; of a lead in a queue that is the person whom it was
# handed to with it. The problem of held hand-offs speaks for all leads that are held, that of an inactive person for all leads of theirs,
# and the clock of a hand-off that waits for enrichment for its lead until it is due.
_ABLE = """
EXISTS (SELECT 1 FROM vendor_users u WHERE u.email = w.who)
  AND NOT EXISTS (SELECT 1 FROM vendor_users u WHERE u.email = w.who GROUP BY u.system HAVING NOT bool_or(u.active))
"""
ORPHANS = f"""
SELECT l.id::text AS id FROM leads l
CROSS JOIN LATERAL (SELECT {WHO} AS who) w
WHERE l.stage = $1 AND l.in_scope AND l.survivor IS NULL AND NOT ({_ABLE})
  AND NOT EXISTS (SELECT 1 FROM problems p WHERE p.closed_at IS NULL AND (p.lead_id = l.id OR (l.held AND p.kind = 'held')
    OR (p.kind = 'inactive_owner' AND p.field = w.who)))
  AND NOT EXISTS (SELECT 1 FROM clocks c WHERE c.lead_id = l.id AND c.kind = '{HOLD}' AND c.due_at > now() - interval '1 minute')
ORDER BY l.stage_since, l.id LIMIT $2
"""


async def find(connection: Any, stage: str = "mql", most: int = 1000) -> list[str]:
    """Give the ids of leads in the stage that nobody answers for, the longest waiting first; empty is as it should be."""
    return [row["id"] for row in await connection.fetch(ORPHANS, stage, most)]
