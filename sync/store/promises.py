"""Promises of hand-offs that nobody can see to be kept, and the problem that says so: one for each system that is not read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sync.lead.danger import Promise
from sync.lead.state import from_ms
from sync.store.statement import Connection, columns

KIND = "unreachable"
# A leg that stands still waits for nobody; one that was missed already is no longer in danger.
_RUNNING = """
SELECT h.sla, g.leg, h.owner, (extract(epoch FROM g.due_at) * 1000)::bigint AS due_at, (extract(epoch FROM g.started_at) * 1000)::bigint AS offered_at
FROM legs g JOIN handoffs h ON h.id = g.handoff_id JOIN leads l ON l.id = h.lead_id
WHERE g.due_at > $1 AND g.due_at <= $2 AND g.done_at IS NULL AND g.breached_at IS NULL AND h.state IN ('offered', 'accepted', 'worked')
  AND l.doc->'handoff'->'legs'->g.leg->>'since' IS NOT NULL
UNION ALL
SELECT h.sla, 'accept', h.owner, NULL, (extract(epoch FROM o.at) * 1000)::bigint
FROM handoffs h JOIN offers o ON o.handoff_id = h.id WHERE h.state = 'offered' AND o.ended IS NULL AND o.known_at IS NULL AND o.at <= $2
"""
_OPEN = f"""
INSERT INTO problems (kind, key, text, system)
SELECT '{KIND}', w.system || ':promises', w.text, w.system FROM unnest($1::text[], $2::text[]) w(system, text)
ON CONFLICT (kind, key) WHERE closed_at IS NULL DO UPDATE SET text = excluded.text, last_at = now()
"""
_CLOSE = f"""
UPDATE problems SET closed_at = now() WHERE kind = '{KIND}' AND key = system || ':promises' AND closed_at IS NULL AND NOT system = ANY($1::text[])
"""


async def running(connection: Connection, after: int, until: int) -> list[Promise]:
    """Give the promises that are due in a span (ms), and the offers that are not known to have reached their owner."""
    times: tuple[datetime, datetime] = (from_ms(after), from_ms(until))
    return [Promise(**dict(row)) for row in await connection.fetch(_RUNNING, *times)]


async def tell(connection: Any, texts: Mapping[str, str]) -> None:
    """Keep one problem open for each system (→ what to say), and close those of all others."""
    await connection.execute(_CLOSE, list(texts))
    if texts:
        await connection.execute(_OPEN, *columns(sorted(texts.items()), 2))
