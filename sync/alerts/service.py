"""A process that tells: the notifier with its channels, its rounds, and its way onto `changes`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaProducer

from sync.alerts.alive import Waiting
from sync.alerts.answers import Answers
from sync.alerts.friction import Friction
from sync.alerts.goalposts import Goalposts
from sync.alerts.notifier import Notifier
from sync.alerts.outbound import Outbound
from sync.alerts.outlets import Outlets
from sync.alerts.rounds import Rounds
from sync.alerts.visits import Visits
from sync.playbook.models import Playbook
from sync.runtime.clock import Clock
from sync.runtime.producer import make_producer
from sync.settings import Settings
from sync.topology import events_name


class Way:
    """The way onto a topic, opened when it is first needed: alerts go out while Kafka is away, too."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap, self._topic = bootstrap, topic
        self._producer: AIOKafkaProducer | None = None

    async def publish(self, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        """Put a message there; returns when Kafka has it, raises KafkaError when it has not."""
        if self._producer is None:
            self._producer = await make_producer(self._bootstrap)
        await self._producer.send_and_wait(self._topic, value, key=key, headers=headers)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._producer is not None:
            await self._producer.stop()


async def run(
    settings: Settings,
    *,
    pool: Any,
    bootstrap: str,
    topic: str,
    playbook: Callable[[], Awaitable[Playbook]],
    console: str,
    waiting: Waiting,
    stop: asyncio.Event,
) -> None:
    """Tell what is to be told until `stop` is set; `console` is the address of the list page, `waiting` says what waits to be decided."""
    clock, outlets = Clock(), Outlets(settings)
    changes, events = Way(bootstrap, topic), Way(bootstrap, events_name(settings.installation))
    rounds = Rounds(pool, clock, settings.heartbeat_url.get_secret_value() if settings.heartbeat_url else "", waiting)
    answers, friction, goals = Answers(pool, outlets, clock, changes.publish), Friction(pool, clock), Goalposts(pool, clock, events.publish)
    visits, outbound = Visits(pool, clock), Outbound(pool, clock, bootstrap, events_name(settings.installation))
    often = (
        *(visits.look, outbound.look, rounds.audit, rounds.count, rounds.promises),
        *(friction.look, goals.look, answers.look, rounds.beat),
    )
    try:
        notifier = Notifier(pool, outlets, playbook, publish=changes.publish, console=console, clock=clock, often=often)
        await notifier.run(stop)
    finally:
        await rounds.close()
        await outbound.close()
        await outlets.close()
        await changes.close()
        await events.close()
