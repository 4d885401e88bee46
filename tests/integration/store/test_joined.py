"""What stands in SQL of two leads that become one."""

from __future__ import annotations

from typing import Any

from sync.lead.decision import DuplicateNote, ProblemNote
from sync.store import duplicates, intents, joined, problems
from sync.store.intents import Gates, Intent
from sync.store.statement import run

ONE, TWO, LAST = (f"11111111-1111-5111-8111-11111111111{n}" for n in (1, 2, 3))
CALL, TOLD, HERE = (f"22222222-2222-5222-8222-22222222222{n}" for n in (1, 2, 3))
GATES = Gates((), True, 1, frozenset())


async def _intent(pool: Any, ident: str, lead: str, state: str = "open") -> None:
    await pool.execute(
        "INSERT INTO intents (id, lead_id, system, kind, object, record_id, fields, rev, state, deadline) "
        "VALUES ($1, $2, 'crm', 'update', 'Lead', '1', '{}', 1, $3, now())",
        ident,
        lead,
        state,
    )


async def _lead(pool: Any, lead: str, survivor: str | None = None) -> None:
    await pool.execute(
        "INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version, survivor) VALUES ($1, 'k', 3, '{}', true, 1, $2)", lead, survivor
    )
    await pool.execute("INSERT INTO dirty (lead_id, system, lane, rev) VALUES ($1, 'crm', 'hot', 3)", lead)


async def _move(pool: Any, survivors: dict[str, str], settled: tuple[str, ...] = (), noted: tuple[str, ...] = ()) -> None:
    async with pool.acquire() as connection:
        await run(connection, joined.move(survivors, settled=settled, noted=noted))


async def _ask(pool: Any, ident: str, *leads: str) -> None:
    async with pool.acquire() as connection:
        note = ProblemNote("duplicate", ident, True, "may be one person")
        await run(connection, [duplicates.write([DuplicateNote(ident, None, leads, "one e-mail")]), *problems.write([note])])


async def test_calls_under_way_are_the_survivors_what_is_applied_stays(pool: Any) -> None:
    for ident, lead, state in ((CALL, ONE, "open"), (TOLD, TWO, "done"), (HERE, TWO, "applied")):
        await _intent(pool, ident, lead, state)
    await _move(pool, {ONE: TWO, TWO: LAST}, settled=(TOLD,))
    rows = await pool.fetch("SELECT id, lead_id FROM intents")
    assert {row["id"]: row["lead_id"] for row in rows} == {CALL: LAST, TOLD: TWO, HERE: TWO}


async def test_no_call_begins_for_the_survivor_while_one_of_the_absorbed_lead_is_open(pool: Any) -> None:
    await _lead(pool, ONE, TWO)
    await _lead(pool, TWO)
    await pool.execute("INSERT INTO meta (key, value) VALUES ('active_playbook', '1'::jsonb)")
    await _intent(pool, CALL, ONE)
    await _move(pool, {ONE: TWO})
    mine = Intent(HERE, TWO, 3, "update", "Lead", "1", {})
    assert await intents.commit(pool, "crm", [mine], GATES, 30) == frozenset()
    await pool.execute("UPDATE intents SET state = 'done' WHERE id = $1", CALL)
    assert await intents.commit(pool, "crm", [mine], GATES, 30) == {HERE}


async def test_a_question_about_the_two_is_answered_others_stay(pool: Any) -> None:
    await _ask(pool, "both", ONE, TWO)
    await _ask(pool, "other", ONE, LAST)
    await _ask(pool, "now", TWO, ONE)
    await _move(pool, {ONE: TWO}, noted=("now",))
    assert [row["id"] for row in await pool.fetch("SELECT id FROM duplicates WHERE settled_at IS NULL ORDER BY id")] == ["now", "other"]
    assert [row["key"] for row in await pool.fetch("SELECT key FROM problems WHERE closed_at IS NULL ORDER BY key")] == ["now", "other"]


async def test_nothing_is_created_for_a_lead_that_became_a_question_since_it_was_planned(pool: Any) -> None:
    await _lead(pool, ONE)
    await pool.execute("INSERT INTO meta (key, value) VALUES ('active_playbook', '1'::jsonb)")
    await _ask(pool, "both", ONE, TWO)
    create, update = Intent(CALL, ONE, 3, "create", "Lead", None, {}), Intent(HERE, ONE, 3, "update", "Lead", "1", {})
    assert await intents.commit(pool, "crm", [create], GATES, 30) == frozenset()
    assert await intents.commit(pool, "crm", [update], GATES, 30) == {HERE}
