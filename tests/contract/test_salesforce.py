"""Salesforce against the standard suite, and what only Salesforce has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from connectors.base import Create, Done, Failed, Sink, Source, Unwelcome, Update, Wish
from connectors.contract import ConnectorContract, EmulatedTasks, NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.dialect import Kind
from connectors.emulator.salesforce import Field
from connectors.errors import AuthExpired, Conflict, ConnectorError, Gone, Rejected, Surprising, Unavailable
from connectors.registry import load
from connectors.salesforce.refusals import CODES
from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from tests.contract.salesforce_world import SalesforceWorld, salesforce_world


class TestSalesforce(ConnectorContract):
    vendor: ClassVar[str] = "salesforce"
    made: ClassVar[str] = "Truce_Try__c"
    payloads: ClassVar[Path] = Path(__file__).parent / "salesforce"
    codes: ClassVar[Mapping[str, Kind]] = CODES
    statuses: ClassVar[Mapping[int, type[ConnectorError]]] = {
        **dict.fromkeys((300, 404, 405, 410, 414, 415, 420, 428, 431), Surprising), 400: Rejected, 401: AuthExpired, 403: Rejected,
        409: Conflict, 412: Conflict, 500: Unavailable, 502: Unavailable, 503: Unavailable,
    }  # fmt: skip
    """Those of its REST guide, Status Codes and Error Responses, but 304: nothing is asked for that may not have changed. 404 and 410 are the
    path's or the version's, and no record's."""

    def emulated(self) -> AbstractAsyncContextManager[EmulatedTasks]:
        return salesforce_world()


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


async def test_a_conversion_is_told_with_what_the_lead_became(org: SalesforceWorld, source: Source) -> None:
    ident = org.org.add_lead(Email="convert@example.com")
    became = org.org.convert(ident, opportunity=True)
    found = items(await pages(source, source.start(long_ago()), ["Email"]))
    assert [type(one) for one in found] == [RecordConverted]
    converted = found[0]
    assert isinstance(converted, RecordConverted)
    assert converted.became == f"salesforce:Contact:{became['ConvertedContactId']}"
    assert converted.account == f"salesforce:Account:{became['ConvertedAccountId']}"
    assert converted.opportunity == f"salesforce:Opportunity:{became['ConvertedOpportunityId']}"
    assert [type(one) for one in await source.read([ident], ["Email"])] == [RecordConverted]


async def test_a_merge_is_seen_by_the_poll(org: SalesforceWorld, source: Source) -> None:
    winner, loser = org.org.add_lead(Email="a@example.com"), org.org.add_lead(Email="b@example.com")
    first = await pages(source, source.start(long_ago()), ["Email"])
    org.org.merge(winner, loser)
    merged = [one for one in items(await pages(source, first[-1].cursor, ["Email"])) if isinstance(one, RecordMerged)]
    assert [(one.survivor, one.losers) for one in merged] == [(f"salesforce:Lead:{winner}", (f"salesforce:Lead:{loser}",))]


async def test_a_second_change_within_the_same_second_is_told(org: SalesforceWorld, source: Source) -> None:
    org.held = long_ago()
    ident = org.org.add_lead(Email="second@example.com", Phone="+49 30 1")
    first = await pages(source, source.start(long_ago()), ["Phone"])
    await org.edit(ident, {"Phone": "+49 30 2"})  # the clock stands: the same SystemModstamp
    second = items(await pages(source, first[-1].cursor, ["Phone"]))
    assert [one.fields["Phone"] for one in second if isinstance(one, RecordChanged)] == ["+49 30 2"]


async def test_a_row_that_is_committed_long_after_its_stamp_is_told(org: SalesforceWorld) -> None:
    source = load("salesforce").source(org.connection(lookback_s="60"), NotedBudget(), NotedBreaker())
    late = org.org.add_lead(Email="late@example.com")
    org.held = datetime.now(UTC) + timedelta(seconds=20)
    async with org.hidden(late):
        early = org.org.add_lead(Email="early@example.com")
        first = await pages(source, source.start(long_ago()), ["Email"])
        assert snapshots(items(first)).keys() == {early}
        second = await pages(source, first[-1].cursor, ["Email"])
    third = items(await pages(source, second[-1].cursor, ["Email"]))
    await source.close()
    assert snapshots(third).keys() == {late}


async def test_records_that_are_nowhere_or_no_ids_are_deleted(org: SalesforceWorld, source: Source) -> None:
    purged = org.org.add_lead(Email="purged@example.com")
    org.org.doors.purge({"id": purged})
    found = await source.read([purged, "no-id"], ["Email"])
    assert [type(one) for one in found] == [RecordDeleted, RecordDeleted]


async def test_read_keeps_the_order_and_takes_short_ids(org: SalesforceWorld, source: Source) -> None:
    ids = [org.org.add_lead(Email=f"o{n}@example.com") for n in range(6)]
    asked = [ids[3][:15], ids[0], ids[5]]
    found = [one.ref for one in await source.read(asked, ["Email"]) if isinstance(one, RecordChanged)]
    assert found == [f"salesforce:Lead:{one}" for one in (ids[3], ids[0], ids[5])]


async def test_many_addresses_are_found_within_the_length_of_a_uri(org: SalesforceWorld, sink: Sink) -> None:
    emails = [f"{'x' * 40}.{n}+tag@very-long-domain-name.example.com" for n in range(400)]
    ids = {org.org.add_lead(Email=email) for email in emails}
    assert snapshots(await sink.find(emails, {"Lead": ["Email"]})).keys() == ids
    queries = [one for one in await org.calls() if one["path"].endswith("/query")]
    assert {one["status"] for one in queries} == {200}


async def test_several_rows_with_one_address_are_all_found(org: SalesforceWorld, sink: Sink) -> None:
    ids = {org.org.add_lead(Email="same@example.com") for _ in range(org.page + 2)}
    assert snapshots(await sink.find(["SAME@example.com"], {"Lead": ["Email"]})).keys() == ids


async def test_a_duplicate_rule_names_the_record(org: SalesforceWorld, sink: Sink) -> None:
    there = org.org.add_lead(Email="taken@example.com")
    org.org.org.duplicates = "block"
    fields = {"Truce_Id__c": "t-1", "Email": "taken@example.com", "LastName": "Two", "Company": "Acme"}
    refused = (await sink.create([Create(key="k", object="Lead", fields=dict(fields))]))[0]
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, Conflict)
    assert refused.error.existing == (there,)


async def test_a_duplicate_rule_names_contacts_as_well_and_all_that_are_alike(org: SalesforceWorld, sink: Sink) -> None:
    org.org.org.duplicates = "block"
    account = org.org.save("Account", Name="Nordwind")
    contact = org.org.save("Contact", FirstName="Kim", LastName="Larsen", Email="kim@old.example", AccountId=account)
    fields = {"Truce_Id__c": "t-1", "Email": "kim@nordwind.example", "FirstName": "Kim", "LastName": "Larsen", "Company": "Nordwind"}

    async def refused() -> Conflict:
        (outcome,) = await sink.create([Create(key="k", object="Lead", fields=dict(fields))])
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, Conflict)
        return outcome.error

    error = await refused()
    assert (error.existing, error.beside) == ((), (("Contact", contact),))
    there = org.org.add_lead(Email="kim@nordwind.example")
    error = await refused()
    assert (error.existing, error.beside) == ((there,), (("Contact", contact),))


async def test_a_taken_truce_id_names_the_record_in_its_long_form(org: SalesforceWorld, sink: Sink) -> None:
    there, other = org.org.add_lead(Truce_Id__c="t-2"), org.org.add_lead()
    refused = (await sink.update([Update(key="k", object="Lead", id=other, fields={"Truce_Id__c": "t-2"})]))[0]
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, Conflict)
    assert refused.error.existing == (there,)


@pytest.mark.parametrize(("action", "changed"), [("alert", Done), ("block", Failed)])
async def test_a_duplicate_rule_that_only_alerts_refuses_new_records_alone(
    org: SalesforceWorld, sink: Sink, action: str, changed: type
) -> None:
    there, known = org.org.add_lead(Email="taken@example.com"), org.org.add_lead(Email="known@example.com")
    org.org.doors.duplicates({"action": action})
    fields = {"Truce_Id__c": "t-9", "Email": "taken@example.com", "LastName": "Two", "Company": "Acme"}
    (made,) = await sink.create([Create(key="k", object="Lead", fields=dict(fields))])
    assert isinstance(made, Failed)
    assert isinstance(made.error, Conflict)
    assert made.error.existing == (there,)
    (outcome,) = await sink.update([Update(key="k", object="Lead", id=known, fields={"Email": "taken@example.com"})])
    assert isinstance(outcome, changed)


@pytest.mark.parametrize("how", ["delete", "merge", "convert", "purge"])
async def test_a_record_that_is_no_more_is_gone(org: SalesforceWorld, sink: Sink, how: str) -> None:
    ident, other = org.org.add_lead(), org.org.add_lead()
    match how:
        case "delete":
            await org.delete(ident)
        case "merge":
            org.org.merge(other, ident)
        case "convert":
            org.org.convert(ident)
        case _:
            org.org.doors.purge({"id": ident})
    outcome = (await sink.update([Update(key="k", object="Lead", id=ident, fields={"Phone": "+49 30 1"})]))[0]
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Gone)


async def test_a_locked_row_is_unavailable_and_nothing_was_done(org: SalesforceWorld, sink: Sink) -> None:
    ident = org.org.add_lead()
    org.org.doors.locks({"ids": [ident]})
    row = Update(key="k", object="Lead", id=ident, fields={"Phone": "+49 30 1"})
    outcome = (await sink.update([row]))[0]
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Unavailable)
    assert not outcome.error.unknown_outcome
    assert isinstance((await sink.update([row]))[0], Done)


async def test_a_validation_rule_speaks_in_its_own_words(org: SalesforceWorld, sink: Sink) -> None:
    ident, words = org.org.add_lead(), "Phone numbers start with + and the country code."
    org.org.doors.validation_rule({"name": "Phone_Form", "message": words, "error_field": "Phone", "regex": {"Phone": "0.*"}})
    outcome = (await sink.update([Update(key="k", object="Lead", id=ident, fields={"Phone": "030 1234", "Title": "CTO"})]))[0]
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Rejected)
    told = outcome.error.refused[0]
    assert (told.field, told.value, told.code, told.words) == ("Phone", "030 1234", "FIELD_CUSTOM_VALIDATION_EXCEPTION", words)
    assert outcome.error.words == words


async def test_an_owner_that_is_none_is_a_refused_field_and_not_a_missing_record(org: SalesforceWorld, sink: Sink) -> None:
    ident = org.org.add_lead()
    outcome = (await sink.update([Update(key="k", object="Lead", id=ident, fields={"OwnerId": "005000000000000AAA"})]))[0]
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, Rejected)
    assert [one.field for one in outcome.error.refused] == ["OwnerId"]


async def test_a_value_of_the_wrong_type_does_not_spoil_the_batch(org: SalesforceWorld, sink: Sink) -> None:
    ids = [org.org.add_lead(), org.org.add_lead()]
    values = ["many", 7]
    rows = [Update(key=one, object="Lead", id=one, fields={"NumberOfEmployees": value}) for one, value in zip(ids, values, strict=True)]
    outcome = await sink.update(rows)
    assert [type(one) for one in outcome] == [Failed, Done]
    assert org.org.lead(ids[1])["NumberOfEmployees"] == 7


async def test_a_change_that_goes_out_alone_overwrites_nothing_that_came_since(org: SalesforceWorld) -> None:
    out = load("salesforce").sink(org.connection(), NotedBudget(), NotedBreaker())
    free = load("salesforce").sink(org.connection(lock="off"), NotedBudget(), NotedBreaker())
    ident, other = org.org.add_lead(Phone="+1"), org.org.add_lead()

    async def put(since: datetime | None, **fields: str | int) -> Done | Failed:
        return (await out.update([Update(key="k", object="Lead", id=ident, fields=dict(fields), unmodified_since=since)]))[0]

    moved = await put(datetime.now(UTC) - timedelta(minutes=1), Phone="+2")
    assert isinstance(moved, Failed)
    assert isinstance(moved.error, Conflict)
    assert moved.error.moved
    assert org.org.lead(ident)["Phone"] == "+1"
    assert isinstance(await put(datetime.now(UTC), Phone="+2"), Done)
    assert isinstance(await put(None, Phone="+3"), Done)
    old = datetime.now(UTC) - timedelta(minutes=1)
    both = [Update(key=one, object="Lead", id=one, fields={"Phone": "+4"}, unmodified_since=old) for one in (ident, other)]
    assert [type(one) for one in await out.update(both)] == [Done, Done]  # of several the vendor has no such lock
    assert org.org.lead(ident)["Phone"] == "+4"
    refused = await put(datetime.now(UTC), Lifecycle_Stage__c="No Such Stage")
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, Rejected)
    assert [(one.field, one.value) for one in refused.error.refused] == [("Lifecycle_Stage__c", "No Such Stage")]
    unfit = await put(datetime.now(UTC), NumberOfEmployees="many")
    assert isinstance(unfit, Failed)
    assert isinstance(unfit.error, Rejected)
    await org.fault(kind="drop_answer", method="PATCH", path="/sobjects/Lead/")
    with pytest.raises(Unavailable) as lost:
        await put(datetime.now(UTC), Phone="+5")
    assert lost.value.unknown_outcome
    await org.fault(kind="status", status=200, method="PATCH", path="/sobjects/Lead/", body='{"id": "00Q"}')
    odd = await put(datetime.now(UTC), Phone="+5")
    assert isinstance(odd, Failed)
    assert isinstance(odd.error, Unavailable)
    assert odd.error.unknown_outcome
    late = Update(key="k", object="Lead", id=ident, fields={"Phone": "+7"}, unmodified_since=old)
    before = len(await org.calls())
    assert [type(one) for one in await free.update([late])] == [Done], "lock: off asks for no more than the batch does"
    await put(datetime.now(UTC), Phone="+8")
    assert [one["path"].rpartition("/v65.0")[2] for one in (await org.calls())[before:]][-1] == f"/sobjects/Lead/{ident}"
    assert len(await org.calls()) - before == 4, "a token and a schema for the one that is new, and one call each: the lock costs none"
    await org.delete(ident)
    gone = await put(datetime.now(UTC), Phone="+6")
    assert isinstance(gone, Failed)
    assert isinstance(gone.error, Gone)
    await out.close()
    await free.close()


@pytest.mark.parametrize(("later_s", "taken"), [(0.6, True), (1.0, False)], ids=["within that second", "in the next one"])
async def test_an_edit_within_the_second_that_is_known_is_not_noticed(
    org: SalesforceWorld, sink: Sink, later_s: float, taken: bool
) -> None:
    org.held = datetime.now(UTC).replace(microsecond=200_000) + timedelta(seconds=1)
    known, ident = org.held, org.org.add_lead(Phone="+1")
    org.held = known + timedelta(seconds=later_s)
    await org.edit(ident, {"Phone": "+2"})
    stamp = known.replace(microsecond=0)  # as the record shows it
    (outcome,) = await sink.update([Update(key="k", object="Lead", id=ident, fields={"Phone": "+3"}, unmodified_since=stamp)])
    assert isinstance(outcome, Done) is taken
    assert org.org.lead(ident)["Phone"] == ("+3" if taken else "+2")


async def test_records_that_are_not_shared_are_refused_one_by_one_and_that_is_told_before(
    org: SalesforceWorld, source: Source, sink: Sink
) -> None:
    theirs, own, rep = org.org.add_lead(), org.org.add_lead(OwnerId=org.org.integration_id), org.org.user_id("admin@acme.example")
    wishes = [
        Wish(object="Lead", fields={"Phone": True, "OwnerId": True}, edits=True), Wish(object="Contact", fields={"Phone": True}, edits=True),
        Wish(object="Task", fields={"Truce_Id__c": True}, edits=True),
    ]  # fmt: skip

    async def told() -> list[tuple[bool, str, str]]:
        return [(one.ok, one.what, one.todo.partition(":")[0]) for one in await source.allows(wishes)]

    async def put(*idents: str, **fields: str) -> list[str]:
        found = await sink.update([Update(key=one, object="Lead", id=one, fields=dict(fields)) for one in idents])
        return [one.error.code if isinstance(one, Failed) and isinstance(one.error, Rejected) else "done" for one in found]

    assert await told() == [(True, "Lead: records of other owners can be edited and given to others", "")]
    org.org.doors.sharing({"objects": ["Lead"]})
    assert await told() == [
        (False, "Lead: records of other owners cannot be edited, only seen", "share them with the integration user for editing")
    ]
    assert await put(theirs, own, Phone="+1") == ["INSUFFICIENT_ACCESS_OR_READONLY", "done"]
    org.org.doors.sharing({"objects": ["Lead"], "edits": True})
    ((ok, what, todo),) = await told()
    assert (ok, what.partition(",")[0]) == (False, "Lead: records of other owners cannot be given to somebody else")
    assert todo == "grant the integration user Transfer Leads (truce doctor --grants writes it)"
    assert await put(theirs, Phone="+2") == ["done"]
    assert await put(theirs, own, OwnerId=rep) == ["INSUFFICIENT_ACCESS_OR_READONLY", "done"]
    org.org.doors.sharing({"objects": ["Lead"], "edits": True, "transfers": True})
    assert [ok for ok, _, _ in await told()] == [True]
    assert await put(theirs, OwnerId=rep) == ["done"]


async def test_no_assignment_rule_moves_the_owner_of_what_we_write(org: SalesforceWorld, sink: Sink) -> None:
    owner = org.org.user_id("jo@acme.example")
    fields = {"Truce_Id__c": "t-3", "Email": "kept@example.com", "LastName": "Kept", "Company": "Acme", "OwnerId": owner}
    done = (await sink.create([Create(key="k", object="Lead", fields=dict(fields))]))[0]
    assert isinstance(done, Done)
    assert org.org.lead(done.id)["OwnerId"] == owner


async def test_a_field_that_is_gone_stops_the_reading_with_its_name(org: SalesforceWorld, source: Source) -> None:
    org.org.add_lead()
    await org.drop_field("Title")
    with pytest.raises(Surprising, match="Title"):
        await pages(source, source.start(long_ago()), ["Title"])


async def test_doctor_says_what_is_wrong_with_the_truce_id(org: SalesforceWorld, source: Source) -> None:
    await org.drop_field("Truce_Id__c")
    found = [one for one in await source.doctor({"Phone": True, "Name": True, "IsConverted": False}) if not one.ok]
    assert [one.what for one in found] == ["Lead.Truce_Id__c does not exist or cannot be seen", "Lead.Name is read-only"]
    assert all(one.todo for one in found)


async def test_doctor_says_whose_change_events_are_selected_and_whether_they_can_be_heard() -> None:
    async with salesforce_world(("Lead", "Account")) as org:
        off = load("salesforce").source(org.connection(), NotedBudget(), NotedBreaker())
        on = load("salesforce").source(org.listening(touches="yes"), NotedBudget(), NotedBreaker())
        far = load("salesforce").source(org.listening(events_url="http://127.0.0.1:1"), NotedBudget(), NotedBreaker())
        told = [[one for one in await source.doctor({}) if "event" in one.what] for source in (off, on, far)]
        wishes = [Wish(object=one) for one in ("Lead", "Contact", "Account", "Task")]
        deals = Wish(object="Opportunity", fields={"OpportunityContactRoles": False})
        polled = [[*await source.allows(some)] for source, some in ((off, wishes), (on, wishes), (on, [*wishes, deals]))]
        org.org.org.organization.put(org.org.org.id, {"OrganizationType": "Professional Edition"})
        told += [[one for one in await source.doctor({}) if "event" in one.what] for source in (off, on)]
        for source in (off, on, far):
            await source.close()
    selected = "change events of 2 of the 5 objects that Enterprise Edition allows are selected (Account, Lead)"
    assert [one.what.partition(";")[0] for one in told[0]] == [selected]
    assert "is off" in told[0][0].what
    assert [(one.ok, one.what) for one in told[1]] == [
        (True, selected), (False, "change events of Contact are not selected"),
        (True, "0 of 25000 delivered events used in the last 24 hours"),
    ]  # fmt: skip
    assert [one.ok for one in told[2]] == [True, False, False, True]
    assert [[(one.ok, one.what) for one in some] for some in polled] == [
        [],
        [(True, "change events of Task and CampaignMember are not selected: what changes there is polled")],
        [
            (
                True,
                "change events of Task, Opportunity, OpportunityContactRole and CampaignMember are not selected: what changes there is "
                "polled (of the 7 objects that are read Enterprise Edition allows 5)",
            )
        ],
    ]
    assert "event_objects" in polled[2][0].todo
    assert [(one.ok, one.what) for one in (told[3][0], told[4][0])] == [
        (ok, "Professional Edition has no change events: changes are polled") for ok in (True, False)
    ]


async def test_doctor_says_which_version_is_used_and_who_uses_the_days_calls(org: SalesforceWorld, source: Source) -> None:
    org.org.doors.quota({"daily": 1000, "apps": {"Data Loader": [900, 700], "Zapier": [0, 200]}})
    old = load("salesforce").source(org.connection(api_version="v30.0"), NotedBudget(), NotedBreaker())
    told = {one.what: one for one in await source.doctor({})}
    assert told["API version 65.0 is used, and served (31.0 to 66.0 are)"].ok
    (calls,) = [one for one in told.values() if "API calls" in one.what]
    assert (calls.ok, calls.what.partition(" used")[2]) == (False, " in the last 24 hours (Data Loader 700 of them)")
    (retired,) = [one for one in await old.doctor({}) if "30.0" in one.what]
    await old.close()
    assert (retired.ok, retired.todo) == (False, "set the option api_version to one of 31.0 to 66.0")
    org.org.org.setup = False
    (calls,) = [one for one in await source.doctor({}) if "API calls" in one.what]
    assert (calls.ok, calls.what.partition(" used")[2]) == (False, " in the last 24 hours")


async def test_a_formula_is_described_as_one(org: SalesforceWorld, source: Source) -> None:
    org.org.org.leads.add_field(Field("Fit__c", "Fit", "double", createable=False, updateable=False, calculated=True))
    assert {one.name for one in await source.described("Lead") if one.computed} == {"Fit__c"}
    (told,) = [one for one in await source.doctor({"Fit__c": True}) if "Fit__c" in one.what]
    assert (told.ok, told.what) == (False, "Lead.Fit__c is a formula, which nobody writes")


async def test_doctor_tells_of_campaigns_that_are_not_there(org: SalesforceWorld) -> None:
    there, nowhere = org.org.save("Campaign", Name="Webinar"), "701000000000000AAA"
    source = load("salesforce").source(org.connection(campaigns=f"{there},{nowhere}"), NotedBudget(), NotedBreaker())
    told = {one.what: one for one in await source.doctor({})}
    await source.close()
    assert told[f"there is no campaign {nowhere}"].todo
    assert told["campaign members can be read"].ok


async def test_doctor_with_wrong_credentials_says_so(org: SalesforceWorld) -> None:
    connection = org.connection()
    wrong = type(connection)(connection.system, connection.vendor, connection.url, {"client_id": "truce", "client_secret": "wrong-secret"})
    source = load("salesforce").source(wrong, NotedBudget(), NotedBreaker())
    found = await source.doctor({})
    await source.close()
    assert [one.ok for one in found] == [False]
    assert "wrong-secret" not in found[0].what


async def test_inactive_users_are_listed(org: SalesforceWorld, source: Source) -> None:
    org.org.doors.user({"email": "left@acme.example", "active": False})
    assert {one.email: one.active for one in await source.users()}["left@acme.example"] is False


async def test_salesforce_sends_no_webhooks(source: Source) -> None:
    with pytest.raises(Unwelcome):
        source.notice("POST", "/", {}, b"[]", received_at=long_ago())


async def test_a_quiet_org_costs_one_call_a_poll(org: SalesforceWorld, source: Source) -> None:
    for n in range(org.page - 1):
        org.org.add_lead(Email=f"q{n}@example.com")
    found = await pages(source, source.start(long_ago()), ["Email"])
    before = len(await org.calls())
    again = await pages(source, found[-1].cursor, ["Email"])
    assert not items(again)
    assert len(await org.calls()) == before + 1
