"""Which lead an e-mail or a record belongs to: looked up and locked before anything is decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sync.lead.decision import Identity
from sync.store.statement import Connection, Statement, columns

_LOCK = """
SELECT i.kind, i.key, i.lead_id::text AS lead_id FROM identities i
JOIN unnest($1::text[], $2::text[]) w(kind, key) USING (kind, key) ORDER BY i.kind, i.key FOR UPDATE OF i
"""
_MAKE = """
INSERT INTO identities (kind, key) SELECT w.kind, w.key FROM unnest($1::text[], $2::text[]) w(kind, key)
ORDER BY w.kind, w.key ON CONFLICT DO NOTHING
"""
_WRITE = """
INSERT INTO identities (kind, key, lead_id) SELECT w.kind, w.key, w.lead_id::uuid FROM unnest($1::text[], $2::text[], $3::text[]) w(kind, key, lead_id)
ON CONFLICT (kind, key) DO UPDATE SET lead_id = excluded.lead_id
"""
_FORGET = """
DELETE FROM identities i USING unnest($1::text[], $2::text[]) w(kind, key) WHERE i.kind = w.kind AND i.key = w.key AND i.lead_id IS NULL
"""


async def lock(connection: Connection, wanted: Iterable[Identity]) -> dict[Identity, str | None]:
    """Lock the rows of these identities, made where missing, in one order for all workers; gives identity → lead id or None."""
    rows = sorted(set(wanted))
    if not rows:
        return {}
    kinds, keys = columns(rows, 2)
    found = await connection.fetch(_LOCK, kinds, keys)
    while len(found) < len(rows):  # one may vanish between the two statements: another worker forgot it
        await connection.execute(_MAKE, kinds, keys)
        found = await connection.fetch(_LOCK, kinds, keys)
    return {(row["kind"], row["key"]): row["lead_id"] for row in found}


def write(identities: Mapping[Identity, str]) -> Statement:
    """Say which lead each identity belongs to."""
    return Statement(_WRITE, columns(sorted((kind, key, lead) for (kind, key), lead in identities.items()), 3))


def forget(unused: Iterable[Identity]) -> Statement:
    """Remove rows that were made to be locked and belong to no lead after all."""
    return Statement(_FORGET, columns(sorted(unused), 2))
