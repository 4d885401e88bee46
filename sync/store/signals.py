"""Signals of friction in the ledger of hand-offs: what went worse in the last week than in the one before. The time is passed in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sync.store.statement import Connection


class Signal(NamedTuple):
    """Something that isn't working: what about (a reason, an SLA, a person …), how much now and before, and companies behind it."""

    kind: str
    about: str
    now: int
    of: int
    before: int
    before_of: int
    companies: tuple[str, ...]


_WEEK = "$1::timestamptz - interval '7 days'"
_FORTNIGHT = "$1::timestamptz - interval '14 days'"
_COMPANY = "l.doc->'desired'->'company'->>'value'"
_SOME = f"(array_agg(DISTINCT {_COMPANY}) FILTER (WHERE {_COMPANY} IS NOT NULL AND {{0}}))[1:6]"
_REJECTS = f"""
SELECT 'rejects' AS kind, coalesce(nullif(h.route, ''), 'all routes') AS about,
  count(*) FILTER (WHERE o.ended = 'rejected' AND o.at >= {_WEEK})::int AS now, count(*) FILTER (WHERE o.at >= {_WEEK})::int AS of,
  count(*) FILTER (WHERE o.ended = 'rejected' AND o.at < {_WEEK})::int AS before, count(*) FILTER (WHERE o.at < {_WEEK})::int AS before_of,
  {_SOME.format(f"o.ended = 'rejected' AND o.at >= {_WEEK}")} AS companies
FROM offers o JOIN handoffs h ON h.id = o.handoff_id LEFT JOIN leads l ON l.id = o.lead_id
WHERE o.at >= {_FORTNIGHT} AND o.at <= $1 GROUP BY 2
"""
_LATE = f"""
SELECT 'late' AS kind, g.leg AS about,
  count(*) FILTER (WHERE g.breached_at IS NOT NULL AND g.due_at >= {_WEEK})::int AS now, count(*) FILTER (WHERE g.due_at >= {_WEEK})::int AS of,
  count(*) FILTER (WHERE g.breached_at IS NOT NULL AND g.due_at < {_WEEK})::int AS before, count(*) FILTER (WHERE g.due_at < {_WEEK})::int AS before_of,
  {_SOME.format(f"g.breached_at IS NOT NULL AND g.due_at >= {_WEEK}")} AS companies
FROM legs g LEFT JOIN leads l ON l.id = g.lead_id WHERE g.due_at >= {_FORTNIGHT} AND g.due_at <= $1 GROUP BY 2
"""
_PARKED = f"""
SELECT 'parked' AS kind, coalesce(system, 'Truce') AS about,
  count(*) FILTER (WHERE settled_at IS NULL OR settled_at > $1)::int AS now, 0 AS of,
  count(*) FILTER (WHERE parked_at < $1::timestamptz - interval '1 day' AND (settled_at IS NULL OR settled_at > $1::timestamptz - interval '1 day'))::int AS before,
  0 AS before_of, {_SOME.format("(settled_at IS NULL OR settled_at > $1)")} AS companies
FROM parked p LEFT JOIN leads l ON l.id = p.lead_id WHERE settled_at IS NULL OR settled_at > $1::timestamptz - interval '1 day' GROUP BY 2
"""
_STALE = f"""
SELECT 'stale' AS kind, h.owner AS about, count(*)::int AS now, 0 AS of, 0 AS before, 0 AS before_of, {_SOME.format("true")} AS companies
FROM handoffs h LEFT JOIN leads l ON l.id = h.lead_id
WHERE h.closed_at IS NULL AND h.state IN ('accepted', 'worked') AND coalesce(h.worked_at, h.accepted_at) < {_WEEK} GROUP BY h.owner
"""
# An offer that was taken from somebody, or that ended with its lead, asked nothing of them any more.
_UNANSWERED = "(o.ended IS NULL OR o.ended = 'expired')"
_SILENT = f"""
SELECT 'silent' AS kind, o.owner AS about, count(*) FILTER (WHERE {_UNANSWERED})::int AS now, count(*)::int AS of, 0 AS before, 0 AS before_of,
  {_SOME.format(_UNANSWERED)} AS companies
FROM offers o LEFT JOIN leads l ON l.id = o.lead_id JOIN handoffs h ON h.id = o.handoff_id
WHERE o.at >= {_WEEK} AND o.at < $1::timestamptz - interval '1 day' GROUP BY o.owner
HAVING count(*) FILTER (WHERE o.ended = 'rejected' OR (h.owner = o.owner AND h.accepted_at IS NOT NULL)) = 0
"""


async def measured(connection: Connection, now: datetime) -> Sequence[Signal]:
    """Give what could be a signal, with its figures; whether it is one is judged elsewhere."""
    found: list[Signal] = []
    for statement in (_REJECTS, _LATE, _PARKED, _STALE, _SILENT):
        for row in await connection.fetch(statement, now):
            figures = (row["now"], row["of"], row["before"], row["before_of"])
            found.append(Signal(row["kind"], row["about"], *figures, tuple(row["companies"] or ())))
    return found
