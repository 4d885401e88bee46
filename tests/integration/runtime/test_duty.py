"""What the store keeps for people, on a real PostgreSQL: leads that nobody can work on, and what observe mode kept back."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import User
from sync.store import orphans, playbooks, users
from sync.store.connect import open_pool
from sync.store.problems import close_over, note_left
from tests.integration.alerts import ledger

pytestmark = pytest.mark.integration


@pytest.fixture
async def pool(postgres: str, installation: str) -> AsyncIterator[Any]:
    made = await open_pool(postgres, installation, size=2)
    yield made
    await made.close()


async def mql(pool: Any, owner: str | None, **more: Any) -> str:
    """Keep a lead that was handed over."""
    ident = str(uuid.uuid4())
    row: dict[str, Any] = {"id": ident, "key": "k", "rev": 3, "doc": {}, "stage": "mql", "owner": owner, "in_scope": True} | more
    row["playbook_version"] = 1
    names = ", ".join(row)
    await pool.execute(f"INSERT INTO leads ({names}) VALUES ({', '.join(f'${n}' for n in range(1, len(row) + 1))})", *row.values())
    return ident


async def problems(pool: Any) -> list[str]:
    rows = await pool.fetch("SELECT text FROM problems WHERE closed_at IS NULL ORDER BY id")
    return [row["text"] for row in rows]


async def test_a_lead_of_somebody_who_left_is_a_problem_until_it_is_somebody_elses(pool: Any) -> None:
    ana, ben = (
        User(id="1", email="Ana@acme.example", name="Ana Diaz", active=True),
        User(id="2", email="ben@acme.example", name="Ben", active=True),
    )
    await users.put(pool, "salesforce", [ana, ben])
    lead = await mql(pool, "ana@acme.example")
    assert await orphans.find(pool) == []
    await pool.execute("UPDATE vendor_users SET active = false WHERE id = '1'")
    assert await orphans.find(pool) == [lead]
    await users.put(pool, "salesforce", [ben])
    await users.put(pool, "salesforce", [ben])
    assert await problems(pool) == [
        "Ana Diaz is inactive in salesforce and still has handed-over leads: give them to somebody who is there by truce reassign --from ana@acme.example"
    ]
    assert await orphans.find(pool) == []
    await pool.execute("UPDATE leads SET owner = 'ben@acme.example'")
    await users.put(pool, "salesforce", [ben])
    assert await problems(pool) == []


async def test_a_lead_without_an_owner_is_found_unless_it_is_held_and_told(pool: Any) -> None:
    alone, held = await mql(pool, None), await mql(pool, None, held=True)
    await mql(pool, None, in_scope=False)
    await mql(pool, None, stage="lead")
    assert sorted(await orphans.find(pool)) == sorted([alone, held])
    await pool.execute("INSERT INTO problems (kind, key, text) VALUES ('held', 'hubspot', 'held')")
    assert await orphans.find(pool) == [alone]


async def test_in_a_queue_the_person_who_answers_for_it_counts(pool: Any) -> None:
    await users.put(pool, "salesforce", [User(id="1", email="vera@acme.example", name="Vera", active=True)])
    await mql(pool, "queue:desk", doc={"handoff": {"owner": "vera@acme.example"}})
    gone = await mql(pool, "queue:desk", doc={"handoff": {"owner": "nobody@acme.example"}})
    alone = await mql(pool, "queue:desk")
    assert sorted(await orphans.find(pool)) == sorted([gone, alone])


async def test_what_waits_for_enrichment_is_nobodys_no_longer_than_it_may(pool: Any) -> None:
    waits, late = await mql(pool, None), await mql(pool, None)
    due = "INSERT INTO clocks (lead_id, kind, due_at, playbook_version) VALUES ($1, 'hold', now() + $2::text::interval, 1)"
    await pool.execute(due, waits, "10 minutes")
    await pool.execute(due, late, "-5 minutes")
    assert await orphans.find(pool) == [late]


async def test_who_left_the_team_and_still_has_leads_is_a_problem_until_they_have_none(pool: Any) -> None:
    lea = {"lea@acme.example": "Lea Wolf"}
    await users.put(pool, "salesforce", [User(id="1", email="lea@acme.example", name="Lea Wolf", active=True)])
    assert await note_left(pool, lea, ["ana@acme.example"]) == [], "nothing is hers"
    lead = await mql(pool, "lea@acme.example")
    await mql(pool, "lea@acme.example", stage="customer")
    (said,) = await note_left(pool, lea, ["ana@acme.example"])
    assert said.startswith("Lea Wolf is no longer in team.yaml and still has 1 handed-over lead: ")
    assert said.endswith("all at once by truce reassign --from lea@acme.example")
    await close_over(pool)
    await users.put(pool, "salesforce", [User(id="1", email="lea@acme.example", name="Lea Wolf", active=True)])
    assert await problems(pool) == [said]
    await pool.execute("UPDATE leads SET owner = 'ana@acme.example' WHERE id = $1", lead)
    await close_over(pool)
    assert await problems(pool) == []


async def test_who_answers_for_a_queue_and_left_is_a_problem_too(pool: Any) -> None:
    await users.put(pool, "salesforce", [User(id="1", email="vera@acme.example", name="Vera Holm", active=True)])
    await mql(pool, "queue:desk", doc={"handoff": {"owner": "vera@acme.example"}})
    (said,) = await note_left(pool, {"vera@acme.example": "Vera Holm"}, [])
    assert "truce reassign --from vera@acme.example" in said
    await users.put(pool, "salesforce", [])
    assert len(await problems(pool)) == 2
    assert await orphans.find(pool) == []


async def test_who_left_with_a_lead_that_they_had_accepted_is_a_problem_until_it_is_over(pool: Any) -> None:
    now = datetime.now(UTC)
    await users.put(pool, "salesforce", [User(id="1", email="ana@acme.example", name="Ana Diaz", active=True)])
    await ledger.handoff(pool, await ledger.lead(pool, now, stage="sal"), now)
    await users.put(pool, "salesforce", [])
    (said,) = await problems(pool)
    assert said.startswith("Ana Diaz is inactive in salesforce and still has handed-over leads")
    await pool.execute("UPDATE handoffs SET closed_at = now()")
    await users.put(pool, "salesforce", [])
    assert await problems(pool) == []


async def test_a_list_that_names_hardly_anybody_is_not_believed_for_a_day(pool: Any) -> None:
    everyone = [User(id=str(n), email=f"rep{n}@acme.example", name=f"Rep {n}", active=True) for n in range(8)]
    await users.put(pool, "salesforce", everyone)
    new = User(id="9", email="new@acme.example", name="New", active=True)
    await users.put(pool, "salesforce", [everyone[0], new])
    assert len({u.id for u in (await users.every(pool))["salesforce"].values() if u.active}) == 9, "nobody is gone, and who is new is there"
    (said,) = await problems(pool)
    assert said.startswith("salesforce names 1 of 8 active users all at once")
    await users.put(pool, "salesforce", [*everyone, new])
    assert await problems(pool) == []
    await users.put(pool, "salesforce", [new])
    await pool.execute("UPDATE problems SET opened_at = now() - interval '2 days' WHERE closed_at IS NULL")
    await users.put(pool, "salesforce", [new])
    assert [u.id for u in (await users.every(pool))["salesforce"].values() if u.active] == ["9"]


async def test_who_comes_back_to_the_team_is_no_problem(pool: Any) -> None:
    await mql(pool, "lea@acme.example")
    await note_left(pool, {"lea@acme.example": "Lea Wolf"}, [])
    assert len(await problems(pool)) == 1
    await note_left(pool, {}, ["lea@acme.example"])
    assert await problems(pool) == []


async def test_a_new_version_plans_anew_what_observe_mode_kept_back(pool: Any) -> None:
    lead = await mql(pool, None)
    await pool.execute(
        "INSERT INTO would_write (lead_id, system, record_id, field, rule) VALUES ($1, 'hubspot', '1', 'phone', 'r'), ($1, 'hubspot', '1', 'title', 'r')",
        lead,
    )
    async with pool.acquire() as connection:
        first = await playbooks.add(connection, {"fields.yaml": b"a"}, "a", "test")
        assert [tuple(row) for row in await pool.fetch("SELECT lead_id::text, system, rev FROM dirty")] == [(lead, "hubspot", 3)]
        await pool.execute("DELETE FROM dirty")
        assert await playbooks.add(connection, {"fields.yaml": b"a"}, "a", "test") == first
    assert await pool.fetchval("SELECT count(*) FROM dirty") == 0, "the same version changes nothing"
