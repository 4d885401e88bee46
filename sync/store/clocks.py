"""Clocks of leads: set with the decision that they follow from, claimed when they are due. Times are ms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from sync.lead.decision import ClockNote
from sync.store.statement import Statement, columns

AGAIN_S = 60
"""A claimed clock that was not decided by then is claimed again, ever more seldom: at most once a day."""
_SET = """
INSERT INTO clocks (lead_id, kind, due_at, data, playbook_version)
SELECT w.lead_id::uuid, w.kind, to_timestamp(w.due_at / 1000.0), w.data::jsonb, w.version
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::int[]) w(lead_id, kind, due_at, data, version)
ON CONFLICT (lead_id, kind) DO UPDATE SET due_at = excluded.due_at, data = excluded.data, playbook_version = excluded.playbook_version,
  claimed_until = NULL, attempts = 0
"""
_END = """
DELETE FROM clocks c USING unnest($1::text[], $2::text[]) w(lead_id, kind) WHERE c.lead_id = w.lead_id::uuid AND c.kind = w.kind
"""
_CLAIM = """
WITH ready AS (
  SELECT lead_id, kind FROM clocks WHERE coalesce(claimed_until, due_at) <= clock_timestamp()
  ORDER BY coalesce(claimed_until, due_at) LIMIT $1 FOR UPDATE SKIP LOCKED)
UPDATE clocks c SET attempts = c.attempts + 1,
  claimed_until = clock_timestamp() + make_interval(secs => $2 * least(power(2, c.attempts), 1440))
FROM ready JOIN leads l ON l.id = ready.lead_id WHERE c.lead_id = ready.lead_id AND c.kind = ready.kind
RETURNING c.lead_id::text AS lead_id, c.kind, c.due_at, l.key
"""
_NEXT = """
SELECT extract(epoch FROM coalesce(claimed_until, due_at) - clock_timestamp())::float8 FROM clocks
ORDER BY coalesce(claimed_until, due_at) LIMIT 1
"""


class Due(NamedTuple):
    """One clock whose time has come, with the key that its lead's messages carry."""

    lead_id: str
    kind: str
    due_at: datetime
    key: str


def write(clocks: Mapping[tuple[str, str], ClockNote | None]) -> list[Statement]:
    """Set and end clocks: (lead id, kind) → the clock, None: it is over."""
    kept = [
        (lead, kind, note.due_at, orjson.dumps(note.data).decode(), note.version)
        for (lead, kind), note in sorted(clocks.items(), key=lambda one: one[0])
        if note is not None
    ]
    over = sorted(key for key, note in clocks.items() if note is None)
    made = [Statement(_SET, columns(kept, 5))] if kept else []
    return [*made, Statement(_END, columns(over, 2))] if over else made


async def claim(pool: Any, most: int, seconds: float = AGAIN_S) -> list[Due]:
    """Claim clocks that are due, the longest due first; they come back when they were not decided in so long."""
    return [Due(row["lead_id"], row["kind"], row["due_at"], row["key"]) for row in await pool.fetch(_CLAIM, most, seconds)]


async def wait(pool: Any) -> float | None:
    """Give in how many seconds the next clock is due, 0 or less when one is; None when there is none."""
    seconds: float | None = await pool.fetchval(_NEXT)
    return seconds
