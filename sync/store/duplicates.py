"""Records and leads that only a person can place."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from sync.lead.decision import DuplicateNote
from sync.store.statement import Statement, clean, columns

_WRITE = """
INSERT INTO duplicates (id, ref, leads, reason, settled_at, settled_by)
SELECT w.id, w.ref, w.leads::jsonb, w.reason, CASE WHEN NOT w.open THEN now() END, CASE WHEN NOT w.open THEN w.reason END
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bool[]) w(id, ref, leads, reason, open)
ON CONFLICT (id) DO UPDATE SET leads = CASE WHEN excluded.settled_at IS NULL THEN excluded.leads ELSE duplicates.leads END,
  reason = CASE WHEN excluded.settled_at IS NULL THEN excluded.reason ELSE duplicates.reason END, settled_at = excluded.settled_at,
  settled_by = excluded.settled_by
"""


def write(notes: Iterable[DuplicateNote]) -> Statement:
    """Ask a person, or say that it is settled: all whom it named then go on, so their names stay. Of notes with one id the last counts."""
    last = {note.id: note for note in notes}
    rows = [(n.id, n.ref, orjson.dumps(n.leads).decode(), clean(n.reason), n.open) for _, n in sorted(last.items())]
    return Statement(_WRITE, columns(rows, 5))
