"""One look, inside the batch's transaction and after its locks, at everything a decision may ask for besides the leads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync.lead.seen import OpenIntent
from sync.store.applied import Epoch, Position
from sync.store.intents import opened
from sync.store.playbooks import ACTIVE
from sync.store.presence import STAMP as PRESENCE
from sync.store.statement import Connection, columns

_LOOK = f"""
SELECT (SELECT value FROM meta WHERE key = '{ACTIVE}') AS playbook,
  (SELECT jsonb_agg(jsonb_build_array(partition, next_offset, group_number, generation)) FROM applied
     WHERE topic = $1 AND partition = ANY($2::int[])) AS positions,
  (SELECT array_agg(system) FROM cursors WHERE name = 'everything' AND done_at IS NOT NULL) AS read_fully,
  (EXISTS (SELECT FROM accounts) OR EXISTS (SELECT FROM opportunities)) AS entries,
  (SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE active), max(seen_at)) FROM vendor_users) AS users,
  (SELECT value FROM meta WHERE key = '{PRESENCE}') AS presence,
  (SELECT jsonb_agg(jsonb_build_array(t.system, t.activity_id)) FROM touches t
     JOIN unnest($3::text[], $4::text[]) w(system, activity_id) USING (system, activity_id)) AS touches,
  (SELECT array_agg(s.id) FROM unnest($5::text[]) w(id) CROSS JOIN generate_series(current_date - 8, current_date, interval '1 day') d
     JOIN seen_inputs s ON s.day = d::date AND s.id = w.id) AS once,
  (SELECT jsonb_agg(jsonb_build_object('lead', i.lead_id, 'system', i.system, 'id', i.id, 'kind', i.kind, 'object', i.object,
     'record_id', i.record_id, 'fields', i.fields, 'state', i.state, 'outcome', i.outcome,
     'done_ms', coalesce(extract(epoch FROM i.done_at) * 1000, 0)) ORDER BY i.opened_at)
     FROM intents i WHERE i.lead_id = ANY($6::uuid[]) AND i.state <> 'applied' AND i.state IN ('open', 'done')) AS intents
"""


@dataclass(slots=True)
class Seen:
    """What the look showed."""

    playbook: int | None
    """The active version."""
    positions: dict[int, Position]
    read_fully: frozenset[str]
    users: str
    """Changes whenever a vendor's users do."""
    touches: set[tuple[str, str]]
    """Those of the asked ones that were counted before."""
    once: set[str]
    """Those of the asked inputs that were applied before."""
    intents: dict[tuple[str, str], list[OpenIntent]]
    """(lead id, system) → what the writer has told or is telling, the result not applied yet: by it an early echo is known."""
    presence: int | None = None
    """Changes whenever somebody says when they are there, or how much they want."""
    entries: bool = False
    """There are accounts or opportunities at all."""


async def look(
    connection: Connection,
    topic: str,
    partitions: Iterable[int],
    touches: Iterable[tuple[str, str]],
    once: Iterable[str],
    leads: Iterable[str],
) -> Seen:
    """Look, in one round trip."""
    row = await connection.fetchrow(_LOOK, topic, sorted(partitions), *columns(sorted(set(touches)), 2), sorted(set(once)), sorted(leads))
    intents: dict[tuple[str, str], list[OpenIntent]] = {}
    for raw in row["intents"] or ():
        intents.setdefault((raw["lead"], raw["system"]), []).append(opened(raw))
    return Seen(
        row["playbook"],
        {p: Position(offset, Epoch(number, generation)) for p, offset, number, generation in row["positions"] or ()},
        frozenset(row["read_fully"] or ()),
        row["users"],
        {(system, activity) for system, activity in row["touches"] or ()},
        set(row["once"] or ()),
        intents,
        presence=row["presence"],
        entries=row["entries"],
    )
