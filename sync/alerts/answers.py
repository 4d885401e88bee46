"""What is completed in Asana counts as the response: it goes onto `changes` as what the rep did with the person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from aiokafka.errors import KafkaError

from schemas import envelope
from schemas.envelope import derived_id
from schemas.response import ResponseRecorded
from sync.alerts.asana import Asana
from sync.alerts.channel import Refused
from sync.alerts.flush import Ground
from sync.alerts.notices import Publish
from sync.alerts.outlets import Outlets
from sync.runtime import log
from sync.runtime.clock import Clock
from sync.store import alerts, responded

EVERY_S = 30.0
BACK = timedelta(days=2)
"""So far back completed tasks are looked for; each is told once."""
_log = log.get("notifier")


class Answers:
    """Asks the projects of Asana for tasks of ours that were completed."""

    def __init__(self, pool: Any, outlets: Outlets, clock: Clock, publish: Publish) -> None:
        self._pool, self._outlets, self._clock, self._publish = pool, outlets, clock, publish

    async def look(self, ground: Ground) -> None:
        """Tell of tasks that were completed since, every half minute; what is not told now is told next time."""
        names = [name for name, medium in ground.ready.items() if medium == "asana"]
        now = self._clock.now()
        if not names or not await alerts.tick(self._pool, "asana", now, EVERY_S):
            return
        for name in names:
            try:
                channel = await self._outlets.get(ground.playbook, name)
                assert isinstance(channel, Asana)
                for task in await channel.completed(now - BACK):
                    await self._told(name, task.gid, task.at, task.by, now)
            except (Refused, KafkaError) as error:
                _log.warning("Asana's answers wait", reason=type(error).__name__)

    async def _told(self, channel: str, gid: str, at: datetime, by: str, now: datetime) -> None:
        row = await responded.task(self._pool, channel, gid)
        if row is None:
            return  # none of ours, of no hand-off, or told before
        data = ResponseRecorded(system="asana", ref=row["ref"], activity_id=gid, kind="task", by=by, at=at.astimezone(UTC), received_at=now)
        ident = derived_id("response", "asana", gid)
        value, headers = envelope.write(envelope.new("truce.response.recorded", data, source="asana", ident=ident, time=now))
        await self._publish(row["key"].encode(), value, headers)
        await responded.told(self._pool, row["id"], now)
