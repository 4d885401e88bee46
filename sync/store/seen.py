"""Touches that were counted, and inputs that may be applied only once (kept 8 days, by day)."""

from __future__ import annotations

from collections.abc import Iterable

from sync.store.statement import Statement, columns

_TOUCHES = """
INSERT INTO touches (system, activity_id, lead_id, kind, name, at)
SELECT w.system, w.activity_id, w.lead_id::uuid, w.kind, w.name, to_timestamp(w.at / 1000.0)
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) w(system, activity_id, lead_id, kind, name, at)
ON CONFLICT DO NOTHING RETURNING activity_id
"""
_ONCE = "INSERT INTO seen_inputs (day, id) SELECT current_date, i FROM unnest($1::text[]) i ORDER BY i ON CONFLICT DO NOTHING RETURNING id"

Touch = tuple[str, str, str, str, str, int]
"""(system, activity id, lead id, kind, name, at in ms)."""


def count_touches(touches: Iterable[Touch]) -> Statement:
    """Keep new touches; returns those that nobody had counted meanwhile (`touched`)."""
    return Statement(_TOUCHES, columns(sorted(touches), 6), "touched")


def remember(ids: Iterable[str]) -> Statement:
    """Remember inputs that may be applied only once; returns those that were new (`remembered`)."""
    return Statement(_ONCE, (sorted(set(ids)),), "remembered")
