"""What happens to contacts: merges, deletions, lifecycle stages, validation, search's lag and its end, schema drift."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from .hubspot_play import MARIA, OBJECTS, playing

VERSIONS = ("/crm/v3/objects/contacts", "/crm/objects/2026-03/contacts", "/crm/objects/2026-09/contacts")


class Clock:
    """A clock that stands still until told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.mark.parametrize("base", VERSIONS)
async def test_every_version_of_the_api_reaches_the_same_contacts(base: str) -> None:
    async with playing() as play:
        made = await play.call("POST", base, {"properties": {"email": "kim@x.example"}})
        read = await play.call("GET", f"{OBJECTS}/{made.body['id']}?properties=email,city")
        found = await play.call("POST", f"{base}/search", {"filterGroups": [], "limit": 5, "properties": ["email"]})
    assert (made.status, read.body["properties"]["city"]) == (201, None)
    assert [one["id"] for one in found.body["results"]] == [made.body["id"]]


async def test_a_merge_makes_a_new_record_to_which_all_old_ids_lead() -> None:
    async with playing() as play:
        hub = play.hub
        a, b, c = (hub.add_contact(email=f"{n}@x.example", city=n, **({} if n == "a" else {"phone": n})) for n in "abc")
        first = await play.call("POST", f"{OBJECTS}/merge", {"primaryObjectId": a, "objectIdToMerge": b}, token=MARIA)
        second = await play.call("POST", f"{OBJECTS}/merge", {"primaryObjectId": b, "objectIdToMerge": c}, token=MARIA)
        read = await play.call("GET", f"{OBJECTS}/{a}?properties=city,phone,hs_merged_object_ids")
        batch = await play.call("POST", f"{OBJECTS}/batch/read", {"inputs": [{"id": c}], "properties": ["email"]})
        by_old_mail = await play.call("GET", f"{OBJECTS}/b@x.example?idProperty=email")
    new = second.body["id"]
    assert len({a, b, c, first.body["id"], new}) == 5
    assert read.body["id"] == batch.body["results"][0]["id"] == by_old_mail.body["id"] == new
    assert (read.body["properties"]["city"], read.body["properties"]["phone"]) == ("a", "b")
    assert {a, b, c} <= set(read.body["properties"]["hs_merged_object_ids"].split(";"))
    assert len(hub.contacts()) == 1
    assert [(effect.client, effect.verb) for effect in hub.journal.effects] == [("maria", "merge")] * 2


async def test_deleted_contacts_are_listed_apart_and_can_come_back() -> None:
    async with playing() as play:
        ids = [play.hub.add_contact(email=f"p{n}@x.example") for n in range(5)]
        gone = await play.call("POST", f"{OBJECTS}/batch/archive", {"inputs": [{"id": ids[1]}, {"id": ids[3]}, {"id": "777"}]})
        live = await play.call("GET", f"{OBJECTS}?limit=2")
        rest = await play.call("GET", f"{OBJECTS}?limit=2&after={live.body['paging']['next']['after']}")
        archived = await play.call("GET", f"{OBJECTS}?limit=100&archived=true")
        missing = await play.call("GET", f"{OBJECTS}/{ids[1]}")
        by_id = await play.call("GET", f"{OBJECTS}/{ids[1]}?archived=true")
        await play.call("POST", "/_emulator/restore", {"id": ids[1]})
        back = await play.call("GET", f"{OBJECTS}/{ids[1]}")
        too_many = await play.call("GET", f"{OBJECTS}?limit=101")
    assert gone.status == 204
    assert [one["id"] for one in live.body["results"] + rest.body["results"]] == [ids[0], ids[2], ids[4]]
    assert [one["id"] for one in archived.body["results"]] == [ids[1], ids[3]]
    assert (missing.status, missing.body["category"], by_id.status, back.status) == (404, "OBJECT_NOT_FOUND", 200, 200)
    assert (too_many.status, too_many.body["category"]) == (400, "VALIDATION_ERROR")


async def test_erasure_keeps_nothing_and_blocks_imports_but_not_the_api() -> None:
    async with playing() as play:
        ident = play.hub.add_contact(email="kim@x.example")
        asked = {"objectId": "kim@x.example", "idProperty": "email"}
        erased = await play.call("POST", f"{OBJECTS}/gdpr-delete", asked)
        archived = await play.call("GET", f"{OBJECTS}?archived=true")
        imported = play.hub.import_contacts([{"email": "kim@x.example"}, {"email": "lee@x.example"}])
        again = await play.call("POST", OBJECTS, {"properties": {"email": "kim@x.example"}})
    assert erased.status == 204
    assert archived.body["results"] == []
    assert len(imported) == 1
    assert (again.status, again.body["id"] != ident) == (201, True)


async def test_a_lifecycle_stage_goes_backwards_only_after_it_was_cleared() -> None:
    async with playing() as play:
        ident = play.hub.add_contact(email="kim@x.example", lifecyclestage="customer")

        async def write(stage: str) -> Any:
            answer = await play.call("PATCH", f"{OBJECTS}/{ident}", {"properties": {"lifecyclestage": stage}})
            return answer.status, answer.body["properties"]["lifecyclestage"]

        assert await write("lead") == (200, "customer")
        assert await write("") == (200, None)
        assert await write("lead") == (200, "lead")
        assert await write("opportunity") == (200, "opportunity")
        ignored = play.hub.journal.effects[0]
        assert (ignored.before, ignored.after) == ({"lifecyclestage": "customer"}, {"lifecyclestage": "customer"})


async def test_custom_stages_take_part_in_the_order() -> None:
    stages = (("lead", "Lead"), ("150001", "Nurture"), ("customer", "Customer"))
    async with playing(lifecycle=stages) as play:
        ident = play.hub.add_contact(lifecyclestage="customer")
        await play.call("PATCH", f"{OBJECTS}/{ident}", {"properties": {"lifecyclestage": "150001"}})
        assert play.hub.contact(ident)["lifecyclestage"] == "customer"
        wrong = await play.call("PATCH", f"{OBJECTS}/{ident}", {"properties": {"lifecyclestage": "opportunity"}})
    assert wrong.body["errors"][0]["code"] == "INVALID_OPTION"


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("email", "not-an-email", "INVALID_EMAIL"),
        ("email", "a@b", "INVALID_EMAIL"),
        ("numberofemployees", "1e999x", "INVALID_NUMBER"),
        ("numberofemployees", " 5", "LEADING_TRAILING_WHITESPACE"),
        ("mql_date", "0000-00-00", "INVALID_LONG"),
        ("mql_date", "999999999999999", "INVALID_LONG"),
        ("hs_lead_status", "open", "INVALID_OPTION"),
        ("hubspot_owner_id", "9001", "INVALID_OWNER_ID"),
        ("hs_email_optout", "true", "READ_ONLY_VALUE"),
        ("hs_email_optout_1001", "true", "READ_ONLY_VALUE"),
        ("createdate", "0", "READ_ONLY_VALUE"),
        ("nope", "1", "PROPERTY_DOESNT_EXIST"),
        ("phone", "1" * 70_000, "PROPERTY_VALUE_TOO_LONG"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused_with_its_property(name: str, value: str, code: str) -> None:
    async with playing() as play:
        answer = await play.call("POST", OBJECTS, {"properties": {"city": "Oslo", name: value}})
        assert play.hub.contacts() == []
    assert (answer.status, answer.body["category"]) == (400, "VALIDATION_ERROR")
    assert answer.body["message"].startswith('Property values were not valid: [{"isValid":false,')
    assert [(one["code"], one["context"]) for one in answer.body["errors"]] == [(code, {"propertyName": [name]})]


async def test_values_are_kept_as_strings_and_blank_clears() -> None:
    async with playing() as play:
        given = {"numberofemployees": 12, "mql_date": "2026-11-23", "hs_lead_status": "NEW", "city": "Oslo", "phone": None}
        made = await play.call("POST", OBJECTS, {"properties": given})
        await play.call("PATCH", f"{OBJECTS}/{made.body['id']}", {"properties": {"city": "", "hs_lead_status": None}})
        kept = play.hub.contact(made.body["id"])
    assert (kept["numberofemployees"], kept["mql_date"]) == ("12", "2026-11-23T00:00:00.000Z")
    assert kept.keys().isdisjoint({"city", "hs_lead_status", "phone"})


async def test_a_write_that_changes_nothing_leaves_the_record_as_it_was() -> None:
    clock = Clock()
    async with playing(clock=clock) as play:
        ident = play.hub.add_contact(email="kim@x.example", city="Oslo")
        before = play.hub.contact(ident)
        clock.forward(60)
        await play.call("PATCH", f"{OBJECTS}/{ident}", {"properties": {"city": "Oslo"}})
        assert play.hub.contact(ident) == before
        await play.call("PATCH", f"{OBJECTS}/{ident}", {"properties": {"city": "Bergen"}})
        assert play.hub.contact(ident)["lastmodifieddate"] == "2026-11-23T09:01:00.000Z"


async def test_search_sees_a_change_only_after_its_lag() -> None:
    clock = Clock()
    async with playing(clock=clock, search_lag_s=5.0) as play:
        asked = {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "EQ", "value": "kim@x.example"}]}], "limit": 1}
        made = await play.call("POST", OBJECTS, {"properties": {"email": "kim@x.example"}})
        early = await play.call("POST", f"{OBJECTS}/search", asked)
        again = await play.call("POST", OBJECTS, {"properties": {"email": "kim@x.example"}})
        clock.forward(5)
        late = await play.call("POST", f"{OBJECTS}/search", asked)
        await play.call("DELETE", f"{OBJECTS}/{made.body['id']}")
        ghost = await play.call("POST", f"{OBJECTS}/search", asked)
        clock.forward(5)
        gone = await play.call("POST", f"{OBJECTS}/search", asked)
    assert [one.body["total"] for one in (early, late, ghost, gone)] == [0, 1, 1, 0]
    assert again.status == 409


async def test_search_by_time_goes_no_further_than_ten_thousand() -> None:
    clock = Clock()
    async with playing(clock=clock, default_stage=None) as play:
        for n in range(10_050):
            clock.forward(0.001)
            play.hub.add_contact(city=str(n))
        asked: dict[str, Any] = {
            "filterGroups": [{"filters": [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": "1795424400011"}]}],
            "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
            "properties": ["city"],
            "limit": 200,
        }
        first = await play.call("POST", f"{OBJECTS}/search", asked)
        last = await play.call("POST", f"{OBJECTS}/search", asked | {"after": "9800"})
        beyond = await play.call("POST", f"{OBJECTS}/search", asked | {"after": last.body["paging"]["next"]["after"]})
        exact = {"propertyName": "hs_object_id", "operator": "GT", "value": first.body["results"][-1]["id"]}
        asked["filterGroups"][0]["filters"].append(exact)
        further = await play.call("POST", f"{OBJECTS}/search", asked | {"sorts": ["hs_object_id"]})
    assert datetime.fromtimestamp(1795424400, UTC) == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert (first.body["total"], first.body["results"][0]["properties"]["city"]) == (10_040, "10")
    assert (last.status, beyond.status, beyond.body["category"]) == (200, 400, "VALIDATION_ERROR")
    assert (further.body["total"], further.body["results"][0]["properties"]["city"]) == (9_840, "210")


@pytest.mark.parametrize(
    ("asked", "hits"),
    [
        ({"operator": "NEQ", "value": "de"}, "bc"),
        ({"operator": "NOT_IN", "values": ["de"]}, "bcd"),
        ({"operator": "HAS_PROPERTY"}, "abc"),
        ({"operator": "NOT_HAS_PROPERTY"}, "d"),
        ({"operator": "BETWEEN", "value": "E", "highValue": "NO"}, "b"),
        ({"operator": "LT", "value": "NO"}, "a"),
        ({"operator": "CONTAINS_TOKEN", "value": "u*"}, "c"),
    ],
)
async def test_the_operators_of_search(asked: dict[str, Any], hits: str) -> None:
    async with playing() as play:
        for name, country in (("a", "DE"), ("b", "NO"), ("c", "United Kingdom"), ("d", "")):
            play.hub.add_contact(city=name, country=country)
        groups = [{"filters": [{"propertyName": "country"} | asked]}]
        found = await play.call("POST", f"{OBJECTS}/search", {"filterGroups": groups, "properties": ["city"], "limit": 9})
    assert "".join(one["properties"]["city"] for one in found.body["results"]) == hits


async def test_a_schema_that_drifts() -> None:
    async with playing() as play:
        ident = play.hub.add_contact(email="kim@x.example", region="EMEA")
        await play.call("POST", "/_emulator/properties", {"name": "region", "remove": True})
        await play.call("POST", "/_emulator/properties", {"name": "engagement_score", "type": "enumeration", "options": [["hot", "Hot"]]})
        gone = await play.call("PATCH", f"{OBJECTS}/{ident}", {"properties": {"region": "APAC"}})
        other = await play.call("PATCH", f"{OBJECTS}/{ident}", {"properties": {"engagement_score": "5"}})
        read = await play.call("GET", f"{OBJECTS}/{ident}?properties=region,email")
        schema = await play.call("GET", "/crm/v3/properties/contacts")
    assert [one.body["errors"][0]["code"] for one in (gone, other)] == ["PROPERTY_DOESNT_EXIST", "INVALID_OPTION"]
    assert "region" not in read.body["properties"]
    assert "region" not in {one["name"] for one in schema.body["results"]}


async def test_a_property_made_unique_by_the_api_is_unique_at_once() -> None:
    async with playing(properties=()) as play:
        asked = {"name": "truce_id", "label": "Truce id", "type": "string", "fieldType": "text", "groupName": "contactinformation"}
        before = await play.call("POST", OBJECTS, {"properties": {"truce_id": "t1"}})
        made = await play.call("POST", "/crm/v3/properties/contacts", asked | {"hasUniqueValue": True})
        twice = await play.call("POST", "/crm/v3/properties/contacts", asked)
        first = await play.call("POST", OBJECTS, {"properties": {"truce_id": "t1"}})
        second = await play.call("POST", OBJECTS, {"properties": {"truce_id": "t1"}})
        read = await play.call("GET", f"{OBJECTS}/t1?idProperty=truce_id")
        wrong = await play.call("GET", f"{OBJECTS}/x?idProperty=city")
    assert [one.status for one in (before, made, twice, first, second, read, wrong)] == [400, 201, 409, 201, 400, 200, 400]
    assert read.body["id"] == first.body["id"]


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'{"properties": 3}', b'{"properties": {"city": {}}}', b"\xff"])
async def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    async with playing() as play:
        answer = await play.call("POST", OBJECTS, data=body, kind="application/json; charset=utf-8")
        assert (answer.status, answer.body["category"]) == (400, "VALIDATION_ERROR")
        assert play.hub.contacts() == []


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_that_is_not_said_to_be_json_is_refused(kind: str) -> None:
    async with playing() as play:
        assert (await play.call("POST", OBJECTS, data=b'{"properties": {}}', kind=kind)).status == 415
        assert play.hub.contacts() == []


async def test_fifty_records_at_once_are_read_with_history_and_a_hundred_without() -> None:
    async with playing() as play:
        for many, history, status in ((51, ["email"], 400), (50, ["email"], 200), (100, [], 200), (101, [], 400)):
            body = {"inputs": [{"id": str(n)} for n in range(many)], "properties": ["email"], "propertiesWithHistory": history}
            answer = await play.call("POST", f"{OBJECTS}/batch/read", body)
            assert answer.status == (207 if status == 200 else 400), (many, history)


async def test_a_batch_of_more_than_a_hundred_or_with_a_record_twice_is_refused() -> None:
    async with playing() as play:
        ident = play.hub.add_contact(email="kim@x.example")
        many = await play.call("POST", f"{OBJECTS}/batch/create", {"inputs": [{"properties": {}}] * 101})
        rows = [{"id": ident, "properties": {"lifecyclestage": stage}} for stage in ("", "subscriber")]
        twice = await play.call("POST", f"{OBJECTS}/batch/update", {"inputs": rows})
        assert (many.status, twice.status) == (400, 400)
        assert play.hub.contact(ident)["lifecyclestage"] == "lead"


async def test_a_list_of_texts_is_searched_in_small_letters_alone() -> None:
    async with playing() as play:
        await play.call("POST", OBJECTS, {"properties": {"email": "emea@example.com", "region": "EMEA"}})
        for listed, found in ((["EMEA"], 0), (["emea"], 1)):
            groups = [{"filters": [{"propertyName": "region", "operator": "IN", "values": listed}]}]
            assert (await play.call("POST", f"{OBJECTS}/search", {"filterGroups": groups})).body["total"] == found
