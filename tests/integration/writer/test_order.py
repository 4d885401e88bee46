"""One write at a time, full batches, offsets in order, pauses, guards: what keeps the writer from doing too much."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sync.lead.state import Lead
from sync.playbook.models import Guards
from sync.store import cursors, pauses
from sync.store.intents import Gates, Intent, commit
from sync.writer import pump, service
from sync.writer.guard import Guard
from tests.integration.writer.world import PERSON, SYSTEM, World, lead, playbook, with_record


def people(here: World, count: int, phone: str = "+2") -> list[Lead]:
    here.vendor.records |= {str(n): {"Email": f"p{n}@example.com"} for n in range(count)}
    return [with_record(lead(email=f"p{n}@example.com", phone=phone), str(n), email=f"p{n}@example.com") for n in range(count)]


async def test_under_load_batches_are_full(here: World) -> None:
    crowd = people(here, 200)
    await here.put(*crowd, lane="bulk")
    await here.ring(*crowd, lane="bulk")
    await here.start()
    await here.clean(30)
    calls = here.vendor.calls("update")
    assert sum(map(len, calls)) == 200
    assert len(calls) <= 1.2 * 200 / here.vendor.manifest.batch_write
    assert len(await here.results(200)) == 200


async def test_one_lead_has_one_write_at_a_time_and_the_newest_state_goes_next(unswept: World) -> None:
    (ana,) = people(unswept, 1)
    unswept.vendor.hold = asyncio.Event()
    await unswept.put(ana)
    await unswept.ring(ana)
    await unswept.start()
    await asyncio.wait_for(unswept.vendor.arrived.wait(), 15)
    for n in range(3, 8):
        ana.rev += 1
        ana.desired["phone"].value = f"+{n}"
        ana.desired["phone"].version += 1
        await unswept.put(ana)
        await unswept.ring(ana)
    await unswept.until(lambda: unswept.writer is not None and len(unswept.writer.pump.queue._marks[ana.id]) == 5)
    assert len(unswept.vendor.calls("update")) == 1
    unswept.vendor.hold.set()
    first, second = await unswept.results(2)
    assert unswept.vendor.effects == [("update", "0", {"Phone": "+2"}), ("update", "0", {"Phone": "+7"})]
    assert (first.versions, second.versions) == ({"phone": 1}, {"phone": 6})
    await unswept.clean()
    await unswept.end()
    assert (await unswept.committed())["hot"] == 6


async def test_an_offset_is_not_released_before_those_below_it(unswept: World) -> None:
    crowd = people(unswept, 40)
    slow = crowd[0]
    unswept.vendor.refuse = lambda ident, fields: None
    await unswept.put(*crowd)
    gate = unswept.vendor.hold = asyncio.Event()
    await unswept.ring(slow)
    await unswept.start()
    await asyncio.wait_for(unswept.vendor.arrived.wait(), 15)
    unswept.vendor.hold = None
    await unswept.ring(*crowd[1:])
    await unswept.results(39)
    assert unswept.writer is not None
    same = [one for one in crowd[1:] if await _partition(unswept, one.id) == await _partition(unswept, slow.id)]
    assert same
    async with asyncio.timeout(15):  # a result is told a moment before its offset is released
        while (await unswept.committed())["hot"] < 39 - len(same):
            await unswept.writer._commit()
    assert (await unswept.committed())["hot"] == 39 - len(same)
    gate.set()
    await unswept.clean()
    await unswept.end()
    assert (await unswept.committed())["hot"] == 40


async def _partition(here: World, ident: str) -> int:
    await here.producer.partitions_for(f"{here.installation}.writes.crm.hot")
    found: int = here.producer._partition(f"{here.installation}.writes.crm.hot", None, None, None, ident.encode(), b"")
    return found


async def test_hot_goes_before_bulk_and_half_of_the_calls_are_left_for_it(here: World) -> None:
    crowd, most = people(here, 80), here.vendor.manifest.in_flight // 2
    here.vendor.hold = asyncio.Event()
    await here.put(*crowd[:60], lane="bulk")
    await here.put(*crowd[60:], lane="hot")
    await here.ring(*crowd[:60], lane="bulk")
    await here.start()
    await here.until(lambda: len(here.vendor.calls("update")) == most)
    await here.ring(*crowd[60:])
    await here.until(lambda: here.writer is not None and len(here.writer.pump.queue) == 80 and len(here.vendor.calls("update")) > most)
    here.vendor.hold.set()
    await here.clean(30)
    calls = here.vendor.calls("update")
    assert all(int(ident) >= 60 for ident in calls[most])
    order = [ident for call in calls for ident in call]
    hot = [order.index(str(n)) for n in range(60, 80)]
    assert max(hot) < 79 - 5


def known_there(crowd: list[Lead]) -> list[Lead]:
    """Let all of them have been read in the other system too."""
    for one in crowd:
        ((ref, record),) = one.records.items()
        there = ref.replace(SYSTEM, "map", 1)
        one.records[there] = replace(record, ref=there, system="map")
    return crowd


async def test_bulk_waits_for_a_full_batch_while_a_system_is_read_and_what_becomes_hot_does_not_wait_with_it(here: World) -> None:
    await cursors.hold_lease(here.pool, cursors.first_read("map"), "a backfill", 600)
    crowd = known_there(people(here, 5))
    await here.put(*crowd, lane="bulk")
    await here.start()
    await here.until(lambda: here.writer is not None and here.writer.knowledge.filling)
    await here.ring(*crowd, lane="bulk")
    await here.until(lambda: here.writer is not None and here.writer.pump.queue.busy == 5)
    await here.put(crowd[3])
    await here.ring(crowd[3])
    await here.until(lambda: here.vendor.calls("update") == [["3"]])
    await cursors.drop_lease(here.pool, cursors.first_read("map"), "a backfill")
    await here.clean()
    assert sorted(here.vendor.calls("update")) == [["0", "1", "2", "4"], ["3"]]


async def test_who_may_be_known_better_by_a_system_that_is_read_waits_for_it_unless_hot(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "FILLING_S", 0.5)
    here.book = replace(here.book, systems={**here.book.systems, "map": replace(here.book.systems[SYSTEM], name="map")})
    await cursors.hold_lease(here.pool, cursors.first_read("map"), "a backfill", 600)
    crowd = people(here, 4)
    for one in crowd[1:]:
        one.records[f"{SYSTEM}:{PERSON}:{crowd.index(one)}"].has_truce_id = False  # of the first they were told before
    known_there(crowd[2:3])
    await here.put(*crowd[:3], lane="bulk")
    await here.put(crowd[3])
    await here.ring(*crowd[:3], lane="bulk")
    await here.ring(crowd[3])
    await here.start()
    await here.results(3)
    assert sorted(ident for call in here.vendor.calls("update") for ident in call) == ["0", "2", "3"]
    assert await here.dirty() == 1
    await cursors.drop_lease(here.pool, cursors.first_read("map"), "a backfill")
    await here.clean()
    assert here.vendor.calls("update")[-1] == ["1"]


async def test_bulk_that_the_sweep_rings_for_meanwhile_waits_no_longer_for_that(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "FILLING_S", 3.0)
    await cursors.hold_lease(here.pool, cursors.first_read("map"), "a backfill", 600)
    (ana,) = known_there(people(here, 1))
    await here.put(ana, lane="bulk")
    await here.start()
    await here.until(lambda: here.writer is not None and here.writer.knowledge.filling)
    await here.clean(12)
    assert here.vendor.calls("update") == [["0"]]


async def test_a_pause_acts_at_once_and_resume_rings_for_everything(here: World) -> None:
    await pauses.put(here.pool, f"system:{SYSTEM}", "too many", "ana")
    crowd = people(here, 12)
    await here.put(*crowd)
    await here.ring(*crowd)
    await here.start()

    async def acknowledged() -> bool:
        return (await here.committed())["hot"] == 12

    await here.until(acknowledged)
    assert here.vendor.journal == []
    assert await here.dirty() == 12
    assert await pauses.lift(here.pool, f"system:{SYSTEM}") == [f"system:{SYSTEM}"]
    await here.clean(5)
    assert len(here.vendor.effects) == 12


async def test_a_pause_shorter_than_the_time_between_two_looks_leaves_nobody_waiting(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "WATCH_S", 3600.0)  # the looks are ours
    await here.start()
    assert here.writer is not None
    sweep, queue = here.writer.sweep, here.writer.pump.queue
    await here.until(lambda: sweep._before is not None)
    await pauses.put(here.pool, f"system:{SYSTEM}", "maintenance", "ana")
    (ana,) = people(here, 1)
    await here.put(ana)
    await here.ring(ana)

    async def looked_at() -> bool:
        return (await here.committed())["hot"] == 1

    await here.until(looked_at)
    assert not len(queue), "she was looked at and passed over"
    await pauses.lift(here.pool, f"system:{SYSTEM}")
    await sweep.watch()
    await here.clean()
    assert len(here.vendor.effects) == 1


async def test_a_paused_field_is_left_out_and_stays_to_be_told(here: World) -> None:
    await pauses.put(here.pool, "field:phone", "wrong", "ana")
    (ana,) = people(here, 1)
    ana.desired |= lead(title="CTO").desired | {"email": ana.desired["email"]}
    await here.put(ana)
    await here.ring(ana)
    await here.start()
    await here.results(1)
    assert here.vendor.effects == [("update", "0", {"Title": "CTO"})]
    assert await here.dirty() == 1
    await pauses.lift(here.pool, "field:phone")
    await here.clean(5)
    assert here.vendor.effects[1:] == [("update", "0", {"Phone": "+2"})]


async def test_intents_stand_only_while_nothing_moved(here: World) -> None:
    (ana,) = people(here, 1)
    await here.put(ana)
    gates = Gates((), True, 1, frozenset())
    fields = {"phone": {"name": "Phone", "value": "+2", "sent": "+2", "version": 1, "at": 1}}
    one = Intent("11111111-1111-5111-8111-111111111111", ana.id, 1, "update", "Lead", "0", fields)
    assert await commit(here.pool, SYSTEM, [replace(one, rev=0)], gates, 5) == frozenset()
    assert await commit(here.pool, SYSTEM, [one], Gates((), True, 2, frozenset()), 5) == frozenset()
    await pauses.put(here.pool, "all", "stop", "ana")
    assert await commit(here.pool, SYSTEM, [one], gates, 5) == frozenset()
    await pauses.lift(here.pool, "all")
    assert await commit(here.pool, SYSTEM, [one], gates, 5) == {one.id}
    assert await commit(here.pool, SYSTEM, [one], gates, 5) == frozenset()
    await here.pool.execute("DELETE FROM intents; DELETE FROM dirty")
    assert await commit(here.pool, SYSTEM, [one], gates, 5) == frozenset()


async def at_work(here: World) -> list[Lead]:
    """Begin to write to forty people, and give them."""
    crowd = people(here, 40)
    await here.put(*crowd)
    await here.ring(*crowd)
    await here.start()
    return crowd


async def held(here: World) -> bool:
    """Say whether the guard has paused the system."""
    return any(one.by == "guard" for one in await pauses.every(here.pool))


async def test_more_than_the_guard_allows_waits_for_a_person(here: World) -> None:
    here.book = playbook(guards=Guards(writes_per_hour=15))
    await at_work(here)
    await here.until(lambda: held(here))
    assert len(here.vendor.effects) <= 15
    assert await here.pool.fetchval("SELECT text FROM problems WHERE kind = 'paused' AND closed_at IS NULL")
    told = len(here.vendor.effects)
    await pauses.lift(here.pool, f"system:{SYSTEM}")
    await here.until(lambda: len(here.vendor.effects) > told)
    await here.until(lambda: held(here))
    assert told < len(here.vendor.effects) <= 2 * 15  # once before the person let them go on (a call may have been on the wire), once after


@pytest.mark.parametrize("guards", [Guards(writes_per_hour=25), Guards(share_of_records=0.6)])
async def test_a_person_lets_all_that_waits_past_the_guard_and_it_counts_anew(here: World, guards: Guards) -> None:
    here.book = playbook(guards=guards)
    crowd = await at_work(here)
    await here.until(lambda: held(here))
    room = await pauses.let_go(here.pool, SYSTEM)
    assert 0 < room <= 40
    await pauses.lift(here.pool, f"system:{SYSTEM}")
    await here.clean()
    assert len(here.vendor.effects) == 40
    assert not await held(here)
    for one in crowd[:4]:
        one.rev, one.desired["phone"].value, one.desired["phone"].version = 2, "+3", 2
    await here.put(*crowd[:4])
    await here.ring(*crowd[:4])
    await here.clean()
    assert not await held(here), "what was let go counts no more"


async def test_what_the_guard_allowed_and_is_not_told_counts_no_more(here: World) -> None:
    guard, guards = Guard(here.pool, SYSTEM), Guards(writes_per_hour=15)
    allowed = await guard.allow(10, guards)
    await guard.give_back(allowed, 4)
    late = await guard.allow(3, guards)
    await pauses.put(here.pool, "all", "a look", "ana")
    await guard.give_back(late, 0)
    await pauses.lift(here.pool, "all")
    assert (allowed.rows, (await guard.allow(20, guards)).rows) == (10, 11)
    await here.put(*people(here, 8))
    assert await pauses.let_go(here.pool, SYSTEM) == 8
    allowed = await guard.allow(6, guards)
    await guard.give_back(allowed, 1)
    assert [(await guard.allow(6, guards)).rows, (await guard.allow(1, guards)).rows, (await guard.allow(1, guards)).rows] == [6, 1, 0]
    assert await held(here)


async def test_what_is_paused_counts_not(here: World) -> None:
    guard, guards = Guard(here.pool, SYSTEM), Guards(writes_per_hour=15)
    before = await guard.allow(10, guards)
    assert (await guard.allow(6, guards)).rows == 5
    assert (await guard.allow(6, guards)).rows == 0
    await guard.give_back(before, 0)
    assert (await guard.allow(15, guards)).rows == 0, "it waits for a person"
    await pauses.lift(here.pool, f"system:{SYSTEM}")
    assert (await guard.allow(40, guards)).rows == 15, "as many as in an hour, whatever was asked for in the pause"


async def test_a_larger_share_than_the_guard_allows_waits_for_a_person(here: World) -> None:
    here.book = playbook(guards=Guards(share_of_records=0.25))
    crowd = people(here, 40)
    await here.put(*crowd[10:], dirty=False)
    await here.put(*crowd[:9])
    await here.ring(*crowd[:9])
    await here.start()
    await here.clean()
    await here.put(crowd[9], *crowd[10:15])
    await here.ring(crowd[9], *crowd[10:15])
    await here.until(lambda: held(here))
    assert len(here.vendor.effects) <= 10


async def test_a_batch_larger_than_the_whole_share_goes_on_in_parts(here: World) -> None:
    here.book = playbook(guards=Guards(share_of_records=0.25))
    await at_work(here)
    await here.until(lambda: held(here))
    told = len(here.vendor.effects)
    assert 0 < told <= 20, "a quarter; a second call may have been on its way"
    assert "of 40 records within an hour, 25% are allowed" in await here.pool.fetchval("SELECT text FROM problems WHERE kind = 'paused'")
    await pauses.lift(here.pool, f"system:{SYSTEM}")
    await here.until(lambda: len(here.vendor.effects) > told)


async def test_two_processes_share_the_work_and_write_each_lead_once(here: World, kafka: str) -> None:
    crowd = people(here, 100)
    await here.put(*crowd)
    await here.start()
    other = World(here.settings, here.pool, here.producer, here.vendor, here.book)
    await other.start()
    try:
        await here.ring(*crowd)
        await here.clean(30)
        assert sorted(ident for _, ident, _ in here.vendor.effects) == sorted(str(n) for n in range(100))
        assert len(await here.results(100)) == 100
    finally:
        await other.end()
    late = people(here, 5, phone="+3")
    await here.put(*late)
    await here.ring(*late)
    await here.clean(20)


async def test_idle_means_no_call(here: World) -> None:
    crowd = people(here, 5)
    await here.put(*crowd)
    await here.ring(*crowd)
    await here.start()
    await here.clean()
    before = len(here.vendor.journal)
    await here.ring(*crowd)
    await here.until(lambda: here.writer is not None and len(here.writer.pump.queue) == 0)
    assert len(here.vendor.journal) == before
