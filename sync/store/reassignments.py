"""What was given to somebody else, run by run: noted before it is ordered, so that a run can be looked at, gone on with and undone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sync.lead.receivers import Held, Lent, Passed
from sync.store.statement import Connection, columns

_NOTE = """
INSERT INTO reassignments (run, lead_id, handoff_id, what, before, after, clocks, by, reason)
SELECT $1, w.lead::uuid, w.handoff::uuid, w.what, w.before, w.after, $7, $8, $9
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) w(lead, handoff, what, before, after) ON CONFLICT DO NOTHING
"""
_THEIRS = """
SELECT id::text AS id, key, doc::text AS doc FROM leads
WHERE survivor IS NULL AND in_scope AND (owner = $1 OR id IN (SELECT lead_id FROM handoffs WHERE owner = $1 AND closed_at IS NULL))
ORDER BY stage_since NULLS FIRST, id
"""
_RUNS = """
SELECT run, min(at) AS at, min(by) AS by, min(reason) AS reason, count(*)::int AS leads, count(undone_at)::int AS undone,
  array_agg(DISTINCT before) AS from_, array_agg(DISTINCT after) AS to_
FROM reassignments GROUP BY run ORDER BY min(at) DESC LIMIT $1
"""


async def theirs(connection: Connection, person: str) -> list[Any]:
    """Give the leads that are somebody's, or whose open hand-off is (id, key, doc as text): the longest in their stage first."""
    return list(await connection.fetch(_THEIRS, person))


async def note(connection: Connection, run: str, rows: Sequence[Passed], *, clocks: str, by: str, reason: str = "") -> None:
    """Note what a run is about to give to somebody else."""
    some = [(one.lead_id, one.handoff, one.what, one.before, one.after) for one in rows if one.after is not None]
    await connection.execute(_NOTE, run, *columns(some, 5), clocks, by, reason)


async def of_run(connection: Connection, run: str) -> list[dict[str, Any]]:
    """Give what a run gave to somebody else and is not undone, with each lead's key and document."""
    rows = await connection.fetch(
        """SELECT r.run, r.lead_id::text AS lead_id, r.handoff_id::text AS handoff, r.what, r.before, r.after, r.clocks, l.key, l.doc::text AS doc
           FROM reassignments r JOIN leads l ON l.id = r.lead_id WHERE r.run = $1 AND r.undone_at IS NULL ORDER BY r.lead_id""",
        run,
    )
    return [dict(row) for row in rows]


async def undone(connection: Connection, run: str, leads: Iterable[str], by: str) -> None:
    """Note that leads of a run are given back, or need not be."""
    await connection.execute(
        "UPDATE reassignments SET undone_at = now(), undone_by = $3 WHERE run = $1 AND lead_id = ANY($2::uuid[]) AND undone_at IS NULL",
        *(run, sorted(leads), by),
    )


async def runs(connection: Connection, most: int = 20) -> list[dict[str, Any]]:
    """Give the newest runs: when, by whom, how many leads, how many of them undone."""
    return [dict(row) for row in await connection.fetch(_RUNS, most)]


async def lent(connection: Connection) -> list[Lent]:
    """Give the hand-offs that are with somebody's cover."""
    rows = await connection.fetch(
        """SELECT run, lead_id::text AS lead_id, handoff_id::text AS handoff, before, after FROM reassignments
           WHERE run LIKE 'cover:%' AND undone_at IS NULL AND handoff_id IS NOT NULL"""
    )
    return [Lent(row["run"], row["lead_id"], row["handoff"], row["before"], row["after"]) for row in rows]


async def held(connection: Connection, people: Iterable[str], leads: Iterable[str]) -> list[Held]:
    """Give the open hand-offs of these people, and of these leads."""
    rows = await connection.fetch(
        """SELECT h.lead_id::text AS lead_id, l.key, h.id::text AS id, h.owner, h.state FROM handoffs h JOIN leads l ON l.id = h.lead_id
           WHERE h.closed_at IS NULL AND l.survivor IS NULL AND (h.owner = ANY($1::text[]) OR h.lead_id = ANY($2::uuid[])) ORDER BY h.opened_at""",
        *(sorted(people), sorted(leads)),
    )
    return [Held(row["lead_id"], row["key"], row["id"], row["owner"], row["state"]) for row in rows]
