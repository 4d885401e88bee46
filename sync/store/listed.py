"""The problems of one group as the list page shows them: company and owner, nothing else of a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sync.store.statement import Connection

PAGE = 200
_GROUP = "SELECT id, labels, opened_at, last_at FROM alert_groups WHERE token = $1"
_ROWS = """
SELECT p.id, p.kind, p.text, p.count, p.system, p.opened_at, p.closed_at, p.lead_id,
  coalesce(p.owner, l.owner) AS owner, l.doc->'desired'->'company'->>'value' AS company
FROM problems p LEFT JOIN leads l ON l.id = p.lead_id WHERE p.alert_group = $1 AND p.closed_at IS NULL
ORDER BY p.opened_at, p.id LIMIT $2 OFFSET $3
"""
_COUNT = "SELECT count(*) FROM problems WHERE alert_group = $1 AND closed_at IS NULL"


class Listed(NamedTuple):
    """One page of a group's open problems."""

    id: str
    labels: Mapping[str, str]
    since: datetime
    open: int
    rows: list[Any]


async def group(connection: Connection, token: str, page: int) -> Listed | None:
    """Give a page (0 is the first) of the group that a link names; None when no group has this token."""
    found = await connection.fetchrow(_GROUP, token)
    if found is None:
        return None
    rows = await connection.fetch(_ROWS, found["id"], PAGE, PAGE * page)
    return Listed(found["id"], found["labels"], found["opened_at"], await connection.fetchval(_COUNT, found["id"]), rows)
