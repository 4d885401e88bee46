"""Leads put into the store without waiting for them: one is really decided, the others are its copies with their own names."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.envelope import derived_id
from schemas.keys import keyed
from sync.cli.bench import people
from sync.lead.decide import decide
from sync.lead.decision import Facts, VendorUser, fold
from sync.lead.state import Lead, dump
from sync.playbook.models import Playbook
from sync.store import cursors, users

CHUNK = 2_000
_LEADS = """
INSERT INTO leads (id, key, rev, doc, stage, in_scope, playbook_version, created_at, updated_at)
SELECT w.id::uuid, w.key, $6, replace(replace(replace(replace(replace($7::text, $8, w.id), $9, w.key), $10, w.email), $11, w.crm), $12, w.map)::json,
  $13, true, $14, now(), now()
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) w(id, key, email, crm, map)
"""
_IDENTITIES = """
INSERT INTO identities (kind, key, lead_id) SELECT 'email', w.key, w.id::uuid FROM unnest($1::text[], $2::text[]) w(id, key)
UNION ALL SELECT 'ref', r.ref, r.id::uuid FROM unnest($3::text[], $4::text[]) r(id, ref)
"""
_RECORDS = """
INSERT INTO records (ref, lead_id, system, object, seen_at)
SELECT r.ref, r.id::uuid, split_part(r.ref, ':', 1), split_part(r.ref, ':', 2), now() FROM unnest($1::text[], $2::text[]) r(id, ref)
"""


async def begin(pool: Any) -> None:
    """Let both systems be read fully, with their users known."""
    for system in people.UNSET:
        await users.put(pool, system, people.users(system))
        await cursors.put(pool, system, "everything", "", done=True)


def pattern(playbook: Playbook, secret: bytes, at: datetime) -> Lead:
    """Decide the first sight of one person in both systems; gives the lead as it is once both know its Truce id."""
    vendors = {s: {u.id: VendorUser(s, u.id, u.email, True) for u in people.users(s)} for s in people.UNSET}
    facts = Facts(secret, users=vendors, read_fully=frozenset(people.UNSET))
    for system in people.UNSET:
        fold(facts, decide(people.seen(people.PATTERN, system, at), facts, playbook, int(at.timestamp() * 1000)))
    (lead,) = facts.leads.values()
    for record in lead.records.values():
        record.has_truce_id = True
    return lead


def _row(n: int, secret: bytes) -> tuple[str, str, str, str, str]:
    address, both = people.email(n), people.refs(n)
    return derived_id("bench", n), keyed(secret, address), address, both["salesforce"], both["hubspot"]


async def fill(pool: Any, lead: Lead, secret: bytes, first: int, last: int) -> None:
    """Put the people from `first` to below `last` in, each with a record in both systems."""
    was = _row(people.PATTERN, secret)
    rest = (lead.rev, dump(lead), lead.id, *was[1:], lead.value("stage"), lead.playbook_version)
    for start in range(first, last, CHUNK):
        rows = [_row(n, secret) for n in range(start, min(last, start + CHUNK))]
        ids, keys, emails, crm, marketing = (list(column) for column in zip(*rows, strict=True))
        refs = ([*ids, *ids], [*crm, *marketing])
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(_LEADS, ids, keys, emails, crm, marketing, *rest)
            await connection.execute(_IDENTITIES, ids, keys, *refs)
            await connection.execute(_RECORDS, *refs)
    await pool.execute("ANALYZE")
