"""What became of people's orders about hand-offs, in words for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import NamedTuple

from sync.lead.decision import AnswerNote
from sync.store.statement import Connection, Statement, clean, columns

KEPT_DAYS = 8
"""As long as an order's id is remembered."""
_WRITE = """
INSERT INTO answers (id, lead_id, ok, text)
SELECT w.id, w.lead_id::uuid, w.ok, w.text FROM unnest($1::text[], $2::text[], $3::bool[], $4::text[]) w(id, lead_id, ok, text)
ON CONFLICT (id) DO NOTHING
"""
LOOK_S = 0.05


class Answer(NamedTuple):
    """What somebody is told about their order; `ok` is False where it changed nothing."""

    ok: bool
    text: str
    lead_id: str | None


def write(notes: Iterable[AnswerNote]) -> Statement:
    """Keep answers, the first one to each order."""
    rows = {n.id: (n.id, n.lead_id, n.ok, clean(n.text)) for n in reversed(list(notes))}
    return Statement(_WRITE, columns([rows[ident] for ident in sorted(rows)], 4))


async def get(connection: Connection, ident: str) -> Answer | None:
    """Give the answer to an order; None while there is none."""
    row = await connection.fetchrow("SELECT ok, text, lead_id::text AS lead_id FROM answers WHERE id = $1", ident)
    return Answer(row["ok"], row["text"], row["lead_id"]) if row is not None else None


async def wait(connection: Connection, ident: str, seconds: float) -> Answer | None:
    """Wait so long for the answer to an order that was just put on `changes`; None when it is not decided by then."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while (found := await get(connection, ident)) is None and loop.time() < until:
        await asyncio.sleep(LOOK_S)
    return found


async def forget(connection: Connection) -> None:
    """Let answers go that nobody asks for any more."""
    await connection.execute("DELETE FROM answers WHERE at < now() - make_interval(days => $1)", KEPT_DAYS)
