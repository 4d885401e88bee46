"""What happens in HubSpot around people reaches `changes`: deals with who is in them, and what reps did, by real webhooks and read orders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from connectors.emulator.control import serve
from connectors.registry import load
from schemas import envelope
from schemas.change import RecordChanged
from schemas.response import ResponseRecorded
from sync.agents import ground
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.runtime.producer import make_producer
from sync.sources.inbound import Inbound
from sync.sources.lag import LagGate
from sync.sources.publisher import Publisher
from sync.sources.runner import Runner
from sync.store import cursors
from sync.store.connect import open_pool
from tests.contract.hubspot_world import WEBHOOK_SECRET, HubSpotWorld, hubspot_world
from tests.house.project import ROOT
from tests.integration.sources.free import Free

PLAYBOOK = loader.load_files(loader.read(ROOT / "deploy" / "playbook"))


async def agreed() -> Playbook:
    return PLAYBOOK


class Town:
    """An account whose webhooks come in, and what stands on `changes` because of it."""

    def __init__(self, world: HubSpotWorld, consumer: AIOKafkaConsumer, pool: Any) -> None:
        self.world, self.consumer, self.pool = world, consumer, pool
        self.seen: list[Any] = []

    async def until(self, true: Callable[[list[Any]], object]) -> None:
        """Read `changes` until it is true of what stands there."""
        async with asyncio.timeout(30):
            while not true(self.seen):
                for rows in (await self.consumer.getmany(timeout_ms=200)).values():
                    self.seen += [envelope.read(row.value, row.headers).data for row in rows]

    def deals(self) -> list[RecordChanged]:
        return [one for one in self.seen if isinstance(one, RecordChanged) and ":deals:" in one.ref]


@pytest.fixture
async def town(kafka: str, postgres: str, installation: str) -> AsyncIterator[Town]:
    pool = await open_pool(postgres, installation)
    topic = (await ground.prepare(pool, kafka, installation, ("hubspot",), 2)).topic
    producer = await make_producer(kafka)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, n) for n in range(2)])
    async with hubspot_world() as world:
        source, gate = load("hubspot").source(world.connection(), Free(), Free()), LagGate(kafka, topic, pool, 1_000)
        runner = Runner("hubspot", source, world.connection(), pool, Publisher(pool, producer, topic, b"secret"), gate, agreed)
        async with serve(Inbound({"hubspot": runner}).app()) as door:
            world.hub.set_webhook(f"{door.url}/webhooks/hubspot", WEBHOOK_SECRET)
            running = asyncio.create_task(runner.run())
            try:
                yield Town(world, consumer, pool)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                for end in (source.close, gate.close, consumer.stop, producer.stop, pool.close):
                    await end()


async def test_deals_and_responses_reach_changes(town: Town) -> None:
    hub = town.world.hub
    person = await town.world.seed({"email": "kim@nordwind.example", "lastname": "Larsen"})
    async with asyncio.timeout(30):
        while "hubspot" not in await cursors.read_fully(town.pool):
            await asyncio.sleep(0.05)
    firm = hub.put("companies", {"name": "Nordwind", "domain": "nordwind.example"}, client="maria")
    deal = hub.put(
        "deals", {"dealname": "First", "dealstage": "contractsent"}, to={"contacts": [person], "companies": [firm]}, client="maria"
    )
    task = hub.put("tasks", {"hs_task_subject": "Call Kim", "hs_task_status": "NOT_STARTED"}, to={"contacts": [person]}, client="maria")
    await town.until(lambda _: any(one.complete and one.fields.get("associations.contacts") == person for one in town.deals()))
    read = next(one for one in town.deals() if one.complete and one.fields.get("associations.contacts"))
    assert read.ref == f"hubspot:deals:{deal}"
    assert read.fields["associations.companies"] == firm
    assert f"hubspot:companies:{firm}" in {one.ref for one in town.seen if isinstance(one, RecordChanged)}
    assert not [one for one in town.seen if isinstance(one, ResponseRecorded)]
    hub.put("tasks", {"hs_task_status": "COMPLETED", "hubspot_owner_id": "501"}, ident=task, client="maria")
    await town.until(lambda seen: any(isinstance(one, ResponseRecorded) for one in seen))
    (response,) = {one.activity_id: one for one in town.seen if isinstance(one, ResponseRecorded)}.values()
    assert (response.ref, response.by, response.activity_id) == (f"hubspot:contacts:{person}", "501", f"task:{task}:{person}")
