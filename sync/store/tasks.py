"""Tasks for reps: wanted by the lead's own transaction, made in the CRM by the writer, which says before a call that it makes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sync.lead.tasks import TaskNote
from sync.store.statement import Statement, clean, columns

_WRITE = """
INSERT INTO tasks (key, lead_id, system, owner, subject, body, due, state, rule)
SELECT w.key, w.lead::uuid, w.system, w.owner, w.subject, w.body, to_timestamp(w.due / 1000.0), w.state, w.rule
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[])
  w(key, lead, system, owner, subject, body, due, state, rule)
ON CONFLICT (key) DO UPDATE SET lead_id = excluded.lead_id, owner = excluded.owner, subject = excluded.subject, body = excluded.body,
  due = excluded.due, state = excluded.state, rule = excluded.rule, rev = tasks.rev + 1, attempts = 0, claimed_until = NULL, updated_at = now()
WHERE (tasks.owner, tasks.subject, tasks.body, tasks.due, tasks.state) IS DISTINCT FROM
  (excluded.owner, excluded.subject, excluded.body, excluded.due, excluded.state)
"""
_CLAIM = """
UPDATE tasks t SET claimed_until = clock_timestamp() + make_interval(secs => $3)
FROM leads l
WHERE l.id = t.lead_id AND t.key IN (
  SELECT key FROM tasks WHERE system = $1 AND told_rev < rev AND coalesce(claimed_until, '-infinity') < clock_timestamp()
  ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING t.key, t.system, t.owner, t.subject, t.body, t.due, t.state, t.rule, t.rev, t.record_id, t.tried_at, t.attempts,
  coalesce(l.survivor, l.id)::text AS lead_id
"""
# Again in one statement: neither paused since nor claimed by another, and no longer wanted otherwise.
_TRY = """
UPDATE tasks t SET tried_at = clock_timestamp(), attempts = t.attempts + 1, claimed_until = clock_timestamp() + make_interval(secs => $4)
FROM unnest($2::text[], $3::int[]) w(key, rev)
WHERE t.key = w.key AND t.rev = w.rev AND t.system = $1
  AND NOT EXISTS (SELECT 1 FROM pauses WHERE scope IN ('all', 'system:' || $1::text))
RETURNING t.key
"""
_END = """
UPDATE tasks t SET record_id = coalesce(w.record_id, t.record_id), told_rev = greatest(t.told_rev, w.rev),
  tried_at = CASE WHEN w.known THEN NULL ELSE t.tried_at END,
  claimed_until = CASE WHEN w.wait > 0 THEN clock_timestamp() + make_interval(secs => w.wait) END
FROM unnest($1::text[], $2::text[], $3::int[], $4::bool[], $5::float8[]) w(key, record_id, rev, known, wait) WHERE t.key = w.key
"""
_WOULD = """
INSERT INTO would_write (lead_id, system, record_id, field, before, after, rule)
SELECT w.lead::uuid, $1, 'new', 'task ' || w.key, NULL, to_jsonb(w.subject), w.rule
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) w(key, lead, subject, rule)
ON CONFLICT (lead_id, system, record_id, field) DO UPDATE SET after = excluded.after, rule = excluded.rule, at = now()
WHERE would_write.after IS DISTINCT FROM excluded.after
"""


class Claimed(NamedTuple):
    """One task that is to be told, claimed for a while."""

    key: str
    system: str
    owner: str
    subject: str
    body: str
    due: datetime
    state: str
    rule: str
    rev: int
    record_id: str | None
    tried_at: datetime | None
    """A call was begun, and nobody knows what became of it."""
    attempts: int
    """How many calls were begun before."""
    lead_id: str
    """Whose it is now: the survivor where the lead was joined into another."""


class Ended(NamedTuple):
    """How it went: told up to `rev` (0: not yet); `known`: no call is open any more; `wait`: seconds until it may be claimed again."""

    key: str
    record_id: str | None
    rev: int
    known: bool = True
    wait: float = 0.0


def write(rows: Iterable[TaskNote]) -> list[Statement]:
    """Keep what is wanted, the last of each key; what is as it was costs nothing."""
    last = {one.key: one for one in rows}
    if not last:
        return []
    made = [
        (one.key, one.lead_id, one.system, one.owner, clean(one.subject, 255), clean(one.body), one.due, one.state, one.rule)
        for _, one in sorted(last.items())
    ]
    return [Statement(_WRITE, columns(made, 9))]


async def claim(pool: Any, system: str, most: int, seconds: float) -> list[Claimed]:
    """Claim tasks that the system does not show as they are wanted, those due first; they come back unless they are settled by then."""
    return [Claimed(*row) for row in await pool.fetch(_CLAIM, system, most, seconds)]


async def begin(pool: Any, system: str, rows: Sequence[Claimed], seconds: float) -> frozenset[str]:
    """Say that their call is made now; gives the keys of those that may be: not paused, not wanted otherwise since."""
    found = await pool.fetch(_TRY, system, [row.key for row in rows], [row.rev for row in rows], seconds)
    return frozenset(row["key"] for row in found)


async def end(pool: Any, ended: Sequence[Ended]) -> None:
    """Keep how it went."""
    if ended:
        await pool.execute(_END, *columns(ended, 5))


async def would(pool: Any, system: str, rows: Sequence[Claimed]) -> None:
    """Keep what observe mode would have made."""
    told = [(row.key, row.lead_id, row.subject, row.rule) for row in rows]
    await pool.execute(_WOULD, system, *columns(told, 4))


async def drop(pool: Any, keys: Sequence[str]) -> None:
    """Forget tasks of somebody who was erased."""
    await pool.execute("DELETE FROM tasks WHERE key = ANY($1::text[])", list(keys))
