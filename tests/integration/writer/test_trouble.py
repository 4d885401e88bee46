"""Vendors that do not answer, answer late, or are away; processes that end in the middle: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from connectors.errors import AuthExpired, Conflict, RateLimited, Surprising, Unavailable
from schemas.write import WriteDone
from sync.lead.state import Lead
from sync.runtime.health import Health, bind
from sync.store import pauses
from tests.integration.writer.world import SYSTEM, World, lead, with_record, world


@pytest.fixture
async def here(kafka: str, postgres: str, installation: str) -> AsyncIterator[World]:
    async with world(kafka, postgres, installation, timeout_s=0.5) as made:
        yield made


def person(here: World, n: int = 1, phone: str = "+2") -> Lead:
    here.vendor.records[str(n)] = {"Email": f"p{n}@example.com"}
    return with_record(lead(email=f"p{n}@example.com", phone=phone), str(n), email=f"p{n}@example.com")


LOST = Unavailable("no answer", unknown_outcome=True)


async def test_a_lost_answer_is_read_back_and_nothing_is_written_twice(here: World) -> None:
    ana = person(here)
    here.vendor.lost = [LOST]
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (done,) = await here.results(1)
    assert (done.outcome, done.versions) == ("written", {"phone": 1})
    assert len(here.vendor.effects) == 1
    assert [type(one.data).__name__ for one in here.seen] == ["RecordChanged", "WriteDone"]
    await here.clean()


async def test_a_lost_answer_to_a_create_makes_no_second_record(here: World) -> None:
    ana = lead(phone="+2")
    here.vendor.lost = [LOST]
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (done,) = await here.results(1)
    assert (done.outcome, done.ref, done.truce_id) == ("created", "crm:Lead:00Q1", True)
    assert len(here.vendor.effects) == 1
    assert here.vendor.calls("find_created") == [[ana.id]]
    await here.clean()


@pytest.mark.parametrize("new", [False, True])
async def test_a_call_that_never_arrived_is_made_again(here: World, new: bool) -> None:
    ana = lead(phone="+2") if new else person(here)
    here.vendor.faults = [LOST]
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (done,) = await here.results(1, 20)
    assert done.outcome == ("created" if new else "written")
    assert len(here.vendor.effects) == 1
    await here.clean()


async def test_an_outage_waits_and_loses_nothing(here: World) -> None:
    crowd = [person(here, n) for n in range(30)]
    here.vendor.faults = [Unavailable("503") for _ in range(3)]
    await here.put(*crowd)
    await here.ring(*crowd)
    await here.start()
    assert {one.outcome for one in await here.results(30, 30)} == {"written"}
    assert len(here.vendor.effects) == 30
    await here.clean()


async def test_a_rate_limit_is_waited_out(here: World) -> None:
    crowd = [person(here, n) for n in range(15)]
    here.vendor.faults = [RateLimited("slow down", retry_after=1.5)]
    await here.put(*crowd)
    await here.ring(*crowd)
    await here.start()
    await here.until(lambda: here.vendor.journal)
    await here.until(lambda: here.writer is not None and not here.writer.pump._calls)
    first = len(here.vendor.journal)
    begun = asyncio.get_running_loop().time()
    await here.until(lambda: len(here.vendor.journal) > first)
    assert asyncio.get_running_loop().time() - begun > 1.0
    await here.clean()


@pytest.mark.parametrize("error", [AuthExpired("the token was revoked"), Surprising("what is this")])
async def test_what_no_record_can_help_pauses_the_system_with_a_problem(here: World, error: AuthExpired | Surprising) -> None:
    ana = person(here)
    here.vendor.faults = [error]
    await here.put(ana)
    await here.ring(ana)
    await here.start()

    async def paused() -> bool:
        return [one.scope for one in await pauses.every(here.pool)] == [f"system:{SYSTEM}"]

    await here.until(paused)
    assert await here.dirty() == 1
    assert await here.pool.fetchval("SELECT count(*) FROM problems WHERE kind = 'paused' AND closed_at IS NULL") == 1
    assert await here.pool.fetchval("SELECT count(*) FROM parked") == 0
    await pauses.lift(here.pool, f"system:{SYSTEM}")
    await here.clean(20)
    assert here.vendor.effects == [("update", "1", {"Phone": "+2"})]


async def test_a_writer_killed_in_the_middle_of_a_call_leaves_it_to_be_read_back(here: World) -> None:
    ana = person(here)
    here.vendor.hold = asyncio.Event()
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    await asyncio.wait_for(here.vendor.arrived.wait(), 15)
    assert here.task is not None
    assert here.writer is not None
    for call in list(here.writer.pump._calls):
        call.cancel()
    here.task.cancel()
    await asyncio.wait([here.task], timeout=15)
    here.vendor.records["1"]["Phone"] = "+2"  # it had arrived
    here.vendor.hold = None
    await here.start()
    (done,) = await here.results(1, 20)
    assert (done.outcome, done.versions) == ("written", {"phone": 1})
    assert here.vendor.effects == []
    await here.clean()


async def test_a_result_that_was_never_published_is_published_by_the_next(here: World) -> None:
    ana = person(here)
    await here.put(ana, dirty=False)
    now = "2026-11-23T10:00:00Z"
    done = WriteDone(
        intent_id="11111111-1111-5111-8111-111111111111", lead_id=ana.id, system=SYSTEM, outcome="written", sent_at=now, done_at=now,
    )  # fmt: skip
    await here.pool.execute(
        """INSERT INTO intents (id, lead_id, system, kind, object, record_id, fields, rev, state, outcome, deadline, done_at)
           VALUES ($1, $2, $3, 'update', 'Lead', '1', '{}', 1, 'done', $4, now(), now())""",
        done.intent_id, ana.id, SYSTEM, done.model_dump(mode="json", exclude_defaults=True),
    )  # fmt: skip
    await here.ring(ana)
    await here.start()
    (told,) = await here.results(1)
    assert told.intent_id == done.intent_id
    assert here.seen[0].id
    await here.results(2)  # the sweep says it again until the lead agent has applied it
    assert len({one.id for one in here.seen}) == 1


async def test_a_record_that_somebody_changed_meanwhile_is_read_and_nothing_is_written_over_it(here: World) -> None:
    ana = person(here)
    moved = [Conflict("changed since it was read", moved=True)]
    here.vendor.refuse = lambda ident, fields: moved.pop() if moved else None
    await here.put(ana)
    await here.ring(ana)
    await here.start()

    async def ordered() -> bool:
        return bool(await here.pool.fetchval("SELECT ref FROM read_orders") == f"{SYSTEM}:Lead:1")

    await here.until(ordered)
    (done,) = await here.results(1)  # whoever decides anew rings again; here the sweep does
    assert done.outcome == "written"
    assert here.vendor.calls("update") == [["1"], ["1"]]
    assert len(here.vendor.effects) == 1
    assert await here.pool.fetchval("SELECT count(*) FROM parked") == 0
    await here.clean()


async def test_a_doorbell_that_was_lost_is_rung_again(here: World) -> None:
    ana = person(here)
    await here.put(ana)
    await here.start()
    await here.results(1)
    await here.clean()


async def test_a_lead_comes_to_its_create_once_the_first_read_is_done(kafka: str, postgres: str, installation: str) -> None:
    async with world(kafka, postgres, installation, read_fully=False, sweep_s=600.0) as here:
        ana = lead()
        await here.put(ana)
        await here.ring(ana)
        await here.start()

        async def acknowledged() -> bool:
            return (await here.committed())["hot"] == 1

        await here.until(acknowledged)
        assert here.vendor.effects == []
        await here.pool.execute("INSERT INTO cursors (system, name, cursor, done_at) VALUES ($1, 'everything', '', now())", SYSTEM)
        assert (await here.results(1))[0].outcome == "created"


async def test_an_unknown_owner_is_a_problem_until_there_is_one(here: World) -> None:
    ana = person(here)
    ana.desired |= lead(owner="joe@acme.example").desired | {"email": ana.desired["email"]}
    await here.put(ana)
    await here.pool.execute("UPDATE leads SET owner = 'joe@acme.example'")
    await here.ring(ana)
    await here.start()
    await here.results(1)
    await here.clean()
    assert here.vendor.effects == [("update", "1", {"Phone": "+2"})]
    row = await here.pool.fetchrow("SELECT kind, key, text, closed_at FROM problems")
    assert row["kind"] == "unknown_owner"
    assert "joe" not in row["key"] + row["text"]
    await here.pool.execute(
        "INSERT INTO vendor_users (system, id, email, name, active) VALUES ($1, '005J', 'joe@acme.example', '', true)", SYSTEM
    )
    await here.until(lambda: len(here.vendor.effects) == 2, 20)
    assert here.vendor.effects[1] == ("update", "1", {"Owner": "005J"})


async def test_a_field_that_could_not_be_written_is_told_once_it_can_be(here: World) -> None:
    ana = with_record(lead(phone="+2", title="CTO"), "1", email="ana@example.com")
    here.vendor.records["1"] = {"Email": "ana@example.com"}
    able, here.vendor.writable = here.vendor.writable, here.vendor.writable - {"Title"}
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    await here.results(1)
    await here.clean()
    assert here.vendor.effects == [("update", "1", {"Phone": "+2"})]
    here.vendor.writable = able
    assert here.writer is not None
    await here.writer.knowledge.look_again()
    await here.until(lambda: len(here.vendor.effects) == 2, 20)
    assert here.vendor.effects[1] == ("update", "1", {"Title": "CTO"})
    await here.clean()
    assert await here.pool.fetchval("SELECT count(*) FROM lacks") == 0


async def test_that_a_system_does_not_answer_is_said_where_health_is_asked(here: World) -> None:
    health = Health()
    bind(health)
    ana = person(here)
    await here.pool.execute("INSERT INTO breakers (system, failures, open_until) VALUES ($1, 5, now() + interval '3 seconds')", SYSTEM)
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    await here.until(lambda: SYSTEM in health.waits)
    assert here.vendor.effects == []
    await here.results(1)
    await here.clean()
    assert SYSTEM not in health.waits


async def test_a_record_that_cannot_be_read_is_linked_by_the_next_try(here: World) -> None:
    here.vendor.records["7"] = {"Email": "ana@example.com", "hidden": True}
    here.vendor.unread = [Unavailable("away")]
    ana = lead(phone="+2")
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    (done,) = await here.results(1)
    assert (done.outcome, done.ref) == ("linked", "crm:Lead:7")
    assert [verb for verb, _ in here.vendor.journal].count("create") == 2
    assert here.vendor.effects == []
