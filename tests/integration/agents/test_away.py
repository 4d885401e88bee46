"""Somebody goes away while Truce runs: from the next batch on their cover gets what would be theirs, and what is open goes over by order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connectors.base import User
from schemas.change import RecordChanged
from schemas.envelope import Envelope, new, write
from schemas.touch import TouchRecorded
from sync.agents.batch import Batch
from sync.agents.input import prepare
from sync.agents.rules import real
from sync.lead.eligible import Team
from sync.lead.presence import present
from sync.lead.receivers import Passed, give_back, lend, order, run_of
from sync.lead.state import to_ms
from sync.playbook.loader import load, read
from sync.runtime.clock import Clock
from sync.store import applied, playbooks, presence, reassignments, users
from sync.store.applied import Epoch
from sync.store.connect import open_pool
from tests.integration.agents.support import AT, REPOSITORY

EXAMPLE = REPOSITORY / "deploy" / "playbook"
TOPIC, EPOCH = "t.changes.1", Epoch(1, 3)
LEA = "lea@acme.example"


@dataclass
class Record:
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Log:
    """Messages applied one by one, as a worker would."""

    def __init__(self, connection: Any) -> None:
        self.connection, self.offset, self.minutes = connection, 0, 0
        self.batch, self.rules = Batch(TOPIC, real(), b"s", Clock(), budget_ms=60_000), real()

    @property
    def now(self) -> int:
        return to_ms(AT + timedelta(minutes=self.minutes))

    async def apply(self, message: Envelope) -> None:
        value, headers = write(message)
        record = Record(TOPIC, 0, self.offset, self.now, None, value, headers)
        done = await self.batch.apply(self.connection, [prepare(record, self.rules.wanted, b"s")], EPOCH)
        assert done.outcomes == ["applied"], message
        self.offset += 1
        self.minutes += 1

    async def asks_for_a_demo(self, n: int) -> str:
        """Somebody of a large German company asks for a demo; gives who has the lead then."""
        email, at = f"p{n}@firm.example", AT + timedelta(minutes=self.minutes)
        fields = {"Email": email, "LastName": f"Orr {n}", "Company": "Firm", "Country": "Germany", "NumberOfEmployees": 900}
        ref = f"salesforce:Lead:00Q{n}"
        made = RecordChanged(ref=ref, at=at, received_at=at, fields=fields, email=email, complete=True)
        await self.apply(new("truce.record.changed", made, source="salesforce", ident=f"r{n}", time=at))
        act = TouchRecorded(system="hubspot", activity_id=f"a{n}", ref=ref, kind="form", name="demo", email=email, at=at, received_at=at)
        await self.apply(new("truce.touch.recorded", act, source="hubspot", ident=f"t{n}", time=at))
        return str(await self.connection.fetchval("SELECT owner FROM handoffs ORDER BY opened_at DESC LIMIT 1"))


async def test_a_cover_gets_new_leads_and_open_ones_and_gives_back_what_is_not_worked_on(postgres: str, installation: str) -> None:
    pool = await open_pool(postgres, installation, size=2)
    try:
        async with pool.acquire() as connection:
            book = load(EXAMPLE)
            await playbooks.add(connection, read(EXAMPLE), book.checksum, "test")
            await applied.take(connection, TOPIC, range(2), EPOCH)
            for system in book.systems:
                await users.put(pool, system, [User(id=email, email=email, name=email, active=True) for email in book.reps])
            log = Log(connection)
            first = await log.asks_for_a_demo(1)
            assert first != LEA
            await presence.away(connection, first, since=log.now, until=None, cover=LEA, by=first, source="slack")
            log.minutes += 1
            owners = [await log.asks_for_a_demo(n) for n in (2, 3, 4)]
            assert first not in owners
            assert owners.count(LEA) == 2, "hers, and those of whom she covers"

            async def team() -> Team:
                return Team(present(book, await presence.current(connection)), await users.every(connection), log.now)

            held = await reassignments.held(connection, [first], [])
            ((one, cover),) = lend(held, [], await team())
            assert (one.owner, cover) == (first, LEA)
            leave = (await team()).absence(first)
            assert leave is not None
            run = run_of(first, leave)
            passed = Passed(one.lead_id, "handoff", one.handoff, first, cover, "covers")
            await log.apply(order(passed, run, by="truce", at=AT + timedelta(minutes=log.minutes), source="truce"))
            await reassignments.note(connection, run, [passed], clocks="keep", by="truce")
            assert await connection.fetchval("SELECT owner FROM handoffs WHERE id = $1::uuid", one.handoff) == LEA
            assert await connection.fetchval("SELECT ok FROM answers")
            await presence.back(connection, first, at=log.now, by=first, source="slack")
            ((mine, lent),), settled = give_back(
                await reassignments.held(connection, [], [one.lead_id]), await reassignments.lent(connection), await team()
            )
            assert (mine.handoff, lent.person, settled) == (one.handoff, first, [])
            home = Passed(mine.lead_id, "handoff", mine.handoff, mine.owner, lent.person, "is back")
            await log.apply(order(home, f"{run}:back", by="truce", at=AT + timedelta(minutes=log.minutes), source="truce"))
            assert await connection.fetchval("SELECT owner FROM handoffs WHERE id = $1::uuid", one.handoff) == first
            assert first in [await log.asks_for_a_demo(n) for n in (5, 6, 7)]
    finally:
        await pool.close()
