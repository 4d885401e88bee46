"""While somebody is away their open hand-offs are with who covers; back again, they get what was not worked on. Ordered as anybody would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from schemas import envelope
from schemas.envelope import Envelope
from sync.lead.eligible import Team
from sync.lead.presence import present
from sync.lead.receivers import Held, Lent, Passed, give_back, lend, order, run_of
from sync.lead.state import to_ms
from sync.playbook.models import Playbook
from sync.runtime import log
from sync.sources.lease import in_turn
from sync.store import presence, reassignments, users

EVERY_S = 30.0
BY = "truce"
_log = log.get("covering")


class Covering:
    """Looks now and then who went and who is back; one process does at a time."""

    def __init__(self, pool: Any, producer: AIOKafkaProducer, topic: str, playbook: Callable[[], Awaitable[Playbook]]) -> None:
        self._pool, self._producer, self._topic, self._playbook = pool, producer, topic, playbook

    async def run(self) -> None:
        """Look again and again, as long as the lease is held."""
        await in_turn(self._pool, "covering", self.once, EVERY_S)

    async def once(self, now: datetime) -> tuple[int, int]:
        """Look once; gives how many hand-offs went to covers, and how many came back."""
        book, lent = present(await self._playbook(), await presence.current(self._pool)), await reassignments.lent(self._pool)
        team = Team(book, await users.every(self._pool), to_ms(now))
        absent = [email for email in book.reps if team.absence(email) is not None]
        if not absent and not lent:
            return 0, 0
        held = await reassignments.held(self._pool, absent, [one.lead_id for one in lent])
        gone = lend(held, lent, team)
        await self._lend(gone, team, now)
        back, settled = give_back(held, lent, team)
        await self._give_back(back, team, now)
        for one in (*settled, *(of for _, of in back)):
            await reassignments.undone(self._pool, one.run, [one.lead_id], BY)
        return len(gone), len(back)

    async def _lend(self, gone: Sequence[tuple[Held, str]], team: Team, now: datetime) -> None:
        for one, cover in gone:
            leave = team.absence(one.owner)
            if leave is None:
                continue
            run, why = run_of(one.owner, leave), f"covers {team.name(one.owner)}, who is away"
            passed = Passed(one.lead_id, "handoff", one.handoff, one.owner, cover, why)
            await self._send(one.key, order(passed, run, by=BY, at=now, reason=why, source=BY))  # first: said twice, it is one order
            await reassignments.note(self._pool, run, [passed], clocks="keep", by=BY, reason=why)

    async def _give_back(self, back: Sequence[tuple[Held, Lent]], team: Team, now: datetime) -> None:
        for one, of in back:
            why = f"{team.name(of.person)} is back"
            passed = Passed(one.lead_id, "handoff", one.handoff, one.owner, of.person, why)
            await self._send(one.key, order(passed, f"{of.run}:back", by=BY, at=now, reason=why, source=BY))

    async def _send(self, key: str, message: Envelope) -> None:
        value, headers = envelope.write(message)
        await self._producer.send_and_wait(self._topic, value, key=key.encode(), headers=headers)
