"""Companies, deals, tasks and their associations, as HubSpot's own client, unchanged, writes and reads them; and what webhooks tell of them."""

from __future__ import annotations

from typing import Any

import hubspot
import pytest
from hubspot.crm import companies, deals
from hubspot.crm.associations import v4
from hubspot.crm.objects import tasks

from .hubspot_play import MARIA, playing, receiving
from .test_hubspot_sdk import at, client, threaded


def _spec(ident: int) -> Any:
    return tasks.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=ident)


async def test_a_company_and_a_deal_from_create_to_archive() -> None:
    async with playing() as play:
        firms, trades = at(play, client().crm.companies.basic_api), at(play, client().crm.deals.basic_api)
        person = play.hub.add_contact(email="kim@nordwind.example")

        def work() -> tuple[Any, ...]:
            given = {"name": "Nordwind", "domain": "nordwind.example", "hubspot_owner_id": "501", "industry": "UTILITIES"}
            firm = firms.create(companies.SimplePublicObjectInputForCreate(properties=given, associations=[]))
            links = [
                deals.PublicAssociationsForObject(to=deals.PublicObjectId(id=person), types=[_spec(3)]),
                deals.PublicAssociationsForObject(to=deals.PublicObjectId(id=firm.id), types=[_spec(5)]),
            ]
            asked = {"dealname": "First order", "dealstage": "appointmentscheduled", "amount": "1200.50"}
            deal = trades.create(deals.SimplePublicObjectInputForCreate(properties=asked, associations=links))
            read = trades.get_by_id(deal.id, properties=["pipeline", "hs_is_closed"], associations=["contacts", "companies"])
            won = trades.update(deal.id, deals.SimplePublicObjectInput(properties={"dealstage": "closedwon"}))
            whole = trades.get_by_id(deal.id, properties=["hs_is_closed_won", "closedate", "num_associated_contacts"])
            firms.archive(firm.id)
            return firm, deal, read, won, whole, firms.get_page(archived=True)

        firm, deal, read, won, whole, gone = await threaded(work)
        assert (read.properties["pipeline"], read.properties["hs_is_closed"]) == ("default", "false")
        assert [one.id for one in read.associations["contacts"].results] == [person]
        kinds = {one.type for one in read.associations["companies"].results}
        assert kinds == {"deal_to_company", "deal_to_company_primary"}
        assert won.properties["dealstage"] == "closedwon"
        assert whole.properties["hs_is_closed_won"] == "true"
        assert whole.properties["closedate"]
        assert whole.properties["num_associated_contacts"] == "1"
        assert [one.id for one in gone.results] == [firm.id]
        assert [(one.verb, one.object) for one in play.hub.journal.effects] == [
            ("create", "companies"), ("create", "deals"), ("associate", "deals"), ("associate", "deals"), ("update", "deals"),
            ("delete", "companies"),
        ]  # fmt: skip
        assert play.hub.linked("deals", deal.id, "companies") == []  # of what is in the bin nothing is shown


async def test_batches_and_search_of_deals() -> None:
    async with playing() as play:
        batch, search = at(play, client().crm.deals.batch_api), at(play, client().crm.deals.search_api)
        other = play.hub.add("deals", {"dealname": "Other", "dealstage": "closedlost"})
        row = deals.SimplePublicObjectBatchInputForCreate

        def work() -> tuple[Any, ...]:
            good = [row(properties={"dealname": f"D{n}", "dealstage": "contractsent"}, object_write_trace_id=f"w{n}") for n in range(2)]
            bad = row(properties={"dealname": "D9", "dealstage": "no_such_stage"}, object_write_trace_id="w9")
            made = batch.create(deals.BatchInputSimplePublicObjectBatchInputForCreate(inputs=[*good, bad]))
            ids = [deals.SimplePublicObjectId(id=one) for one in (other, "999")]
            read = batch.read(
                deals.BatchReadInputSimplePublicObjectId(inputs=ids, properties=["dealstage"], properties_with_history=["dealstage"])
            )
            stage = deals.Filter(property_name="dealstage", operator="EQ", value="contractsent")
            recent = deals.Filter(property_name="hs_lastmodifieddate", operator="GTE", value="1")
            asked = deals.PublicObjectSearchRequest(
                query="", limit=10, after="0", sorts=["hs_lastmodifieddate"], properties=["dealname"],
                filter_groups=[deals.FilterGroup(filters=[stage, recent])],
            )  # fmt: skip
            return made, read, search.do_search(asked)

        made, read, found = await threaded(work)
        assert [one.object_write_trace_id for one in made.results] == ["w1", "w0"]
        assert made.errors[0].errors[0].context == {"propertyName": ["dealstage"]}
        assert read.errors[0].message.startswith("Could not get some DEAL objects")
        assert read.results[0].properties_with_history["dealstage"][0].value == "closedlost"
        assert [one.properties["dealname"] for one in found.results] == ["D0", "D1"]


async def test_a_task_for_a_person_is_completed() -> None:
    async with playing() as play:
        api = at(play, client().crm.objects.tasks.basic_api)
        person = play.hub.add_contact(email="kim@nordwind.example")
        link = tasks.PublicAssociationsForObject(to=tasks.PublicObjectId(id=person), types=[_spec(204)])
        given = {"hs_task_subject": "Call Kim", "hubspot_owner_id": "502", "hs_task_status": "NOT_STARTED", "hs_timestamp": "1763888042110"}

        def work() -> tuple[Any, ...]:
            made = api.create(tasks.SimplePublicObjectInputForCreate(properties=given, associations=[link]))
            api.update(made.id, tasks.SimplePublicObjectInput(properties={"hs_task_status": "COMPLETED"}))
            return made, api.get_by_id(made.id, properties=["hs_task_completion_date", "hs_timestamp"])

        made, read = await threaded(work)
        assert read.properties["hs_timestamp"] == "2025-11-23T08:54:02.110Z"
        assert read.properties["hs_task_completion_date"]
        assert play.hub.linked("contacts", person, "tasks") == [made.id]
        lacking = tasks.SimplePublicObjectInputForCreate(properties={"hs_task_subject": "When?"}, associations=[])
        with pytest.raises(tasks.ApiException) as caught:
            await threaded(lambda: api.create(lacking))
        assert caught.value.status == 400
        assert '"context":{"properties":["hs_timestamp"]}' in caught.value.body


async def test_associations_are_made_read_and_ended() -> None:
    async with playing() as play:
        batch, basic = at(play, client().crm.associations.v4.batch_api), at(play, client().crm.associations.v4.basic_api)
        people = [play.hub.add_contact(email=f"p{n}@x.example") for n in range(3)]
        firms = [play.hub.add("companies", {"name": f"F{n}"}) for n in range(2)]
        primary = v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=1)

        def post(person: str, firm: str) -> Any:
            return v4.PublicAssociationMultiPost(_from=v4.PublicObjectId(id=person), to=v4.PublicObjectId(id=firm), types=[primary])

        def read() -> dict[str, list[tuple[str, set[int]]]]:
            inputs = [v4.PublicFetchAssociationsBatchRequest(id=one) for one in people]
            answer = batch.get_page("contacts", "companies", v4.BatchInputPublicFetchAssociationsBatchRequest(inputs=inputs))
            rows = {
                one._from.id: [(str(to.to_object_id), {kind.type_id for kind in to.association_types}) for to in one.to]
                for one in answer.results
            }
            none: dict[str, list[tuple[str, set[int]]]] = {
                one.context["fromObjectId"][0]: [] for one in getattr(answer, "errors", None) or ()
            }
            assert none.keys().isdisjoint(rows)
            return rows | none

        def work() -> tuple[Any, ...]:
            both = [post(people[0], firms[0]), post(people[0], firms[1]), post(people[1], firms[0])]
            made = batch.create("contacts", "companies", v4.BatchInputPublicAssociationMultiPost(inputs=both))
            basic.create_default("company", firms[1], "contact", people[2])
            before = read()
            basic.archive("contacts", people[1], "companies", firms[0])
            page = basic.get_page("companies", firms[1], "contacts")
            return made, before, read(), page

        made, before, after, page = await threaded(work)
        assert [one.labels for one in made.results] == [["Primary"]] * 3
        assert before == {
            people[0]: [(firms[0], {279}), (firms[1], {1, 279})],  # the newer one took the first place
            people[1]: [(firms[0], {1, 279})],
            people[2]: [(firms[1], {279})],
        }
        assert after == before | {people[1]: []}
        assert [str(one.to_object_id) for one in page.results] == [people[0], people[2]]
        assert play.hub.contact(people[0])["associatedcompanyid"] == firms[1]
        assert "associatedcompanyid" not in play.hub.contact(people[1])
        assert play.hub.record("companies", firms[1])["num_associated_contacts"] == "2"


async def test_an_association_that_cannot_be() -> None:
    async with playing() as play:
        person, deal = play.hub.add_contact(email="kim@x.example"), play.hub.add("deals", {"dealname": "D"})
        wrong = [
            ("POST", "/crm/v4/associations/deals/nothings/batch/read", {"inputs": []}),
            ("PUT", f"/crm/v4/objects/deals/{deal}/associations/contacts/{person}", [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 4}]),
            ("PUT", f"/crm/v4/objects/deals/{deal}/associations/contacts/999", [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]),
        ]  # fmt: skip
        for method, path, body in wrong:
            answer = await play.call(method, path, body)
            assert (answer.status, answer.body["category"]) == (400, "VALIDATION_ERROR")
        play.hub.auth.missing.add("crm.objects.deals.read")
        answer = await play.call("POST", "/crm/v4/associations/contacts/deals/batch/read", {"inputs": [{"id": person}]})
        assert answer.status == 403
        assert (await play.call("GET", "/crm/v3/objects/deals")).status == 403
        assert (await play.call("GET", "/crm/v3/objects/companies")).status == 200


async def test_merged_companies_keep_their_people() -> None:
    async with playing() as play:
        person = play.hub.add_contact(email="kim@x.example")
        first, second = play.hub.add("companies", {"name": "A"}, {"contacts": [person]}), play.hub.add("companies", {"domain": "b.example"})
        answer = await play.call("POST", "/crm/v3/objects/companies/merge", {"primaryObjectId": second, "objectIdToMerge": first})
        new = answer.body["id"]
        assert new not in (first, second)
        assert play.hub.linked("companies", new, "contacts") == [person]
        assert play.hub.linked("contacts", person, "companies") == [new]
        assert (await play.call("GET", f"/crm/v3/objects/companies/{first}")).body["id"] == new


async def test_webhooks_tell_of_companies_deals_tasks_and_both_sides_of_an_association() -> None:
    async with playing(webhook_delay_s=0.0) as play, receiving(play) as got:
        person, firm = play.hub.add_contact(email="kim@x.example"), play.hub.add("companies", {"name": "X"})
        deal = play.hub.put(
            "deals", {"dealname": "D", "dealstage": "contractsent"}, to={"contacts": [person], "companies": [firm]}, client="maria"
        )
        task = play.hub.put("tasks", {"hs_task_subject": "Call"}, client="maria")
        play.hub.put("tasks", {"hs_task_status": "COMPLETED"}, ident=task, client="maria")
        play.hub.cut("deals", deal, "contacts", person, client="maria")
        play.hub.delete("companies", firm, client="maria")
        await got.until(lambda: any(event["subscriptionType"] == "company.deletion" for event in got.events))
        told = got.events
        assert got.forged == 0
        created = next(event for event in told if event["subscriptionType"] == "deal.creation")
        assert (created["objectId"], created["changeSource"]) == (int(deal), "CRM_UI")
        tasks_ = [event for event in told if event["subscriptionType"].startswith("object.")]
        assert {event["objectTypeId"] for event in tasks_} == {"0-27"}
        assert ("hs_task_status", "COMPLETED") in [(event.get("propertyName"), event.get("propertyValue")) for event in tasks_]
        linked = [event for event in told if event["subscriptionType"].endswith(".associationChange")]
        assert all("objectId" not in event for event in linked)
        assert [(one["associationType"], one["associationRemoved"], one["isPrimaryAssociation"]) for one in linked] == [
            ("DEAL_TO_CONTACT", False, False), ("CONTACT_TO_DEAL", False, False),
            ("DEAL_TO_COMPANY", False, True), ("COMPANY_TO_DEAL", False, True),
            ("DEAL_TO_CONTACT", True, False), ("CONTACT_TO_DEAL", True, False),
        ]  # fmt: skip


async def test_generic_subscriptions_are_made_by_type_id() -> None:
    async with playing(subscriptions=[]) as play:
        base = f"/webhooks/v3/{play.hub.webhooks.app_id}/subscriptions?hapikey=developer-key"
        asked = {"eventType": "object.propertyChange", "propertyName": "hs_task_status", "objectTypeId": "0-27", "active": True}
        made = await play.call("POST", base, asked)
        assert (made.status, made.body["objectTypeId"]) == (201, "0-27")
        assert (await play.call("POST", base, {"eventType": "object.creation"})).status == 400
        assert (await play.call("POST", base, {"eventType": "deal.creation", "objectTypeId": "0-3"})).status == 400


async def test_a_user_without_a_seat_is_archived_and_keeps_the_records() -> None:
    async with playing() as play:
        deal = play.hub.add("deals", {"dealname": "D", "hubspot_owner_id": "502"})
        play.hub.deactivate("502")
        api = at(play, hubspot.Client.create(access_token=MARIA).crm.owners.owners_api)
        active, archived = await threaded(lambda: (api.get_page(), api.get_page(archived=True)))
        assert "502" not in [one.id for one in active.results]
        assert [(one.id, one.user_id_including_inactive) for one in archived.results] == [("502", 9002), ("503", 9003)]
        assert play.hub.record("deals", deal)["hubspot_owner_id"] == "502"


async def test_the_emulators_own_doors_for_other_processes() -> None:
    async with playing() as play:
        person = play.hub.add_contact(email="kim@x.example")
        made = await play.call(
            "POST", "/_emulator/records/deals", [{"properties": {"dealname": "D"}, "to": {"contacts": [person]}}], token=None
        )
        listed = await play.call("GET", "/_emulator/records/deals", token=None)
        assert [one["hs_object_id"] for one in listed.body] == made.body
        await play.call("POST", "/_emulator/owners", {"id": "501", "active": False}, token=None)
        assert play.hub.portal.owners["501"].archived
