"""HubSpot's own client, unchanged, against the emulator: what it cannot send or read is wrong here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import hubspot
import pytest
from hubspot.crm import contacts, owners, properties

from .hubspot_play import MARIA, OURS, PRICING, Play, playing


def at(play: Play, api: Any) -> Any:
    """Point one of the client's APIs at the emulator."""
    api.api_client.configuration.host = play.url
    return api


def client() -> Any:
    return hubspot.Client.create(access_token=OURS)


async def threaded(work: Callable[[], Any]) -> Any:
    return await asyncio.to_thread(work)


async def test_one_contact_from_create_to_archive() -> None:
    async with playing() as play:
        api = at(play, client().crm.contacts.basic_api)

        def work() -> tuple[Any, ...]:
            given = {"email": "  Kim.Larsen@Nordwind.Example ", "firstname": "Kim", "hubspot_owner_id": "501", "mql_date": "1763888042110"}
            made = api.create(contacts.SimplePublicObjectInputForCreate(properties=given, associations=[]))
            read = api.get_by_id("kim.larsen@nordwind.example", id_property="email", properties=["firstname", "mql_date", "phone"])
            changed = api.update(made.id, contacts.SimplePublicObjectInput(properties={"firstname": "", "phone": "+47 22"}))
            page = api.get_page(limit=10, properties=["phone"], properties_with_history=["phone"])
            api.archive(made.id)
            return made, read, changed, page, api.get_page(limit=10, archived=True)

        made, read, changed, page, archived = await threaded(work)
        assert made.properties["email"] == "kim.larsen@nordwind.example"
        assert read.id == made.id
        assert read.properties["mql_date"] == "2025-11-23T08:54:02.110Z"
        assert read.properties["phone"] is None
        assert changed.properties["firstname"] is None
        assert changed.properties["phone"] == "+47 22"
        assert [one.value for one in page.results[0].properties_with_history["phone"]] == ["+47 22"]
        assert [one.id for one in archived.results] == [made.id]
        assert archived.results[0].archived_at is not None
        assert play.hub.contacts() == []
        assert [effect.verb for effect in play.hub.journal.effects] == ["create", "update", "delete"]
        assert {effect.client for effect in play.hub.journal.effects} == {"truce"}


async def test_a_taken_email_is_a_conflict_that_names_the_contact() -> None:
    async with playing() as play:
        ident = play.hub.add_contact(email="kim@x.example")
        api = at(play, client().crm.contacts.basic_api)
        given = contacts.SimplePublicObjectInputForCreate(properties={"email": "KIM@x.example"}, associations=[])
        with pytest.raises(contacts.ApiException) as caught:
            await threaded(lambda: api.create(given))
        assert caught.value.status == 409
        assert f"Contact already exists. Existing ID: {ident}" in caught.value.body
        assert '"category":"CONFLICT"' in caught.value.body


async def test_batches_answer_out_of_order_and_in_parts() -> None:
    async with playing() as play:
        taken = play.hub.add_contact(email="taken@x.example", truce_id="t-taken")
        api = at(play, client().crm.contacts.batch_api)
        row = contacts.SimplePublicObjectBatchInputForCreate

        def create() -> Any:
            good = [row(properties={"email": f"p{n}@x.example", "truce_id": f"t{n}"}, object_write_trace_id=f"w{n}") for n in range(3)]
            bad = [
                row(properties={"email": "taken@x.example"}, object_write_trace_id="w3"),
                row(properties={"email": "p9@x.example", "numberofemployees": "many", "nope": "1"}, object_write_trace_id="w4"),
                row(properties={"email": "p8@x.example", "truce_id": "t-taken"}, object_write_trace_id="w5"),
            ]
            return api.create(contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=good + bad))

        answer = await threaded(create)
        assert isinstance(answer, contacts.BatchResponseSimplePublicObjectWithErrors)
        assert [one.object_write_trace_id for one in answer.results] == ["w2", "w1", "w0"]
        assert answer.num_errors == 3
        by_trace = {error.context["objectWriteTraceId"][0]: error for error in answer.errors}
        assert by_trace["w3"].category == "CONFLICT"
        assert by_trace["w3"].message.endswith(f"Existing ID: {taken}")
        assert {detail.code: detail.context for detail in by_trace["w4"].errors} == {
            "INVALID_NUMBER": {"propertyName": ["numberofemployees"]},
            "PROPERTY_DOESNT_EXIST": {"propertyName": ["nope"]},
        }
        assert by_trace["w5"].message.endswith(f"{taken} already has that value.")
        assert len(play.hub.contacts()) == 4

        def others() -> tuple[Any, ...]:
            ids = [contacts.SimplePublicObjectId(id=f"p{n}@x.example") for n in (0, 1, 7)]
            read = api.read(
                contacts.BatchReadInputSimplePublicObjectId(
                    inputs=ids, id_property="email", properties=["truce_id"], properties_with_history=[]
                )
            )
            upserts = [
                contacts.SimplePublicObjectBatchInputUpsert(id="t0", id_property="truce_id", properties={"phone": "1"}),
                contacts.SimplePublicObjectBatchInputUpsert(id="t7", id_property="truce_id", properties={"phone": "7"}),
            ]
            upserted = api.upsert(contacts.BatchInputSimplePublicObjectBatchInputUpsert(inputs=upserts))
            update = contacts.SimplePublicObjectBatchInput(id=taken, properties={"city": "Oslo"})
            updated = api.update(contacts.BatchInputSimplePublicObjectBatchInput(inputs=[update]))
            api.archive(contacts.BatchInputSimplePublicObjectId(inputs=[contacts.SimplePublicObjectId(id=taken)]))
            return read, upserted, updated

        read, upserted, updated = await threaded(others)
        assert read.errors[0].category == "OBJECT_NOT_FOUND"
        assert read.errors[0].context == {"ids": ["p7@x.example"]}
        assert [one.properties["truce_id"] for one in read.results] == ["t1", "t0"]
        assert [one.new for one in upserted.results] == [True, False]
        assert updated.results[0].properties["city"] == "Oslo"
        assert play.hub.by_email("taken@x.example") is None


async def test_without_trace_ids_one_bad_row_fails_the_whole_batch() -> None:
    async with playing() as play:
        ident = play.hub.add_contact(email="taken@x.example")
        api = at(play, client().crm.contacts.batch_api)
        rows = [contacts.SimplePublicObjectBatchInputForCreate(properties={"email": mail}) for mail in ("a@x.example", "taken@x.example")]
        with pytest.raises(contacts.ApiException) as caught:
            await threaded(lambda: api.create(contacts.BatchInputSimplePublicObjectBatchInputForCreate(inputs=rows)))
        assert caught.value.status == 409
        assert f"Existing ID: {ident}" in caught.value.body
        assert len(play.hub.contacts()) == 1
        assert play.hub.journal.effects == []


async def test_search_filters_sorts_and_pages() -> None:
    async with playing() as play:
        for n in range(7):
            play.hub.add_contact(email=f"p{n}@x.example", numberofemployees=str(n * 50), country="NO" if n % 2 else "DE")
        api = at(play, client().crm.contacts.search_api)
        big = contacts.Filter(property_name="numberofemployees", operator="GTE", value="100")
        north = contacts.Filter(property_name="country", operator="EQ", value="no")
        first = contacts.Filter(property_name="email", operator="IN", values=["p0@x.example"])
        groups = [contacts.FilterGroup(filters=[big, north]), contacts.FilterGroup(filters=[first])]

        def search(after: str, sort: str) -> Any:
            asked = contacts.PublicObjectSearchRequest(
                query="", limit=2, after=after, sorts=[sort], properties=["email"], filter_groups=groups
            )
            return api.do_search(asked)

        page = await threaded(lambda: search("0", "-numberofemployees"))
        rest = await threaded(lambda: search(page.paging.next.after, "-numberofemployees"))
        assert page.total == 3
        assert [one.properties["email"] for one in page.results + rest.results] == ["p5@x.example", "p3@x.example", "p0@x.example"]
        assert rest.paging is None


async def test_owners_and_properties() -> None:
    async with playing() as play:
        people, schema = at(play, client().crm.owners.owners_api), at(play, client().crm.properties.core_api)

        def work() -> tuple[Any, ...]:
            asked = properties.PropertyCreate(
                name="segment", label="Segment", type="enumeration", field_type="select", group_name="contactinformation",
                options=[properties.OptionInput(label="A", value="a", hidden=False, display_order=0)], has_unique_value=False,
            )  # fmt: skip
            made = schema.create("contacts", asked)
            return (
                people.get_page(limit=1),
                people.get_page(email="ben@acme.example"),
                people.get_page(archived=True),
                people.get_by_id(9001, id_property="userId"),
                made,
                {one.name: one for one in schema.get_all("contacts").results},
                schema.get_by_name("contacts", "truce_id"),
            )

        page, ben, gone, ana, made, schema_now, truce_id = await threaded(work)
        assert page.paging.next.after == "501"
        assert [(one.id, one.user_id) for one in ben.results] == [("502", 9002)]
        assert [(one.id, one.user_id_including_inactive) for one in gone.results] == [("503", 9003)]
        assert ana.id == "501"
        assert [one.value for one in made.options] == ["a"]
        assert truce_id.has_unique_value
        assert not truce_id.modification_metadata.read_only_value
        assert schema_now["createdate"].modification_metadata.read_only_value
        assert schema_now["segment"].label == "Segment"
        with pytest.raises(properties.ApiException) as caught:
            await threaded(lambda: schema.get_by_name("contacts", "nope"))
        assert caught.value.status == 404
        assert owners.PublicOwner is type(ana)


@pytest.mark.parametrize("token", [None, MARIA])
async def test_a_form_goes_through_the_generic_request(token: str | None) -> None:
    async with playing() as play:
        portal = play.hub.portal.portal_id
        path = f"/submissions/v3/integration/{'secure/' if token else ''}submit/{portal}/{PRICING.guid}"
        fields = [
            {"objectTypeId": "0-1", "name": "email", "value": "Kim@X.example"},
            {"objectTypeId": "0-1", "name": "phone", "value": "+47"},
        ]
        asked = {"method": "POST", "path": path, "body": {"fields": fields, "context": {"pageName": "Prices"}}}
        answer = await threaded(lambda: hubspot.Client.create(access_token=token, base_url=play.url).api_request(asked))
        assert (answer.status_code, answer.json()) == (200, {"inlineMessage": PRICING.thanks})
        contact = play.hub.by_email("kim@x.example")
        assert contact is not None
        assert (contact["recent_conversion_event_name"], contact["num_conversion_events"]) == ("Prices: Pricing", "1")
        assert [(effect.client, effect.verb) for effect in play.hub.journal.effects] == [("form", "create")]
        listed = await play.call("GET", f"/form-integrations/v1/submissions/forms/{PRICING.guid}?limit=50")
        assert [value["name"] for value in listed.body["results"][0]["values"]] == ["email", "phone"]
