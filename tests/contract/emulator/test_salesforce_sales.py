"""Contacts, accounts, opportunities, tasks and the conversion of a lead, by simple-salesforce, which knows nothing of us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import simple_salesforce as sfdc

from connectors.emulator.control import serve
from connectors.emulator.salesforce import Salesforce
from tests.contract.emulator.salesforce_play import PEOPLE, Desk

ROLES = "SELECT Id, StageName, (SELECT ContactId, IsPrimary FROM OpportunityContactRoles WHERE IsDeleted = false) FROM Opportunity"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    emulator = Salesforce(PEOPLE)
    async with serve(emulator.app) as running:
        yield Desk(emulator, running.url)


async def test_a_rep_notes_a_meeting_and_it_goes_along_with_the_lead(desk: Desk) -> None:
    lead = desk.emulator.add_lead(LastName="Larsen", Company="Nordwind", Email="kim@nordwind.example")
    times = {"StartDateTime": "2026-11-27T10:00:00Z", "EndDateTime": "2026-11-27T10:45:00Z"}

    def play() -> tuple[Any, Any]:
        made = desk.rep.Event.create({"WhoId": lead, "Subject": "Demo", **times})
        with pytest.raises(sfdc.SalesforceMalformedRequest) as refused:
            desk.rep.Event.create({"WhoId": lead, "Subject": "Without a time"})
        assert refused.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
        soql = "SELECT Id, EndDateTime, IsChild FROM Event WHERE EndDateTime <= 2026-11-27T10:45:00Z AND IsAllDayEvent = false ORDER BY EndDateTime"
        return desk.rep.Event.get(made["id"]), desk.rep.query(soql)["records"]

    event, found = await asyncio.to_thread(play)
    assert (event["DurationInMinutes"], event["OwnerId"], event["IsGroupEvent"]) == (45, desk.emulator.user_id("jo@acme.example"), False)
    assert [row["Id"] for row in found] == [event["Id"]]
    became = desk.emulator.convert(lead)
    assert desk.emulator.records("Event")[0]["WhoId"] == became["ConvertedContactId"]


async def test_a_conversion_makes_all_its_records_in_one_transaction(desk: Desk) -> None:
    org = desk.emulator
    jo = org.user_id("jo@acme.example")
    lead = org.add_lead(FirstName="Kim", LastName="Larsen", Company="Nordwind", Email="kim@nordwind.example", Country="NO", OwnerId=jo)
    task = org.save("Task", WhoId=lead, Subject="Call Kim")
    became = org.convert(lead, opportunity=True, by="jo@acme.example")

    def read() -> dict[str, Any]:
        rep = desk.rep
        found = {"lead": rep.Lead.get(lead), "contact": rep.Contact.get(became["ConvertedContactId"])}
        found["account"] = rep.Account.get(became["ConvertedAccountId"])
        found["deals"], found["task"] = rep.query(ROLES)["records"], rep.Task.get(task)
        return found

    found = await asyncio.to_thread(read)
    lead_row, contact, account = found["lead"], found["contact"], found["account"]
    assert (contact["Name"], contact["Email"], contact["MailingCountry"], contact["OwnerId"]) == (
        "Kim Larsen",
        "kim@nordwind.example",
        "NO",
        jo,
    )
    assert (account["Name"], contact["AccountId"]) == ("Nordwind", account["Id"])
    assert [deal["Id"] for deal in found["deals"]] == [became["ConvertedOpportunityId"]]
    roles = found["deals"][0]["OpportunityContactRoles"]
    assert [(role["ContactId"], role["IsPrimary"]) for role in roles["records"]] == [(contact["Id"], True)]
    assert found["task"]["WhoId"] == contact["Id"], "what is open goes along"
    assert (lead_row["IsConverted"], lead_row["Status"]) == (True, "Closed - Converted")
    times = {row["SystemModstamp"] for row in (lead_row, contact, account)} | {contact["CreatedDate"], account["CreatedDate"]}
    assert len(times) == 1, "one transaction, one time"
    effects = [(one.verb, one.object) for one in org.journal.effects if one.client == "jo@acme.example"]
    assert effects[-1] == ("convert", "Lead")
    assert {one for one in effects if one[0] == "create"} >= {("create", name) for name in ("Contact", "Account", "Opportunity")}
    with pytest.raises(sfdc.SalesforceMalformedRequest) as refused:
        await asyncio.to_thread(desk.rep.Lead.update, lead, {"Phone": "1"})
    assert refused.value.content[0]["errorCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


async def test_records_beside_leads_are_made_changed_and_deleted(desk: Desk) -> None:
    def story() -> tuple[Any, ...]:
        rep = desk.rep
        account = rep.Account.create({"Name": "Nordwind"})["id"]
        contact = rep.Contact.create({"LastName": "Larsen", "AccountId": account})["id"]
        deal = rep.Opportunity.create({"Name": "Pilot", "AccountId": account, "StageName": "Prospecting", "CloseDate": "2026-12-24"})["id"]
        rep.OpportunityContactRole.create({"OpportunityId": deal, "ContactId": contact})
        rep.Opportunity.update(deal, {"StageName": "Closed Won"})
        task = rep.Task.create({"WhoId": contact, "Subject": "Call"})["id"]
        rep.Task.update(task, {"Status": "Completed"})
        with pytest.raises(sfdc.SalesforceMalformedRequest) as wrong:
            rep.Contact.create({"LastName": "Lost", "AccountId": contact})
        rows = rep.query(ROLES)["records"]
        described = {one["relationshipName"] for one in rep.Opportunity.describe()["childRelationships"]}
        return rep.Opportunity.get(deal), rep.Task.get(task), wrong.value.content[0], rows, contact, described

    deal, task, wrong, rows, contact, described = await asyncio.to_thread(story)
    assert (deal["IsClosed"], deal["IsWon"]) == (True, True)
    assert task["IsClosed"]
    assert task["CompletedDateTime"] == task["SystemModstamp"]
    assert (wrong["errorCode"], wrong["fields"]) == ("INVALID_CROSS_REFERENCE_KEY", ["AccountId"])
    assert [role["ContactId"] for role in rows[0]["OpportunityContactRoles"]["records"]] == [contact]
    assert "OpportunityContactRoles" in described


async def test_a_task_is_upserted_by_our_key_once(desk: Desk) -> None:
    lead = desk.emulator.add_lead(LastName="Larsen")

    def story() -> list[int]:
        fields = {"WhoId": lead, "Subject": "First response", "ActivityDate": "2026-11-25"}
        return [desk.rep.Task.upsert("Truce_Id__c/handoff-1", fields) for _ in range(2)]

    assert await asyncio.to_thread(story) == [201, 200]
    assert [row["Subject"] for row in desk.emulator.records("Task")] == ["First response"]


async def test_several_requests_are_one_call(desk: Desk) -> None:
    lead = desk.emulator.add_lead(LastName="Larsen")
    query: dict[str, Any] = {"method": "GET", "url": "/services/data/v59.0/query?q=SELECT+Id+FROM+Lead"}

    def story() -> list[Any]:
        rep, told = desk.rep, list[Any]()
        change = {"method": "PATCH", "url": f"/services/data/v59.0/sobjects/Lead/{lead}", "body": {"Phone": "1"}}
        for parts in ([query, change], [{**query, "url": "/services/data/v59.0/query?q=SELECT+Nothing+FROM+Lead"}, query], [query] * 6):
            sent = {"compositeRequest": [{**part, "referenceId": f"r{n}"} for n, part in enumerate(parts)]}
            try:
                told.append(rep.restful("composite", method="POST", json=sent)["compositeResponse"])
            except sfdc.SalesforceMalformedRequest as refused:
                told.append(refused.content[0]["errorCode"])
        return told

    used = desk.emulator.usage.used
    good, half, refused = await asyncio.to_thread(story)
    assert [(one["referenceId"], one["httpStatusCode"]) for one in good] == [("r0", 200), ("r1", 204)]
    assert good[0]["body"]["records"][0]["Id"] == lead
    assert desk.emulator.lead(lead)["Phone"] == "1"
    assert [one["httpStatusCode"] for one in half] == [400, 200], "one that fails leaves the others alone"
    assert refused == "LIMIT_EXCEEDED"
    assert desk.emulator.usage.used - used == 3, "each series is one call toward the day's limit"
    assert [call.writing for call in desk.emulator.journal.calls[-3:]] == [True, False, True]


async def test_a_member_is_once_in_a_campaign_and_has_responded_when_its_status_says_so(desk: Desk) -> None:
    def play() -> None:
        lead = desk.rep.Lead.create({"LastName": "Larsen", "Company": "Nordwind"})["id"]
        campaign = desk.rep.Campaign.create({"Name": "Webinar", "Type": "Webinar"})["id"]
        statuses = desk.rep.query(f"SELECT Label, SortOrder, HasResponded FROM CampaignMemberStatus WHERE CampaignId = '{campaign}'")[
            "records"
        ]
        assert [(one["Label"], one["HasResponded"]) for one in statuses] == [("Sent", False), ("Responded", True)]
        member = desk.rep.CampaignMember.create({"CampaignId": campaign, "LeadId": lead, "Status": "No such status"})["id"]
        told = desk.rep.CampaignMember.get(member)
        assert (told["Status"], told["HasResponded"], told["FirstRespondedDate"]) == ("Sent", False, None)
        with pytest.raises(sfdc.SalesforceMalformedRequest, match=r"Already a campaign member\."):
            desk.rep.CampaignMember.create({"CampaignId": campaign, "LeadId": lead})
        desk.rep.CampaignMember.update(member, {"Status": "Responded"})
        told = desk.rep.CampaignMember.get(member)
        assert (told["HasResponded"], len(told["FirstRespondedDate"])) == (True, 10)
        became = desk.emulator.convert(lead)
        assert desk.rep.CampaignMember.get(member)["ContactId"] == became["ConvertedContactId"]

    await asyncio.to_thread(play)
