"""Salesforce's campaigns: responses as touches, and membership as a field of a person that goes forward only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Create, Done, Failed, Item, Sink, Source, Update
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import items, long_ago, pages, snapshots
from connectors.errors import ConnectorError, RateLimited, Rejected, Unavailable
from connectors.registry import load
from schemas.base import Scalar
from schemas.change import RecordChanged
from schemas.touch import TouchRecorded
from tests.contract.salesforce_world import SalesforceWorld, salesforce_world

PEOPLE = {"Lead": ["Email"], "Contact": ["Email"]}


@pytest.fixture
async def org() -> AsyncIterator[SalesforceWorld]:
    async with salesforce_world() as world:
        yield world


def source(org: SalesforceWorld, **options: str) -> Source:
    return load("salesforce").source(org.connection(**options), NotedBudget(), NotedBreaker())  # type: ignore[arg-type]  # all of them are options


def sink(org: SalesforceWorld, campaign: str) -> Sink:
    return load("salesforce").sink(org.connection(campaigns=campaign), NotedBudget(), NotedBreaker())


def campaign(org: SalesforceWorld, type_: str = "Webinar") -> str:
    """Make a campaign whose members go through Sent, Registered, Attended (responded)."""
    ident = org.org.save("Campaign", Name=f"Autumn {type_}", Type=type_)
    for label, order, responded in (("Registered", 3, False), ("Attended", 4, True)):
        org.org.save("CampaignMemberStatus", CampaignId=ident, Label=label, SortOrder=order, HasResponded=responded)
    return ident


def member(org: SalesforceWorld, ident: str) -> Mapping[str, Scalar]:
    (found,) = [row for row in org.org.records("CampaignMember") if ident in (row["LeadId"], row["ContactId"])]
    return found


async def touches(side: Source) -> list[TouchRecorded]:
    try:
        return [one for one in items(await pages(side, side.start(long_ago()), PEOPLE)) if isinstance(one, TouchRecorded)]
    finally:
        await side.close()


async def test_a_response_is_a_touch_of_its_person_with_the_campaign_and_its_type(org: SalesforceWorld) -> None:
    ident, lead, contact = campaign(org), org.org.add_lead(), org.org.save("Contact", LastName="Lund")
    quiet = org.org.add_lead()
    for name, person, status in (("LeadId", lead, "Attended"), ("ContactId", contact, "Attended"), ("LeadId", quiet, "Registered")):
        org.org.save("CampaignMember", CampaignId=ident, Status=status, **{name: person})
    told = await touches(source(org, touches="yes"))
    assert {one.ref for one in told} == {f"salesforce:Lead:{lead}", f"salesforce:Contact:{contact}"}
    assert {(one.kind, one.name, one.details["type"], one.details["status"]) for one in told} == {
        ("campaign", "Autumn Webinar", "Webinar", "Attended")
    }
    assert all(abs((one.at - datetime.now(UTC)).total_seconds()) < 10 for one in told)
    assert await touches(source(org)) == []  # nobody asked


async def test_the_type_of_a_campaign_says_which_kind_of_touch_a_response_is(org: SalesforceWorld) -> None:
    for type_ in ("Webinar", "Email", "Advertisement"):
        org.org.save("CampaignMember", CampaignId=campaign(org, type_), LeadId=org.org.add_lead(), Status="Attended")
    told = await touches(source(org, touches="yes", campaign_types="webinar=meeting, Advertisement="))
    assert {one.details["type"]: one.kind for one in told} == {"Webinar": "meeting", "Email": "campaign"}
    with pytest.raises(ValueError, match="campaign_types"):
        source(org, campaign_types="Webinar=dance")


async def test_a_response_is_one_act_whatever_else_happens_to_the_member(org: SalesforceWorld) -> None:
    ident, lead, side = campaign(org), org.org.add_lead(), source(org, touches="yes")
    made = org.org.save("CampaignMember", CampaignId=ident, LeadId=lead, Status="Responded")
    first = await pages(side, side.start(long_ago()), PEOPLE)
    org.held = datetime.now(UTC) + timedelta(days=1)
    org.org.save("CampaignMember", made, Status="Attended")
    org.org.convert(lead)
    again = await pages(side, first[-1].cursor, PEOPLE)
    await side.close()
    acts = [one for one in items([*first, *again]) if isinstance(one, TouchRecorded)]
    assert {one.activity_id for one in acts} == {f"CampaignMember:{made}"}
    assert {one.at.date() for one in acts} == {datetime.now(UTC).date()}


async def test_what_we_set_ourselves_is_nobodys_act(org: SalesforceWorld) -> None:
    ident, lead = campaign(org), org.org.add_lead()
    out = sink(org, ident)
    row = Update(key="k", object="Lead", id=lead, fields={f"campaigns.{ident}": "Attended"})
    assert [type(one) for one in await out.update([row])] == [Done]
    await out.close()
    assert await touches(source(org, touches="yes")) == []


async def test_membership_is_a_field_that_is_read_with_the_person(org: SalesforceWorld) -> None:
    ident, lead, contact = campaign(org), org.org.add_lead(Email="a@nord.example"), org.org.save("Contact", LastName="Lund")
    none, name = org.org.add_lead(), f"campaigns.{ident}"
    org.org.save("CampaignMember", CampaignId=ident, LeadId=lead, Status="Registered")
    org.org.save("CampaignMember", CampaignId=ident, ContactId=contact, Status="Attended")
    side = source(org, campaigns=ident[:15])
    assert (await side.fields("Lead"))[name] == (await side.fields("Contact"))[name] == "text"
    assert name not in await side.fields("Account")
    wanted = {"Lead": ["Email", name], "Contact": ["Email", name]}
    found = await pages(side, side.start(long_ago()), wanted)
    told = {ident: one.fields[name] for ident, one in snapshots(items(found)).items()}
    assert told == {lead: "Registered", contact: "Attended", none: None}
    swept = [one for page in [page async for page in side.everything(None, wanted)] for one in page.items]
    assert {ident: one.fields[name] for ident, one in snapshots(swept).items()} == {lead: "Registered", none: None}  # the contact is new
    (read,) = await side.read([lead], ["Email", name])
    assert isinstance(read, RecordChanged)
    assert read.fields == {"Email": "a@nord.example", name: "Registered"}
    org.org.save("CampaignMember", str(member(org, lead)["Id"]), Status="Attended")  # the lead's own times stay as they are
    later = snapshots(items(await pages(side, found[-1].cursor, wanted)))
    assert later[lead].fields[name] == "Attended"
    await side.close()


async def test_who_is_given_a_status_becomes_a_member_and_goes_forward_but_never_back(org: SalesforceWorld) -> None:
    ident, lead = campaign(org), org.org.add_lead()
    contact, name, out = org.org.save("Contact", LastName="Lund"), f"campaigns.{ident}", sink(org, ident)
    assert name in (await out.capabilities("Lead")).writable
    assert name not in (await out.capabilities("Account")).writable

    async def put(object_: str, person: str, status: Scalar, **more: Scalar) -> Item | Done | Failed:
        return (await out.update([Update(key="k", object=object_, id=person, fields={name: status, **more})]))[0]

    assert isinstance(await put("Lead", lead, "Registered", Phone="+47 1"), Done)
    assert isinstance(await put("Contact", contact, "Registered"), Done)
    assert (member(org, lead)["Status"], member(org, contact)["Status"]) == ("Registered", "Registered")
    assert org.org.lead(lead)["Phone"] == "+47 1"
    assert isinstance(await put("Lead", lead, "Attended"), Done)
    effects = len(await org.effects())
    assert isinstance(await put("Lead", lead, "Attended"), Done)  # is there already: nothing is written
    assert len(await org.effects()) == effects
    for status, words in (("Registered", "goes forward only"), (None, "nobody leaves"), ("Dancing", "no such status")):
        refused = await put("Lead", lead, status)
        assert isinstance(refused, Failed)
        assert isinstance(refused.error, Rejected)
        assert [one.field for one in refused.error.refused] == [name]
        assert words in refused.error.words
    assert member(org, lead)["Status"] == "Attended"
    await out.close()


async def test_of_a_batch_the_good_rows_are_members_and_the_bad_one_is_told(org: SalesforceWorld) -> None:
    ident, leads = campaign(org), [org.org.add_lead() for _ in range(3)]
    name, out = f"campaigns.{ident}", sink(org, ident)
    gone = leads[1]
    await org.delete(gone)
    rows = [Update(key=one, object="Lead", id=one, fields={name: "Registered", "Phone": "+47 1"}) for one in leads]
    assert [type(one) for one in await out.update(rows)] == [Done, Failed, Done]
    assert {row["LeadId"] for row in org.org.records("CampaignMember")} == {leads[0], leads[2]}
    await out.close()


async def test_a_second_try_after_a_lost_answer_makes_no_second_member(org: SalesforceWorld) -> None:
    ident, lead = campaign(org), org.org.add_lead()
    row = Update(key="k", object="Lead", id=lead, fields={f"campaigns.{ident}": "Registered"})
    out = sink(org, ident)
    await org.fault(kind="drop_answer", method="POST", path="/composite/sobjects")
    (lost,) = await out.update([row])
    assert isinstance(lost, Failed)
    assert isinstance(lost.error, Unavailable)
    assert [type(one) for one in await out.update([row])] == [Done]
    assert len(org.org.records("CampaignMember")) == 1
    await out.close()


async def test_a_new_record_is_made_without_its_membership_which_the_next_update_brings(org: SalesforceWorld) -> None:
    ident = campaign(org)
    fields = {"Truce_Id__c": "t-1", "LastName": "New", "Company": "Acme", f"campaigns.{ident}": "Registered"}
    out = sink(org, ident)
    (made,) = await out.create([Create(key="k", object="Lead", fields=dict(fields))])
    assert isinstance(made, Done)
    assert made.left == (f"campaigns.{ident}",), "or it would count as written"
    assert org.org.records("CampaignMember") == []
    (read,) = await out.read([made.id], [f"campaigns.{ident}"])
    assert isinstance(read, RecordChanged)
    assert read.fields == {f"campaigns.{ident}": None}
    await out.close()


def test_campaigns_are_named_by_their_ids(org: SalesforceWorld) -> None:
    with pytest.raises(ValueError, match="campaigns"):
        source(org, campaigns="Autumn Webinar")


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("UNABLE_TO_LOCK_ROW", Unavailable),
        ("REQUEST_LIMIT_EXCEEDED", RateLimited),
        ("INVALID_STATUS", Rejected),
        ("DUPLICATE_VALUE", Unavailable),
    ],
)
async def test_what_passes_is_no_refusal_of_a_member(org: SalesforceWorld, code: str, error: type[ConnectorError]) -> None:
    """Of a campaign that many are put into at once the row is locked: who was turned away is put in the next time."""
    ident, lead = campaign(org), org.org.add_lead()
    body = f'[{{"success": false, "errors": [{{"statusCode": "{code}", "message": "unable to obtain exclusive access", "fields": []}}]}}]'
    out = sink(org, ident)
    await org.fault(kind="status", status=200, path="/composite/sobjects", body=body)
    (failed,) = await out.update([Update(key="k", object="Lead", id=lead, fields={f"campaigns.{ident}": "Registered"})])
    await out.close()
    assert isinstance(failed, Failed)
    assert type(failed.error) is error
