"""HubSpot's static lists as flags of contacts: nurture."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Done, Failed, Sink, Source
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.emulator.faults import Fault
from connectors.errors import Gone, Rejected, Surprising, Unavailable
from connectors.registry import load
from tests.contract.hubspot_world import HubSpotWorld, reading
from tests.contract.test_hubspot import create, update

NURTURE, EVENTS = "lists.1001", "lists.1002"
OPTIONS = {"lists": "1001, 1002"}
BOTH = {NURTURE: True, EVENTS: False}


def members(account: HubSpotWorld, ident: str = "1001") -> set[str]:
    return {str(one) for one in account.hub.portal.lists.members.get(ident, {})}


async def test_a_list_is_a_flag_that_is_read_with_the_contact(account: HubSpotWorld, reader: Source, writer: Sink) -> None:
    kim, per = [await account.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
    assert (await reader.fields("contacts"))[NURTURE] == "flag"
    assert {one.name for one in await reader.described("contacts")} >= {NURTURE, EVENTS}
    assert {NURTURE, EVENTS} <= (await writer.capabilities("contacts")).writable
    assert NURTURE not in (await writer.capabilities("deals")).writable
    assert [type(row) for row in await writer.update([update(kim, **BOTH)])] == [Done]
    assert members(account) == {kim}
    for found in (
        await reader.read([kim, per], ["email", NURTURE, EVENTS]),
        items(await pages(reader, reader.start(long_ago()), {"contacts": [NURTURE, EVENTS]})),
    ):
        told = snapshots(found)
        assert {ident: (told[ident].fields[NURTURE], told[ident].fields[EVENTS]) for ident in (kim, per)} == {
            kim: (True, False),
            per: (False, False),
        }
    (page,) = [one async for one in reader.everything(None, {"contacts": [NURTURE]})]
    assert {row.fields[NURTURE] for row in snapshots(page.items).values()} == {True, False}


async def test_who_is_recycled_is_put_there_and_taken_off_again_in_one_call_for_all(account: HubSpotWorld, writer: Sink) -> None:
    ids = [await account.seed({"email": f"n{n}@x.example"}) for n in range(5)]
    before = len(await account.calls())
    told = await writer.update([update(one, phone="1", **{NURTURE: True}) for one in ids])
    assert {type(row) for row in told} == {Done}
    assert [one["path"].rsplit("/", 1)[1] for one in (await account.calls())[before:] if one["writing"]] == ["update", "add-and-remove"]
    assert members(account) == set(ids)
    for _ in range(2):  # off, and off again
        assert {type(row) for row in await writer.update([update(one, **{NURTURE: False}) for one in ids[:2]])} == {Done}
    assert members(account) == set(ids[2:])
    assert account.hub.contact(ids[0])["phone"] == "1"


async def test_a_new_contact_is_put_on_its_lists(account: HubSpotWorld, writer: Sink) -> None:
    (made,) = await writer.create([create("new@x.example", "0d9a4d5e-0000-5000-8000-000000000001", **BOTH)])
    assert isinstance(made, Done)
    assert (members(account), members(account, "1002")) == ({made.id}, set())


async def test_what_is_refused_is_told_under_the_lists_name_and_the_rest_is_written(account: HubSpotWorld) -> None:
    sink = load("hubspot").sink(account.connection(lists="77"), NotedBudget(), NotedBreaker())
    kim = await account.seed({"email": "kim@x.example"})
    (told,) = await sink.update([update(kim, phone="1", **{"lists.77": True})])
    assert isinstance(told, Failed)
    assert isinstance(told.error, Rejected)
    assert [one.field for one in told.error.refused] == ["lists.77"]
    (new,) = await sink.create([create("new@x.example", "0d9a4d5e-0000-5000-8000-000000000001", **{"lists.77": True})])
    assert isinstance(new, Done), "it is there all the same"
    assert new.left == ("lists.77",)
    assert account.hub.contact(kim)["phone"] == "1"
    await sink.close()


async def test_a_contact_that_is_gone_is_told_as_that_and_the_others_are_put_there(account: HubSpotWorld, writer: Sink) -> None:
    kim = await account.seed({"email": "kim@x.example"})
    told = await writer.update([update("999", **{NURTURE: True}), update(kim, **{NURTURE: True})])
    assert [isinstance(one, Done) or type(one.error) for one in told] == [Gone, True]
    assert members(account) == {kim}


async def test_a_call_whose_outcome_is_not_known_is_no_success(account: HubSpotWorld, writer: Sink) -> None:
    kim = await account.seed({"email": "kim@x.example"})
    account.hub.faults.add(Fault(kind="status", path="/add-and-remove", status=503, times=50))
    (told,) = await writer.update([update(kim, **{NURTURE: True})])
    assert isinstance(told, Failed)
    assert isinstance(told.error, Unavailable)
    account.hub.faults.clear()
    assert [type(row) for row in await writer.update([update(kim, **{NURTURE: True})])] == [Done]
    assert members(account) == {kim}


async def test_an_answer_that_leaves_somebody_out_is_no_absence(
    account: HubSpotWorld, reader: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    kim = await account.seed({"email": "kim@x.example"})
    client: Any = reader
    monkeypatch.setattr(client._client, "post", _silent(client._client.post))
    with pytest.raises(Surprising, match="silent about the lists of 1 records"):
        await reader.read([kim], [NURTURE])


def _silent(post: Any) -> Any:
    async def call(path: str, body: Any, **more: Any) -> Any:
        answer = await post(path, body, **more)
        if path.endswith("memberships/batch/read"):
            answer.body["results"] = []
        return answer

    return call


async def test_without_the_option_nothing_is_asked_for_lists(account: HubSpotWorld) -> None:
    async with reading(account) as source:
        await account.seed({"email": "kim@x.example"})
        assert NURTURE not in await source.fields("contacts")
        await pages(source, source.start(long_ago()), {"contacts": ["email"]})
    assert not [one for one in await account.calls() if "/lists" in one["path"]]


async def test_doctor_looks_at_each_list(account: HubSpotWorld) -> None:
    async with reading(account, lists="1001,77") as source:
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
