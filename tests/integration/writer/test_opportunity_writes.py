"""Opportunities become deals on a real PostgreSQL and Kafka and an emulated HubSpot: one each, whatever is lost, kept as sales has them."""

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
from sync.lead.decide import decide
from sync.lead.ledger import Asked, Entry, Shown
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.runtime.producer import make_producer
from sync.store import accounts, copies, pauses, playbooks, users
from sync.store.connect import open_pool
from sync.store.statement import run
from sync.topology import changes_name
from sync.writer.control import Knowledge
from sync.writer.guard import Guard
from sync.writer.opportunities import Opportunities
from sync.writer.results import Results
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world
from tests.factory import facts, ms
from tests.house.project import ROOT

OPP, LATE, NAME = "salesforce:Opportunity:006A", ms(1_000_000), "First order"
COPIED = b"opportunities:\n  copy_of: {type: text, policy: marketing, systems: {hubspot: truce_id}}\n"
REFUSED = """{"status": "error", "category": "VALIDATION_ERROR", "message":
 "Property values were not valid: [{\\"isValid\\":false,\\"message\\":\\"too long\\",\\"error\\":\\"INVALID_STRING\\",\\"name\\":\\"dealname\\"}]"}"""


@dataclass
class Desk:
    """One opportunity, and HubSpot's writer for it."""

    pool: Any
    hub: HubSpotWorld
    writer: Opportunities
    consumer: Any

    async def show(self, at: int, **values: Scalar) -> None:
        """Enter what the opportunity shows, as the lead agent does."""
        ledger = await accounts.look(self.pool, Asked(frozenset({OPP})))
        before = ledger.entries.get(OPP, Entry("opportunity", OPP))
        after = before.show({name: Shown(value, at) for name, value in values.items()}, at)
        await run(self.pool, [*accounts.write([after]), copies.ask({(OPP, "hubspot")})])

    async def playbook(self) -> Playbook:
        return await self.writer.knowledge.playbook(1)

    async def step(self) -> int:
        """Do one step, as when every wait has passed."""
        await self.pool.execute("UPDATE account_writes SET claimed_until = NULL, again_at = again_at - interval '1 day'")
        return await self.writer.step()

    async def hear(self) -> list[RecordChanged]:
        """Take in what the writer told on `changes` since, as the lead agent does."""
        found: list[RecordChanged] = []
        for some in (await self.consumer.getmany(timeout_ms=2_000)).values():
            for raw in some:
                message = envelope.read(raw.value, raw.headers)
                assert isinstance(message.data, RecordChanged)
                found.append(message.data)
                known = facts(
                    users=await users.every(self.pool), ledger=await accounts.look(self.pool, Asked(frozenset({OPP, message.data.ref})))
                )
                decision = decide(message, known, await self.playbook(), LATE)
                asked = copies.ask(decision.copies, decision.settled_intents)
                await run(self.pool, [*accounts.write(decision.entries, decision.settled_intents), asked])
        return found

    async def settle(self) -> None:
        """Step and hear until nothing is told any more."""
        for _ in range(4):
            await self.step()
            await self.hear()

    def deals(self) -> list[dict[str, str]]:
        return self.hub.hub.records("deals")

    def writes(self) -> int:
        return len([call for call in self.hub.hub.journal.calls if call.writing and "deals" in call.path])

    async def state(self) -> Mapping[str, Any]:
        return dict(await self.pool.fetchrow("SELECT * FROM account_writes WHERE ref = $1", OPP))


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
        vendor, connection = load("hubspot"), hub.connection(timeout_s=1.0, retry_s="0")
        source, sink = vendor.source(connection, NotedBudget(), NotedBreaker()), vendor.sink(connection, NotedBudget(), NotedBreaker())
        await users.put(pool, "hubspot", await source.users())
        files = loader.read(ROOT / "deploy" / "playbook")
        files["fields.yaml"] = files["fields.yaml"].replace(b"opportunities:\n", COPIED, 1)
        async with pool.acquire() as one:
            await playbooks.add(one, files, loader.checksum(files), "test")
        await pool.execute(
            "INSERT INTO cursors (system, name, cursor, done_at) SELECT unnest(ARRAY['salesforce', 'hubspot']), 'everything', '', now()"
        )
        knowledge, guard = Knowledge(pool, "hubspot", sink), Guard(pool, "hubspot")
        writer = Opportunities(pool, "hubspot", sink, knowledge, Results(producer, topic, "hubspot"), guard, 1.0, b"s")
        desk = Desk(pool, hub, writer, consumer)
        await desk.show(1_000, name=NAME, stage="prospecting", amount=100)
        yield desk
        await source.close()
        await sink.close()
    await consumer.stop()
    await producer.stop()
    await pool.close()


async def test_a_deal_is_made_once_and_then_left_alone(desk: Desk) -> None:
    await desk.step()
    (deal,) = desk.deals()
    assert (deal["truce_id"], deal["dealname"], deal["dealstage"], deal["amount"]) == (OPP, NAME, "appointmentscheduled", "100")
    (told,) = await desk.hear()
    assert (told.origin, told.fields["truce_id"], told.ref) == ("own", OPP, f"hubspot:deals:{deal['hs_object_id']}")
    await desk.step()
    assert await desk.step() == 0
    state = await desk.state()
    assert (desk.writes(), state["intent"], state["record"]) == (1, None, told.ref)


async def test_a_lost_answer_is_found_by_the_key_and_nothing_is_made_twice(desk: Desk) -> None:
    await desk.hub.fault(kind="drop_answer", path="/deals/batch/create")
    await desk.step()
    assert (await desk.state())["intent"]["fields"]["name"]["value"] == NAME
    await desk.step()
    heard = await desk.hear()
    assert [one.intent_id is not None for one in heard] == [False, True]
    await desk.settle()
    assert (len(desk.deals()), desk.writes()) == (1, 1)
    assert (await desk.state())["told_rev"] == (await desk.state())["rev"]


async def test_a_call_that_never_arrived_is_made_again(desk: Desk) -> None:
    await desk.hub.fault(kind="timeout", path="/deals/batch/create")
    await desk.step()
    assert desk.deals() == []
    await desk.settle()
    assert len(desk.deals()) == 1


async def test_a_result_that_nobody_heard_is_told_again(desk: Desk) -> None:
    await desk.step()
    assert await desk.consumer.getmany(timeout_ms=2_000), "told, and lost before anybody took it in"
    await desk.step()
    assert len(await desk.hear()) == 1
    await desk.settle()
    assert (len(desk.deals()), desk.writes()) == (1, 1)


async def test_a_deal_that_bears_the_key_is_taken_and_brought_into_line(desk: Desk) -> None:
    deal = desk.hub.hub.put("deals", {"dealname": "By hand", "dealstage": "appointmentscheduled", "truce_id": OPP}, client="maria")
    await desk.settle()
    (held,) = desk.deals()
    assert (held["hs_object_id"], held["dealname"], held["amount"]) == (deal, NAME, "100")


async def test_what_sales_changes_is_told_and_what_is_refused_is_a_problem(desk: Desk) -> None:
    await desk.settle()
    await desk.show(2_000, amount=250, stage="closed_won")
    await desk.settle()
    assert [(one["amount"], one["dealstage"]) for one in desk.deals()] == [("250", "closedwon")]
    await desk.hub.fault(kind="status", path="/deals/batch/update", status=400, body=REFUSED)
    await desk.show(3_000, name="Another")
    await desk.settle()
    assert [one["dealname"] for one in desk.deals()] == [NAME]
    assert await desk.pool.fetchval("SELECT count(*) FROM problems WHERE kind = 'write_refused' AND closed_at IS NULL") == 1


async def test_a_deal_that_somebody_deleted_is_not_made_again(desk: Desk) -> None:
    await desk.settle()
    (deal,) = desk.deals()
    desk.hub.hub.delete("deals", deal["hs_object_id"], "maria")
    await desk.show(2_000, amount=250)
    await desk.settle()
    ref = f"hubspot:deals:{deal['hs_object_id']}"
    before = await accounts.look(desk.pool, Asked(frozenset({ref})))
    await run(desk.pool, accounts.write([before.entries[ref].end("deleted", ms(10**7))]))
    await desk.show(3_000, amount=300)
    await desk.settle()
    assert desk.deals() == []


async def test_nothing_is_made_while_paused_or_without_the_unique_property(desk: Desk) -> None:
    await pauses.put(desk.pool, "system:hubspot", "test", "test")
    await desk.step()
    assert desk.writes() == 0
    await desk.pool.execute("DELETE FROM pauses")
    desk.hub.hub.drift("truce_id", object_="deals", remove=True)
    await desk.writer.knowledge.look_again()
    await desk.step()
    assert desk.writes() == 0


async def test_a_company_that_becomes_known_later_is_associated(desk: Desk) -> None:
    firm, company = "salesforce:Account:001N", await desk.hub.seed_as("companies", {"name": "Nordwind", "domain": "n.example"})
    await desk.show(2_000, account=firm)
    await desk.settle()
    (deal,) = desk.deals()
    assert (await desk.state())["again_at"] is not None, "it is looked at again"
    for ref in (firm, f"hubspot:companies:{company}"):
        entry = Entry("account", ref).show({"domain": Shown("n.example", 1_000)}, 1_000)
        await run(desk.pool, accounts.write([entry]))
    await desk.settle()
    assert desk.hub.hub.linked("deals", deal["hs_object_id"], "companies") == [company]
