"""Tasks for reps in HubSpot: made once, found again whatever became of the answer, and left as the rep has them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Done, Failed, Sink, TaskWanted
from connectors.contract import NotedBreaker, NotedBudget
from connectors.errors import Gone, Rejected, Unavailable
from connectors.registry import load
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world

DUE = datetime(2026, 11, 27, 10, 21, tzinfo=UTC)
KEY = "5f0c/accept"


@pytest.fixture
async def world() -> AsyncIterator[HubSpotWorld]:
    async with hubspot_world() as world:
        yield world


@pytest.fixture
async def sink(world: HubSpotWorld) -> AsyncIterator[Sink]:
    sink = load("hubspot").sink(world.connection(), NotedBudget(), NotedBreaker())
    yield sink
    await sink.close()


def wanted(person: str, key: str = KEY, **more: Any) -> TaskWanted:
    given = {"owner": "501", "subject": "Call Kim Larsen", "body": "MQL since 09:12: demo form", "due": DUE, **more}
    return TaskWanted(key=key, person=f"hubspot:contacts:{person}", **given)


async def test_a_task_stands_on_the_contact_for_its_rep(world: HubSpotWorld, sink: Sink) -> None:
    people = [await world.seed({"lastname": f"P{n}"}) for n in range(2)]
    outcome = await sink.tasks([wanted(people[0]), wanted(people[1], "other", owner="502", done=True)])
    assert [type(one) for one in outcome] == [Done, Done]
    first, second = (one.id for one in outcome if isinstance(one, Done))
    assert world.hub.linked("contacts", people[0], "tasks") == [first]
    task = world.hub.record("tasks", first)
    assert {name: task[name] for name in ("hs_task_subject", "hs_task_body", "hs_timestamp", "hubspot_owner_id", "hs_task_status")} == {
        "hs_task_subject": "Call Kim Larsen", "hs_task_body": "MQL since 09:12: demo form", "hs_timestamp": "2026-11-27T10:21:00.000Z",
        "hubspot_owner_id": "501", "hs_task_status": "NOT_STARTED",
    }  # fmt: skip
    assert world.hub.record("tasks", second)["hs_task_status"] == "COMPLETED"
    writes = [one for one in await world.calls() if one["writing"]]
    assert [(one["path"], one["rows"]) for one in writes] == [("/crm/v3/objects/tasks/batch/create", 2)]


async def test_a_lost_answer_is_looked_up_though_search_is_late(world: HubSpotWorld, sink: Sink) -> None:
    world.hub.portal.objects["tasks"].index.lag_s = 600.0
    person = await world.seed({"lastname": "Kim"})
    world.hub.put("tasks", {"hs_task_subject": "A rep's own", "hs_timestamp": "1"}, to={"contacts": [person]}, client="maria")
    assert await sink.find_tasks([wanted(person)]) == []
    await world.fault(kind="drop_answer", path="/tasks/batch/create")
    with pytest.raises(Unavailable) as caught:
        await sink.tasks([wanted(person)])
    assert caught.value.unknown_outcome
    (seen,) = await sink.find_tasks([wanted(person), wanted(person, "another")])
    assert (seen.key, seen.done) == (KEY, False)
    assert world.hub.record("tasks", seen.id)["hs_task_subject"] == "Call Kim Larsen"


async def test_a_task_that_somebody_took_off_the_contact_is_found_by_search(world: HubSpotWorld, sink: Sink) -> None:
    person = await world.seed({"lastname": "Kim"})
    (made,) = await sink.tasks([wanted(person, "H1:1:Call")])  # in a list search knows small letters alone
    assert isinstance(made, Done)
    world.hub.cut("contacts", person, "tasks", made.id, "maria")
    assert [one.id for one in await sink.find_tasks([wanted(person, "H1:1:Call")])] == [made.id]


async def test_a_contact_with_more_tasks_than_a_batch(world: HubSpotWorld, sink: Sink) -> None:
    world.hub.portal.objects["tasks"].index.lag_s = 600.0
    person = await world.seed({"lastname": "Kim"})
    for _ in range(120):
        world.hub.add("tasks", {"hs_task_subject": "Old"}, {"contacts": [person]})
    (made,) = await sink.tasks([wanted(person)])
    assert isinstance(made, Done)
    assert [one.id for one in await sink.find_tasks([wanted(person)])] == [made.id]


async def test_a_known_task_moves_to_the_next_rep_and_keeps_what_was_noted(world: HubSpotWorld, sink: Sink) -> None:
    person = await world.seed({"lastname": "Kim"})
    (made,) = await sink.tasks([wanted(person)])
    assert isinstance(made, Done)
    world.hub.put("tasks", {"hs_task_status": "IN_PROGRESS"}, ident=made.id, client="maria")
    later = DUE + timedelta(hours=2)
    (moved,) = await sink.tasks([wanted(person, id=made.id, owner="502", due=later)])
    assert isinstance(moved, Done)
    task = world.hub.record("tasks", made.id)
    assert (task["hubspot_owner_id"], task["hs_task_status"], task["hs_timestamp"]) == ("502", "IN_PROGRESS", "2026-11-27T12:21:00.000Z")
    (ended,) = await sink.tasks([wanted(person, id=made.id, owner="502", due=later, done=True)])
    assert isinstance(ended, Done)
    assert (await sink.find_tasks([wanted(person)]))[0].done
    assert len(world.hub.records("tasks")) == 1


async def test_one_row_that_cannot_be_made_or_is_gone_leaves_the_others(world: HubSpotWorld, sink: Sink) -> None:
    person = await world.seed({"lastname": "Kim"})
    rows = [wanted(person, "good"), wanted(person, "nobody", owner="999"), wanted("404", "nowhere"), wanted(person, "gone", id="4711")]
    outcome = {one.key: one for one in await sink.tasks(rows)}
    assert isinstance(outcome["good"], Done)
    refused = outcome["nobody"], outcome["nowhere"]
    assert [type(one.error) for one in refused if isinstance(one, Failed)] == [Rejected, Rejected]
    gone = outcome["gone"]
    assert isinstance(gone, Failed)
    assert isinstance(gone.error, Gone)
    assert len(world.hub.records("tasks")) == 1


async def test_tasks_of_a_merged_contact_are_found_by_its_old_id(world: HubSpotWorld, sink: Sink) -> None:
    one, two = await world.seed({"lastname": "Kim"}), await world.seed({"lastname": "Kim"})
    world.hub.portal.objects["tasks"].index.lag_s = 600.0
    (made,) = await sink.tasks([wanted(one)])
    assert isinstance(made, Done)
    await world.merge(two, one)
    assert [seen.id for seen in await sink.find_tasks([wanted(one)])] == [made.id]
