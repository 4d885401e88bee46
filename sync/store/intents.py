"""The writer's statements: load what a plan needs, commit intents before the call, outcomes after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from schemas.base import Scalar
from sync.lead.seen import Kind, OpenIntent
from sync.store.cursors import READING
from sync.topology import Lane


class LeadRow(NamedTuple):
    """A lead as the writer loads it."""

    id: str
    key: str
    rev: int
    survivor: str | None
    doc: str
    dirty_rev: int | None
    """None: nothing is to be told."""
    lane: Lane
    intents: tuple[OpenIntent, ...]
    tries: tuple[str, ...]
    """Every intent that no result settled, void ones included: a second try gets another id by them."""


class Gates(NamedTuple):
    """What may hold a write back, read together with the leads."""

    scopes: tuple[str, ...]
    read_fully: bool
    playbook: int
    duplicates: frozenset[str]
    """Leads that an open duplicate names."""
    reading: frozenset[str] = frozenset()
    """Systems that somebody reads for the first time at this moment."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What is about to be told, as a row of the table."""

    id: str
    lead_id: str
    rev: int
    kind: Kind
    object: str
    record_id: str | None
    fields: Mapping[str, Mapping[str, Any]]


class Overdue(NamedTuple):
    """An intent whose call's time has passed without an outcome."""

    intent: Intent
    key: str
    opened_at: datetime


class Settled(NamedTuple):
    """How an intent ended: `done` with its WriteDone as plain data, or `void` when nothing happened."""

    id: str
    state: str
    outcome: Mapping[str, Any] | None


class Would(NamedTuple):
    """One difference of observe mode."""

    lead_id: str
    record_id: str
    field: str
    before: Scalar
    after: Scalar
    rule: str


_LOAD = """
SELECT w.id, l.key, l.rev, l.survivor, l.doc::text AS doc, d.rev AS dirty_rev, coalesce(d.lane, 'bulk') AS lane,
  (SELECT jsonb_agg(jsonb_build_object('id', i.id, 'kind', i.kind, 'object', i.object, 'record_id', i.record_id, 'fields', i.fields,
     'state', i.state, 'outcome', i.outcome, 'done_ms', coalesce(extract(epoch FROM i.done_at) * 1000, 0)) ORDER BY i.opened_at)
   FROM intents i WHERE i.lead_id = w.id AND i.system = $2 AND i.state <> 'applied') AS intents
FROM unnest($1::uuid[]) AS w(id) JOIN leads l ON l.id = w.id LEFT JOIN dirty d ON d.lead_id = w.id AND d.system = $2
"""

_GATES = f"""
SELECT ARRAY(SELECT scope FROM pauses ORDER BY scope) AS scopes,
  EXISTS (SELECT 1 FROM cursors WHERE system = $1 AND name = 'everything' AND done_at IS NOT NULL) AS read_fully,
  (SELECT value FROM meta WHERE key = 'active_playbook') AS playbook,
  ARRAY(SELECT jsonb_array_elements_text(leads) FROM duplicates WHERE settled_at IS NULL AND leads ?| $2::text[]) AS duplicates,
  {READING} AS reading
"""

# The dirty row is the lock: whoever decides about the lead right now holds it, then the plan is out of date anyway.
_COMMIT = """
WITH n AS (
  SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::jsonb[])
    AS n(id, lead_id, rev, kind, object, record_id, fields)),
held AS (
  SELECT d.lead_id FROM dirty d WHERE d.system = $1 AND d.lead_id IN (SELECT lead_id FROM n) ORDER BY d.lead_id FOR UPDATE SKIP LOCKED)
INSERT INTO intents (id, lead_id, system, kind, object, record_id, fields, rev, opened_at, deadline)
SELECT n.id, n.lead_id, $1, n.kind, n.object, n.record_id, n.fields, n.rev, clock_timestamp(), clock_timestamp() + make_interval(secs => $2)
FROM n JOIN held USING (lead_id) JOIN leads l ON l.id = n.lead_id
WHERE l.rev = n.rev AND l.survivor IS NULL
  AND ARRAY(SELECT scope FROM pauses ORDER BY scope) = $10::text[]
  AND (SELECT value FROM meta WHERE key = 'active_playbook') = to_jsonb($11::int)
  AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.lead_id = n.lead_id AND i.system = $1 AND i.state = 'open')
  AND NOT (n.kind = 'create' AND EXISTS (SELECT 1 FROM duplicates q WHERE q.settled_at IS NULL AND q.leads ? n.lead_id::text))
ON CONFLICT (id) DO NOTHING
RETURNING id
"""

_SETTLE = """
WITH r AS (
  UPDATE intents i SET state = x.state, outcome = x.outcome, done_at = clock_timestamp(), deadline = clock_timestamp()
  FROM unnest($2::uuid[], $3::text[], $4::jsonb[]) AS x(id, state, outcome) WHERE i.id = x.id AND i.state = 'open' RETURNING i.id),
k AS (
  SELECT d.lead_id FROM dirty d JOIN unnest($5::uuid[], $6::bigint[]) AS x(lead_id, rev) ON d.lead_id = x.lead_id AND d.rev <= x.rev
  WHERE d.system = $1 ORDER BY d.lead_id FOR UPDATE OF d SKIP LOCKED),
c AS (DELETE FROM dirty d USING k WHERE d.lead_id = k.lead_id AND d.system = $1),
x AS (
  SELECT * FROM unnest($8::uuid[], $9::text[], $10::text[], $11::jsonb[], $12::jsonb[], $13::text[])
    AS x(lead_id, record_id, field, before, after, rule)),
o AS (
  DELETE FROM would_write w WHERE w.system = $1 AND w.lead_id = ANY($7::uuid[]) AND NOT EXISTS (
    SELECT 1 FROM x WHERE x.lead_id = w.lead_id AND x.record_id = w.record_id AND x.field = w.field)),
p AS (
  INSERT INTO would_write (lead_id, system, record_id, field, before, after, rule)
  SELECT lead_id, $1, record_id, field, before, after, rule FROM x
  ON CONFLICT (lead_id, system, record_id, field) DO UPDATE
    SET before = excluded.before, after = excluded.after, rule = excluded.rule, at = now()
    WHERE would_write.after IS DISTINCT FROM excluded.after),
l AS (SELECT * FROM unnest($14::uuid[], $15::text[]) AS x(lead_id, what)),
f AS (
  DELETE FROM lacks k WHERE k.system = $1 AND k.lead_id = ANY($7::uuid[]) AND NOT EXISTS (
    SELECT 1 FROM l WHERE l.lead_id = k.lead_id AND l.what = k.what)),
h AS (INSERT INTO lacks (lead_id, system, what) SELECT lead_id, $1, what FROM l ON CONFLICT DO NOTHING)
SELECT id FROM r
"""

_OVERDUE = """
WITH late AS (
  SELECT id FROM intents WHERE system = $1 AND state = 'open' AND deadline < statement_timestamp() ORDER BY deadline LIMIT $2
  FOR UPDATE SKIP LOCKED)
UPDATE intents i SET deadline = clock_timestamp() + make_interval(secs => $3) FROM late, leads l
WHERE i.id = late.id AND l.id = i.lead_id
RETURNING i.id, i.lead_id, i.rev, i.kind, i.object, i.record_id, i.fields, i.opened_at, l.key
"""

_UNAPPLIED = """
WITH late AS (
  SELECT id FROM intents WHERE state <> 'applied' AND state = 'done' AND system = $1
    AND greatest(deadline, done_at + make_interval(secs => $3)) < clock_timestamp()
  ORDER BY done_at LIMIT $2 FOR UPDATE SKIP LOCKED)
UPDATE intents i SET deadline = clock_timestamp() + (clock_timestamp() - i.done_at) FROM late, leads l
WHERE i.id = late.id AND l.id = i.lead_id
RETURNING l.key, i.outcome
"""


def opened(raw: Mapping[str, Any]) -> OpenIntent:
    """Read an intent as the statements give it."""
    return OpenIntent(
        raw["id"], raw["kind"], raw["object"], raw["record_id"], raw["fields"], raw["state"], raw["outcome"], int(raw["done_ms"])
    )


def _lead(row: Any) -> LeadRow:
    raw = row["intents"] or []
    live = tuple(opened(one) for one in raw if one["state"] in {"open", "done"})
    tries = tuple(sorted(one["id"] for one in raw))
    return LeadRow(row["id"], row["key"], row["rev"], row["survivor"], row["doc"], row["dirty_rev"], row["lane"], live, tries)


async def load(pool: Any, system: str, leads: Sequence[str]) -> tuple[list[LeadRow], Gates]:
    """Load leads with their unapplied intents, and what may hold their writes back; a lead that does not exist is left out."""
    async with pool.acquire() as connection:
        found = await gates(connection, system, leads)
        rows = await connection.fetch(_LOAD, list(leads), system)
    return [_lead(row) for row in rows], found


async def gates(connection: Any, system: str, leads: Sequence[str] = ()) -> Gates:
    """Give what may hold writes back."""
    row = await connection.fetchrow(_GATES, system, list(leads))
    return Gates(
        tuple(row["scopes"]), row["read_fully"], int(row["playbook"] or 0), frozenset(row["duplicates"]), frozenset(row["reading"])
    )


async def commit(pool: Any, system: str, intents: Sequence[Intent], gates: Gates, timeout_s: float) -> frozenset[str]:
    """Commit intents before their call; gives those that stand: no other write is open, and nothing moved since they were planned."""
    rows = await pool.fetch(
        _COMMIT,
        system,
        timeout_s,
        [one.id for one in intents],
        [one.lead_id for one in intents],
        [one.rev for one in intents],
        [one.kind for one in intents],
        [one.object for one in intents],
        [one.record_id for one in intents],
        [one.fields for one in intents],
        list(gates.scopes),
        gates.playbook,
    )
    return frozenset(row["id"] for row in rows)


async def settle(
    pool: Any,
    system: str,
    settled: Sequence[Settled] = (),
    *,
    clean: Sequence[tuple[str, int]] = (),
    planned: Sequence[str] = (),
    would: Sequence[Would] = (),
    lacks: Sequence[tuple[str, str]] = (),
) -> frozenset[str]:
    """Keep outcomes, drop the dirty rows of leads that have been told everything up to a rev, and keep what observe mode would write.

    Gives the intents that were settled by this call. `planned`: the leads whose kept differences `would` replaces, and
    `lacks`: (lead, what must be there before the rest can be told).
    """
    rows = await pool.fetch(
        _SETTLE,
        system,
        [one.id for one in settled],
        [one.state for one in settled],
        [one.outcome for one in settled],
        [lead for lead, _ in clean],
        [rev for _, rev in clean],
        list(planned),
        [one.lead_id for one in would],
        [one.record_id for one in would],
        [one.field for one in would],
        [one.before for one in would],
        [one.after for one in would],
        [one.rule for one in would],
        [lead for lead, _ in lacks],
        [what for _, what in lacks],
    )
    return frozenset(row["id"] for row in rows)


async def overdue(pool: Any, system: str, most: int, again_s: float) -> list[Overdue]:
    """Claim intents without outcome whose call's time has passed; they come back in `again_s` seconds unless settled."""
    rows = await pool.fetch(_OVERDUE, system, most, again_s)
    return [
        Overdue(
            Intent(row["id"], row["lead_id"], row["rev"], row["kind"], row["object"], row["record_id"], row["fields"]),
            row["key"],
            row["opened_at"],
        )
        for row in rows
    ]


async def extend(pool: Any, ids: Sequence[str], timeout_s: float) -> None:
    """Say that these calls are still to be made or under way."""
    await pool.execute(
        "UPDATE intents SET deadline = clock_timestamp() + make_interval(secs => $2) WHERE id = ANY($1::uuid[]) AND state = 'open'",
        list(ids),
        timeout_s,
    )


async def unapplied(pool: Any, system: str, older_s: float, most: int) -> list[tuple[str, Mapping[str, Any]]]:
    """Claim (lead key, outcome) of results that the lead agent has not applied for so long: perhaps they were never published.

    Each comes again only after twice the time: one that is parked every time must not fill the log, and the agents may be away for hours.
    """
    rows = await pool.fetch(_UNAPPLIED, system, most, older_s)
    return [(row["key"], row["outcome"]) for row in rows]


async def forget(pool: Any, system: str) -> None:
    """Drop void intents after an hour and applied ones after eight days."""
    await pool.execute(
        """DELETE FROM intents WHERE system = $1 AND (
             (state <> 'applied' AND state = 'void' AND done_at < now() - interval '1 hour')
             OR (state = 'applied' AND done_at < now() - interval '8 days'))""",
        system,
    )


async def owners(pool: Any, refs: Sequence[str]) -> dict[str, str]:
    """Give the lead that a record belongs to, or the one that it was joined into; records without a lead are left out."""
    rows = await pool.fetch(
        """SELECT r.ref, coalesce(l.survivor, l.id) AS lead_id FROM records r JOIN leads l ON l.id = r.lead_id
           WHERE r.ref = ANY($1::text[])""",
        list(refs),
    )
    return {row["ref"]: row["lead_id"] for row in rows}
