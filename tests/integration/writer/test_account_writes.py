"""Accounts' records are written on a real PostgreSQL and Kafka and an emulated HubSpot: once, whatever is lost, and not where nothing may be."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from sync.cli import people
from sync.store import account_writes, cursors, dirty, pauses, would_write
from sync.writer.accounts import Accounts
from sync.writer.control import Knowledge
from sync.writer.intents import owner_key
from tests.integration.writer.desks import Desk, at_work, refusing

REFUSED = refusing("name")
FIRM = "salesforce:Account:001N"


@pytest_asyncio.fixture
async def desk(kafka: str, postgres: str, installation: str) -> AsyncIterator[Desk]:
    """One account in both systems."""
    async with at_work(Accounts, kafka, postgres, installation) as made:
        company = await made.hub.seed_as("companies", {"name": "nordwind", "domain": "nordwind.example"})
        made.ref = f"hubspot:companies:{company}"
        await made.show(FIRM, 1_000, name="Nordwind AS", domain="nordwind.example")
        await made.show(made.ref, 2_000, name="nordwind", domain="nordwind.example")
        yield made


def name(desk: Desk) -> str | None:
    return desk.hub.hub.record("companies", desk.ref.rpartition(":")[2]).get("name")


def writes(desk: Desk) -> int:
    return desk.writes("companies")


async def test_a_company_is_written_once_and_then_left_alone(desk: Desk) -> None:
    assert await desk.step() == 1
    assert name(desk) == "Nordwind AS"
    (told,) = await desk.hear()
    assert (told.fields, told.origin, int(told.times["name"].timestamp() * 1000)) == ({"name": "Nordwind AS"}, "own", 1_000)
    assert await desk.step() == 1, "what was told is looked at once more"
    assert await desk.step() == 0
    assert writes(desk) == 1
    assert (await desk.state())["intent"] is None


async def test_what_observe_mode_keeps_back_is_named_as_an_accounts(desk: Desk) -> None:
    await desk.agree("fields.yaml", b"side: marketing\n    mode: write", b"side: marketing\n    mode: observe")
    await desk.step()
    assert [(one.field, one.before, one.after) for one in await would_write.report(desk.pool)] == [
        ("account.name", "nordwind", "Nordwind AS")
    ]
    assert writes(desk) == 0


async def test_a_lost_answer_is_read_back_and_nothing_is_written_twice(desk: Desk) -> None:
    await desk.hub.fault(kind="drop_answer", path="/companies/batch/update")
    await desk.step()
    assert (await desk.state())["intent"]["fields"]["name"]["value"] == "Nordwind AS"
    assert await desk.hear() == []
    await desk.step()
    heard = await desk.hear()
    assert [one.intent_id is not None for one in heard] == [False, True], "what is there now, and that it is ours"
    await desk.step()
    assert (name(desk), writes(desk)) == ("Nordwind AS", 1)
    assert (await desk.state())["told_rev"] == (await desk.state())["rev"]


async def test_a_call_that_never_arrived_is_made_again(desk: Desk) -> None:
    await desk.hub.fault(kind="timeout", path="/companies/batch/update")
    await desk.step()
    await desk.step()
    assert (await desk.state())["intent"] is None, "it was read back: nothing of it is there"
    await desk.hear()
    await desk.step()
    assert name(desk) == "Nordwind AS"


async def test_a_result_that_nobody_heard_is_told_again(desk: Desk) -> None:
    await desk.step()
    first = await desk.messages()
    assert first, "told, and lost before anybody took it in"
    await desk.step()
    assert len(await desk.hear()) == 1
    await desk.step()
    assert (writes(desk), (await desk.state())["intent"]) == (1, None)


async def test_what_is_refused_is_a_problem_and_is_not_tried_again(desk: Desk) -> None:
    await desk.hub.fault(kind="status", path="/companies/batch/update", status=400, body=REFUSED)
    for _ in range(4):
        await desk.step()
        await desk.hear()
    assert name(desk) == "nordwind"
    assert (await desk.state())["refused"] == {"name": "Nordwind AS"}
    assert await desk.pool.fetchval("SELECT count(*) FROM problems WHERE kind = 'write_refused' AND closed_at IS NULL") == 1
    calls = writes(desk)
    await desk.show(FIRM, 3_000, name="Nordwind Group")
    await desk.step()
    assert (name(desk), writes(desk)) == ("Nordwind Group", calls + 1), "another value is"
    await desk.hear()
    await desk.step()
    assert (await desk.state())["refused"] == {}
    assert await desk.pool.fetchval("SELECT count(*) FROM problems WHERE closed_at IS NULL") == 0, "nothing is refused any more"


async def test_what_was_refused_is_told_once_more_by_a_replay(desk: Desk, kafka: str, postgres: str, installation: str) -> None:
    await desk.hub.fault(kind="status", path="/companies/batch/update", status=400, body=REFUSED)
    await desk.step()
    await desk.step()
    assert name(desk) == "nordwind"
    assert await people.replay(postgres, installation, kafka) == 1
    await desk.step()
    assert (name(desk), (await desk.state())["refused"]) == ("Nordwind AS", {})


async def test_a_third_record_tells_that_two_of_a_system_are_near_each_other(desk: Desk) -> None:
    await desk.show(FIRM, 1_500, domain="nordwind.example, sudwind.example")
    await desk.step()
    await desk.hear()
    await desk.step()
    assert await desk.step() == 0
    await desk.show("hubspot:companies:9", 5_000, name="Sudwind", domain="sudwind.example")
    rows = await desk.pool.fetch("SELECT ref FROM account_writes WHERE system = 'hubspot' AND told_rev < rev")
    assert {row["ref"] for row in rows} == {"hubspot:companies:9", desk.ref}
    await desk.show(FIRM, 6_000, name="Nordwind Group")
    calls = writes(desk)
    await desk.step()
    assert writes(desk) == calls, "which of both is Nordwind nobody knows"


async def test_nothing_is_written_while_paused_and_all_of_it_afterwards(desk: Desk) -> None:
    await pauses.put(desk.pool, "system:hubspot", "test", "test")
    await desk.step()
    assert writes(desk) == 0
    await desk.pool.execute("DELETE FROM pauses")
    await desk.step()
    assert name(desk) == "Nordwind AS"


async def test_a_paused_field_is_told_once_it_goes_on(desk: Desk) -> None:
    await pauses.put(desk.pool, "field:name", "test", "test")
    await desk.step()
    assert writes(desk) == 0
    await desk.pool.execute("DELETE FROM pauses")
    await desk.step()
    assert name(desk) == "Nordwind AS"


async def test_nothing_is_written_before_all_accounts_were_read_once(desk: Desk) -> None:
    await desk.pool.execute("UPDATE cursors SET done_at = NULL WHERE system = 'salesforce'")
    assert await desk.step() == 0
    await desk.show("salesforce:Account:001Z", 3_000, name="Nordwind GmbH", domain="nordwind.example")
    await cursors.put(desk.pool, "salesforce", "everything", "", done=True)
    await desk.step()
    assert writes(desk) == 0, "the company has two records there: nobody knows which is meant"


async def test_a_lost_answer_is_read_back_while_a_new_system_is_read_for_the_first_time(desk: Desk) -> None:
    await desk.hub.fault(kind="drop_answer", path="/companies/batch/update")
    await desk.step()
    await desk.pool.execute("UPDATE cursors SET done_at = NULL WHERE system = 'salesforce'")
    assert await desk.step() == 1
    assert [one.intent_id is not None for one in await desk.hear()] == [False, True]
    assert await desk.step() == 0, "nothing is begun before all is read"
    assert (writes(desk), (await desk.state())["intent"]) == (1, None)


async def test_a_field_that_a_rival_sets_back_for_ever_is_left_alone_for_a_while(desk: Desk) -> None:
    ident, moment = desk.ref.rpartition(":")[2], 1_000_000.0
    desk.writer.clock = lambda: moment
    allowed = (await desk.playbook()).guards
    for n in range(allowed.flips + 4):
        moment += 2
        await desk.settle()
        desk.hub.hub.put("companies", {"name": f"rival {n}"}, ident=ident, client="rival")
        await desk.show(desk.ref, int(moment * 1000) + 1000, name=f"rival {n}")
    await desk.settle()
    assert writes(desk) == allowed.flips + 1
    assert await desk.problems("frozen_field") == [f"hubspot:account:{desk.ref}:name"]
    await desk.show(FIRM, int(moment * 1000), domain="nordwind.example, north.example")
    await desk.settle()
    assert (name(desk), desk.hub.hub.record("companies", ident)["domain"]) == (f"rival {n}", "nordwind.example, north.example")
    assert (await desk.state())["again_at"] is not None, "it is looked at again"
    moment += allowed.flip_window_s
    await desk.settle()
    assert (name(desk), await desk.problems("frozen_field")) == ("Nordwind AS", [])


async def test_an_owner_is_told_once_there_is_such_a_user(desk: Desk) -> None:
    who = await desk.pool.fetchrow(
        "UPDATE vendor_users SET active = false WHERE id = (SELECT min(id) FROM vendor_users) RETURNING id, email"
    )
    await desk.show(desk.ref, 2_500, owner="")
    await desk.show(FIRM, 3_000, owner=who["email"])
    await desk.settle()
    assert await desk.problems("unknown_owner") == [owner_key("hubspot", who["email"])]
    for active in (False, True):
        await desk.pool.execute("UPDATE vendor_users SET active = $2 WHERE id = $1", who["id"], active)
        await dirty.revive(desk.pool, "hubspot")
        await account_writes.revive(desk.pool, "hubspot", [])
        desk.writer.knowledge = Knowledge(desk.pool, "hubspot", desk.writer.sink)
        assert await desk.step() == active, "nobody looks before"
    assert desk.hub.hub.record("companies", desk.ref.rpartition(":")[2])["hubspot_owner_id"] == who["id"]
    assert await desk.problems("unknown_owner") == []


async def test_a_field_is_told_once_it_can_be_written(desk: Desk) -> None:
    for read_only in (True, False):
        desk.hub.hub.drift("name", object_="companies", read_only=read_only)
        await desk.writer.knowledge.look_again()
        await account_writes.revive(desk.pool, "hubspot", desk.writer.knowledge.writable())
        await desk.settle()
        assert name(desk) == ("nordwind" if read_only else "Nordwind AS")


async def test_a_look_that_ends_late_takes_no_write_of_others_for_over(desk: Desk) -> None:
    await desk.pool.execute("UPDATE account_writes SET claimed_until = NULL")
    (late,) = await account_writes.claim(desk.pool, "hubspot", 1, 1, 60.0)
    await desk.show(FIRM, 3_000, name="Nordwind Group")
    (row,) = await account_writes.claim(desk.pool, "hubspot", 1, 1, 60.0)
    assert await account_writes.begin(desk.pool, "hubspot", [(row.ref, row.rev, {"id": "1", "at": 1, "fields": {}})], 1, 60.0) == {row.ref}
    await account_writes.quiet(desk.pool, "hubspot", [account_writes.Quiet(late.ref, late.rev)], 1)
    assert await account_writes.claim(desk.pool, "hubspot", 1, 1, 60.0) == [], "its call may be under way"


async def test_an_echo_is_known_by_the_write_that_is_under_way_elsewhere(desk: Desk) -> None:
    told = b"    policy: %s\n    systems: {salesforce: NumberOfEmployees"
    version = await desk.agree("fields.yaml", told % b"marketing", told % b"latest")
    await desk.show(FIRM, 2_500, name="Nordwind AS", employees=40)
    await desk.show(desk.ref, 3_000, name="Nordwind AS", employees=50)
    intent = {"id": "1", "at": 4_000, "fields": {"employees": {"name": "NumberOfEmployees", "value": 50, "sent": 50, "at": 3_000}}}
    rev = await desk.pool.fetchval("SELECT rev FROM account_writes WHERE ref = $1", FIRM)
    assert await account_writes.begin(desk.pool, "salesforce", [(FIRM, rev, intent)], version, 60.0) == {FIRM}
    await desk.show(desk.ref, 5_000, employees=60)
    await desk.show(FIRM, 6_000, employees=50)
    await desk.step()
    assert writes(desk) == 0, "our own 50 does not win over the 60 that somebody said since"


async def test_what_a_new_version_says_is_looked_at_everywhere(desk: Desk) -> None:
    await desk.step()
    await desk.hear()
    await desk.step()
    assert await desk.step() == 0
    await desk.agree("fields.yaml", b"accounts:\n", b"\n# again\naccounts:\n")
    assert await desk.step() == 1
    assert await desk.step() == 0
    assert writes(desk) == 1
