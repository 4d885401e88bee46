"""What needs a person: one open problem per (kind, key), counted; closed when its cause is gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from sync.lead.decision import ProblemNote
from sync.store.responsible import HANDED_OVER
from sync.store.statement import Connection, Statement, clean, columns

_OPEN = """
INSERT INTO problems (kind, key, text, system, field, ref, lead_id, count, closed_at, owner, labels)
SELECT w.kind, w.key, w.text, w.system, w.field, w.ref, w.lead_id::uuid, w.count, CASE WHEN w.closed THEN now() END, w.owner, w.labels::jsonb
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::bool[], $10::text[], $11::text[])
  w(kind, key, text, system, field, ref, lead_id, count, closed, owner, labels)
ON CONFLICT (kind, key) WHERE closed_at IS NULL DO UPDATE SET count = problems.count + excluded.count, text = excluded.text,
  system = excluded.system, field = excluded.field, ref = excluded.ref, lead_id = excluded.lead_id, owner = excluded.owner,
  labels = excluded.labels, last_at = now()
"""
_CLOSE = """
UPDATE problems p SET closed_at = now() FROM unnest($1::text[], $2::text[]) w(kind, key)
WHERE p.kind = w.kind AND p.key = w.key AND p.closed_at IS NULL
"""


_NONE_HELD = """
UPDATE problems SET closed_at = now() WHERE kind = 'held' AND closed_at IS NULL AND NOT EXISTS (SELECT 1 FROM leads WHERE held)
"""
_NONE_LEFT = f"""
UPDATE problems p SET closed_at = now() WHERE kind = 'inactive_owner' AND system IS NULL AND closed_at IS NULL
  AND (field = ANY($1::text[]) OR NOT EXISTS (SELECT 1 FROM {HANDED_OVER} h WHERE h.who = p.field))
"""
_LEFT = f"""
INSERT INTO problems (kind, key, text, field, count)
SELECT 'inactive_owner', 'team:' || w.email,
  format('%s is no longer in team.yaml and still has %s: each is handed on at the next act of its person; all at once by '
    || 'truce reassign --from %s', w.name, CASE count(*) WHEN 1 THEN '1 handed-over lead' ELSE count(*) || ' handed-over leads' END, w.email),
  w.email, count(*)
FROM unnest($1::text[], $2::text[]) w(email, name) JOIN {HANDED_OVER} h ON h.who = w.email GROUP BY w.email, w.name
ON CONFLICT (kind, key) WHERE closed_at IS NULL DO UPDATE SET last_at = now(), count = excluded.count, text = excluded.text
RETURNING text
"""


async def count(connection: Connection) -> dict[str, int]:
    """Count the open problems by kind."""
    rows = await connection.fetch("SELECT kind, count(*) AS n FROM problems WHERE closed_at IS NULL GROUP BY kind")
    return {row["kind"]: row["n"] for row in rows}


async def close_over(connection: Connection) -> None:
    """Close what nothing else closes: that hand-offs are held, once no lead is; that somebody left, once nothing is theirs."""
    await connection.execute(_NONE_HELD)
    await connection.execute(_NONE_LEFT, [])


async def note_left(connection: Connection, left: Mapping[str, str], there: Iterable[str]) -> list[str]:
    """Open a problem for each of those who left the team (e-mail → name) and still have leads, close those of who is there; gives the texts."""
    await connection.execute(_NONE_LEFT, sorted(there))
    rows = await connection.fetch(_LEFT, list(left), list(left.values()))
    return [row["text"] for row in rows]


def write(notes: Iterable[ProblemNote]) -> list[Statement]:
    """Open and close problems, in the order of the notes; opened and closed at once is kept as closed."""
    opened: dict[tuple[str, str], tuple[ProblemNote, int]] = {}
    closed: set[tuple[str, str]] = set()
    for note in notes:
        same = (note.kind, note.key)
        if note.open:
            closed.discard(same)
            opened[same] = (note, opened[same][1] + 1 if same in opened else 1)
        else:
            closed.add(same)
    rows = [
        (
            *(
                kind,
                clean(key),
                clean(note.text),
                note.system,
                note.field,
                note.ref,
                note.lead_id,
                count,
                (kind, key) in closed,
                note.owner,
            ),
            orjson.dumps(dict(note.labels)).decode(),
        )
        for (kind, key), (note, count) in sorted(opened.items())
    ]
    made = [Statement(_OPEN, columns(rows, 11))] if rows else []
    return [*made, Statement(_CLOSE, columns(sorted(closed), 2))] if closed else made
