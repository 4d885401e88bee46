"""Accounts' records are written on a real PostgreSQL and Kafka and an emulated HubSpot: once, whatever is lost, and not where nothing may be."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from connectors.contract import NotedBreaker, NotedBudget
from connectors.registry import load
from schemas import envelope
from schemas.base import Scalar
from schemas.change import RecordChanged
from sync.cli import people
from sync.lead.decide import decide
from sync.lead.ledger import Asked, Entry, Shown
from sync.playbook import loader
from sync.runtime.producer import make_producer
from sync.store import account_writes, accounts, cursors, pauses, playbooks, users
from sync.store.connect import open_pool
from sync.store.statement import run
from sync.topology import changes_name
from sync.writer.accounts import Accounts
from sync.writer.control import Knowledge
from sync.writer.guard import Guard
from sync.writer.results import Results
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world
from tests.factory import facts, ms
from tests.house.project import ROOT

REFUSED = """{"status": "error", "category": "VALIDATION_ERROR", "message":
 "Property values were not valid: [{\\"isValid\\":false,\\"message\\":\\"too long\\",\\"error\\":\\"INVALID_STRING\\",\\"name\\":\\"name\\"}]"}"""
FIRM, LATE = "salesforce:Account:001N", ms(1_000_000)


@dataclass
class Desk:
    """One account in both systems, and HubSpot's writer for it."""

    pool: Any
    hub: HubSpotWorld
    writer: Accounts
    consumer: Any
    company: str
    heard: int = 0

    @property
    def ref(self) -> str:
        return f"hubspot:companies:{self.company}"

    async def show(self, ref: str, at: int, **values: Scalar) -> None:
        """Enter what a record shows, as the lead agent does."""
        ledger = await accounts.look(self.pool, Asked(frozenset({ref})))
        before = ledger.entries.get(ref, Entry("account", ref))
        await run(self.pool, accounts.write([before.show({name: Shown(value, at) for name, value in values.items()}, at)]))

    async def step(self) -> int:
        """Do one step, as when every wait has passed."""
        await self.pool.execute("UPDATE account_writes SET claimed_until = NULL")
        return await self.writer.step()

    async def hear(self) -> list[RecordChanged]:
        """Take in what the writer told on `changes` since, as the lead agent does."""
        found: list[RecordChanged] = []
        for some in (await self.consumer.getmany(timeout_ms=2_000)).values():
            for raw in some:
                message = envelope.read(raw.value, raw.headers)
                assert isinstance(message.data, RecordChanged)
                found.append(message.data)
                known = facts(users=await users.every(self.pool), ledger=await accounts.look(self.pool, Asked(frozenset({self.ref}))))
                decision = decide(message, known, await self.writer.knowledge.playbook(1), LATE)
                await run(self.pool, accounts.write(decision.entries, decision.settled_intents))
        return found

    def name(self) -> str | None:
        return self.hub.hub.record("companies", self.company).get("name")

    def writes(self) -> int:
        return len([call for call in self.hub.hub.journal.calls if call.writing and "companies" in call.path])

    async def state(self) -> Mapping[str, Any]:
        row = await self.pool.fetchrow("SELECT * FROM account_writes WHERE ref = $1", self.ref)
        return dict(row)


@pytest_asyncio.fixture
async def desk(kafka: str, postgres: str, installation: str) -> AsyncIterator[Desk]:
    pool, topic = await open_pool(postgres, installation, size=2), changes_name(installation, 1)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = await make_producer(kafka)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    async with hubspot_world() as hub:
        company = await hub.seed_as("companies", {"name": "nordwind", "domain": "nordwind.example"})
        connection = hub.connection(timeout_s=1.0, retry_s="0")
        vendor = load("hubspot")
        source, sink = vendor.source(connection, NotedBudget(), NotedBreaker()), vendor.sink(connection, NotedBudget(), NotedBreaker())
        await users.put(pool, "hubspot", await source.users())
        files = loader.read(ROOT / "deploy" / "playbook")
        async with pool.acquire() as one:
            await playbooks.add(one, files, loader.checksum(files), "test")
        knowledge, guard = Knowledge(pool, "hubspot", sink), Guard(pool, "hubspot")
        writer = Accounts(pool, "hubspot", sink, knowledge, Results(producer, topic, "hubspot"), guard, 1.0, b"s")
        desk = Desk(pool, hub, writer, consumer, company)
        for system in ("salesforce", "hubspot"):
            await cursors.put(pool, system, "everything", "", done=True)
        await desk.show(FIRM, 1_000, name="Nordwind AS", domain="nordwind.example")
        await desk.show(desk.ref, 2_000, name="nordwind", domain="nordwind.example")
        yield desk
        await source.close()
        await sink.close()
    await consumer.stop()
    await producer.stop()
    await pool.close()


async def test_a_company_is_written_once_and_then_left_alone(desk: Desk) -> None:
    assert await desk.step() == 1
    assert desk.name() == "Nordwind AS"
    (told,) = await desk.hear()
    assert (told.fields, told.origin, int(told.times["name"].timestamp() * 1000)) == ({"name": "Nordwind AS"}, "own", 1_000)
    assert await desk.step() == 1, "what was told is looked at once more"
    assert await desk.step() == 0
    assert desk.writes() == 1
    assert (await desk.state())["intent"] is None


async def test_a_lost_answer_is_read_back_and_nothing_is_written_twice(desk: Desk) -> None:
    await desk.hub.fault(kind="drop_answer", path="/companies/batch/update")
    await desk.step()
    assert (await desk.state())["intent"]["fields"]["name"]["value"] == "Nordwind AS"
    assert await desk.hear() == []
    await desk.step()
    heard = await desk.hear()
    assert [one.intent_id is not None for one in heard] == [False, True], "what is there now, and that it is ours"
    await desk.step()
    assert (desk.name(), desk.writes()) == ("Nordwind AS", 1)
    assert (await desk.state())["told_rev"] == (await desk.state())["rev"]


async def test_a_call_that_never_arrived_is_made_again(desk: Desk) -> None:
    await desk.hub.fault(kind="timeout", path="/companies/batch/update")
    await desk.step()
    await desk.step()
    assert (await desk.state())["intent"] is None, "it was read back: nothing of it is there"
    await desk.hear()
    await desk.step()
    assert desk.name() == "Nordwind AS"


async def test_a_result_that_nobody_heard_is_told_again(desk: Desk) -> None:
    await desk.step()
    first = await desk.consumer.getmany(timeout_ms=2_000)
    assert first, "told, and lost before anybody took it in"
    await desk.step()
    assert len(await desk.hear()) == 1
    await desk.step()
    assert (desk.writes(), (await desk.state())["intent"]) == (1, None)


async def test_what_is_refused_is_a_problem_and_is_not_tried_again(desk: Desk) -> None:
    await desk.hub.fault(kind="status", path="/companies/batch/update", status=400, body=REFUSED)
    for _ in range(4):
        await desk.step()
        await desk.hear()
    assert desk.name() == "nordwind"
    assert (await desk.state())["refused"] == {"name": "Nordwind AS"}
    assert await desk.pool.fetchval("SELECT count(*) FROM problems WHERE kind = 'write_refused' AND closed_at IS NULL") == 1
    calls = desk.writes()
    await desk.show(FIRM, 3_000, name="Nordwind Group")
    await desk.step()
    assert (desk.name(), desk.writes()) == ("Nordwind Group", calls + 1), "another value is"
    await desk.hear()
    await desk.step()
    assert (await desk.state())["refused"] == {}
    assert await desk.pool.fetchval("SELECT count(*) FROM problems WHERE closed_at IS NULL") == 0, "nothing is refused any more"


async def test_what_was_refused_is_told_once_more_by_a_replay(desk: Desk, kafka: str, postgres: str, installation: str) -> None:
    await desk.hub.fault(kind="status", path="/companies/batch/update", status=400, body=REFUSED)
    await desk.step()
    await desk.step()
    assert desk.name() == "nordwind"
    assert await people.replay(postgres, installation, kafka) == 1
    await desk.step()
    assert (desk.name(), (await desk.state())["refused"]) == ("Nordwind AS", {})


async def test_a_third_record_tells_that_two_of_a_system_are_near_each_other(desk: Desk) -> None:
    await desk.show(FIRM, 1_500, domain="nordwind.example, sudwind.example")
    await desk.step()
    await desk.hear()
    await desk.step()
    assert await desk.step() == 0
    await desk.show("hubspot:companies:9", 5_000, name="Sudwind", domain="sudwind.example")
    rows = await desk.pool.fetch("SELECT ref FROM account_writes WHERE system = 'hubspot' AND told_rev < rev")
    assert {row["ref"] for row in rows} == {"hubspot:companies:9", desk.ref}
    await desk.show(FIRM, 6_000, name="Nordwind Group")
    calls = desk.writes()
    await desk.step()
    assert desk.writes() == calls, "which of both is Nordwind nobody knows"


async def test_nothing_is_written_while_paused_and_all_of_it_afterwards(desk: Desk) -> None:
    await pauses.put(desk.pool, "system:hubspot", "test", "test")
    await desk.step()
    assert desk.writes() == 0
    await desk.pool.execute("DELETE FROM pauses")
    await desk.step()
    assert desk.name() == "Nordwind AS"


async def test_a_paused_field_is_told_once_it_goes_on(desk: Desk) -> None:
    await pauses.put(desk.pool, "field:name", "test", "test")
    await desk.step()
    assert desk.writes() == 0
    await desk.pool.execute("DELETE FROM pauses")
    await desk.step()
    assert desk.name() == "Nordwind AS"


async def test_nothing_is_written_before_all_accounts_were_read_once(desk: Desk) -> None:
    await desk.pool.execute("UPDATE cursors SET done_at = NULL WHERE system = 'salesforce'")
    assert await desk.step() == 0
    await desk.show("salesforce:Account:001Z", 3_000, name="Nordwind GmbH", domain="nordwind.example")
    await cursors.put(desk.pool, "salesforce", "everything", "", done=True)
    await desk.step()
    assert desk.writes() == 0, "the company has two records there: nobody knows which is meant"


async def test_a_look_that_ends_late_takes_no_write_of_others_for_over(desk: Desk) -> None:
    await desk.pool.execute("UPDATE account_writes SET claimed_until = NULL")
    (late,) = await account_writes.claim(desk.pool, "hubspot", 1, 1, 60.0)
    await desk.show(FIRM, 3_000, name="Nordwind Group")
    (row,) = await account_writes.claim(desk.pool, "hubspot", 1, 1, 60.0)
    assert await account_writes.begin(desk.pool, "hubspot", [(row.ref, row.rev, {"id": "1", "at": 1, "fields": {}})], 1, 60.0) == {row.ref}
    await account_writes.quiet(desk.pool, "hubspot", [(late.ref, late.rev, {}, None)], 1)
    assert await account_writes.claim(desk.pool, "hubspot", 1, 1, 60.0) == [], "its call may be under way"


async def test_an_echo_is_known_by_the_write_that_is_under_way_elsewhere(desk: Desk) -> None:
    files = loader.read(ROOT / "deploy" / "playbook")
    told = b"    policy: %s\n    systems: {salesforce: NumberOfEmployees"
    async with desk.pool.acquire() as one:
        fields = files["fields.yaml"].replace(told % b"marketing", told % b"latest")
        version = await playbooks.add(one, {**files, "fields.yaml": fields}, "2", "test")
    await desk.show(FIRM, 2_500, name="Nordwind AS", employees=40)
    await desk.show(desk.ref, 3_000, name="Nordwind AS", employees=50)
    intent = {"id": "1", "at": 4_000, "fields": {"employees": {"name": "NumberOfEmployees", "value": 50, "sent": 50, "at": 3_000}}}
    rev = await desk.pool.fetchval("SELECT rev FROM account_writes WHERE ref = $1", FIRM)
    assert await account_writes.begin(desk.pool, "salesforce", [(FIRM, rev, intent)], version, 60.0) == {FIRM}
    await desk.show(desk.ref, 5_000, employees=60)
    await desk.show(FIRM, 6_000, employees=50)
    await desk.step()
    assert desk.writes() == 0, "our own 50 does not win over the 60 that somebody said since"


async def test_what_a_new_version_says_is_looked_at_everywhere(desk: Desk) -> None:
    await desk.step()
    await desk.hear()
    await desk.step()
    assert await desk.step() == 0
    files = loader.read(ROOT / "deploy" / "playbook")
    async with desk.pool.acquire() as one:
        await playbooks.add(one, {**files, "fields.yaml": files["fields.yaml"] + b"\n# again\n"}, "2", "test")
    assert await desk.step() == 1
    assert await desk.step() == 0
    assert desk.writes() == 1
