"""What else a decision leaves behind: leads to be written, records to be read, intents that are settled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sync.store.statement import Statement, columns
from sync.topology import Lane

_DIRTY = """
INSERT INTO dirty (lead_id, system, lane, rev) SELECT w.lead_id::uuid, w.system, w.lane, w.rev
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) w(lead_id, system, lane, rev)
ON CONFLICT (lead_id, system) DO UPDATE SET rev = greatest(dirty.rev, excluded.rev), rung_at = now(),
  lane = CASE WHEN 'hot' IN (dirty.lane, excluded.lane) THEN 'hot' ELSE 'bulk' END
"""
_ORDERS = """
INSERT INTO read_orders (ref, system) SELECT r, split_part(r, ':', 1) FROM unnest($1::text[]) r
ON CONFLICT (ref) DO UPDATE SET claimed_until = NULL, ordered_at = least(read_orders.ordered_at, excluded.ordered_at)
"""
_INTENTS = """
UPDATE intents SET state = 'applied', fields = CASE WHEN lead_id = ANY($2::text[]::uuid[]) THEN '{}'::jsonb ELSE fields END,
  outcome = CASE WHEN lead_id = ANY($2::text[]::uuid[]) THEN NULL ELSE outcome END
WHERE id = ANY($1::text[]::uuid[])
"""


def mark_dirty(leads: Mapping[tuple[str, str], tuple[Lane, int]]) -> Statement:
    """Say which leads must be written where: (lead id, system) → (lane, rev); hot wins over bulk, the newer rev over the older."""
    return Statement(_DIRTY, columns([(*key, *value) for key, value in sorted(leads.items())], 4))


def order_reads(refs: Iterable[str]) -> Statement:
    """Order records to be read."""
    return Statement(_ORDERS, (sorted(set(refs)),))


def settle_intents(ids: Iterable[str], erased: Iterable[str] = ()) -> Statement:
    """Say that the results of these intents are part of their leads; of `erased` leads nothing of what was told is kept."""
    return Statement(_INTENTS, (sorted(set(ids)), sorted(erased)))
