"""Claiming clocks on a real PostgreSQL: what is in the way goes, what could not be told is due as before, what stands still is not waited for."""

from __future__ import annotations

import uuid
from typing import Any

from sync.lead.decision import ClockNote
from sync.store import clocks
from sync.store.statement import run

LEAD = "INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version) VALUES ($1::text::uuid, 'k', 1, '{}', true, 1)"
CLOCK = """
INSERT INTO clocks (lead_id, kind, due_at, playbook_version) VALUES ($1::text::uuid, 'stage', now() - make_interval(secs => $2::int), 1)
"""


async def known(pool: Any, overdue_s: int = 60) -> str:
    """Keep a lead with a clock that has been due for so long; gives its id."""
    lead = str(uuid.uuid4())
    await pool.execute(LEAD, lead)
    await pool.execute(CLOCK, lead, overdue_s)
    return lead


async def test_clocks_without_a_lead_are_not_in_the_way_of_others(pool: Any) -> None:
    for _ in range(3):
        await pool.execute(CLOCK, str(uuid.uuid4()), 3600)
    valid = await known(pool)
    found = [one.lead_id for _ in range(2) for one in await clocks.claim(pool, 3)]
    assert found == [valid]
    wait = await clocks.wait(pool)
    assert wait is not None
    assert wait > 0
    assert await pool.fetchval("SELECT count(*) FROM clocks") == 1


async def test_a_claim_that_is_given_back_is_due_at_once_and_does_not_count(pool: Any) -> None:
    lead = await known(pool)
    for _ in range(5):
        (due,) = await clocks.claim(pool, 10)
        assert due.lead_id == lead
        await clocks.give_back(pool, [due])
    assert await pool.fetchval("SELECT attempts FROM clocks WHERE claimed_until IS NULL") == 0


async def test_a_claim_that_another_has_by_now_is_not_given_back(pool: Any) -> None:
    lead = await known(pool)
    (old,) = await clocks.claim(pool, 10)
    await pool.execute("UPDATE clocks SET claimed_until = now() - interval '1 s'")
    (new,) = await clocks.claim(pool, 10)
    await clocks.give_back(pool, [old])
    assert await pool.fetchval("SELECT claimed_until FROM clocks WHERE lead_id = $1::text::uuid", lead) == new.until


async def test_what_stands_still_is_neither_claimed_nor_waited_for_until_it_is_set_anew(pool: Any) -> None:
    lead = await known(pool)
    due = round((await pool.fetchval("SELECT due_at FROM clocks")).timestamp() * 1000)
    async with pool.acquire() as connection:
        await run(connection, [clocks.stand_still([(lead, "stage", due - 1000)])])
        assert await connection.fetchval("SELECT claimed_until FROM clocks") is None, "it was set anew since"
        await run(connection, [clocks.stand_still([(lead, "stage", due)])])
        assert await clocks.claim(pool, 10) == []
        assert await clocks.wait(pool) is None
        await run(connection, clocks.write({(lead, "stage"): ClockNote(due + 1, 1)}))
    assert [one.lead_id for one in await clocks.claim(pool, 10)] == [lead]


async def test_overdue_is_what_should_have_been_decided_by_now_claimed_or_not(pool: Any) -> None:
    assert await clocks.overdue(pool) == clocks.Overdue(0, None, 0.0, 0)
    await known(pool, 600)
    await clocks.claim(pool, 10)
    still, soon = await known(pool, 3600), await known(pool, -60)
    await pool.execute("UPDATE clocks SET claimed_until = 'infinity' WHERE lead_id = $1::text::uuid", still)
    late = await clocks.overdue(pool)
    assert (late.waiting, late.still) == (1, 1), soon
    assert 600 <= late.seconds < 3600
