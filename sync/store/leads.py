"""The lead documents, the narrow columns beside them, and the records that they are made of."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any, NamedTuple

from sync.lead.state import Lead, dump, load
from sync.store.statement import Connection, Statement, columns

_LOCK = """
WITH RECURSIVE chain(id, survivor) AS (
  SELECT id, survivor FROM leads WHERE id = ANY($1::text[]::uuid[])
  UNION SELECT l.id, l.survivor FROM leads l JOIN chain c ON l.id = c.survivor)
SELECT l.id::text AS id, l.survivor::text AS survivor, l.doc::text AS doc FROM leads l
WHERE l.id IN (SELECT id FROM chain) ORDER BY l.id FOR UPDATE OF l
"""
_WRITE = """
INSERT INTO leads (id, key, rev, doc, stage, stage_since, owner, in_scope, held, handoff_state, survivor, playbook_version, created_at, updated_at)
SELECT w.id::uuid, w.key, w.rev, w.doc::json, w.stage, to_timestamp(w.stage_since / 1000.0), w.owner, w.in_scope, w.held, w.handoff_state,
  w.survivor::uuid, w.playbook_version, to_timestamp(w.created_at / 1000.0), now()
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bool[], $9::bool[], $10::text[], $11::text[],
  $12::int[], $13::bigint[])
  w(id, key, rev, doc, stage, stage_since, owner, in_scope, held, handoff_state, survivor, playbook_version, created_at)
ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, doc = excluded.doc, stage = excluded.stage, stage_since = excluded.stage_since,
  owner = excluded.owner, in_scope = excluded.in_scope, held = excluded.held, handoff_state = excluded.handoff_state,
  survivor = excluded.survivor, playbook_version = excluded.playbook_version, updated_at = now()
"""
_RECORDS = """
INSERT INTO records (ref, lead_id, system, object, gone, seen_at)
SELECT w.ref, w.lead_id::uuid, w.system, w.object, w.gone, to_timestamp(w.seen_at / 1000.0)
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) w(ref, lead_id, system, object, gone, seen_at)
ON CONFLICT (ref) DO UPDATE SET lead_id = excluded.lead_id, gone = excluded.gone, seen_at = excluded.seen_at
WHERE (records.lead_id, records.gone, records.seen_at) IS DISTINCT FROM (excluded.lead_id, excluded.gone, excluded.seen_at)
"""


class Locked(NamedTuple):
    """The leads that were asked for and all their survivors; `closed` is False when one moved meanwhile: start over."""

    leads: dict[str, Lead]
    closed: bool


async def lock(connection: Connection, ids: Iterable[str]) -> Locked:
    """Lock leads and their survivors in the order of their ids."""
    wanted = sorted(set(ids))
    if not wanted:
        return Locked({}, True)
    rows = await connection.fetch(_LOCK, wanted)
    leads = {row["id"]: load(row["doc"]) for row in rows}
    return Locked(leads, all(row["survivor"] is None or row["survivor"] in leads for row in rows))


_STREAM = """
SELECT id::text AS id, key, held, doc::text AS doc FROM leads
WHERE survivor IS NULL AND in_scope AND id > $1::uuid ORDER BY id LIMIT $2
"""
PAGE = 500


async def stream(connection: Connection, most: int | None = None) -> AsyncGenerator[Any, None]:
    """Give leads in scope (id, key, held, doc as text), page by page in the order of their ids, without holding a transaction.

    Ids are hashes: the first `most` are a random sample, and the same one each time.
    """
    last, left = "00000000-0000-0000-0000-000000000000", most
    while rows := await connection.fetch(_STREAM, last, PAGE if left is None else min(PAGE, left)):
        for row in rows:
            yield row
        last, left = rows[-1]["id"], None if left is None else left - len(rows)


def _narrow(lead: Lead) -> tuple[object, ...]:
    stage, owner = lead.value("stage"), lead.value("owner")
    handoff = lead.handoff.state if lead.handoff else None
    return (
        *(lead.id, lead.key, lead.rev, dump(lead), None if stage is None else str(stage), lead.stage_since),
        *(None if owner is None else str(owner), lead.in_scope, lead.held is not None, handoff),
        *(lead.survivor, lead.playbook_version, lead.created_at),
    )


def write(leads: Iterable[Lead]) -> Statement:
    """Keep the documents with their narrow columns."""
    return Statement(_WRITE, columns([_narrow(lead) for lead in sorted(leads, key=lambda lead: lead.id)], 13))


def write_records(leads: Iterable[Lead]) -> Statement | None:
    """Keep which record belongs to which lead; None when they have none. A survivor's word counts above the absorbed one's."""
    rows: dict[str, tuple[object, ...]] = {}
    for lead in sorted(leads, key=lambda lead: (lead.survivor is None, lead.id)):
        for r in lead.records.values():
            rows[r.ref] = (r.ref, lead.id, r.system, r.object, r.gone, r.last_at)
    return Statement(_RECORDS, columns([rows[ref] for ref in sorted(rows)], 6)) if rows else None
