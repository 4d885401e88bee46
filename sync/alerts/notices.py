"""What the core wants one person to be told about one hand-off: through what reaches them, and changed in place when it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
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
SETTLED = frozenset({"accepted", "worked", "closed"})
"""Kinds after which nobody has to do anything about what they were asked."""
BESIDE = "changed"
"""What changes a message beside the card (a reminder): it says how it went on, and no more."""
Publish = Callable[[bytes, bytes, list[tuple[str, bytes]]], Awaitable[None]]
"""Puts (key, value, headers) on `changes`; returns when Kafka has it."""


async def take_up(pool: Any, ground: Ground, now: datetime) -> int:
    """Make messages of the notices that are there; gives how many notices were taken up."""
    async with pool.acquire() as connection, connection.transaction():
        rows = await notified.ready(connection, now)
        for row in rows:
            intents = await _intents(connection, ground, row)
            await telling.intend(connection, intents, now)
            await notified.taken(connection, [row["id"]], done=not intents, now=now)
    return len(rows)


async def _intents(connection: Any, ground: Ground, row: Any) -> list[Intent]:
    if row["kind"] in WHILE_OPEN and (row["ended"] is not None or row["state"] is None):
        return []
    if row["kind"] not in NEWS:
        shown = await notified.cards(connection, row["handoff_id"], row["offer"], _told_by(row["kind"]))
        return [one for n, card in enumerate(shown) if (one := await _change(connection, row, card, first=not n)) is not None]
    role: Role = "owner" if row["person"] in (row["owner"], row["offered_to"]) else "manager"
    found = of_person(ground.playbook, row["person"], role, ground.ready)
    return [Intent(derived_id("notice", row["id"]), row["kind"], *found, {}, None, row["id"])] if found is not None else []


def _told_by(kind: str) -> tuple[str, ...]:
    """Give the kinds of what no longer holds once it went on so: the card, reminders, and what the manager was asked while it was theirs."""
    if kind in STANDING:
        return ("offered",)
    return ("offered", "warned", "reminded", *(("escalated",) if kind in SETTLED else ()))


async def _change(connection: Any, row: Any, card: Any, *, first: bool) -> Intent | None:
    """Change a message in place; the `first` is the card itself, in whose stead its reader is told where it cannot be changed."""
    if card["state"] == "waiting" and card["claimed_until"] is None:
        if row["kind"] not in STANDING:  # when it is sent it shows that anyway
            await telling.end(connection, card["id"], "void", "overtaken")
        return None
    reader = Target(card["channel"], card["address"], card["role"], card["person"])
    if first and card["kind"] == "offered":
        return Intent(derived_id("notice", row["id"]), row["kind"], *reader, {}, None, row["id"], card["id"])
    return Intent(derived_id("notice", row["id"], card["id"]), BESIDE, *reader, {}, None, row["id"], card["id"])


async def render(
    pool: Any, playbook: Playbook, row: Any, now: int, systems: Mapping[str, SystemSettings], secret: bytes, zone: str = ""
) -> Message | None:
    """Give the message of a row that tells a notice, from what is so at `now` (ms); None: there is nothing to say any more.

    `zone`: the reader's as the medium knows it.
    """
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
    shown = card(orjson.loads(notice["doc"]), note, Seen(playbook, now, reader, record_links(systems), account, zone))
    if row["say"] == BESIDE:
        shown = replace(shown, said=(), actions=())
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
