"""What happened to a lead, line by line, for the console and `explain`."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from sync.lead.decision import Line
from sync.store.statement import Statement, columns

_WRITE = """
INSERT INTO timeline (lead_id, at, kind, data) SELECT w.lead_id::uuid, to_timestamp(w.at / 1000.0), w.kind, w.data::jsonb
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY w(lead_id, at, kind, data, n) ORDER BY w.n
"""


def write(lines: Iterable[Line]) -> Statement:
    """Add lines, in their order."""
    return Statement(_WRITE, columns([(line.lead_id, line.at, line.kind, orjson.dumps(line.data).decode()) for line in lines], 4))
