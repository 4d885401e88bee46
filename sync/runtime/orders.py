"""People's orders about hand-offs, from wherever they come: looked up, put on `changes`, and the answer waited for."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from schemas import envelope
from schemas.command import Command
from schemas.envelope import Envelope, derived_id
from sync.store import answers
from sync.store.answers import Answer

Publish = Callable[[str, Envelope], Awaitable[None]]
"""Puts a message with its key on `changes`; returns when Kafka has it."""
By = Literal["slack", "api", "cli"]
WAIT_S = 3.0
"""So long an answer is waited for before the person is told that it comes."""
LATER = "Taken. It is being decided; you will see the answer on the lead in a moment."

_HANDOFF = """
SELECT h.id::text AS id, h.lead_id::text AS lead_id, h.state, h.owner, coalesce(s.key, l.key) AS key, coalesce(max(o.n), 0) AS offer
FROM handoffs h JOIN leads l ON l.id = h.lead_id LEFT JOIN leads s ON s.id = l.survivor LEFT JOIN offers o ON o.handoff_id = h.id
WHERE {which} GROUP BY h.id, l.id, s.id ORDER BY h.closed_at IS NULL DESC, h.opened_at DESC LIMIT 1
"""


class Handoff(NamedTuple):
    """A hand-off as an order needs to know it."""

    id: str
    lead_id: str
    state: str
    owner: str
    key: str
    """The key that messages about its lead carry."""
    offer: int
    """The newest offer's number."""


async def handoff(connection: Any, ident: str) -> Handoff | None:
    """Give a hand-off by its id; None when there is none (or it is no id at all)."""
    try:
        known = str(uuid.UUID(ident))
    except ValueError:
        return None
    row = await connection.fetchrow(_HANDOFF.format(which="h.id = $1::uuid"), known)
    return Handoff(**dict(row)) if row is not None else None


async def of_lead(connection: Any, lead_id: str) -> Handoff | None:
    """Give a lead's open hand-off, else its last one; None when it never had any."""
    row = await connection.fetchrow(_HANDOFF.format(which="h.lead_id = $1::uuid"), lead_id)
    return Handoff(**dict(row)) if row is not None else None


def same(name: str, about: Handoff, offer: int | None, by: str, *more: str) -> str:
    """Give the id of an order that is one however often it is given: a double click, a retry."""
    return derived_id("command", name, about.id, str(offer), by, *more)


def order(name: Any, about: Handoff, *, by: str, at: datetime, source: By, ident: str | None = None, **more: Any) -> Envelope:
    """Make an order about a hand-off (accept, reject, reassign, note, hold_clock, run_clock, snooze); its time is never after ours."""
    when = min(at.astimezone(UTC), datetime.now(UTC))
    command = Command(name=name, lead_id=about.lead_id, handoff=about.id, by=by, at=when, **more)
    return envelope.new(f"truce.command.{name}", command, source=source, ident=ident or str(uuid.uuid4()), time=when)


@dataclass(frozen=True)
class Orders:
    """One process's way to give orders."""

    pool: Any
    publish: Publish

    async def find(self, ident: str) -> Handoff | None:
        """Give a hand-off by its id."""
        return await handoff(self.pool, ident)

    async def give(self, about: Handoff, message: Envelope) -> Answer | None:
        """Put an order on `changes`, unless it was answered already; gives that answer. Raises KafkaError when Kafka has it not."""
        known = await answers.get(self.pool, message.id)
        if known is None:
            await self.publish(about.key, message)
        return known

    async def answer(self, ident: str, seconds: float = WAIT_S) -> Answer | None:
        """Wait for the answer to an order; None when it is not decided by then."""
        return await answers.wait(self.pool, ident, seconds)
