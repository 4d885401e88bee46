"""Dirty leads: what was left for a reason is told once the reason is gone, however long nobody looked."""

from __future__ import annotations

from typing import Any

from sync.lead.decision import DuplicateNote
from sync.store import dirty, duplicates
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
