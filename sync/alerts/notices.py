"""What the core wants one person to be told about one hand-off: through what reaches them, and changed in place when it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from schemas import envelope
from schemas.envelope import derived_id
from schemas.notice import NoticeSent
from sync.alerts.card import card
from sync.alerts.channel import Level, Message, Role
from sync.alerts.flush import Ground
from sync.alerts.known import account_of, record_links
from sync.alerts.reach import Target, of_person
from sync.alerts.told import STANDING, Seen
from sync.playbook.models import Playbook
from sync.settings import SystemSettings
from sync.store import notified, telling
from sync.store.telling import Intent

NEWS = frozenset({"offered", "warned", "reminded", "escalated"})
"""Kinds that are a message of their own; the others change the card, and `moved` is said where the card cannot be changed."""
WHILE_OPEN = frozenset({"offered", "warned", "reminded"}) | STANDING
"""Kinds that say nothing any more once the offer has ended."""
Publish = Callable[[bytes, bytes, list[tuple[str, bytes]]], Awaitable[None]]
"""Puts (key, value, headers) on `changes`; returns when Kafka has it."""


async def take_up(pool: Any, ground: Ground, now: datetime) -> int:
    """Make messages of the notices that are there; gives how many notices were taken up."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await notified.ready(connection, now)
        for row in rows:
            intent = await _intent(connection, ground, row)
            if intent is not None:
                await telling.intend(connection, [intent], now)
            await notified.taken(connection, [row["id"]], done=intent is None, now=now)
    return len(rows)


async def _intent(connection: Any, ground: Ground, row: Any) -> Intent | None:
    if row["kind"] in WHILE_OPEN and (row["ended"] is not None or row["state"] is None):
        return None
    ident = derived_id("notice", row["id"])
    if row["kind"] not in NEWS:
        card = await notified.card(connection, row["handoff_id"], row["offer"])
        if card is None:
            return None  # they never saw it: nothing to take back
        if card["state"] == "waiting" and card["claimed_until"] is None:
            if row["kind"] in STANDING:
                return None  # when it is sent it shows that anyway
            await telling.end(connection, card["id"], "void", "overtaken")
            return None
        reader = Target(card["channel"], card["address"], card["role"], card["person"])
        return Intent(ident, row["kind"], *reader, {}, None, row["id"], card["id"])
    role: Role = "owner" if row["person"] in (row["owner"], row["offered_to"]) else "manager"
    found = of_person(ground.playbook, row["person"], role, ground.ready)
    return Intent(ident, row["kind"], *found, {}, None, row["id"]) if found is not None else None


async def render(pool: Any, playbook: Playbook, row: Any, now: int, systems: Mapping[str, SystemSettings], secret: bytes) -> Message | None:
    """Give the message of a row that tells a notice, from what is so at `now` (ms); None: there is nothing to say any more."""
    notice = await notified.full(pool, row["notice_id"])
    if notice is None or notice["doc"] is None or (notice["kind"] in WHILE_OPEN and notice["ended"] is not None):
        return None
    reader: Role = row["role"]
    note = {
        "kind": notice["kind"],
        "handoff": notice["handoff_id"],
        "offer": notice["offer"],
        "person": row["person"],
        "data": notice["data"],
    }
    account = await account_of(pool, notice["doc"], playbook, secret) if reader != "channel" else {}
    shown = card(orjson.loads(notice["doc"]), note, Seen(playbook, now, reader, record_links(systems), account))
    return Message(
        shown.head(),
        shown.lines(),
        shown.links,
        shown.actions,
        _level(notice["kind"]),
        reader=reader,
        to=row["address"],
        person=row["person"],
        due=shown.due,
        thread=notice["handoff_id"],
        card=shown,
    )


def _level(kind: str) -> Level:
    if kind in ("accepted", "worked", "closed"):
        return "good"
    return "urgent" if kind == "escalated" else "trouble"


async def report(pool: Any, publish: Publish, now: datetime) -> int:
    """Tell the lead agent of cards that were sent (`truce.notice.sent`); gives how many. What Kafka did not take is told again."""
    rows = await notified.unreported(pool)
    for row in rows:
        data = NoticeSent(lead_id=row["lead_id"], handoff=row["handoff_id"], offer=row["offer"], channel=row["channel"], at=row["sent_at"])
        ident = derived_id("notice.sent", row["id"])
        value, headers = envelope.write(envelope.new("truce.notice.sent", data, source="notifier", ident=ident, time=now))
        await publish(row["key"].encode(), value, headers)
    if rows:
        await notified.reported(pool, [row["id"] for row in rows], now)
    return len(rows)
