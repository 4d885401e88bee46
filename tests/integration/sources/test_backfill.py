"""A person reads a system in slices: it goes on where it stopped, all of it is bulk, and what changes meanwhile is read as ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from connectors.errors import AuthExpired
from sync.sources.backfill import Backfill, Progress
from sync.store import cursors
from tests.integration.sources.test_runner import SYSTEM, Reading, ended, reading, until

__all__ = ["reading"]

LEAD = "00000000-0000-4000-8000-000000000001"


async def told(here: Reading) -> list[str]:
    return [change.ref for change in await here.changes() if change.bulk]


async def test_slices_are_read_one_after_the_other_and_the_rest_ends_it(reading: Reading) -> None:
    refs = await reading.people(10)  # pages of four
    first = await Backfill(reading.runner()).all(first=6)
    assert (first.people, first.records, first.done) == (6, 6, False)
    assert sorted(set(await told(reading))) == sorted(refs[:6])
    assert not await reading.done()
    assert await cursors.begun(reading.pool) == {SYSTEM: 6}

    same = await Backfill(reading.runner()).all(first=6)
    assert (same.people, same.records) == (6, 0), "so many were read already"
    further = await Backfill(reading.runner()).all(first=7)
    assert (further.people, further.records) == (7, 3), "what the slice before had of its page is told again, and is no news"
    rest = await Backfill(reading.runner()).all()
    assert (rest.people, rest.done) == (10, True)
    assert set(await told(reading)) == set(refs)
    assert await reading.done()
    assert await cursors.begun(reading.pool) == {}


async def test_it_goes_on_where_it_was_cut_off(reading: Reading) -> None:
    refs = await reading.people(10)

    def cut(progress: Progress) -> None:
        if progress.people == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await Backfill(reading.runner(), cut).all()
    asked = len(await reading.world.calls())
    await Backfill(reading.runner()).all()
    counted = Counter(await told(reading))
    assert set(counted) == set(refs)
    assert counted[refs[0]] == 1, "a page that Kafka had is not read again"
    assert len([call for call in (await reading.world.calls())[asked:] if "query" in str(call["path"])]) <= 8


async def test_no_source_reads_what_a_person_reads_in_slices_but_it_reads_what_changes(reading: Reading) -> None:
    refs = await reading.people(10)
    await Backfill(reading.runner()).all(first=4)
    running = asyncio.create_task(reading.runner(poll_s="0.2").run())
    (new,) = [f"salesforce:Lead:{await reading.world.seed({'LastName': 'New', 'Company': 'Nordwind', 'Email': 'new@x.example'})}"]

    async def seen() -> bool:
        return any(change.ref == new and not change.bulk for change in await reading.changes())

    try:
        await until(seen)
        assert not await reading.done()
        assert not set(await told(reading)) & set(refs[4:])
        await Backfill(reading.runner()).all()
    finally:
        await ended(running)
    assert set(await told(reading)) >= set(refs)


async def test_a_source_that_is_to_leave_the_first_read_to_a_person_does(reading: Reading) -> None:
    await reading.people(3)
    running = asyncio.create_task(reading.runner(poll_s="0.2", first_read="by_hand").run())

    async def polled() -> bool:
        return bool(await cursors.seen(reading.pool))

    try:
        await until(polled)
        assert await told(reading) == []
        assert (await Backfill(reading.runner()).all()).done
    finally:
        await ended(running)
    assert await reading.done()


async def test_what_changed_since_a_time_is_read_once_more_as_bulk(reading: Reading) -> None:
    refs = await reading.people(3)
    await cursors.put(reading.pool, SYSTEM, "everything", "", done=True)
    found = await Backfill(reading.runner()).since(datetime.now(UTC) - timedelta(hours=1))
    assert (found.people, found.done) == (3, True)
    assert sorted(await told(reading)) == sorted(refs)
    assert (await Backfill(reading.runner()).since(datetime.now(UTC) + timedelta(hours=1))).people == 0


async def test_one_object_is_read_once_more(reading: Reading) -> None:
    refs = await reading.people(3)
    assert (await Backfill(reading.runner()).object("Lead")).people == 3
    assert sorted(await told(reading)) == sorted(refs)
    assert not await reading.done(), "of the others nothing is known"


async def hot(here: Reading, lead: str) -> None:
    insert = "INSERT INTO dirty (lead_id, system, lane, rev, since) VALUES ($1, $2, 'hot', 1, now() - interval '5 s')"
    await here.pool.execute(insert, lead, SYSTEM)


async def test_who_is_hot_and_not_read_yet_waits_for_it_and_not_it_for_them(reading: Reading) -> None:
    await reading.people(2)
    await hot(reading, LEAD)
    said: list[str] = []
    await Backfill(reading.runner(), lambda found: said.append(found.waits)).all()
    assert "waiting for hot hand-offs to be written" not in said


async def test_it_waits_while_what_is_hot_waits_to_be_written(reading: Reading) -> None:
    await reading.people(2)
    await hot(reading, LEAD)
    await reading.pool.execute(
        "INSERT INTO records (ref, lead_id, system, object, seen_at) VALUES ($1, $2, $3, 'Lead', now())", "x", LEAD, SYSTEM
    )
    said: list[str] = []
    running = asyncio.create_task(Backfill(reading.runner(), lambda found: said.append(found.waits)).all())

    async def waits() -> bool:
        return "waiting for hot hand-offs to be written" in said

    await until(waits)
    assert await told(reading) == []
    await reading.pool.execute("DELETE FROM dirty")
    assert (await running).people == 2


async def test_what_no_waiting_mends_ends_the_run_and_what_was_read_is_kept(reading: Reading) -> None:
    await reading.people(10)
    await Backfill(reading.runner()).all(first=4)
    await reading.world.revoke()
    with pytest.raises(AuthExpired):
        await Backfill(reading.runner()).all()
    assert await cursors.begun(reading.pool) == {SYSTEM: 4}
