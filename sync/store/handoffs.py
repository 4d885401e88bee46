"""The ledger of hand-offs, with their offers and legs: written with the lead that they belong to. Times are ms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sync.lead.cycle import HandoffNote
from sync.store.statement import Connection, Statement, clean, columns


def _at(column: str) -> str:
    return f"to_timestamp(w.{column} / 1000.0)"


def _upsert(table: str, key: tuple[str, ...], kinds: Mapping[str, str]) -> str:
    """Give a statement that keeps rows; a column whose kind is `ms` is a time."""
    names = ", ".join(kinds)
    shown = ", ".join(_at(name) if kind == "ms" else f"w.{name}::uuid" if kind == "uuid" else f"w.{name}" for name, kind in kinds.items())
    arrays = ", ".join(f"${n}::{ {'ms': 'bigint', 'uuid': 'text'}.get(kind, kind) }[]" for n, kind in enumerate(kinds.values(), 1))
    changed = ", ".join(f"{name} = excluded.{name}" for name in kinds if name not in key)
    more = ", updated_at = now()" if table == "handoffs" else ""
    return (
        f"INSERT INTO {table} ({names}) SELECT {shown} FROM unnest({arrays}) w({names}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}{more}"
    )


_HANDOFF = {
    "id": "uuid", "lead_id": "uuid", "cycle": "int", "kind": "text", "sla": "text", "priority": "text", "segment": "text", "pool": "text",
    "route": "text", "rule": "text", "source": "text", "state": "text", "owner": "text", "opened_at": "ms", "known_at": "ms",
    "accepted_at": "ms", "worked_at": "ms", "closed_at": "ms", "closed_as": "text", "reason": "text", "comment": "text",
    "playbook_version": "int",
}  # fmt: skip
_OFFER = {
    "handoff_id": "uuid", "n": "int", "lead_id": "uuid", "owner": "text", "rule": "text", "at": "ms", "known_at": "ms", "ended": "text",
    "ended_at": "ms", "reason": "text", "comment": "text", '"by"': "text",
}  # fmt: skip
_LEG = {
    "handoff_id": "uuid", "leg": "text", "lead_id": "uuid", "owner": "text", "started_at": "ms", "due_at": "ms", "done_at": "ms",
    "breached_at": "ms", "cause": "text", "elapsed_ms": "bigint", "paused_ms": "bigint", "within_ms": "bigint", "version": "int",
}  # fmt: skip
_HANDOFFS = _upsert("handoffs", ("id",), _HANDOFF)
_OFFERS = _upsert("offers", ("handoff_id", "n"), _OFFER)
_LEGS = _upsert("legs", ("handoff_id", "leg"), _LEG)
_MOVE = "UPDATE {0} t SET lead_id = w.survivor::uuid FROM unnest($1::text[], $2::text[]) w(lead, survivor) WHERE t.lead_id = w.lead::uuid"
_LEDGER = ("handoffs", "offers", "legs")


def write(notes: Iterable[tuple[str, HandoffNote]]) -> list[Statement]:
    """Keep hand-offs as they are now: (lead id, note)."""
    ordered = sorted(notes, key=lambda one: one[1].id)
    if not ordered:
        return []
    rows = [
        (
            *(note.id, lead, note.cycle, note.kind, note.sla, note.priority, note.segment, note.pool, note.route, note.rule, note.source),
            *(note.state, note.owner, note.opened_at, note.offers[0].known_at if note.offers else None, note.accepted_at, note.worked_at),
            *(note.closed_at, note.closed_as, note.reason, clean(note.comment), note.version),
        )
        for lead, note in ordered
    ]
    offers = [
        (note.id, o.n, lead, o.owner, o.rule, o.at, o.known_at, o.ended, o.ended_at, clean(o.reason), clean(o.comment), o.by)
        for lead, note in ordered
        for o in note.offers
    ]
    legs = [
        (
            *(note.id, name, lead, leg.owner or note.owner, leg.started_at, leg.due_at, leg.done_at, leg.breached_at, leg.cause),
            *(leg.elapsed_ms, leg.paused_ms, leg.within_ms, leg.version),
        )
        for lead, note in ordered
        for name, leg in sorted(note.legs.items())
    ]
    made = [Statement(_HANDOFFS, columns(rows, len(_HANDOFF)))]
    made += [Statement(_OFFERS, columns(offers, len(_OFFER)))] if offers else []
    return [*made, Statement(_LEGS, columns(legs, len(_LEG)))] if legs else made


def move(survivors: Mapping[str, str], written: Iterable[str]) -> list[Statement]:
    """Let the hand-offs of leads that were joined into others be theirs; `written` are written by the same batch anyway."""
    rows = columns(sorted(survivors.items()), 2)
    keys = {"handoffs": "id"}
    return [
        Statement(f"{_MOVE.format(table)} AND NOT t.{keys.get(table, 'handoff_id')} = ANY($3::uuid[])", (*rows, sorted(written)))
        for table in _LEDGER
    ]


def forget(leads: Iterable[str], written: Iterable[str]) -> list[Statement]:
    """Keep of erased people's hand-offs only what reports count: nothing that somebody wrote about them."""
    gone, here = sorted(leads), sorted(written)
    return [
        Statement("UPDATE handoffs SET comment = '' WHERE lead_id = ANY($1::uuid[]) AND NOT id = ANY($2::uuid[])", (gone, here)),
        Statement("UPDATE offers SET comment = '' WHERE lead_id = ANY($1::uuid[]) AND NOT handoff_id = ANY($2::uuid[])", (gone, here)),
        Statement("DELETE FROM notices WHERE lead_id = ANY($1::uuid[])", (gone,)),
    ]


async def of_lead(connection: Connection, lead_id: str) -> list[dict[str, object]]:
    """Give the hand-offs of a lead, the newest first."""
    rows = await connection.fetch("SELECT * FROM handoffs WHERE lead_id = $1::uuid ORDER BY cycle DESC, opened_at DESC", lead_id)
    return [dict(row) for row in rows]
