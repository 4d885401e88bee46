"""Law 6 as one question: which handed-over leads has nobody, without an open problem that says so?"""

from __future__ import annotations

from typing import Any

# Somebody can work on a lead who has an active user in every system that knows them; the problem of held hand-offs speaks for all leads
# that are held, that of an inactive person for all leads of theirs.
_ABLE = """
EXISTS (SELECT 1 FROM vendor_users u WHERE u.email = l.owner)
  AND NOT EXISTS (SELECT 1 FROM vendor_users u WHERE u.email = l.owner GROUP BY u.system HAVING NOT bool_or(u.active))
"""
ORPHANS = f"""
SELECT l.id::text AS id FROM leads l
WHERE l.stage = $1 AND l.in_scope AND l.survivor IS NULL AND NOT ({_ABLE})
  AND NOT EXISTS (SELECT 1 FROM problems p WHERE p.closed_at IS NULL AND (p.lead_id = l.id OR (l.held AND p.kind = 'held')
    OR (p.kind = 'inactive_owner' AND p.field = l.owner)))
ORDER BY l.stage_since, l.id LIMIT $2
"""


async def find(connection: Any, stage: str = "mql", most: int = 1000) -> list[str]:
    """Give the ids of leads in the stage that nobody answers for, the longest waiting first; empty is as it should be."""
    return [row["id"] for row in await connection.fetch(ORPHANS, stage, most)]
