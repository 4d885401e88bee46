"""What is said to whom: kept as an intent before it is sent, claimed once, and what became of it. The time is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from sync.store.statement import Connection, clean, columns

EVENT = "event"
"""What is said to a program, not to a person: an event of Truce."""
CLAIM_S = 60
"""Whoever claimed a message and said nothing for so long was killed: it may have been sent, or not."""
_INTEND = """
INSERT INTO alert_messages (id, group_id, notice_id, say, channel, address, role, person, data, changes, at, ready_at)
SELECT w.id, w.group_id, w.notice_id, w.say, w.channel, w.address, w.role, w.person, w.data::jsonb, w.changes, $11::timestamptz, $11::timestamptz
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
  w(id, group_id, notice_id, say, channel, address, role, person, data, changes)
ON CONFLICT (id) DO NOTHING
"""
# So many of each channel: ten thousand events for a program must not stand before the card of a rep.
_CLAIM = f"""
WITH channels AS (
  SELECT DISTINCT channel FROM alert_messages
  WHERE state = 'waiting' AND coalesce(claimed_until, ready_at) <= $1::timestamptz AND NOT channel = ANY($3::text[])),
ready AS (
  SELECT r.id, r.unsure FROM channels c CROSS JOIN LATERAL (
    SELECT id, unsure FROM alert_messages
    WHERE channel = c.channel AND state = 'waiting' AND coalesce(claimed_until, ready_at) <= $1::timestamptz
    ORDER BY coalesce(claimed_until, ready_at), id LIMIT $2 FOR UPDATE SKIP LOCKED) r)
UPDATE alert_messages m SET claimed_until = $1::timestamptz + interval '{CLAIM_S} seconds', first_at = coalesce(first_at, $1::timestamptz), attempts = attempts + 1,
  unsure = true
FROM ready r WHERE m.id = r.id RETURNING m.*, r.unsure AS was_unsure
"""
_SENT = """
UPDATE alert_messages SET state = 'sent', sent_at = $2, ref = $3, sent = $4, copies = copies + $5, unsure = false, claimed_until = NULL, words = NULL
WHERE id = $1 AND state = 'waiting'
"""
_LATER = "UPDATE alert_messages SET ready_at = $2, claimed_until = NULL, unsure = $3, words = $4 WHERE id = $1 AND state = 'waiting'"
# Claimed, and not tried: its time to be taken elsewhere has not begun.
_BACK = """
UPDATE alert_messages SET claimed_until = NULL, ready_at = $2, unsure = $3, attempts = attempts - 1, first_at = CASE WHEN attempts > 1 THEN first_at END
WHERE id = $1 AND state = 'waiting'
"""
_END = "UPDATE alert_messages SET state = $2, claimed_until = NULL, words = $3 WHERE id = $1 AND state = 'waiting'"
_VOID = "UPDATE alert_messages SET state = 'void', words = 'overtaken' WHERE group_id = $1 AND state = 'waiting' AND claimed_until IS NULL"
_SHOWN = """
SELECT DISTINCT ON (channel, address) * FROM alert_messages WHERE group_id = $1 AND at >= $2 AND state = 'sent'
ORDER BY channel, address, at DESC
"""
FIGURES = """
SELECT count(*) FILTER (WHERE state = 'sent')::int AS sent, coalesce(sum(copies), 0)::int AS copies,
  count(*) FILTER (WHERE state = 'waiting')::int AS waiting FROM alert_messages
"""
# Whatever comes first of a problem's or a notice's way to a reader: not grouped, not said, not made a message, not sent. A long queue that gets
# shorter (Slack takes one message a second and channel) is none: stuck is a channel to which nothing went in that time.
_STUCK = """
SELECT EXISTS (
    SELECT FROM (SELECT DISTINCT channel FROM alert_messages
      WHERE state = 'waiting' AND say <> 'event' AND at < $1::timestamptz - make_interval(secs => $2)) late
    WHERE NOT EXISTS (SELECT FROM alert_messages m WHERE m.channel = late.channel AND m.sent_at >= $1::timestamptz - make_interval(secs => $2)))
  OR EXISTS (SELECT FROM problems WHERE alert_group IS NULL AND closed_at IS NULL AND opened_at < $1::timestamptz - make_interval(secs => $2))
  OR EXISTS (SELECT FROM alert_groups WHERE due_at < $1::timestamptz - make_interval(secs => $2))
  OR EXISTS (SELECT FROM notices WHERE sent_at IS NULL AND coalesce(claimed_until, at) < $1::timestamptz - make_interval(secs => $2))
"""


@dataclass(frozen=True, slots=True)
class Intent:
    """One message to one reader; `changes` is the id of the message that it changes in place."""

    id: str
    say: str
    channel: str
    address: str | None
    role: str
    person: str | None
    data: Mapping[str, Any] = field(default_factory=dict)
    group: str | None = None
    notice: str | None = None
    changes: str | None = None


async def intend(connection: Connection, intents: Iterable[Intent], now: datetime) -> None:
    """Keep what is to be said, each once by its id."""
    rows = [
        (
            i.id,
            i.group,
            i.notice,
            i.say,
            i.channel,
            i.address,
            i.role,
            i.person,
            clean(orjson.dumps(dict(i.data)).decode().replace("\\u0000", ""), 50_000),
            i.changes,
        )
        for i in intents
    ]
    if rows:
        await connection.execute(_INTEND, *columns(rows, 10), now)


async def claim(connection: Connection, now: datetime, busy: Iterable[str] = (), most: int = 20) -> list[Any]:
    """Claim messages that are to be sent, of each channel that is not `busy`; `was_unsure` says that an earlier try of one may have reached its reader."""
    rows: list[Any] = await connection.fetch(_CLAIM, now, most, list(busy))
    return sorted(rows, key=lambda row: (row["at"], row["id"]))


async def sent(connection: Connection, ident: str, now: datetime, ref: str, data: Mapping[str, str], *, copy: bool) -> None:
    """Note where a message is now; `copy`: it was sent again although an earlier try may have arrived."""
    await connection.execute(_SENT, ident, now, ref, dict(data), int(copy))


async def later(connection: Connection, ident: str, at: datetime, words: str, *, unsure: bool) -> None:
    """Try a message again at a time."""
    await connection.execute(_LATER, ident, at, unsure, clean(words, 500))


async def back(connection: Connection, ident: str, now: datetime, *, unsure: bool) -> None:
    """Give a message back that was claimed and not tried."""
    await connection.execute(_BACK, ident, now, unsure)


async def end(connection: Connection, ident: str, state: str, words: str) -> None:
    """Give a message up: `refused`, or `void` when there is nothing to say any more."""
    await connection.execute(_END, ident, state, clean(words, 500))


async def void(connection: Connection, group: str) -> None:
    """Give up what is still to be said of a group: something newer takes its place."""
    await connection.execute(_VOID, group)


async def shown(connection: Connection, group: str, since: datetime) -> Sequence[Any]:
    """Give the last message that each reader got of a group."""
    rows: Sequence[Any] = await connection.fetch(_SHOWN, group, since)
    return rows


async def get(connection: Connection, ident: str) -> Any:
    """Give a message, None when it is not kept."""
    return await connection.fetchrow("SELECT * FROM alert_messages WHERE id = $1", ident)


async def figures(connection: Connection) -> dict[str, int]:
    """Count what was sent, of how many a copy may have been, and what waits."""
    return dict(await connection.fetchrow(FIGURES))


async def stuck(connection: Connection, now: datetime, seconds: float) -> bool:
    """Say whether something has waited for longer than that to be told, while nothing went its way."""
    return bool(await connection.fetchval(_STUCK, now, seconds))


async def forget(connection: Connection, now: datetime) -> None:
    """Let messages go that are older than 90 days, and events that are older than 8."""
    await connection.execute("DELETE FROM alert_messages WHERE say = $2 AND at < $1::timestamptz - interval '8 days'", now, EVENT)
    await connection.execute("DELETE FROM alert_messages WHERE at < $1::timestamptz - interval '90 days' AND state <> 'waiting'", now)
