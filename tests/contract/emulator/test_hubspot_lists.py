"""Static lists, as HubSpot's own client, unchanged, fills and reads them."""

from __future__ import annotations

from typing import Any

import pytest
from hubspot.crm import lists

from .hubspot_play import playing
from .test_hubspot_sdk import at, client, threaded

V3 = "/crm/v3/lists"


async def test_contacts_are_put_on_a_list_and_taken_off() -> None:
    async with playing() as play:
        api = at(play, client().crm.lists.memberships_api)
        kim, per = (play.hub.add_contact(email=f"{name}@x.example") for name in ("kim", "per"))

        def work() -> tuple[Any, ...]:
            first = api.add_and_remove("1001", lists.MembershipChangeRequest(record_ids_to_add=[kim, per, "999"], record_ids_to_remove=[]))
            again = api.add_and_remove("1001", lists.MembershipChangeRequest(record_ids_to_add=[kim], record_ids_to_remove=[per]))
            return first, again, api.get_lists("0-1", kim), api.get_lists("0-1", per)

        first, again, kims, pers = await threaded(work)
        assert (sorted(first.records_ids_added), first.record_ids_missing) == (sorted([kim, per]), ["999"])
        assert (again.records_ids_added, again.record_ids_removed) == ([], [per])
        assert ([one.list_id for one in kims.results], pers.results) == (["1001"], [])
        assert [(one.verb, one.id) for one in play.hub.journal.effects] == [
            ("associate", "1001"),
            ("associate", "1001"),
            ("dissociate", "1001"),
        ]


async def test_many_are_read_at_once_and_a_list_says_what_it_is() -> None:
    async with playing() as play:
        kim = play.hub.add_contact(email="kim@x.example")
        await play.call("PUT", f"{V3}/1002/memberships/add-and-remove", {"recordIdsToAdd": [kim], "recordIdsToRemove": []})
        asked = {"inputs": [{"objectTypeId": "0-1", "recordId": one} for one in (kim, "999")]}
        for base in (V3, "/crm/lists/2026-03"):
            found = await play.call("POST", f"{base}/records/memberships/batch/read", asked)
            rows = {row["recordId"]: [one["listId"] for one in row["recordListMemberships"]] for row in found.body["results"]}
            assert rows == {kim: ["1002"], "999": []}
        told = await play.call("GET", f"{V3}/1002")
        assert (told.body["list"]["processingType"], told.body["list"]["size"]) == ("MANUAL", 1)


async def test_who_is_on_a_list_is_told_oldest_first_and_backwards_too() -> None:
    async with playing() as play:
        api = at(play, client().crm.lists.memberships_api)
        ids = [play.hub.add_contact(email=f"p{n}@x.example") for n in range(5)]
        play.hub.enlist("1001", *ids)

        def work() -> tuple[Any, Any, Any]:
            first = api.get_page_ordered_by_added_to_list_date("1001", limit=3)
            rest = api.get_page_ordered_by_added_to_list_date("1001", limit=3, after=first.paging.next.after)
            return first, rest, api.get_page_ordered_by_added_to_list_date("1001", limit=2, before=rest.paging.prev.before)

        first, rest, back = await threaded(work)
        assert [[one.record_id for one in page.results] for page in (first, rest, back)] == [ids[:3], ids[3:], [ids[2], ids[1]]]
        assert all(one.membership_timestamp.tzinfo for one in first.results)
        assert (first.total, rest.paging.next) == (5, None)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/77/memberships/add-and-remove", {"recordIdsToAdd": [], "recordIdsToRemove": []}, 404),
        ("PUT", "/1001/memberships/add-and-remove", {"recordIdsToAdd": "1"}, 400),
        ("PUT", "/1001/memberships/add-and-remove", {"recordIdsToAdd": [1]}, 400),
        ("POST", "/records/memberships/batch/read", {"inputs": "1"}, 400),
        ("POST", "/records/memberships/batch/read", {"inputs": [{}] * 101}, 400),
        ("GET", "/records/0-2/1/memberships", None, 400),
        ("GET", "/77", None, 404),
        ("GET", "/77/memberships/join-order", None, 404),
        ("GET", "/1001/memberships/join-order?after=?", None, 400),
        ("GET", "/1001/memberships/join-order?limit=251", None, 400),
    ],
)
async def test_what_is_no_list_or_no_request_is_refused(method: str, path: str, body: Any, status: int) -> None:
    async with playing() as play:
        assert (await play.call(method, V3 + path, body)).status == status


async def test_an_app_needs_the_scopes_of_lists() -> None:
    async with playing() as play:
        play.hub.auth.missing |= {"crm.lists.read"}
        assert (await play.call("GET", f"{V3}/1001")).status == 403
