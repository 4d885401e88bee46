"""A stream of change events read into a real Kafka: how soon, where it goes on after a restart, and what follows when events are lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.change import RecordChanged, RecordConverted
from schemas.touch import TouchRecorded
from sync.agents import ground
from sync.runtime.producer import make_producer
from sync.sources.listening import POSITION
from sync.store import cursors
from sync.store.connect import open_pool
from tests.contract.salesforce_world import salesforce_world
from tests.integration.sources.test_runner import PARTITIONS, SYSTEM, Reading, ended, until

EVENTS = ("Lead", "Contact", "Account", "Opportunity", "Task", "CampaignMember")


@pytest.fixture
async def reading(kafka: str, postgres: str, installation: str) -> AsyncIterator[Reading]:
    pool = await open_pool(postgres, installation)
    topic = (await ground.prepare(pool, kafka, installation, (SYSTEM,), PARTITIONS)).topic
    producer = await make_producer(kafka)
    async with salesforce_world(EVENTS, keepalive_s=0.2) as world:
        here = Reading(world, pool, kafka, topic, producer)
        try:
            yield here
        finally:
            for end in here.ends:
                await end()
            await producer.stop()
            await pool.close()


@asynccontextmanager
async def heard(reading: Reading, **options: str) -> AsyncIterator[None]:
    """Read and listen for the length of the block: once the stream says where it stands; no poll comes a second time."""
    before, url = reading.world.pubsub.subscribed, reading.world.pubsub.url
    runner = reading.runner(events="on", events_url=url, poll_s="3600", **options)  # type: ignore[arg-type]  # all of them are options
    running = asyncio.create_task(runner.run())
    try:
        await until(reading.done)

        async def listens() -> bool:
            return reading.world.pubsub.subscribed > before and bool(await position(reading))

        await until(listens)
        yield
    finally:
        await ended(running)


async def position(reading: Reading) -> str:
    known = await cursors.get(reading.pool, SYSTEM, POSITION)
    return known.cursor if known else ""


def named(reading: Reading, ref: str, kind: type = RecordChanged) -> Callable[[], Awaitable[list[Any]]]:
    async def found() -> list[Any]:
        return [one for one in await reading.changes() if isinstance(one, kind) and one.ref == ref and not getattr(one, "bulk", False)]

    return found


async def test_a_change_is_on_kafka_within_a_second_and_once(reading: Reading) -> None:
    async with heard(reading):
        ident = reading.world.org.save("Lead", LastName="Larsen", Company="Nordwind", Email="kim@nordwind.example")
        told = await until(named(reading, f"salesforce:Lead:{ident}"))
        assert (told[0].received_at - datetime.fromisoformat(str(reading.world.org.lead(ident)["CreatedDate"]))).total_seconds() < 2.0
        reading.world.org.save("Lead", ident, Phone="+47 1")
        began = datetime.now(UTC)

        async def changed() -> list[Any]:
            return [one for one in await named(reading, f"salesforce:Lead:{ident}")() if one.fields["Phone"]]

        (again,) = await until(changed)
        assert (again.received_at - began).total_seconds() < 1.0


async def test_an_answer_to_a_campaign_is_on_kafka_without_a_poll(reading: Reading) -> None:
    org = reading.world.org
    campaign, lead = org.save("Campaign", Name="Autumn", Type="Webinar"), org.add_lead(Email="kim@nordwind.example")
    async with heard(reading, touches="yes"):
        began = datetime.now(UTC)
        org.save("CampaignMember", CampaignId=campaign, LeadId=lead, Status="Responded")

        async def told() -> list[Any]:
            return [one for one in await reading.changes() if isinstance(one, TouchRecorded)]

        (act,) = await until(told)
        assert (act.ref, act.name) == (f"salesforce:Lead:{lead}", "Autumn")
        assert (act.received_at - began).total_seconds() < 2.0


async def test_what_happened_while_nobody_listened_is_told_after_a_restart(reading: Reading) -> None:
    async with heard(reading):
        reading.world.org.save("Lead", LastName="One", Company="Acme")
        at = await position(reading)

        async def moved() -> bool:
            return await position(reading) != at

        await until(moved)
    ident = reading.world.org.save("Lead", LastName="Two", Company="Acme")
    await reading.pool.execute("UPDATE cursors SET cursor = $1 WHERE name = 'changes'", _in_an_hour(reading))  # the polls find nothing
    async with heard(reading):
        await until(named(reading, f"salesforce:Lead:{ident}"))


def _in_an_hour(reading: Reading) -> str:
    from datetime import timedelta

    return reading.runner().source.start(datetime.now(UTC) + timedelta(hours=1))


async def test_events_that_are_lost_lead_to_a_sweep(reading: Reading) -> None:
    async with heard(reading):
        reading.world.org.save("Lead", LastName="One", Company="Acme")
    ident = reading.world.org.save("Lead", LastName="Two", Company="Acme")
    reading.world.org.doors.change_events({"forget": True})
    reading.world.org.save("Lead", LastName="Three", Company="Acme")
    await reading.pool.execute("UPDATE cursors SET cursor = $1 WHERE name = 'changes'", _in_an_hour(reading))
    async with heard(reading):

        async def swept() -> bool:
            return any(one.ref == f"salesforce:Lead:{ident}" and one.bulk for one in await reading.changes())

        await until(swept)


async def test_an_overflow_reads_the_object_again(reading: Reading) -> None:
    ident = reading.world.org.add_lead(Email="quiet@nord.example")
    async with heard(reading):
        reading.world.org.org.leads.put(ident, {"Phone": "+47 9"})  # nobody is told
        reading.world.org.doors.change_events({"type": "GAP_OVERFLOW", "object": "Lead", "ids": ["000000000000000AAA"]})

        async def swept() -> bool:
            return any(isinstance(one, RecordChanged) and one.fields.get("Phone") == "+47 9" for one in await reading.changes())

        await until(swept)


async def test_a_stream_that_breaks_is_opened_again_and_a_problem_of_it_ends(reading: Reading) -> None:
    async with heard(reading):
        await reading.world.fault(kind="status", status=404, path="Subscribe", body="the channel is gone")
        reading.world.pubsub.hang_up()

        async def told() -> list[Any]:
            return await reading.problems("connection")

        (problem,) = await until(told)
        assert problem["key"] == "salesforce:events"
        ident = reading.world.org.save("Lead", LastName="Meanwhile", Company="Acme")
    async with heard(reading):
        await until(named(reading, f"salesforce:Lead:{ident}"))

        async def none() -> bool:
            return not await told()

        await until(none)


async def test_a_conversion_is_told_before_the_contact(reading: Reading) -> None:
    lead = reading.world.org.add_lead(Email="c@nord.example")
    async with heard(reading):
        became = reading.world.org.convert(lead)["ConvertedContactId"]
        contact = f"salesforce:Contact:{became}"
        await until(named(reading, contact))
        order = [one.ref for one in await reading.changes() if isinstance(one, RecordConverted) or one.ref == contact]
    assert order[0] == f"salesforce:Lead:{lead}"
