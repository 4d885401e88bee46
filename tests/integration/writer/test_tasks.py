"""Tasks for reps on a real PostgreSQL and an emulated Salesforce: made once, whatever is lost, kept as wanted, and held where nothing may be written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest_asyncio

from connectors.contract import NotedBreaker, NotedBudget
from connectors.registry import load
from sync.lead.state import Record, dump
from sync.lead.tasks import TaskNote, task_key
from sync.playbook import loader
from sync.store import erased, pauses, playbooks, tasks, users
from sync.store.connect import open_pool
from sync.store.statement import run
from sync.writer.control import Knowledge
from sync.writer.guard import Guard
from sync.writer.tasks import TRIES, Tasks
from tests.contract.salesforce_world import SalesforceWorld, salesforce_world
from tests.house.project import ROOT
from tests.integration.writer.world import lead

JO = "jo@acme.example"
DUE = 1_764_150_000_000


@dataclass
class Desk:
    """One lead with a Lead record, and the writer's part for tasks."""

    pool: Any
    org: SalesforceWorld
    writer: Tasks
    ident: str
    lead_id: str

    async def want(self, state: Any = "open", **more: Any) -> TaskNote:
        note = TaskNote(task_key("h1", 1, "first_response"), self.lead_id, "salesforce", JO, "Call Kim", DUE, state, "She asked for prices")
        note = replace(note, **more)
        await run(self.pool, tasks.write([note]))
        return note

    async def step(self) -> int:
        """Do one step, as when every wait has passed."""
        await self.pool.execute("UPDATE tasks SET claimed_until = NULL")
        return await self.writer.step()

    def shown(self) -> list[tuple[Any, ...]]:
        return [(row["Subject"], row["WhoId"], row["IsClosed"]) for row in self.org.org.records("Task")]

    def calls(self) -> int:
        return len([call for call in self.org.org.journal.calls if call.writing and "Task" in call.path])

    async def problems(self) -> list[str]:
        return [
            row["text"] for row in await self.pool.fetch("SELECT text FROM problems WHERE closed_at IS NULL AND kind = 'write_refused'")
        ]


@pytest_asyncio.fixture
async def desk(postgres: str, installation: str) -> AsyncIterator[Desk]:
    pool = await open_pool(postgres, installation, size=2)
    async with salesforce_world() as org:
        ident = org.org.add_lead(LastName="Larsen", Email="kim@nordwind.example")
        connection = org.connection(timeout_s=1.0, retry_s="0")
        vendor = load("salesforce")
        source, sink = vendor.source(connection, NotedBudget(), NotedBreaker()), vendor.sink(connection, NotedBudget(), NotedBreaker())
        await users.put(pool, "salesforce", await source.users())
        files = loader.read(ROOT / "deploy" / "playbook")
        async with pool.acquire() as one:
            await playbooks.add(one, files, loader.checksum(files), "test")
        made = lead(email="kim@nordwind.example")
        ref = f"salesforce:Lead:{ident}"
        made.records[ref] = Record(ref, "salesforce", "Lead", 1, 500, {}, has_truce_id=True)
        await pool.execute(
            "INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version) VALUES ($1, $2, 1, $3::text::jsonb, true, 1)",
            *(made.id, made.key, dump(made)),
        )
        writer = Tasks(pool, "salesforce", sink, Knowledge(pool, "salesforce", sink), Guard(pool, "salesforce"), 1.0)
        yield Desk(pool, org, writer, ident, made.id)
        await source.close()
        await sink.close()
    await pool.close()


async def test_a_task_is_made_changed_and_closed_and_otherwise_left_alone(desk: Desk) -> None:
    await desk.want()
    assert await desk.step() == 1
    assert desk.shown() == [("Call Kim", desk.ident, False)]
    await desk.want()
    assert await desk.step() == 0, "what is as it is wanted costs no call"
    await desk.want(subject="Call Kim again")
    await desk.step()
    await desk.want("done", subject="Call Kim again")
    await desk.step()
    assert desk.shown() == [("Call Kim again", desk.ident, True)]
    assert desk.calls() == 1, "made once, then changed by its id"


async def test_a_lost_answer_is_looked_up_before_a_second_try(desk: Desk) -> None:
    await desk.want()
    await desk.org.fault(kind="drop_answer", path="/composite/sobjects/Task")
    await desk.step()
    assert await desk.pool.fetchval("SELECT tried_at IS NOT NULL AND record_id IS NULL FROM tasks")
    await desk.step()
    assert desk.shown() == [("Call Kim", desk.ident, False)]
    assert desk.calls() == 1, "found again, not made again"
    assert await desk.pool.fetchval("SELECT record_id IS NOT NULL AND tried_at IS NULL AND told_rev = rev FROM tasks")


async def test_a_call_that_never_arrived_is_made_again(desk: Desk) -> None:
    await desk.want()
    await desk.org.fault(kind="timeout", path="/composite/sobjects/Task")
    await desk.step()
    assert desk.shown() == []
    await desk.step()
    assert desk.shown() == [("Call Kim", desk.ident, False)]


async def test_what_nobody_has_to_do_any_more_is_never_made_or_closed(desk: Desk) -> None:
    await desk.want("void")
    assert await desk.step() == 1
    assert desk.shown() == []
    await desk.want("open")
    await desk.step()
    await desk.want("void")
    await desk.step()
    assert desk.shown() == [("No longer needed: Call Kim", desk.ident, True)]


async def test_nothing_is_made_while_paused_or_observed(desk: Desk) -> None:
    await desk.want()
    await pauses.put(desk.pool, "system:salesforce", "test", "test")
    await desk.step()
    assert (desk.shown(), desk.calls()) == ([], 0)
    await pauses.lift(desk.pool, "system:salesforce")
    files = dict(loader.read(ROOT / "deploy" / "playbook"))
    files["fields.yaml"] = files["fields.yaml"].replace(b"mode: write", b"mode: observe")
    async with desk.pool.acquire() as one:
        await playbooks.add(one, files, loader.checksum(files), "test")
    await desk.step()
    assert (desk.shown(), desk.calls()) == ([], 0)
    assert await desk.pool.fetchval("SELECT after FROM would_write WHERE field LIKE 'task %'") == "Call Kim"
    async with desk.pool.acquire() as one:
        files = loader.read(ROOT / "deploy" / "playbook")
        await playbooks.add(one, files, loader.checksum(files), "test")
    await desk.step()
    assert desk.shown() == [("Call Kim", desk.ident, False)], "what was kept back is made then"


async def test_an_owner_whom_the_system_does_not_know_is_a_problem_until_they_are_there(desk: Desk) -> None:
    await desk.want(owner="new@acme.example")
    await desk.step()
    (text,) = await desk.problems()
    assert "new@acme.example" in text
    await desk.pool.execute("UPDATE vendor_users SET email = 'new@acme.example' WHERE email = $1", JO)
    desk.writer.knowledge = Knowledge(desk.pool, "salesforce", desk.writer.sink)  # as some seconds later
    await desk.step()
    assert desk.shown() == [("Call Kim", desk.ident, False)]
    assert await desk.problems() == []


async def test_a_refusal_is_tried_again_and_then_told(desk: Desk) -> None:
    desk.org.org.convert(desk.ident)  # the lead takes no task any more, and we do not know yet what it became
    await desk.want()
    for _ in range(TRIES - 1):
        await desk.step()
    assert await desk.problems() == []
    await desk.step()
    (text,) = await desk.problems()
    assert "refused by salesforce" in text
    assert await desk.step() == 0


async def test_a_task_that_was_deleted_there_is_not_made_again(desk: Desk) -> None:
    await desk.want()
    await desk.step()
    await desk.org.delete(str(desk.org.org.records("Task")[0]["Id"]))
    await desk.want("done")
    assert await desk.step() == 1
    assert desk.shown() == []
    assert await desk.step() == 0


async def test_of_somebody_who_is_erased_no_task_is_kept(desk: Desk) -> None:
    await desk.want()
    await desk.step()
    await run(desk.pool, erased.forget([desk.lead_id], parked=(), settled=()))
    assert await desk.pool.fetchval("SELECT count(*) FROM tasks") == 0
    assert await desk.step() == 0
