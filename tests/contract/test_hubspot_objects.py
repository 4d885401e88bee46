"""HubSpot's companies, deals and activities beyond the standard suite: what webhooks tell of them, and what counts as a rep's response."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import Source, Wish
from connectors.contract_objects import of
from connectors.contract_world import items, long_ago, pages
from connectors.errors import AuthExpired, Surprising
from connectors.hubspot.objects import joined
from schemas.change import RecordChanged, RecordDeleted, RecordMerged
from schemas.response import ResponseRecorded
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world, reading
from tests.contract.test_hubspot import all_told, webhooks

PEOPLE, FIRM = "associations.contacts", "associations.companies"
DEAL = ["dealname", "dealstage", PEOPLE, FIRM]
RESPONSES: dict[str, list[str]] = {"contacts": [], "tasks": [], "calls": [], "meetings": [], "emails": []}


def responses(found: Any) -> list[ResponseRecorded]:
    return [one for one in found if isinstance(one, ResponseRecorded)]


async def changed(source: Source, wanted: dict[str, list[str]]) -> list[Any]:
    return list(items(await pages(source, source.start(long_ago()), wanted)))


# --- companies and deals --------------------------------------------------------------------------------------------------------


async def test_a_webhook_of_a_deal_is_a_change_of_it_with_types_of_its_own() -> None:
    async with hubspot_world() as world, reading(world) as source, webhooks(world, source) as receiver:
        await source.fields("deals")
        deal = world.hub.put("deals", {"dealname": "D", "dealstage": "contractsent", "amount": "100.50"}, client="maria")
        world.hub.put("companies", {"name": "Nordwind"}, client="maria")
        await all_told(world)
        told = of("deals", receiver.items)[deal]
        assert told.created
        assert told.origin == "person"
        assert {name: told.fields[name] for name in ("dealname", "dealstage", "amount", "hs_is_closed")} == {
            "dealname": "D", "dealstage": "contractsent", "amount": 100.5, "hs_is_closed": False,
        }  # fmt: skip
        assert len(of("companies", receiver.items)) == 1
        assert receiver.read == []


async def test_who_joins_or_leaves_a_deal_orders_it_to_be_read_from_whichever_side_it_is_told() -> None:
    for subscription in ("deal.associationChange", "contact.associationChange"):
        async with hubspot_world() as world, reading(world) as source, webhooks(world, source) as receiver:
            world.hub.webhooks.subscriptions.clear()
            world.hub.webhooks.subscribe(subscription)
            person = await world.seed({"email": "kim@x.example"})
            deal = world.hub.add("deals", {"dealname": "D"})
            world.hub.put("deals", {}, ident=deal, to={"contacts": [person]}, client="maria")
            await all_told(world)
            assert receiver.read == [f"hubspot:deals:{deal}"]
            (joined_,) = await source.read([deal], DEAL, object_="deals")
            world.hub.cut("contacts", person, "deals", deal, "maria")
            await all_told(world)
            assert receiver.read == [f"hubspot:deals:{deal}"] * 2
            (left,) = await source.read([deal], DEAL, object_="deals")
            assert isinstance(joined_, RecordChanged)
            assert isinstance(left, RecordChanged)
            assert (joined_.fields[PEOPLE], left.fields[PEOPLE]) == (person, None)
            assert left.at >= joined_.at


async def test_a_deals_account_is_its_primary_company() -> None:
    async with hubspot_world() as world, reading(world) as source:
        firms = [world.hub.add("companies", {"name": f"F{n}"}) for n in range(3)]
        deal = world.hub.add("deals", {"dealname": "D"}, {"companies": [firms[2], firms[0], firms[1]]})  # the first is the primary one
        loose = world.hub.add("deals", {"dealname": "L"})
        world.hub.portal.links.make(world.hub.portal.objects["deals"].kind, int(loose), [], world.hub.auth.actor("maria"))
        found = of("deals", await source.read([deal, loose], DEAL, object_="deals"))
        assert (found[deal].fields[FIRM], found[loose].fields[FIRM]) == (firms[2], None)
    assert joined(FIRM, [("20", frozenset({341})), ("9", frozenset({341}))]) == "9"
    assert joined(PEOPLE, [("20", frozenset({3})), ("9", frozenset({3}))]) == "9,20"


async def test_more_people_than_one_answer_holds_are_all_in_the_deal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.emulator.hubspot.associations.MOST_LISTED", 2)
    async with hubspot_world() as world, reading(world) as source:
        people = [await world.seed({"lastname": f"P{n}"}) for n in range(5)]
        crowded = world.hub.add("deals", {"dealname": "D"}, {"contacts": people})
        empty = world.hub.add("deals", {"dealname": "E"})
        found = of("deals", await source.read([crowded, empty], [PEOPLE], object_="deals"))
        assert found[crowded].fields == {PEOPLE: ",".join(people)}
        assert found[empty].fields == {PEOPLE: None}


async def test_silence_about_an_association_is_not_taken_for_none() -> None:
    async with hubspot_world() as world, reading(world) as source:
        deal = world.hub.add("deals", {"dealname": "D"})
        await source.read([deal], ["dealname"], object_="deals")
        await world.fault(kind="status", path="/batch/read", status=200, body='{"status": "COMPLETE", "results": []}')
        with pytest.raises(Surprising):
            await source.read([deal], [PEOPLE], object_="deals")
        world.hub.faults.clear()
        body = '{"status": "COMPLETE", "results": []}'
        await world.fault(kind="status", path="/deals/contacts/batch/read", status=200, body=body)
        with pytest.raises(Surprising):
            await source.read([deal], [PEOPLE], object_="deals")


async def test_merged_and_deleted_companies_are_told_by_webhook_and_by_poll() -> None:
    wanted = {"contacts": [], "companies": ["name"]}
    async with hubspot_world() as world, reading(world) as source, webhooks(world, source) as receiver:
        one, two, gone = [world.hub.put("companies", {"name": f"F{n}"}, client="maria") for n in range(3)]
        first = await pages(source, source.start(long_ago()), wanted)
        records = world.hub.portal.objects["companies"].records
        new = records.merge(records.live[int(one)], records.live[int(two)], world.hub.auth.actor("maria"))
        world.hub.delete("companies", gone, "maria")
        await all_told(world)
        polled = items(await pages(source, first[-1].cursor, wanted))
        for found in (polled, receiver.items):
            (merged,) = [one for one in found if isinstance(one, RecordMerged)]
            assert (merged.survivor, set(merged.losers)) == (
                f"hubspot:companies:{new.id}",
                {f"hubspot:companies:{one}", f"hubspot:companies:{two}"},
            )
            assert [item.ref for item in found if isinstance(item, RecordDeleted)] == [f"hubspot:companies:{gone}"]


async def test_who_is_deleted_while_the_deleted_are_read_is_told_the_next_time() -> None:
    """The list of the deleted is by id: whoever has a low one stands on a page that was read already."""
    async with hubspot_world() as world, reading(world) as source:
        people = [await world.seed({"lastname": f"P{n}"}) for n in range(world.page + 3)]
        first, *others, last = people
        cursor = (await pages(source, source.start(long_ago()), ["lastname"]))[-1].cursor
        for one in others:
            await world.delete(one)
        told = list[Any]()
        async for page in source.changes(cursor, {"contacts": ["lastname"]}):
            if page.items and not told:  # the first page of the deleted, with more to come
                await world.delete(first)
                await world.delete(last)
            told, cursor = [*told, *page.items], page.cursor
        told += items(await pages(source, cursor, ["lastname"]))
        assert {one.ref for one in told if isinstance(one, RecordDeleted)} == {f"hubspot:contacts:{one}" for one in people}


async def test_the_same_id_in_two_objects_is_two_records() -> None:
    async with hubspot_world() as world, reading(world) as source:
        person, firm = await world.seed({"lastname": "Kim"}), world.hub.put("companies", {"name": "Nordwind"}, client="maria")
        assert person == firm
        found = await changed(source, {"contacts": ["lastname"], "companies": ["name"]})
        assert {one.ref: one.fields for one in found if isinstance(one, RecordChanged)} == {
            f"hubspot:contacts:{person}": {"lastname": "Kim"}, f"hubspot:companies:{firm}": {"name": "Nordwind"},
        }  # fmt: skip


async def test_a_cursor_from_before_there_were_other_objects_goes_on() -> None:
    async with hubspot_world() as world, reading(world) as source:
        ids = [await world.seed({"lastname": f"P{n}"}) for n in range(world.page + 1)]
        ms = int(long_ago().timestamp() * 1000)
        old = f'{{"at":{ms},"deleted":{ms},"forms":{ms}}}'
        assert of("contacts", items(await pages(source, old, ["lastname"]))).keys() == set(ids)
        rest = [one async for page in source.everything(ids[1], {"companies": [], "contacts": ["lastname"]}) for one in page.items]
        assert of("contacts", rest).keys() == set(ids[2:])


async def test_a_missing_scope_names_it() -> None:
    async with hubspot_world() as world, reading(world) as source:
        world.hub.auth.missing.add("crm.objects.deals.read")
        with pytest.raises(AuthExpired, match=r"crm\.objects\.deals\.read"):
            await source.read(["1001"], ["dealname"], object_="deals")


# --- what a rep did -------------------------------------------------------------------------------------------------------------


async def _activities(world: HubSpotWorld, person: str) -> dict[str, str]:
    """Let a rep do one thing of each kind with a person, and others that are none."""
    to = {"contacts": [person]}

    def put(object_: str, **fields: str) -> str:
        return world.hub.put(object_, {"hs_timestamp": "1763888042110", "hubspot_owner_id": "501", **fields}, to=to, client="maria")

    put("tasks", hs_task_status="NOT_STARTED")
    put("calls", hs_call_status="NO_ANSWER")
    put("meetings", hs_meeting_outcome="SCHEDULED")
    put("emails", hs_email_status="SENT", hs_email_direction="INCOMING_EMAIL")
    return {
        "task": put("tasks", hs_task_status="COMPLETED"),
        "call": put("calls"),
        "meeting": put("meetings", hs_meeting_outcome="COMPLETED", hs_meeting_end_time="1763888042999"),
        "email": put("emails", hs_email_status="SENT", hs_email_direction="EMAIL"),
    }


async def test_what_a_rep_did_is_a_response_however_it_is_seen() -> None:
    async with hubspot_world() as world, reading(world) as source, webhooks(world, source) as receiver:
        person = await world.seed({"email": "kim@x.example"})
        done = await _activities(world, person)
        await all_told(world)
        polled = responses(await changed(source, RESPONSES))
        assert {(one.kind, one.activity_id) for one in polled} == {(kind, f"{kind}:{ident}:{person}") for kind, ident in done.items()}
        assert {(one.ref, one.by) for one in polled} == {(f"hubspot:contacts:{person}", "501")}
        at = {one.kind: one.at for one in polled}
        logged = datetime.fromtimestamp(1763888042.110, UTC)
        assert (at["call"], at["email"], at["meeting"]) == (logged, logged, logged + timedelta(milliseconds=889))
        assert abs(at["task"] - datetime.now(UTC)) < timedelta(seconds=10)  # when it was completed, not when it was due
        ordered = [ref.split(":") for ref in receiver.read]
        read = [one for _, name, ident in ordered for one in await source.read([ident], [], object_=name)]
        assert {one.activity_id for one in responses(read)} == {one.activity_id for one in polled}
        assert receiver.items == [one for one in receiver.items if not isinstance(one, ResponseRecorded)]


async def test_a_meeting_that_is_said_to_be_over_before_its_end_is_no_news_from_the_future() -> None:
    async with hubspot_world() as world, reading(world) as source:
        person, later = await world.seed({"lastname": "Kim"}), datetime.now(UTC) + timedelta(hours=1)
        fields = {"hs_meeting_outcome": "COMPLETED", "hs_meeting_end_time": later.isoformat()}
        meeting = world.hub.put("meetings", fields, to={"contacts": [person]}, client="maria")
        (told,) = responses(await source.read([meeting], [], object_="meetings"))
        assert told.at <= told.received_at


async def test_a_response_is_told_once_and_to_everybody_it_is_about() -> None:
    async with hubspot_world() as world, reading(world) as source:
        people = [await world.seed({"lastname": f"P{n}"}) for n in range(2)]
        task = world.hub.put("tasks", {"hs_task_status": "COMPLETED"}, to={"contacts": people}, client="maria")
        alone = world.hub.put("tasks", {"hs_task_status": "COMPLETED"}, client="maria")
        first = await pages(source, source.start(long_ago()), RESPONSES)
        assert {one.activity_id for one in responses(items(first))} == {f"task:{task}:{one}" for one in people}
        assert responses(items(await pages(source, first[-1].cursor, RESPONSES))) == []
        assert await source.read([alone, "999"], [], object_="tasks") == []


async def test_a_task_that_truce_itself_completed_is_no_response() -> None:
    async with hubspot_world() as world, reading(world) as source, webhooks(world, source) as receiver:
        person = await world.seed({"email": "kim@x.example"})
        world.hub.put("tasks", {"hs_task_status": "COMPLETED"}, to={"contacts": [person]}, client="truce")
        await all_told(world)
        assert receiver.read == []
        assert responses(await changed(source, RESPONSES)) == []


async def test_a_note_that_a_rep_wrote_is_a_response_where_the_option_says_so() -> None:
    async with hubspot_world() as world, reading(world, notes="on") as source, reading(world) as plain, webhooks(world, source) as receiver:
        person = await world.seed({"email": "kim@x.example"})
        said = {"hs_timestamp": "1763888042110", "hubspot_owner_id": "501", "hs_note_body": "Called, wants a quote"}
        note = world.hub.put("notes", said, to={"contacts": [person]}, client="maria")
        world.hub.put("notes", said, to={"contacts": [person]}, client="truce")
        world.hub.put("notes", said, to={"contacts": [person]}, client="rival")
        await all_told(world)
        found = responses(await changed(source, {"contacts": []}))
        assert [(one.kind, one.ref, one.by, one.activity_id) for one in found] == [
            ("other", f"hubspot:contacts:{person}", "501", f"other:{note}:{person}")
        ]
        assert found[0].at == datetime.fromtimestamp(1763888042.110, UTC)
        assert f"hubspot:notes:{note}" in receiver.read
        assert [one.activity_id for one in responses(await source.read([note], [], object_="notes"))] == [found[0].activity_id]
        assert ("notes" in source.objects, source.acts, "notes" in plain.objects, plain.acts) == (True, ("notes",), False, ())
        assert responses(await changed(plain, RESPONSES)) == []


# --- doctor ---------------------------------------------------------------------------------------------------------------------


async def test_the_doctor_adds_the_property_by_which_tasks_are_found_again() -> None:
    async with hubspot_world() as world, reading(world) as source:
        world.hub.drift("truce_task_key", object_="tasks", remove=True)
        made = [Wish(object="tasks", fields={}, creates=True, edits=True)]

        async def key(wishes: Sequence[Wish]) -> list[tuple[bool, str]]:
            return [(one.ok, one.todo) for one in await source.allows(wishes) if "truce_task_key" in one.what]

        assert await key([]) == [], "who wants no tasks needs none"
        assert await key(made) == [(False, "truce doctor --fix creates it")]
        assert not any("truce_task_key" in one.what for one in await source.doctor({}))
        world.hub.drift("truce_id", object_="deals", remove=True)
        created = [one.what for one in await source.doctor({}, fix=True) if "was created" in one.what]
        assert created == [
            "hubspot: the property truce_task_key of tasks was created",
            "hubspot: the property truce_id of deals was created",
        ]
        assert await key(made) == [(True, "")]
        assert all(one.ok for one in await source.allows([Wish(object="deals", fields={}, creates=True, edits=True)]))


async def test_the_doctor_says_which_objects_cannot_be_read_and_calls_it_no_fault() -> None:
    async with hubspot_world() as world, reading(world) as source:
        world.hub.auth.missing.add("crm.objects.deals.read")
        found = await source.doctor({})
        assert all(one.ok for one in found)
        (deals,) = [one for one in found if one.what.startswith("hubspot: deals")]
        assert deals.todo == "give the app the scope crm.objects.deals.read, where the playbook speaks of them"
        assert any(one.what.endswith("companies can be read") for one in found)
