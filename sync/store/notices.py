"""What people are to be told about a hand-off: made with the decision, claimed and sent by the notifier."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from sync.lead.decision import NoticeNote
from sync.store.statement import Statement, columns

_WRITE = """
INSERT INTO notices (id, lead_id, handoff_id, offer, kind, person, at, data)
SELECT w.id, w.lead_id::uuid, w.handoff::uuid, w.offer, w.kind, w.person, to_timestamp(w.at / 1000.0), w.data::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::text[], $6::text[], $7::bigint[], $8::text[])
  w(id, lead_id, handoff, offer, kind, person, at, data)
ON CONFLICT (id) DO NOTHING
"""


def write(notes: Iterable[NoticeNote]) -> Statement:
    """Keep what is to be told, each once by its id."""
    rows = {
        n.id: (n.id, n.lead_id, n.handoff, n.offer, n.kind, n.person, n.at, orjson.dumps(dict(n.data)).decode().replace("\\u0000", ""))
        for n in notes
    }
    return Statement(_WRITE, columns([rows[ident] for ident in sorted(rows)], 8))
