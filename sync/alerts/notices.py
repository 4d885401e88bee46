"""What the core wants one person to be told about one hand-off: through what reaches them, and changed in place when it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from schemas import envelope
from schemas.envelope import derived_id
from schemas.notice import NoticeSent
from sync.alerts.channel import Level, Message, Role
from sync.alerts.flush import Ground
from sync.alerts.reach import Target, of_person
from sync.playbook.models import Playbook
from sync.store import notified, telling
from sync.store.telling import Intent

NEWS = frozenset({"offered", "warned", "reminded", "escalated"})
"""Kinds that are a message of their own; the others change the card, and `moved` is said where the card cannot be changed."""
WHILE_OPEN = frozenset({"offered", "warned", "reminded"})
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
            await telling.end(connection, card["id"], "void", "overtaken")
            return None
        reader = Target(card["channel"], card["address"], card["role"], card["person"])
        return Intent(ident, row["kind"], *reader, {}, None, row["id"], card["id"])
    role: Role = "owner" if row["person"] in (row["owner"], row["offered_to"]) else "manager"
    found = of_person(ground.playbook, row["person"], role, ground.ready)
    return Intent(ident, row["kind"], *found, {}, None, row["id"]) if found is not None else None


async def render(pool: Any, playbook: Playbook, row: Any) -> Message | None:
    """Give the message of a row that tells a notice, from what is so now; None: there is nothing to say any more."""
    notice = await notified.full(pool, row["notice_id"])
    if notice is None or notice["doc"] is None or (notice["kind"] in WHILE_OPEN and notice["ended"] is not None):
        return None
    return words(playbook, notice, Target(row["channel"], row["address"], row["role"], row["person"]))


def words(playbook: Playbook, notice: Any, to: Target) -> Message:
    """Put a notice into words for one reader: the person's name is for who works with them, company and times are for all."""
    doc, data = orjson.loads(notice["doc"]), notice["data"] or {}
    who, company = _said(doc, "first_name", "last_name"), _said(doc, "company")
    title, about = _said(doc, "title"), " · ".join(one for one in (company,) if one) or "a lead"
    personal = ", ".join(one for one in (who, title) if one)
    due = notice["due_at"]
    by = f"by {_clock(playbook, to.person, due)}" if due else "soon"
    owner = _name(playbook, data.get("owner") or notice["owner"] or "")
    text = {
        "offered": (f"New for you: {about}", [f"Accept {by}."]),
        "warned": (f"Still to do: {about}", [_STEP.get(data.get("leg", ""), "The next step is due {by}.").format(by=by)]),
        "reminded": (f"Reminder: {about}", [_STEP.get(data.get("leg", ""), "The next step is due {by}.").format(by=by)]),
        "escalated": (f"{_LATE.get(data.get('leg', ''), 'Late')}: {about}", [f"It is with {owner}."]),
        "moved": (
            f"Moved: {about}",
            [f"It is with {_name(playbook, data.get('to') or '') or 'somebody else'} now. Nothing left for you to do."],
        ),
        "accepted": (f"Accepted: {about}", [f"The next step is due {by}."] if due else []),
        "worked": (f"Worked: {about}", []),
    }.get(notice["kind"], (f"Over: {about}", ["Nothing left for you to do."]))
    lines: dict[Role, tuple[str, ...]] = dict.fromkeys(("owner", "manager", "deputy"), (personal,)) if personal else {}
    level: Level = (
        "good" if notice["kind"] in ("accepted", "worked", "closed") else "urgent" if notice["kind"] == "escalated" else "trouble"
    )
    return Message(text[0], tuple(text[1]), (), (), level, lines, to.role, to.to, to.person, due, notice["handoff_id"])


_STEP = {"accept": "Accept {by}.", "first_response": "The first response is due {by}.", "work": "It is to be worked {by}."}
_LATE = {"accept": "Not accepted in time", "first_response": "No first response in time", "work": "Not worked in time"}


def _said(doc: Any, *names: str) -> str:
    values = ((doc.get("desired") or {}).get(name, {}).get("value") for name in names)
    return " ".join(str(value) for value in values if value)


def _name(playbook: Playbook, email: str) -> str:
    rep = playbook.reps.get(email)
    return rep.name if rep else email


def _clock(playbook: Playbook, person: str | None, at: datetime) -> str:
    """Give a time as the reader's clock shows it, with the day."""
    rep = playbook.reps.get(person or "")
    local = at.astimezone(ZoneInfo((rep.hours.timezone if rep else "") or playbook.timezone))
    return f"{local:%a %d %b %H:%M}"


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
