"""Who is put on a list of HubSpot: an act of theirs where the options say so, a field that moved where Truce fills the list."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Source
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.errors import Surprising
from connectors.registry import load
from schemas.touch import TouchRecorded
from tests.contract.hubspot_world import HubSpotWorld, reading
from tests.contract.test_hubspot import update

OPTIONS = {"list_touches": "1002"}
WANTED = {"contacts": ["email"]}


async def read(source: Source, cursor: str) -> tuple[list[TouchRecorded], str]:
    found = await pages(source, cursor, WANTED)
    return [one for one in items(found) if isinstance(one, TouchRecorded)], found[-1].cursor


async def test_whoever_comes_on_a_list_did_something_each_time_once(account: HubSpotWorld, reader: Source) -> None:
    kim, per = [await account.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
    account.hub.enlist("1002", kim)
    told, cursor = await read(reader, reader.start(datetime.now(UTC) - timedelta(minutes=5)))
    assert [(one.ref, one.kind, one.name, one.email, one.details) for one in told] == [
        (f"hubspot:contacts:{kim}", "campaign", "Events", "kim@x.example", {"list": "1002"})
    ]
    assert abs(told[0].at - datetime.now(UTC)) < timedelta(seconds=10)
    again, cursor = await read(reader, cursor)
    assert again == []
    account.hub.enlist("1002", per)
    later, cursor = await read(reader, cursor)
    assert [one.ref for one in later] == [f"hubspot:contacts:{per}"]
    account.hub.enlist("1002", kim, add=False)
    assert (await read(reader, cursor))[0] == [], "who goes did nothing"
    account.hub.enlist("1002", kim)
    back, _ = await read(reader, cursor)
    assert [one.ref for one in back] == [f"hubspot:contacts:{kim}"]
    assert back[0].activity_id != told[0].activity_id


async def test_a_long_list_is_read_on_where_it_was_and_nobody_is_left_out_when_others_leave(
    account: HubSpotWorld, reader: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.hubspot.joins.MOST", "3")
    ids = [await account.seed({"email": f"p{n}@x.example"}) for n in range(12)]
    account.hub.enlist("1002", *ids[:8])
    told, cursor = await read(reader, reader.start(long_ago()))
    assert {one.ref for one in told} == {f"hubspot:contacts:{one}" for one in ids[:8]}

    async def calls() -> int:
        return sum("join-order" in one["path"] for one in await account.calls())

    before = await calls()
    account.hub.enlist("1002", ids[8])
    told, cursor = await read(reader, cursor)
    assert [one.ref for one in told] == [f"hubspot:contacts:{ids[8]}"]
    assert await calls() == before + 1, "the page where it ended, and no other"
    account.hub.enlist("1002", *ids[:5], add=False)  # so that what comes now stands where others stood
    account.hub.enlist("1002", ids[9], ids[10])
    told, cursor = await read(reader, cursor)
    assert {one.ref for one in told} == {f"hubspot:contacts:{one}" for one in ids[9:11]}
    account.hub.enlist("1002", *ids, add=False)
    account.hub.enlist("1002", ids[11])
    told, cursor = await read(reader, cursor)
    assert [one.ref for one in told] == [f"hubspot:contacts:{ids[11]}"]
    account.hub.enlist("1002", *ids[:4])
    _, cursor = await read(reader, cursor)
    account.hub.enlist("1002", ids[5])
    gone = '{"status": "error", "category": "VALIDATION_ERROR", "message": "Invalid paging offset"}'
    await account.fault(kind="status", path="/join-order", status=400, body=gone)  # a page's name that is known no more
    assert [one.ref for one in (await read(reader, cursor))[0]] == [f"hubspot:contacts:{ids[5]}"]


async def test_who_leaves_a_long_list_has_no_other_page_read_again(
    account: HubSpotWorld, reader: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.hubspot.joins.MOST", "3")
    ids = [await account.seed({"email": f"p{n}@x.example"}) for n in range(10)]
    account.held = datetime.now(UTC) - timedelta(minutes=30)
    account.hub.enlist("1002", *ids[:8])
    account.held = None
    account.hub.enlist("1002", ids[8])
    _, cursor = await read(reader, reader.start(long_ago()))
    before = sum("join-order" in one["path"] for one in await account.calls())
    account.hub.enlist("1002", ids[0], add=False)  # the last page begins with another row
    account.hub.enlist("1002", ids[9])
    told, _ = await read(reader, cursor)
    assert [one.ref for one in told] == [f"hubspot:contacts:{ids[9]}"]
    assert sum("join-order" in one["path"] for one in await account.calls()) == before + 1


async def test_a_page_from_which_all_have_gone_is_not_where_the_list_is_read_on(account: HubSpotWorld, reader: Source) -> None:
    kim, per = [await account.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
    account.hub.enlist("1002", kim)
    _, cursor = await read(reader, reader.start(long_ago()))
    place = json.loads(cursor)  # as where the last page was empty by the time that it was read
    place["lists"]["1002"] |= {"after": base64.urlsafe_b64encode(b"250").decode(), "first": ""}
    account.hub.enlist("1002", per)
    assert [one.ref for one in (await read(reader, json.dumps(place)))[0]] == [f"hubspot:contacts:{per}"]


async def test_a_list_that_is_named_later_begins_with_who_comes_from_now_on(account: HubSpotWorld) -> None:
    kim, per = [await account.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
    account.held = datetime.now(UTC) - timedelta(hours=2)
    account.hub.enlist("1002", kim)
    account.held = None
    async with reading(account) as source:
        _, cursor = await read(source, source.start(long_ago()))
        assert not [one for one in await account.calls() if "/lists" in one["path"]]
    async with reading(account, list_touches="1002") as source:
        told, cursor = await read(source, cursor)
        assert told == []
        account.hub.enlist("1002", per)
        assert [one.ref for one in (await read(source, cursor))[0]] == [f"hubspot:contacts:{per}"]


async def test_of_a_merged_contact_an_act_of_before_is_not_told_again(account: HubSpotWorld, reader: Source) -> None:
    one, two = [await account.seed({"email": f"m{n}@x.example"}) for n in range(2)]
    left = await account.merge(one, two)
    account.hub.portal.lists.known("1002")[int(left)] = int((datetime.now(UTC) - timedelta(minutes=1)).timestamp() * 1000)
    assert (await read(reader, reader.start(long_ago())))[0] == []


async def test_who_is_put_on_a_list_that_is_a_field_is_read_at_the_next_poll(account: HubSpotWorld) -> None:
    wanted = {"contacts": ["email", "lists.1001"]}
    async with reading(account, lists="1001") as source:
        kim, per = [await account.seed({"email": f"{name}@x.example"}) for name in ("kim", "per")]
        found = await pages(source, source.start(long_ago()), wanted)
        assert {one.fields["lists.1001"] for one in snapshots(items(found)).values()} == {False}
        account.hub.enlist("1001", per)  # nothing of the contact itself moves
        later = await pages(source, found[-1].cursor, wanted)
        assert {ident: one.fields["lists.1001"] for ident, one in snapshots(items(later)).items()} == {per: True}
        assert not snapshots(items(await pages(source, later[-1].cursor, wanted)))
    assert kim != per


async def test_a_list_or_form_that_is_gone_keeps_nothing_else_from_being_read(account: HubSpotWorld) -> None:
    async with reading(account, list_touches="77,1002", form_guids="gone=Gone,f1a2=Pricing") as source:
        kim = await account.seed({"email": "kim@x.example"})
        account.hub.enlist("1002", kim)
        told, _ = await read(source, source.start(long_ago()))
        assert [one.ref for one in told] == [f"hubspot:contacts:{kim}"]
        assert source.calls(1) == 5
        forms = {one.what.rpartition(": ")[2]: one.ok for one in await source.doctor({}) if "of form_guids" in one.what}
        assert list(forms.values()) == [False, True]


async def test_a_list_is_filled_by_truce_or_tells_of_people_never_both(account: HubSpotWorld) -> None:
    with pytest.raises(ValueError, match="list_touches names 1001"):
        load("hubspot").source(account.connection(lists="1001", list_touches="1001,1002"), NotedBudget(), NotedBreaker())


async def test_a_membership_without_its_time_is_no_act(account: HubSpotWorld, reader: Source) -> None:
    await account.fault(kind="status", path="/join-order", status=200, body='{"results": [{"recordId": "1001"}]}')
    with pytest.raises(Surprising, match="without its time"):
        await read(reader, reader.start(long_ago()))


async def test_doctor_looks_at_the_lists_and_at_the_subscription_types(account: HubSpotWorld) -> None:
    async with reading(account, list_touches="1002,77", subscription_ids="1001,9") as source:
        found: dict[str, Any] = {one.what.partition(": ")[2]: one.todo for one in await source.doctor({})}
    assert found["the list 1002 of list_touches: Events"] == ""
    assert next(todo for what, todo in found.items() if what.startswith("the list 77 of list_touches")).startswith("name a list")
    assert found["the subscription type 1001 of subscription_ids: Marketing Information"] == ""
    assert found["the subscription type 9 of subscription_ids: is not there"] == "name a type that is there and active"


async def test_whom_truce_itself_puts_on_a_list_did_nothing(account: HubSpotWorld) -> None:
    kim = await account.seed({"email": "own@x.example"})
    sink = load("hubspot").sink(account.connection(lists="1001"), NotedBudget(), NotedBreaker())
    await sink.update([update(kim, **{"lists.1001": True})])
    await sink.close()
    async with reading(account, lists="1001", list_touches="1002") as source:
        assert (await read(source, source.start(long_ago())))[0] == []
