"""Reading one emulated Salesforce into a real Kafka, with cursors, leases and read orders in a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaTimeoutError

from connectors.registry import load
from schemas import envelope
from schemas.change import RecordChanged
from sync.agents import ground
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.runtime.health import Health, bind
from sync.runtime.producer import make_producer
from sync.sources import lease, service
from sync.sources.backfill import Backfill
from sync.sources.lag import LagGate
from sync.sources.publisher import Publisher
from sync.sources.runner import Runner
from sync.store import cursors, read_orders
from sync.store.connect import open_pool
from tests.contract.salesforce_world import SalesforceWorld, salesforce_world
from tests.house.project import ROOT
from tests.integration.sources.free import Free

SYSTEM, PARTITIONS = "salesforce", 2
PLAYBOOK = loader.load_files(loader.read(ROOT / "deploy" / "playbook"))


async def until(so: Callable[[], Awaitable[Any]], seconds: float = 20.0) -> Any:
    """Wait until something holds and give it; TimeoutError when it does not come to that."""
    async with asyncio.timeout(seconds):
        while not (found := await so()):
            await asyncio.sleep(0.02)
    return found


class Slow:
    """A producer whose acknowledgements come when they are let, after the first `quick` messages; `broken`: they never come."""

    def __init__(self, producer: Any, quick: int = 0) -> None:
        self.producer, self.quick, self.sent = producer, quick, 0
        self.let, self.waiting, self.broken = asyncio.Event(), asyncio.Event(), False

    async def send(self, *args: Any, **more: Any) -> asyncio.Future[Any]:
        self.sent += 1
        if self.broken:
            raise KafkaTimeoutError
        acknowledged = await self.producer.send(*args, **more)
        return asyncio.ensure_future(self._late(acknowledged) if self.sent > self.quick else acknowledged)

    async def _late(self, acknowledged: asyncio.Future[Any]) -> Any:
        self.waiting.set()
        await self.let.wait()
        return await acknowledged


@dataclass
class Reading:
    """An org, a topic, and what is needed to read the one onto the other."""

    world: SalesforceWorld
    pool: Any
    kafka: str
    topic: str
    producer: Any
    ends: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def runner(self, producer: Any = None, *, little: int = 1_000, **options: str) -> Runner:
        """Give a runner of its own, as another process would have one."""
        connection = self.world.connection(**options)  # type: ignore[arg-type]  # all of them are options
        source, gate = load("salesforce").source(connection, Free(), Free()), LagGate(self.kafka, self.topic, self.pool, little)
        self.ends += [source.close, gate.close]

        async def playbook() -> Playbook:
            return PLAYBOOK

        publisher = Publisher(self.pool, producer or self.producer, self.topic, b"secret")
        return Runner(SYSTEM, source, connection, self.pool, publisher, gate, playbook)

    async def done(self) -> bool:
        """Say whether the first full read is done."""
        return SYSTEM in await cursors.read_fully(self.pool)

    async def changes(self) -> list[RecordChanged]:
        """Give what stands on `changes`."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka, enable_auto_commit=False, auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(self.topic, n) for n in range(PARTITIONS)]
            consumer.assign(places)
            ends, found = await consumer.end_offsets(places), list[Any]()
            async with asyncio.timeout(15):
                while len(found) < sum(ends.values()):
                    for rows in (await consumer.getmany(timeout_ms=500)).values():
                        found += [envelope.read(row.value, row.headers).data for row in rows]
            return found
        finally:
            await consumer.stop()

    async def people(self, count: int) -> list[str]:
        """Make so many Lead records; gives their refs."""
        rows = [{"Email": f"p{n}@nordwind.example", "LastName": f"L{n}", "Company": "Nordwind"} for n in range(count)]
        return [f"salesforce:Lead:{await self.world.seed(row)}" for row in rows]

    async def problems(self, kind: str) -> list[Any]:
        """Give the open problems of a kind."""
        return list(await self.pool.fetch("SELECT key, text, field FROM problems WHERE kind = $1 AND closed_at IS NULL", kind))


@pytest.fixture
async def reading(kafka: str, postgres: str, installation: str) -> AsyncIterator[Reading]:
    pool = await open_pool(postgres, installation)
    topic = (await ground.prepare(pool, kafka, installation, (SYSTEM,), PARTITIONS)).topic
    producer = await make_producer(kafka)
    async with salesforce_world() as world:
        here = Reading(world, pool, kafka, topic, producer)
        try:
            yield here
        finally:
            for end in here.ends:
                await end()
            await producer.stop()
            await pool.close()


async def ended(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_first_full_read_is_bulk_and_is_noted_as_done(reading: Reading) -> None:
    refs = await reading.people(10)  # three pages
    running = asyncio.create_task(reading.runner(poll_s="3600").run())
    try:
        await until(reading.done)
    finally:
        await ended(running)
    assert sorted(change.ref for change in await reading.changes() if change.bulk) == sorted(refs)
    assert await cursors.get(reading.pool, SYSTEM, "changes") is not None
    assert await reading.pool.fetchval("SELECT count(*) FROM vendor_users WHERE system = $1", SYSTEM) > 0


async def everything_applied(reading: Reading) -> None:
    """Say that a worker decided all that stands on `changes`."""
    sent = await reading.changes()
    await reading.pool.execute(
        "INSERT INTO applied (topic, partition, next_offset) SELECT $1, p, $2 FROM generate_series(0, $3) p "
        "ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset",
        reading.topic, len(sent), PARTITIONS - 1,
    )  # fmt: skip


@pytest.mark.parametrize("by_hand", [False, True])
async def test_people_are_told_when_the_accounts_of_all_systems_are_decided(reading: Reading, by_hand: bool) -> None:
    await cursors.announce(reading.pool, ["hubspot"])  # it is read at the same time, and has companies
    account = f"salesforce:Account:{await reading.world.seed_as('Account', {'Name': 'Nordwind', 'Website': 'nordwind.example'})}"
    refs, runner = await reading.people(3), reading.runner(poll_s="3600")
    said = asyncio.Queue[str]()
    order = Backfill(runner, lambda progress: said.put_nowait(progress.waits)).all() if by_hand else runner.run()
    running = asyncio.create_task(order)

    async def at_people() -> bool:
        return await cursors.get(reading.pool, SYSTEM, cursors.ACCOUNTS) is not None

    try:
        await until(at_people)
        assert await cursors.accounts_left(reading.pool, [SYSTEM, "hubspot"]) == ["hubspot"]
        await cursors.put(reading.pool, "hubspot", cursors.ACCOUNTS, "", done=True)
        assert [change.ref for change in await reading.changes()] == [account], "of Salesforce's accounts nothing is decided yet"
        await everything_applied(reading)
        await until(reading.done)
    finally:
        await ended(running)
    assert sorted(change.ref for change in await reading.changes()) == sorted([account, *refs])
    if by_hand:
        heard = {said.get_nowait() for _ in range(said.qsize())}
        assert "waiting for the accounts of hubspot, which are read now" in heard


async def test_nobody_waits_for_a_system_that_got_stuck_or_is_read_by_a_person_later(reading: Reading) -> None:
    await cursors.announce(reading.pool, ["hubspot"])
    assert await cursors.accounts_left(reading.pool, ["hubspot", "mautic"]) == ["hubspot"]
    await reading.pool.execute("UPDATE cursors SET changed_at = now() - interval '61 s' WHERE system = 'hubspot'")
    assert await cursors.accounts_left(reading.pool, ["hubspot", "mautic"]) == []
    await cursors.put(reading.pool, "mautic", cursors.BACKFILL, "0 0")
    await cursors.announce(reading.pool, ["mautic"])
    assert await cursors.get(reading.pool, "mautic", "everything") is None


async def test_a_cursor_is_stored_only_when_kafka_has_all_before_it(reading: Reading) -> None:
    await reading.people(3)
    slow = Slow(reading.producer)
    running = asyncio.create_task(reading.runner(slow, poll_s="3600").run())
    try:
        await asyncio.wait_for(slow.waiting.wait(), 15)
        assert await cursors.get(reading.pool, SYSTEM, "everything") is None
        slow.let.set()
        await until(reading.done)
    finally:
        await ended(running)


async def test_a_first_read_that_was_cut_off_goes_on_where_kafka_had_it(reading: Reading) -> None:
    refs = await reading.people(10)
    slow = Slow(reading.producer, quick=4)  # one page
    cut = asyncio.create_task(reading.runner(slow, poll_s="3600").run())
    await asyncio.wait_for(slow.waiting.wait(), 15)
    await ended(cut)
    known = await cursors.get(reading.pool, SYSTEM, "everything")
    assert known is not None
    assert known.done_at is None
    asked = len(await reading.world.calls())

    again = asyncio.create_task(reading.runner(poll_s="3600").run())
    try:
        await until(reading.done)
    finally:
        await ended(again)
    assert {change.ref for change in await reading.changes()} == set(refs)
    reads = [call for call in (await reading.world.calls())[asked:] if "query" in str(call["path"])]
    assert reads, "the second run asked for what was missing"
    told = [change.ref for change in await reading.changes() if change.bulk]
    assert told.count(refs[0]) == 1  # the page that Kafka had acknowledged is not read again
    assert told.count(refs[9]) == 1


async def test_while_kafka_is_away_nothing_moves_and_the_health_says_why(reading: Reading) -> None:
    await reading.people(1)
    health = Health()
    bind(health)
    slow = Slow(reading.producer, quick=1_000)
    slow.broken = True
    running = asyncio.create_task(reading.runner(slow, poll_s="3600").run())
    try:

        async def named() -> bool:
            return "kafka" in health.waits

        await until(named)
        assert await cursors.get(reading.pool, SYSTEM, "everything") is None
        slow.broken = False
        await until(reading.done)

        async def calm() -> bool:
            return not health.waits

        await until(calm)
    finally:
        await ended(running)


def noting(runner: Runner, begun: list[Runner], step: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    async def noted() -> None:
        begun.append(runner)
        await step()

    return noted


async def test_one_process_reads_a_system_and_the_next_takes_over_when_it_is_gone(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "HOLD_S", 1.5)
    monkeypatch.setattr(lease, "RENEW_S", 0.3)
    assert await cursors.hold_lease(reading.pool, f"source:{SYSTEM}", "one that was killed", 1.5)
    first, second = (reading.runner(poll_s="3600") for _ in range(2))
    tasks = [asyncio.create_task(service._leased(runner)) for runner in (first, second)]
    begun: list[Runner] = []
    for runner in (first, second):
        monkeypatch.setattr(runner, "_first_read", noting(runner, begun, runner._first_read))
    try:
        assert await reading.world.calls() == []
        await until(reading.done)  # the dead one's lease ended
        assert len(begun) == 1
        holder = begun[0]
        await ended(tasks[0] if holder is first else tasks[1])

        async def taken_over() -> bool:
            return len({id(runner) for runner in begun}) == 2

        await until(taken_over)
    finally:
        await ended(*tasks)
    assert await reading.pool.fetchval("SELECT count(*) FROM leases WHERE name = $1", f"source:{SYSTEM}") == 0


async def test_bulk_waits_while_much_is_to_be_decided(reading: Reading) -> None:
    await reading.people(2)
    for n in range(6):
        await reading.producer.send_and_wait(reading.topic, b"{}", partition=n % PARTITIONS)
    runner = reading.runner(poll_s="3600", little=5)
    asked = asyncio.Event()
    lag = runner.gate.lag

    async def seen() -> int:
        found = await lag()
        asked.set()
        return found

    runner.gate.lag = seen  # type: ignore[method-assign]
    running = asyncio.create_task(runner.run())
    try:
        await asyncio.wait_for(asked.wait(), 15)
        assert await lag() == 6
        assert await cursors.get(reading.pool, SYSTEM, "everything") is None
        await reading.pool.execute("INSERT INTO applied (topic, partition, next_offset) VALUES ($1, 0, 3), ($1, 1, 3)", reading.topic)
        await until(reading.done)
    finally:
        await ended(running)


async def test_read_orders_are_claimed_read_and_settled(reading: Reading) -> None:
    refs = await reading.people(3)
    await cursors.put(reading.pool, SYSTEM, "everything", "", done=True)
    slow = Slow(reading.producer, quick=0)
    runner = reading.runner(slow, poll_s="3600")
    await cursors.put(reading.pool, SYSTEM, "changes", runner.source.start(await reading.pool.fetchval("SELECT now() + interval '1 hour'")))
    await read_orders.order(reading.pool, [*refs[:2], "salesforce:Lead:00QNOWHERE000000AAA"])
    running = asyncio.create_task(runner.run())

    async def left() -> int:
        return int(await reading.pool.fetchval("SELECT count(*) FROM read_orders"))

    async def settled() -> bool:
        return await left() == 0

    try:
        await asyncio.wait_for(slow.waiting.wait(), 15)
        assert await left() == 3  # Kafka has not said yet that it has them
        slow.let.set()
        await until(settled)
    finally:
        await ended(running)
    assert {change.ref for change in await reading.changes()} >= set(refs[:2])


async def test_a_field_that_the_system_lacks_is_a_problem_and_the_others_are_read(reading: Reading) -> None:
    await reading.people(1)
    await reading.world.drop_field("MQL_Date__c")
    running = asyncio.create_task(reading.runner(poll_s="3600").run())
    try:
        await until(reading.done)
    finally:
        await ended(running)
    (problem,) = await reading.problems("schema")
    assert problem["field"] == "MQL_Date__c"
    assert "fields.yaml:" in problem["text"]
    (change, *_) = await reading.changes()
    assert "LastName" in change.fields
    assert "MQL_Date__c" not in change.fields


async def test_what_a_new_version_maps_is_read_without_waiting_for_the_sweep(reading: Reading) -> None:
    refs, account = await reading.people(3), await reading.world.seed_as("Account", {"Name": "Nordwind"})
    before = replace(PLAYBOOK, fields={name: one for name, one in PLAYBOOK.fields.items() if name != "title"})
    firmless = replace(PLAYBOOK.systems[SYSTEM], account="")
    in_force = [replace(before, systems={**PLAYBOOK.systems, SYSTEM: firmless})]

    async def playbook() -> Playbook:
        return in_force[-1]

    runner = reading.runner(poll_s="0.2")
    runner.playbook = playbook
    running = asyncio.create_task(runner.run())

    async def told() -> set[str]:
        return {one.ref for one in await reading.changes() if one.bulk and ("Title" in one.fields or "Account" in one.ref)}

    async def all_told() -> bool:
        return await told() == {*refs, f"salesforce:Account:{account}"}

    async def noted() -> bool:
        return "Title" in (await cursors.read_objects(reading.pool, SYSTEM, "Lead")).get("Lead", ())

    try:
        await until(reading.done)
        assert await told() == set()
        in_force.append(PLAYBOOK)
        await until(all_told)
        await until(noted)
    finally:
        await ended(running)
    many = len(await reading.changes())
    in_force.append(before)
    for _ in in_force:  # a field that goes is noted, and nothing is read for it
        await runner._newly_wanted()
    assert len(await reading.changes()) == many


@pytest.mark.parametrize("how", ["revoked", "refused"])
async def test_what_cannot_be_read_is_a_problem_that_ends_when_it_can(reading: Reading, how: str) -> None:
    await reading.people(1)
    if how == "revoked":
        await reading.world.revoke()
    else:
        body = '[{"errorCode": "INSUFFICIENT_ACCESS", "message": "not for you"}]'
        await reading.world.fault(kind="status", status=403, path="/describe", body=body, times=1000)
    running = asyncio.create_task(reading.runner(poll_s="3600").run())

    async def told() -> list[Any]:
        return await reading.problems("connection")

    async def none() -> bool:
        return not await told()

    try:
        (problem,) = await until(told)
        assert "salesforce cannot be read" in problem["text"]
    finally:
        await ended(running)
    reading.world.org.doors.revoke({"revoked": False})
    reading.world.org.faults.clear()
    running = asyncio.create_task(reading.runner(poll_s="3600").run())  # as after a restart: it closes what another process opened
    try:
        await until(reading.done)
        await until(none)
    finally:
        await ended(running)
