"""Dirty leads: what was left for a reason is told once the reason is gone, however long nobody looked."""

from __future__ import annotations

import asyncio
from typing import Any

from sync.cli.filling import planned
from sync.lead.decision import DuplicateNote
from sync.sources.backfill import Progress
from sync.store import cursors, dirty, duplicates
from sync.store.statement import run

ONE, OTHER = "11111111-1111-5111-8111-111111111111", "11111111-1111-5111-8111-111111111112"


async def _asked(pool: Any, ident: str, lead: str, settled: str | None) -> None:
    await pool.execute(
        "INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version) VALUES ($1::text::uuid, 'k', 3, '{}', true, 1)", lead
    )
    await pool.execute(
        "INSERT INTO duplicates (id, leads, reason, settled_at) VALUES ($1, jsonb_build_array($2::text), 'names differ', now() - $3::text::interval)",
        ident,
        lead,
        settled,
    )


async def test_a_duplicate_that_was_settled_while_the_system_was_paused_is_told(pool: Any) -> None:
    await dirty.revive(pool, "crm")
    await pool.execute("UPDATE meta SET value = to_jsonb(now() - interval '1 day') WHERE key = 'revived:crm'")  # paused since
    await _asked(pool, "a", ONE, "3 hours")
    await _asked(pool, "b", OTHER, None)
    assert await dirty.revive(pool, "crm") == 1
    assert [(row["lead_id"], row["rev"]) for row in await pool.fetch("SELECT lead_id, rev FROM dirty")] == [(ONE, 3)]


async def test_each_system_looks_for_itself_and_what_it_has_seen_is_not_told_for_ever(pool: Any) -> None:
    await _asked(pool, "a", ONE, "3 hours")
    assert await dirty.revive(pool, "crm") == 1
    await pool.execute("DELETE FROM dirty")
    assert await dirty.revive(pool, "crm") == 0
    assert await dirty.revive(pool, "map") == 1


async def test_a_settled_question_lets_go_of_everybody_whom_it_named(pool: Any) -> None:
    for number, lead in enumerate((ONE, OTHER)):
        await _asked(pool, str(number), lead, None)
    async with pool.acquire() as connection:
        await run(connection, [duplicates.write([DuplicateNote("c", "map:contacts:1", (ONE, OTHER), "names differ")])])
        await run(connection, [duplicates.write([DuplicateNote("c", None, (OTHER,), "settled", open=False)])])
    assert await dirty.revive(pool, "crm") == 2
    assert await pool.fetchval("SELECT concat_ws(', ', reason, settled_by) FROM duplicates WHERE id = 'c'") == "names differ, settled"


async def test_whom_a_writer_can_plan_is_counted_and_a_slice_waits_for_them(pool: Any) -> None:
    for number, lead in enumerate((ONE, OTHER)):
        await _asked(pool, str(number), lead, "1 hour")
    await dirty.mark(pool, [ONE, OTHER], "map", "bulk")
    assert await dirty.to_plan(pool) == 0, "who has no record there waits until all of it was read"
    await pool.execute(
        "INSERT INTO records (ref, lead_id, system, object, seen_at) VALUES ('map:contacts:1', $1, 'map', 'contacts', now())", ONE
    )
    assert await dirty.to_plan(pool) == 1
    await cursors.put(pool, "map", "everything", "", done=True)
    assert await dirty.to_plan(pool) == 2
    await pool.execute("INSERT INTO pauses (scope, reason, by) VALUES ('system:map', 'x', 'ana')")
    assert await dirty.to_plan(pool) == 0
    await pool.execute("DELETE FROM pauses")
    await cursors.hold_lease(pool, cursors.first_read("crm"), "somebody", 60)
    await dirty.mark(pool, [ONE], "map", "hot")
    assert await dirty.to_plan(pool) == 1, "bulk waits for a system that is being read"
    await cursors.drop_lease(pool, cursors.first_read("crm"), "somebody")

    found, told = Progress(), asyncio.Event()
    waiting = asyncio.create_task(planned(pool, found, lambda _: told.set(), 60))
    async with asyncio.timeout(30):
        await told.wait()
        assert found.waits == "decided; the writers have 2 people left"
        assert not waiting.done()
        await pool.execute("DELETE FROM dirty")
        assert await waiting == 0
    await dirty.mark(pool, [ONE], "map", "bulk")
    assert await planned(pool, found, lambda _: None, 60, still_s=0) == 1, "nobody moves it"
