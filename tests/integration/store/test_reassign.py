"""`truce reassign` and covers on real Kafka and PostgreSQL: previewed, ordered in slices, noted, undone as one; and what a cover gets is ordered once."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import typer
from aiokafka import AIOKafkaConsumer

from connectors.base import User
from schemas import envelope
from schemas.command import Command
from sync.agents import ground
from sync.cli import reassign as command
from sync.cli.output import CannotRun
from sync.lead.cycle import HandoffNote
from sync.lead.decision import AnswerNote
from sync.lead.state import Desired, Lead
from sync.playbook.loader import load
from sync.playbook.models import Playbook
from sync.runtime.producer import make_producer
from sync.sources.covering import Covering
from sync.store import answers, handoffs, leads, presence, users
from sync.store.connect import open_pool
from sync.store.statement import run
from sync.topology import changes_name
from tests.integration.store.installed import EXAMPLE

ANA, BEN, LEA = "ana@acme.example", "ben@acme.example", "lea@acme.example"
NOW = datetime.now(UTC).replace(microsecond=0)
"""Absences that ended are looked at for a day only, by the clock of the database."""
AT = int(NOW.timestamp() * 1000)
Store = tuple[str, str]


def made(n: int, owner: str, state: str | None) -> Lead:
    one = Lead(f"00000000-0000-4000-8000-{n:012}", f"key{n}", AT, AT)
    desired = {"owner": owner, "stage": "mql", "email": f"p{n}@nordwind.example", "country": "DE" if n % 2 else "NO"}
    one.desired = {name: Desired(value, AT, "truce", 0, "") for name, value in desired.items()}
    if state is not None:
        one.handoff = HandoffNote(f"00000000-0000-4000-9000-{n:012}", 1, state, owner, "", AT)
    return one


class World:
    """An installation with leads and a topic, and whatever was ordered on it."""

    def __init__(self, store: Store, kafka: str) -> None:
        self.store, self.kafka, self.topic = store, kafka, changes_name(store[1], 1)

    def do(self, step: Callable[[Any], Awaitable[Any]]) -> Any:
        async def go() -> Any:
            pool = await open_pool(*self.store, size=2)
            try:
                return await step(pool)
            finally:
                await pool.close()

        return asyncio.run(go())

    def keep(self, *some: Lead) -> None:
        notes = [(one.id, one.handoff) for one in some if one.handoff is not None]
        self.do(lambda pool: run_all(pool, [leads.write(some), *handoffs.write(notes)]))

    @contextmanager
    def deciding(self, said: Mapping[int, tuple[bool, str]]) -> Iterator[None]:
        """Let orders about some leads be answered, as the lead agent would, while the block runs."""
        stop = threading.Event()

        async def decide(pool: Any) -> None:
            consumer = AIOKafkaConsumer(self.topic, bootstrap_servers=self.kafka, auto_offset_reset="earliest")
            await consumer.start()
            try:
                while not stop.is_set():
                    for records in (await consumer.getmany(timeout_ms=50)).values():
                        for one in (envelope.read(record.value, record.headers) for record in records):
                            n = int(str(getattr(one.data, "lead_id", "0"))[-12:])
                            if n in said and ":undo" in str(getattr(one.data, "run", "")):
                                await run_all(pool, [answers.write([AnswerNote(one.id, None, *said[n])])])
            finally:
                await consumer.stop()

        thread = threading.Thread(target=self.do, args=(decide,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def orders(self) -> list[Command]:
        async def read() -> list[Command]:
            consumer = AIOKafkaConsumer(self.topic, bootstrap_servers=self.kafka, auto_offset_reset="earliest")
            await consumer.start()
            try:
                found = list[Any]()
                ends = sum((await consumer.end_offsets(sorted(consumer.assignment()))).values())
                while len(found) < ends:
                    for records in (await consumer.getmany(timeout_ms=500)).values():
                        found += [envelope.read(record.value, record.headers).data for record in records]
                return [one for one in found if isinstance(one, Command)]
            finally:
                await consumer.stop()

        return asyncio.run(read())


async def run_all(pool: Any, statements: list[Any]) -> None:
    async with pool.acquire() as connection:
        await run(connection, statements)


@pytest.fixture
def world(store: Store, kafka: str, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", kafka)
    monkeypatch.setattr(command, "WAIT_S", 0.0)  # nobody decides here
    found = World(store, kafka)

    async def ready(pool: Any) -> None:
        async with pool.acquire() as connection:
            await ground.prepare(connection, kafka, store[1], ["salesforce", "hubspot"], 2)
        team = [User(id=email, email=email, name=email, active=True) for email in load(EXAMPLE).reps]
        await users.put(pool, "salesforce", team)

    found.do(ready)
    found.keep(*(made(n, ANA, "offered") for n in range(1, 6)), made(6, ANA, None), made(7, BEN, "offered"))
    return found


def test_previewed_ordered_in_slices_and_undone_as_one(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command.reassign("ana", "emea-ae", dry_run=True, json=True)
    told = json.loads(capsys.readouterr().out)
    assert Counter({one["person"]: one["handoffs"] + one["leads"] for one in told["receivers"]}) == {BEN: 3, LEA: 3}
    assert world.orders() == []
    command.reassign("ana", "emea-ae", what="handoffs", when="lead.country == 'DE'", clocks="restart", slice_=2, yes=True, reason="left")
    out = capsys.readouterr().out
    assert "2 of 3 ordered" in out
    assert "3 of 3 ordered" in out
    first = world.orders()
    assert {one.lead_id for one in first} == {made(n, ANA, None).id for n in (1, 3, 5)}
    assert {(one.who, one.clocks, one.reason) for one in first} == {(ANA, "restart", "left")}
    ident = first[0].run
    assert ident is not None
    to = {one.lead_id: str(one.to) for one in first}
    world.keep(
        made(1, to[made(1, ANA, None).id], "offered"), made(3, to[made(3, ANA, None).id], "accepted")
    )  # the third is not decided yet
    monkeypatch.setattr(command, "WAIT_S", 20.0)
    refused = "Ana Diaz may not be given it: on leave, so that changed nothing."
    with world.deciding({1: (True, "Ana Diaz has it now."), 3: (False, refused)}), pytest.raises(typer.Exit):
        command.reassign(undo=ident, yes=True)
    out = " ".join(capsys.readouterr().out.split())
    assert "2 go back; 1 moved on or ended since, and stay" in out
    assert f"Run {ident} is undone in part: 1 done, 1 refused. 1 refused: {refused}" in out
    assert f"1 are where the run put them: truce reassign --undo {ident} tries them again." in out
    back = [one for one in world.orders() if one.run != ident]
    assert [(one.to, str(one.run).startswith(f"{ident}:undo")) for one in back] == [(ANA, True)] * 2
    command.reassign(runs=True, json=True)
    assert json.loads(capsys.readouterr().out)[0]["undone"] == 2, "what was refused is not undone"
    with world.deciding({3: (True, "Ana Diaz has it now.")}):
        command.reassign(undo=ident, yes=True)
    assert f"Run {ident} is undone: 1 done." in " ".join(capsys.readouterr().out.split())
    with pytest.raises(CannotRun, match="no run"):
        command.reassign(undo=ident, yes=True)
    command.reassign(runs=True, json=True)
    runs = json.loads(capsys.readouterr().out)
    assert [(one["run"], one["leads"], one["undone"], one["reason"]) for one in runs] == [(ident, 3, 3, "left")]


def test_what_cannot_be_is_said(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CannotRun, match="no pool emea-a"):
        command.reassign("ana", "pool:emea-a")
    with pytest.raises(CannotRun, match=r"no pool emea-a\. did you mean emea-ae\?"):
        command.reassign("ana", "emea-a")
    command.reassign("anna@acme.example", "ben", dry_run=True)
    assert "not in team.yaml: did you mean ana@acme.example?" in capsys.readouterr().out
    command.reassign("ana", "ben", dry_run=True)
    assert "not accepted yet is offered with the whole time" in capsys.readouterr().out
    with pytest.raises(CannotRun, match="not 'accounts'"):
        command.reassign("ana", "ben", what="accounts")
    with pytest.raises(CannotRun, match="--when"):
        command.reassign("ana", "ben", when="lead.countri == 'DE'", dry_run=True)
    assert world.orders() == []


def test_a_cover_gets_open_hand_offs_once_and_gives_back_what_it_did_not_work_on(world: World) -> None:
    async def playbook() -> Playbook:
        return load(EXAMPLE)

    async def look(pool: Any, now: datetime) -> tuple[int, int]:
        producer = await make_producer(world.kafka)
        try:
            return await Covering(pool, producer, world.topic, playbook).once(now)
        finally:
            await producer.stop()

    async def leaves(pool: Any) -> tuple[int, int]:
        async with pool.acquire() as connection:
            await presence.away(connection, ANA, since=AT - 1, until=AT + 3_600_000, cover=LEA, by="ana", source="slack")
        assert await look(pool, NOW) == (5, 0)
        return await look(pool, NOW)

    assert world.do(leaves) == (0, 0), "asked once"
    orders = world.orders()
    assert {(one.to, one.who, one.by) for one in orders} == {(LEA, ANA, "truce")}
    assert len(orders) == 5
    world.keep(*(made(n, LEA, "offered") for n in range(1, 4)), made(4, LEA, "worked"), made(5, BEN, "offered"))
    assert world.do(lambda pool: look(pool, NOW + timedelta(minutes=30))) == (0, 0)
    assert world.do(lambda pool: look(pool, NOW + timedelta(hours=2))) == (0, 3)
    back = [one for one in world.orders() if str(one.run).endswith(":back")]
    assert [(one.to, one.who) for one in back] == [(ANA, LEA)] * 3
    assert world.do(lambda pool: look(pool, NOW + timedelta(hours=3))) == (0, 0)
