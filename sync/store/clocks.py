"""Clocks of leads: set with the decision that they follow from, claimed when they are due. Times are ms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
# The time of the statement, not of the row (`clock_timestamp()`): else no index knows where to stop, and every look reads every clock.
# A clock whose lead is not there can never be decided: it goes, else it would stay first in line for ever, before all others.
_CLAIM = """
WITH ready AS (
  SELECT lead_id, kind FROM clocks WHERE coalesce(claimed_until, due_at) <= statement_timestamp()
  ORDER BY coalesce(claimed_until, due_at) LIMIT $1 FOR UPDATE SKIP LOCKED),
alone AS (
  DELETE FROM clocks c USING ready r
  WHERE c.lead_id = r.lead_id AND c.kind = r.kind AND NOT EXISTS (SELECT FROM leads l WHERE l.id = r.lead_id))
UPDATE clocks c SET attempts = c.attempts + 1,
  claimed_until = statement_timestamp() + make_interval(secs => $2 * least(power(2, c.attempts), 1440))
FROM ready JOIN leads l ON l.id = ready.lead_id WHERE c.lead_id = ready.lead_id AND c.kind = ready.kind
RETURNING c.lead_id::text AS lead_id, c.kind, c.due_at, l.key, c.claimed_until
"""
_GIVE_BACK = """
UPDATE clocks c SET claimed_until = NULL, attempts = greatest(c.attempts - 1, 0)
FROM unnest($1::text[], $2::text[], $3::timestamptz[]) w(lead_id, kind, until)
WHERE c.lead_id = w.lead_id::uuid AND c.kind = w.kind AND c.claimed_until = w.until
"""
# What stands still (`infinity`) is no time to wait for. Only the clock that was told stands still, not one that was set since.
_NEXT = """
SELECT extract(epoch FROM coalesce(claimed_until, due_at) - statement_timestamp())::float8 FROM clocks
WHERE coalesce(claimed_until, due_at) < 'infinity' ORDER BY coalesce(claimed_until, due_at) LIMIT 1
"""
_STAND_STILL = """
UPDATE clocks c SET claimed_until = 'infinity' FROM unnest($1::text[], $2::text[], $3::bigint[]) w(lead_id, kind, due_at)
WHERE c.lead_id = w.lead_id::uuid AND c.kind = w.kind AND c.due_at < to_timestamp((w.due_at + 1) / 1000.0)
"""
_STILL = "coalesce(claimed_until = 'infinity', false)"
_OVERDUE = f"""
SELECT count(*) FILTER (WHERE NOT {_STILL}) AS waiting, min(due_at) FILTER (WHERE NOT {_STILL}) AS since,
  extract(epoch FROM statement_timestamp() - min(due_at) FILTER (WHERE NOT {_STILL}))::float8 AS seconds, count(*) FILTER (WHERE {_STILL}) AS still
FROM clocks WHERE due_at <= statement_timestamp()
"""


class Overdue(NamedTuple):
    """Clocks whose time has come and that are not decided."""

    waiting: int
    since: datetime | None
    """When the first of them was due."""
    seconds: float
    """So long ago that was; 0 where there is none."""
    still: int
    """So many more stand still: their message is parked."""


class Due(NamedTuple):
    """One clock whose time has come, with the key that its lead's messages carry."""

    lead_id: str
    kind: str
    due_at: datetime
    key: str
    until: datetime
    """So long it is claimed; by it the claim is given back."""


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
    rows = await pool.fetch(_CLAIM, most, seconds)
    return [Due(row["lead_id"], row["kind"], row["due_at"], row["key"], row["claimed_until"]) for row in rows]


async def give_back(pool: Any, untold: Sequence[Due]) -> None:
    """Give claims back of clocks that could not be told: they are due as before, and the try does not count."""
    await pool.execute(_GIVE_BACK, *columns([(one.lead_id, one.kind, one.until) for one in untold], 3))


def stand_still(told: Iterable[tuple[str, str, int]]) -> Statement:
    """Let clocks (lead id, kind, due) whose message cannot be decided be told no more, until their lead's next decision sets them anew."""
    return Statement(_STAND_STILL, columns(sorted(set(told)), 3))


async def wait(pool: Any) -> float | None:
    """Give in how many seconds the next clock is due, 0 or less when one is; None when there is none that moves."""
    seconds: float | None = await pool.fetchval(_NEXT)
    return seconds


async def overdue(connection: Any) -> Overdue:
    """Give what is overdue: time it takes to decide what has just come due counts, too."""
    row = await connection.fetchrow(_OVERDUE)
    return Overdue(row["waiting"], row["since"], row["seconds"] or 0.0, row["still"])
