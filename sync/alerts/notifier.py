"""The notifier: problems and notices become messages, messages are sent. Several may run; row locks share the work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sync.alerts import digest, flush, message, notices
from sync.alerts.channel import Message, Refused
from sync.alerts.flush import Ground
from sync.alerts.notices import Publish
from sync.alerts.outlets import Outlets
from sync.alerts.sending import Sender, soon
from sync.playbook.models import Playbook
from sync.runtime.clock import Clock
from sync.runtime.rest import rest
from sync.store import alerts

REST_S = 1.0
"""So long a new problem or notice may wait to be seen: one look is a few look-ups in small indexes."""
ZONE_S = 5.0
"""So long a medium is asked for a reader's zone: the message does not wait for it."""
Often = Callable[[Ground], Awaitable[object]]


class Notifier:
    """Tells whom it concerns."""

    def __init__(
        self,
        pool: Any,
        outlets: Outlets,
        playbook: Callable[[], Awaitable[Playbook]],
        *,
        publish: Publish | None = None,
        console: str = "",
        clock: Clock | None = None,
        often: tuple[Often, ...] = (),
    ) -> None:
        self._pool, self._outlets, self._playbook, self._publish, self._console = pool, outlets, playbook, publish, console
        self._clock, self._often = clock or Clock(), often
        self._sender = Sender(pool, outlets, self._clock, self._render)
        self._current: Playbook | None = None

    async def step(self) -> int:
        """Do everything that is due now; gives how many rows it moved: 0 means that there was nothing."""
        self._current = playbook = await self._playbook()
        ground = Ground(playbook, self._outlets.ready(playbook), self._console)
        moved = 0
        for often in self._often:
            await often(ground)
        if not ground.ready:  # nowhere to speak: what is open stays untold, and is told in short once there is a channel
            return moved
        now = self._clock.now()
        moved += await flush.group(self._pool, ground, now)
        moved += await flush.flush(self._pool, ground, now)
        moved += await digest.tell(self._pool, ground, now)
        moved += await notices.take_up(self._pool, ground, now)
        moved += await self._sender.step(ground)
        if self._publish is not None:
            moved += await notices.report(self._pool, self._publish, now)
        return moved

    async def run(self, stop: asyncio.Event) -> None:
        """Do what is due until told to stop; between two looks it sleeps until the next is due, a second at most."""
        try:
            while not stop.is_set():
                if not await self.step():
                    due = await alerts.next_due(self._pool)
                    await rest(max(0.05, soon(self._clock.now(), due, REST_S)), stop)
        finally:
            await self._sender.close()

    async def _render(self, row: Any) -> Message | None:
        assert self._current is not None
        if row["notice_id"] is not None:
            settings, zone = self._outlets.settings, await self._zone(self._current, row)
            return await notices.render(self._pool, self._current, row, self._clock.now_ms(), settings.systems, settings.secret_bytes, zone)
        return message.read(row["data"], row)

    async def _zone(self, playbook: Playbook, row: Any) -> str:
        """Give the zone in which a person reads it, as the medium says, where team.yaml says none; '' where it does not say so at once."""
        rep = playbook.reps.get(row["person"] or "")
        if row["address"] is None or (rep is not None and rep.hours.timezone):
            return ""
        try:
            async with asyncio.timeout(ZONE_S):
                return await (await self._outlets.get(playbook, row["channel"])).zone(row["address"])
        except (Refused, TimeoutError):
            return ""
