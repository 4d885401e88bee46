"""What the core wants people to be told about their hand-offs: claimed once, and noted once they were told. The time is passed in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sync.store.statement import Connection

_READY = """
SELECT n.id, n.lead_id::text AS lead_id, n.handoff_id::text AS handoff_id, n.offer, n.kind, n.person, n.at, n.data, h.owner, h.state,
  o.ended, o.owner AS offered_to
FROM notices n LEFT JOIN handoffs h ON h.id = n.handoff_id LEFT JOIN offers o ON o.handoff_id = n.handoff_id AND o.n = n.offer
WHERE n.sent_at IS NULL AND coalesce(n.claimed_until, n.at) <= $1 ORDER BY n.at, n.id LIMIT $2 FOR UPDATE OF n SKIP LOCKED
"""
_FULL = """
SELECT n.id, n.lead_id::text AS lead_id, n.handoff_id::text AS handoff_id, n.offer, n.kind, n.person, n.at, n.data, h.owner, h.state, h.route,
  h.kind AS handoff_kind, h.sla, o.ended, o.owner AS offered_to, l.doc::text AS doc,
  (SELECT min(due_at) FROM legs g WHERE g.handoff_id = n.handoff_id AND g.done_at IS NULL) AS due_at
FROM notices n LEFT JOIN handoffs h ON h.id = n.handoff_id LEFT JOIN offers o ON o.handoff_id = n.handoff_id AND o.n = n.offer
LEFT JOIN leads l ON l.id = n.lead_id WHERE n.id = $1
"""
_CARDS = """
SELECT * FROM (
  SELECT DISTINCT ON (n.id) m.id, n.kind, m.state, m.claimed_until, m.channel, m.address, m.role, m.person, m.at
  FROM alert_messages m JOIN notices n ON n.id = m.notice_id
  WHERE n.handoff_id = $1::uuid AND n.offer = $2 AND n.kind = ANY($3::text[]) AND m.state IN ('sent', 'waiting') ORDER BY n.id, m.at DESC) shown
ORDER BY kind <> 'offered', at DESC
"""
_UNREPORTED = """
SELECT m.id, m.channel, m.sent_at, n.lead_id::text AS lead_id, n.handoff_id::text AS handoff_id, n.offer, l.key
FROM alert_messages m JOIN notices n ON n.id = m.notice_id JOIN leads l ON l.id = n.lead_id
WHERE m.state = 'sent' AND m.say = 'offered' AND m.reported_at IS NULL ORDER BY m.id LIMIT $1
"""


async def ready(connection: Connection, now: datetime, most: int = 100) -> list[Any]:
    """Give and lock notices that nobody has taken up."""
    rows: list[Any] = await connection.fetch(_READY, now, most)
    return rows


async def taken(connection: Connection, idents: list[str], *, done: bool, now: datetime) -> None:
    """Note that notices were taken up: a message stands for each; `done`: there is nothing to say."""
    await connection.execute(
        "UPDATE notices SET claimed_until = 'infinity', attempts = attempts + 1, sent_at = CASE WHEN $2 THEN $3::timestamptz END WHERE id = ANY($1::text[])",
        idents,
        done,
        now,
    )


async def told(connection: Connection, ident: str, now: datetime) -> None:
    """Note that somebody was told."""
    await connection.execute("UPDATE notices SET sent_at = $2 WHERE id = $1 AND sent_at IS NULL", ident, now)


async def cards(connection: Connection, handoff: str, offer: int, kinds: Iterable[str]) -> list[Any]:
    """Give the messages that show an offer's card or ask about it, by the kinds of their notices: the newest card first."""
    rows: list[Any] = await connection.fetch(_CARDS, handoff, offer, list(kinds))
    return rows


async def full(connection: Connection, ident: str) -> Any:
    """Give a notice with its hand-off, its offer and its lead's document, None when it is gone."""
    return await connection.fetchrow(_FULL, ident)


async def unreported(connection: Connection, most: int = 100) -> list[Any]:
    """Give cards that were sent, and the lead agent was not told so."""
    rows: list[Any] = await connection.fetch(_UNREPORTED, most)
    return rows


async def reported(connection: Connection, idents: list[str], now: datetime) -> None:
    """Note that the lead agent was told."""
    await connection.execute("UPDATE alert_messages SET reported_at = $2 WHERE id = ANY($1::text[])", idents, now)
