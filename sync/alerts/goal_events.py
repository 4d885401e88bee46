"""What became of a shared goal goes to whoever reads `events`, too: kept with the news itself, published when Kafka is there."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import structlog
from aiokafka.errors import KafkaError

from schemas import envelope
from schemas.envelope import derived_id
from schemas.event import GoalEvent
from sync.alerts.notices import Publish
from sync.playbook.models.goals import Goal
from sync.store import outbox
from sync.store.statement import Connection, run

PATIENCE_S = 4.0
"""So long Kafka may take for one event: the row is locked meanwhile."""


def made(
    goal: Goal, what: str, before: str | None, got: float, spans: tuple[date, date], currency: str, version: int, at: datetime
) -> GoalEvent:
    """Give the event of a goal of which `what` is new."""
    kind: Any = f"truce.goal.{what}"
    last = spans[1] - timedelta(days=1)
    return GoalEvent(
        goal=goal.id, name=goal.name, at=at, type=kind, before=before or "", measure=goal.measure, segment=goal.segment or "",
        first_day=spans[0].isoformat(), last_day=last.isoformat(), target=goal.target, got=got,
        currency=currency if goal.measure == "amount" else "", playbook_version=version,
    )  # fmt: skip


async def keep(connection: Connection, event: GoalEvent, number: int) -> None:
    """Keep an event until Kafka has it, in the transaction of its news; `number`: the how many-th of its goal and period."""
    ident = derived_id("goal event", event.goal, event.first_day, event.last_day, number, event.type)
    message = envelope.new(event.type, event, source="truce", ident=ident, time=event.at)
    await run(connection, [outbox.write({outbox.NOTIFIER: outbox.pack((), [outbox.packed(event.goal, message)])})])


async def publish(pool: Any, send: Publish) -> bool:
    """Publish what is kept, one after the other, each by one notifier; False where Kafka did not take all of it: then it is tried again."""
    try:
        while await _next(pool, send):
            pass
    except (KafkaError, TimeoutError, OSError) as error:
        structlog.get_logger(role="notifier").warning("goal_events_wait", error=type(error).__name__)
        return False
    return True


async def _next(pool: Any, send: Publish) -> bool:
    async with pool.acquire() as connection, connection.transaction():
        row = await outbox.following(connection, outbox.NOTIFIER)
        if row is None:
            return False
        for key, value, headers in orjson.loads(row.payload)["events"]:
            async with asyncio.timeout(PATIENCE_S):
                await send(key.encode(), value.encode(), [(name, text.encode()) for name, text in headers])
        await run(connection, [outbox.published([row.id])])
    return True
