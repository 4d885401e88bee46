"""HubSpot's static lists as flags of contacts: nurture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.base import Done, Failed, Sink, Source
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.emulator.faults import Fault
from connectors.errors import Gone, Rejected, Surprising, Unavailable
from connectors.registry import load
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world
from tests.contract.test_hubspot import create, reading, update

NURTURE, EVENTS = "lists.1001", "lists.1002"
BOTH = {NURTURE: True, EVENTS: False}


@pytest.fixture
async def world() -> AsyncIterator[HubSpotWorld]:
    async with hubspot_world() as made:
        yield made


@pytest.fixture
async def source(world: HubSpotWorld) -> AsyncIterator[Source]:
    async with reading(world, lists="1001,1002") as made:
        yield made


@pytest.fixture
async def sink(world: HubSpotWorld) -> AsyncIterator[Sink]:
    made = load("hubspot").sink(world.connection(lists="1001, 1002"), NotedBudget(), NotedBreaker())
    yield made
    await made.close()


def members(world: HubSpotWorld, ident: str = "1001") -> set[str]:
    return {str(one) for one in world.hub.portal.lists.members.get(ident, {})}


async def test_a_list_is_a_flag_that_is_read_with_the_contact(world: HubSpotWorld, source: Source, sink: Sink) -> None:
    kim, per = [await world.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
    assert (await source.fields("contacts"))[NURTURE] == "flag"
    assert {one.name for one in await source.described("contacts")} >= {NURTURE, EVENTS}
    assert {NURTURE, EVENTS} <= (await sink.capabilities("contacts")).writable
    assert NURTURE not in (await sink.capabilities("deals")).writable
    assert [type(row) for row in await sink.update([update(kim, **BOTH)])] == [Done]
    assert members(world) == {kim}
    for found in (
        await source.read([kim, per], ["email", NURTURE, EVENTS]),
        items(await pages(source, source.start(long_ago()), {"contacts": [NURTURE, EVENTS]})),
    ):
        told = snapshots(found)
        assert {ident: (told[ident].fields[NURTURE], told[ident].fields[EVENTS]) for ident in (kim, per)} == {
            kim: (True, False),
            per: (False, False),
        }
    (page,) = [one async for one in source.everything(None, {"contacts": [NURTURE]})]
    assert {row.fields[NURTURE] for row in snapshots(page.items).values()} == {True, False}


async def test_who_is_recycled_is_put_there_and_taken_off_again_in_one_call_for_all(world: HubSpotWorld, sink: Sink) -> None:
    ids = [await world.seed({"email": f"n{n}@x.example"}) for n in range(5)]
    before = len(await world.calls())
    told = await sink.update([update(one, phone="1", **{NURTURE: True}) for one in ids])
    assert {type(row) for row in told} == {Done}
    assert [one["path"].rsplit("/", 1)[1] for one in (await world.calls())[before:] if one["writing"]] == ["update", "add-and-remove"]
    assert members(world) == set(ids)
    for _ in range(2):  # off, and off again
        assert {type(row) for row in await sink.update([update(one, **{NURTURE: False}) for one in ids[:2]])} == {Done}
    assert members(world) == set(ids[2:])
    assert world.hub.contact(ids[0])["phone"] == "1"


async def test_a_new_contact_is_put_on_its_lists(world: HubSpotWorld, sink: Sink) -> None:
    (made,) = await sink.create([create("new@x.example", "0d9a4d5e-0000-5000-8000-000000000001", **BOTH)])
    assert isinstance(made, Done)
    assert (members(world), members(world, "1002")) == ({made.id}, set())


async def test_what_is_refused_is_told_under_the_lists_name_and_the_rest_is_written(world: HubSpotWorld) -> None:
    sink = load("hubspot").sink(world.connection(lists="77"), NotedBudget(), NotedBreaker())
    kim = await world.seed({"email": "kim@x.example"})
    (told,) = await sink.update([update(kim, phone="1", **{"lists.77": True})])
    assert isinstance(told, Failed)
    assert isinstance(told.error, Rejected)
    assert [one.field for one in told.error.refused] == ["lists.77"]
    assert world.hub.contact(kim)["phone"] == "1"
    await sink.close()


async def test_a_contact_that_is_gone_is_told_as_that_and_the_others_are_put_there(world: HubSpotWorld, sink: Sink) -> None:
    kim = await world.seed({"email": "kim@x.example"})
    told = await sink.update([update("999", **{NURTURE: True}), update(kim, **{NURTURE: True})])
    assert [isinstance(one, Done) or type(one.error) for one in told] == [Gone, True]
    assert members(world) == {kim}


async def test_a_call_whose_outcome_is_not_known_is_no_success(world: HubSpotWorld, sink: Sink) -> None:
    kim = await world.seed({"email": "kim@x.example"})
    world.hub.faults.add(Fault(kind="status", path="/add-and-remove", status=503, times=50))
    (told,) = await sink.update([update(kim, **{NURTURE: True})])
    assert isinstance(told, Failed)
    assert isinstance(told.error, Unavailable)
    world.hub.faults.clear()
    assert [type(row) for row in await sink.update([update(kim, **{NURTURE: True})])] == [Done]
    assert members(world) == {kim}


async def test_an_answer_that_leaves_somebody_out_is_no_absence(
    world: HubSpotWorld, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = await world.seed({"email": "kim@x.example"})
    client: Any = source
    monkeypatch.setattr(client._client, "post", _silent(client._client.post))
    with pytest.raises(Surprising, match="silent about the lists of 1 records"):
        await source.read([kim], [NURTURE])


def _silent(post: Any) -> Any:
    async def call(path: str, body: Any, **more: Any) -> Any:
        answer = await post(path, body, **more)
        if path.endswith("memberships/batch/read"):
            answer.body["results"] = []
        return answer

    return call


async def test_without_the_option_nothing_is_asked_for_lists(world: HubSpotWorld) -> None:
    async with reading(world) as source:
        await world.seed({"email": "kim@x.example"})
        assert NURTURE not in await source.fields("contacts")
        await pages(source, source.start(long_ago()), {"contacts": ["email"]})
    assert not [one for one in await world.calls() if "/lists" in one["path"]]


async def test_doctor_looks_at_each_list(world: HubSpotWorld) -> None:
    async with reading(world, lists="1001,77") as source:
        found = {
            one.what.partition(": ")[2].partition(":")[0]: one
            for one in await source.doctor({NURTURE: True, EVENTS: True, "lists.77": True})
        }
    assert found[NURTURE].ok
    assert found[EVENTS].todo == "name it in the option lists: 1001,77,1002"
    assert not found["lists.77"].ok


@pytest.mark.parametrize("words", ["Nurture", "1001;1002"])
def test_lists_that_are_no_numbers_are_named(words: str) -> None:
    with pytest.raises(ValueError, match="by their numbers"):
        load("hubspot").sink(HubSpotWorld().connection(lists=words), NotedBudget(), NotedBreaker())
