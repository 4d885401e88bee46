"""Salesforce's contacts, accounts, opportunities and tasks: what is read of them, what is written, and in which order it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connectors.base import Create, Done, Failed, Item, Sink, Source, TaskWanted, Update
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.emulator.control import serve
from connectors.emulator.salesforce.times import wire as stamp
from connectors.errors import Rejected, Surprising, Unavailable
from connectors.registry import load
from schemas.change import RecordChanged, RecordConverted, RecordDeleted
from schemas.response import ResponseRecorded
from tests.contract.salesforce_world import SalesforceWorld, salesforce_world

WANTED = {
    "Account": ["Name"], "Opportunity": ["StageName", "OpportunityContactRoles"], "Contact": ["Email", "MailingCountry"],
    "Lead": ["Email"], "Task": [], "Event": [],
}  # fmt: skip


@pytest.fixture
async def org() -> AsyncIterator[SalesforceWorld]:
    async with salesforce_world() as world:
        yield world


@pytest.fixture
async def source(org: SalesforceWorld) -> AsyncIterator[Source]:
    source = load("salesforce").source(org.connection(), NotedBudget(), NotedBreaker())
    yield source
    await source.close()


@pytest.fixture
async def sink(org: SalesforceWorld) -> AsyncIterator[Sink]:
    sink = load("salesforce").sink(org.connection(), NotedBudget(), NotedBreaker())
    yield sink
    await sink.close()


async def test_a_conversion_is_told_before_the_contact_that_it_made(org: SalesforceWorld, source: Source) -> None:
    ident = org.org.add_lead(Email="kim@nordwind.example", Country="NO")
    became = org.org.convert(ident, opportunity=True)
    found = items(await pages(source, source.start(long_ago()), WANTED))
    kinds = [(type(one).__name__, one.ref.split(":")[1]) for one in found if isinstance(one, RecordConverted | RecordChanged)]
    assert kinds.index(("RecordConverted", "Lead")) < kinds.index(("RecordChanged", "Contact"))
    assert ("RecordChanged", "Account") in kinds
    told = snapshots(found)
    contact = told[str(became["ConvertedContactId"])]
    assert contact.fields == {"Email": "kim@nordwind.example", "MailingCountry": "NO"}
    deal = told[str(became["ConvertedOpportunityId"])]
    assert deal.fields == {"StageName": "Prospecting", "OpportunityContactRoles": became["ConvertedContactId"]}


class Between:
    """Lets something happen at the org right after it has answered a query of contacts."""

    def __init__(self, app: ASGIApp, act: Callable[[], None]) -> None:
        self.app, self.act = app, act

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
        if b"FROM%20Contact" in scope.get("query_string", b"") or b"FROM+Contact" in scope.get("query_string", b""):
            self.act()


async def test_who_becomes_a_contact_between_two_queries_is_told_as_converted_first() -> None:
    world, became = SalesforceWorld(), list[str]()
    for n in range(world.page + 1):  # so that contacts take a second query, after which leads are asked for again
        world.org.save("Contact", LastName=f"Old {n}")
    ident = world.org.add_lead(Email="between@example.com")

    def convert() -> None:
        if not became:
            became.append(str(world.org.convert(ident)["ConvertedContactId"]))

    world.org.app.add_middleware(Between, act=convert)
    async with serve(world.org.app) as running:
        world.url = running.url
        source = load("salesforce").source(world.connection(), NotedBudget(), NotedBreaker())
        found, cursor = list[Item](), source.start(long_ago())
        for _ in range(3):
            some = await pages(source, cursor, WANTED)
            found, cursor = [*found, *items(some)], some[-1].cursor
        await source.close()
    people = [one for one in found if isinstance(one, RecordConverted | RecordChanged) and one.ref.rpartition(":")[2] in {ident, *became}]
    kinds = [(type(one).__name__, one.ref.split(":")[1]) for one in people]
    assert kinds == [("RecordChanged", "Lead"), ("RecordConverted", "Lead"), ("RecordChanged", "Contact")]


async def test_a_poll_of_all_objects_costs_two_calls(org: SalesforceWorld, source: Source) -> None:
    first = await pages(source, source.start(long_ago()), WANTED)
    before, used = len(org.org.journal.calls), org.org.usage.used
    await pages(source, first[-1].cursor, WANTED)
    calls = [(call.method, call.path.rpartition("/")[2], call.writing) for call in org.org.journal.calls[before:]]
    assert calls == [("POST", "composite", False), ("POST", "composite", False)]
    assert source.calls(len(WANTED)) == 2
    assert org.org.usage.used - used == 2


async def test_a_query_that_is_refused_among_others_is_named(org: SalesforceWorld, source: Source) -> None:
    first = await pages(source, source.start(long_ago()), WANTED)
    org.org.org.accounts.remove_field("Name")
    with pytest.raises(Surprising) as caught:
        await pages(source, first[-1].cursor, WANTED)
    assert "Name" in caught.value.words


async def test_everything_reads_each_object_and_leaves_who_was_just_made_to_the_changes(org: SalesforceWorld, source: Source) -> None:
    account = org.org.save("Account", Name="Nordwind")
    lead = org.org.add_lead(Email="e@example.com")
    old = org.org.org.add_row(
        org.org.org.contacts, {"LastName": "Old", "CreatedDate": "2020-01-01T00:00:00.000+0000", "OwnerId": org.org.integration_id}
    )
    org.org.save("Contact", LastName="New")
    found, done = list[RecordChanged](), False
    async for page in source.everything(None, WANTED):
        found += [one for one in page.items if isinstance(one, RecordChanged)]
        done = page.done
    assert done
    assert [one.ref.rpartition(":")[2] for one in found] == [account, lead, old]
    assert all(one.bulk and one.complete for one in found)


async def test_an_object_that_nobody_wants_costs_no_call(org: SalesforceWorld, source: Source) -> None:
    org.org.convert(org.org.add_lead(Email="calls@example.com"), opportunity=True)
    await pages(source, source.start(long_ago()), ["Email"])
    queries = [call for call in org.org.journal.calls if "/query" in call.path]
    assert len(queries) == 1


async def test_a_contact_role_alone_tells_its_opportunity_again(org: SalesforceWorld, source: Source) -> None:
    deal = org.org.save("Opportunity", Name="Pilot", StageName="Prospecting", CloseDate="2026-12-24")
    contact = org.org.save("Contact", LastName="Larsen")
    first = await pages(source, source.start(long_ago()), WANTED)
    assert snapshots(items(first))[deal].fields["OpportunityContactRoles"] is None
    role = org.org.save("OpportunityContactRole", OpportunityId=deal, ContactId=contact)
    second = await pages(source, first[-1].cursor, WANTED)
    assert snapshots(items(second))[deal].fields["OpportunityContactRoles"] == contact
    await org.delete(role)
    third = await pages(source, second[-1].cursor, WANTED)
    assert snapshots(items(third))[deal].fields["OpportunityContactRoles"] is None


async def test_a_task_that_a_rep_completed_is_a_response_and_ours_is_none(org: SalesforceWorld, source: Source, sink: Sink) -> None:
    lead = org.org.add_lead(Email="task@example.com")
    jo = org.org.user_id("jo@acme.example")
    call = org.org.save("Task", WhoId=lead, Subject="Call", Type="Call", OwnerId=jo)
    org.org.save("Task", Subject="About nobody", Status="Completed")
    ours = TaskWanted(key="h:1:first_response", person=f"salesforce:Lead:{lead}", owner=jo, subject="x", due=datetime.now(UTC), done=True)
    assert isinstance((await sink.tasks([ours]))[0], Done)
    first = await pages(source, source.start(long_ago()), WANTED)
    assert not [one for one in items(first) if isinstance(one, ResponseRecorded)], "none is completed by a rep"
    org.org.save("Task", call, Status="Completed")
    second = await pages(source, first[-1].cursor, WANTED)
    (told,) = [one for one in items(second) if isinstance(one, ResponseRecorded)]
    assert (told.ref, told.activity_id, told.kind, told.by) == (f"salesforce:Lead:{lead}", call, "call", jo)
    org.org.save("Task", call, Subject="Call, done")
    again = [one for one in items(await pages(source, second[-1].cursor, WANTED)) if isinstance(one, ResponseRecorded)]
    assert {one.model_dump_json(exclude={"received_at"}) for one in again} <= {told.model_dump_json(exclude={"received_at"})}


async def test_what_a_rep_completed_counts_although_we_wrote_to_it_since(org: SalesforceWorld, source: Source, sink: Sink) -> None:
    lead, jo, start = org.org.add_lead(Email="late@example.com"), org.org.user_id("jo@acme.example"), datetime.now(UTC)
    row = TaskWanted(key="h:1:first_response", person=f"salesforce:Lead:{lead}", owner=jo, subject="Call", due=start)
    await sink.tasks([row])
    (seen,) = await sink.find_tasks([row])
    org.held = start + timedelta(seconds=10)
    org.org.save("Task", seen.id, Status="Completed")
    org.held = start + timedelta(seconds=20)
    await sink.tasks([row.model_copy(update={"id": seen.id, "subject": "Call again"})])
    (told,) = [one for one in items(await pages(source, source.start(long_ago()), WANTED)) if isinstance(one, ResponseRecorded)]
    assert (told.activity_id, told.at) == (seen.id, (start + timedelta(seconds=10)).replace(microsecond=0))


async def test_a_planned_meeting_is_told_when_its_end_has_passed(org: SalesforceWorld, source: Source) -> None:
    lead, wanted, now = org.org.add_lead(Email="meet@example.com"), {"Lead": ["Email"], "Event": []}, datetime.now(UTC)
    org.held = now - timedelta(minutes=30)
    meeting = await org.meet(lead, now + timedelta(minutes=30))
    org.held = None
    first = await pages(source, source.start(long_ago()), wanted)
    assert not [one for one in items(first) if isinstance(one, ResponseRecorded)]
    row = org.org.org.events.rows[meeting]  # time passes: nothing happens to the meeting itself
    row["StartDateTime"], row["EndDateTime"] = "2026-01-01T00:00:00.000+0000", stamp(now - timedelta(seconds=1))
    second = await pages(source, first[-1].cursor, wanted)
    assert [one.activity_id for one in items(second) if isinstance(one, ResponseRecorded)] == [meeting]
    third = await pages(source, second[-1].cursor, wanted)
    assert not [one for one in items(third) if isinstance(one, ResponseRecorded)], "told once"


async def test_what_is_no_meeting_with_somebody_is_no_response(org: SalesforceWorld, source: Source) -> None:
    lead, past = org.org.add_lead(Email="no@example.com"), datetime.now(UTC) - timedelta(minutes=5)
    jo = org.org.user_id("jo@acme.example")
    org.org.save("Event", OwnerId=jo, Subject="With nobody", StartDateTime=stamp(past), EndDateTime=stamp(past))
    for field in ("IsAllDayEvent", "IsChild", "IsRecurrence", "IsDeleted"):
        org.org.org.events.rows[await org.meet(lead, past)][field] = True
    found = items(await pages(source, source.start(long_ago()), {"Lead": ["Email"], "Event": []}))
    assert not [one for one in found if isinstance(one, ResponseRecorded)]
    call = await org.meet(lead, past)
    org.org.save("Event", call, Type="Call")
    (told,) = [
        one
        for one in items(await pages(source, source.start(long_ago()), {"Lead": ["Email"], "Event": []}))
        if isinstance(one, ResponseRecorded)
    ]
    assert (told.activity_id, told.kind, told.by) == (call, "call", jo)


async def test_doctor_says_that_meetings_cannot_be_read(org: SalesforceWorld, source: Source) -> None:
    org.org.org.events.name = "Hidden"
    (bad,) = [one for one in await source.doctor({}) if not one.ok]
    assert bad.what.startswith("Event cannot be described")
    assert "Access Activities" in bad.todo


async def test_a_deleted_account_is_told(org: SalesforceWorld, source: Source) -> None:
    account = org.org.save("Account", Name="Gone")
    first = await pages(source, source.start(long_ago()), WANTED)
    await org.delete(account)
    found = items(await pages(source, first[-1].cursor, WANTED))
    assert [one.ref for one in found if isinstance(one, RecordDeleted)] == [f"salesforce:Account:{account}"]
    assert [type(one) for one in await source.read([account], ["Name"], object_="Account")] == [RecordDeleted]


async def test_a_contact_is_made_under_its_account_found_and_changed_by_its_id(org: SalesforceWorld, sink: Sink) -> None:
    account = org.org.save("Account", Name="Nordwind")
    able = await sink.capabilities("Contact")
    assert able.account_field == "AccountId"
    assert "Company" not in able.writable
    fields = {
        **able.defaults,
        "AccountId": account,
        "Email": "made@nordwind.example",
        "Truce_Id__c": "11111111-1111-5111-8111-111111111111",
    }
    row = Create(key="k", object="Contact", fields=fields)
    (made,) = await sink.create([row])
    assert isinstance(made, Done)
    (again,) = await sink.create([row])
    assert isinstance(again, Done)
    assert (again.id, again.created) == (made.id, False)
    wanted = {"Contact": ["Email"], "Lead": ["Email"]}
    assert [one.ref for one in await sink.find(["made@nordwind.example"], wanted)] == [f"salesforce:Contact:{made.id}"]
    found = await sink.find_created([str(fields["Truce_Id__c"])], ["Email"], object_="Contact")
    assert [one.ref for one in found] == [f"salesforce:Contact:{made.id}"]
    (told,) = await sink.update([Update(key="u", object="Contact", id=made.id, fields={"Phone": "+49 30 1"})])
    assert isinstance(told, Done)
    (read,) = await sink.read([made.id], ["Phone"], object_="Contact")
    assert isinstance(read, RecordChanged)
    assert read.fields == {"Phone": "+49 30 1"}
    assert [row["AccountId"] for row in org.org.records("Contact")] == [account]


async def test_a_task_is_made_once_found_by_our_key_and_closed(org: SalesforceWorld, sink: Sink) -> None:
    lead, jo = org.org.add_lead(Email="t@example.com"), org.org.user_id("jo@acme.example")
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=4)
    row = TaskWanted(key="h:1:first_response", person=f"salesforce:Lead:{lead}", owner=jo, subject="First response", body="Why", due=due)
    await org.fault(kind="drop_answer", path="/composite/sobjects/Task")
    with pytest.raises(Unavailable) as lost:
        await sink.tasks([row])
    assert lost.value.unknown_outcome
    (seen,) = await sink.find_tasks([row, row.model_copy(update={"key": "h:2:first_response"})])
    assert (seen.key, seen.done) == (row.key, False)
    assert [type(one) for one in await sink.tasks([row])] == [Done], "even so: our mark is unique there"
    (task,) = org.org.records("Task")
    assert (task["WhoId"], task["OwnerId"], task["Subject"], task["ActivityDate"]) == (lead, jo, "First response", due.date().isoformat())
    (done,) = await sink.tasks([row.model_copy(update={"id": seen.id, "done": True})])
    assert isinstance(done, Done)
    assert org.org.records("Task")[0]["IsClosed"]
    assert [one.done for one in await sink.find_tasks([row])] == [True]


async def test_doctor_says_where_the_mark_of_our_tasks_and_contacts_is_lacking(org: SalesforceWorld, source: Source) -> None:
    assert all(one.ok for one in await source.doctor({}))
    for table in (org.org.org.tasks, org.org.org.contacts):
        table.remove_field("Truce_Id__c")
    bad = [one for one in await source.doctor({}) if not one.ok]
    assert [one.what.split(" ")[0] for one in bad] == ["Contact.Truce_Id__c", "Activity.Truce_Id__c"]
    assert all("External ID and Unique" in one.todo for one in bad)


async def test_a_task_for_somebody_who_is_gone_is_refused_and_names_why(org: SalesforceWorld, sink: Sink) -> None:
    lead, jo = org.org.add_lead(Email="r@example.com"), org.org.user_id("jo@acme.example")
    org.org.convert(lead)
    row = TaskWanted(key="k", person=f"salesforce:Lead:{lead}", owner=jo, subject="x", due=datetime.now(UTC))
    (told,) = await sink.tasks([row])
    assert isinstance(told, Failed)
    assert isinstance(told.error, Rejected)
    assert [one.field for one in told.error.refused] == ["WhoId"]
