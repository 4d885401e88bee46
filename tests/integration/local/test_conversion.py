"""Lead, contact and account on the wire: a conversion in the middle of a hand-off, a person made under their account, one account in both, an opportunity as a deal. Both emulated systems, real Kafka and PostgreSQL, parts as processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hubspot import HubSpot as Client

from connectors.emulator.journal import Effect
from sync.cli import emulate
from tests.integration.local.town import Town
from tests.integration.local.town import town as run_town

ANA, KIM = "ana@acme.example", "kim.larsen@nordwind.example"


@pytest_asyncio.fixture
async def town(kafka: str, postgres: str, installation: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Town]:
    async with run_town((kafka, postgres, installation), tmp_path, changed=getattr(request, "param", ())) as made:
        yield made


def _updates(town: Town) -> list[Effect]:
    return [one for one in town.wrote(town.marketing) if one.verb == "update"]


async def test_a_conversion_moves_the_person_on_and_makes_nobody_twice(town: Town) -> None:
    lead = town.crm.save(
        "Lead", by=ANA, FirstName="Kim", LastName="Larsen", Company="Nordwind", Email=KIM, Country="Norway", OwnerId=town.crm.user_id(ANA)
    )
    await town.until("the lead is in HubSpot", lambda: town.marketing.by_email(KIM))
    await town.settled()

    before = len(_updates(town))
    became = town.crm.convert(lead, opportunity=True, by=ANA)
    await town.until("HubSpot shows it", lambda: (town.marketing.by_email(KIM) or {}).get("lifecyclestage") == "opportunity")
    await town.until(
        "the contact is known", lambda: town.crm.records("Contact")[0]["Truce_Id__c"]
    )  # by the next poll, where it fell between two
    await town.settled()
    told = _updates(town)[before:]
    assert len(told) == 1, [one.after for one in told]
    contact = str(became["ConvertedContactId"])
    (row,) = town.crm.records("Contact")
    assert row["Id"] == contact
    assert row["Truce_Id__c"], "the contact is known as the person from now on"
    assert row["Lifecycle_Stage__c"] == "Opportunity"

    town.crm.save("Contact", contact, by=ANA, Phone="+47 22 00 00 01")
    await town.until("the contact's phone", lambda: (town.marketing.by_email(KIM) or {}).get("phone") == "+4722000001")

    await town.fill_in(KIM, jobtitle="Head of Operations")
    await town.until("the form's title", lambda: town.crm.records("Contact")[0]["Title"] == "Head of Operations")
    await town.settled()
    assert [row["Id"] for row in town.crm.leads()] == [lead], "no second lead record"
    assert len(town.crm.records("Contact")) == 1
    assert len(town.marketing.contacts()) == 1
    assert await town.pool.fetchval("SELECT count(*) FROM leads WHERE survivor IS NULL") == 1
    assert await town.pool.fetchval("SELECT count(*) FROM duplicates") == 0
    assert [dict(one) for one in await town.pool.fetch("SELECT kind, text FROM problems WHERE closed_at IS NULL")] == []


UNDER_THEIR_ACCOUNT = (
    "fields.yaml",
    "    create: always               # a person",
    "    create: [{as: Contact, when: has(account.name)}, {as: Lead}]\n    # a person",
)


@pytest.mark.parametrize("town", [[UNDER_THEIR_ACCOUNT]], indirect=True, ids=["contacts"])
async def test_who_works_at_a_known_account_becomes_a_contact_under_it_and_others_a_lead(town: Town) -> None:
    account = town.crm.save("Account", Name="Nordwind AS", Website="https://nordwind.example")
    async with asyncio.timeout(60):
        while not await town.pool.fetchval("SELECT count(*) FROM accounts WHERE ref = $1", f"salesforce:Account:{account}"):
            await asyncio.sleep(0.2)
    await town.fill_in(KIM, firstname="Kim", lastname="Larsen", company="Nordwind")
    (contact,) = await town.until("Kim is a contact", lambda: town.crm.records("Contact"))
    assert (contact["AccountId"], contact["Email"], contact["LastName"]) == (account, KIM, "Larsen")
    await town.fill_in("leo@elsewhere.example", firstname="Leo", lastname="Roth")
    (lead,) = await town.until("Leo is a lead", town.crm.leads)
    assert lead["Email"] == "leo@elsewhere.example"
    await town.settled()
    assert (len(town.crm.records("Contact")), len(town.crm.leads()), len(town.crm.records("Account"))) == (1, 1, 1)


async def test_an_account_and_its_company_show_the_same_and_then_nothing_is_written(town: Town) -> None:
    firm = town.crm.save("Account", by=ANA, Name="Nordwind AS", Website="https://www.nordwind.example", Industry="Energy")
    company = town.marketing.put("companies", {"name": "nordwind", "domain": "nordwind.example", "numberofemployees": "50"}, client=ANA)

    def shown() -> tuple[Any, ...]:
        ours, theirs = town.crm.records("Account")[0], town.marketing.record("companies", company)
        return ours["Name"], theirs.get("name"), ours["NumberOfEmployees"], theirs.get("numberofemployees")

    def written() -> list[tuple[str, dict[str, Any]]]:
        every = [*town.crm.journal.effects, *town.marketing.journal.effects]
        return [(one.object, dict(one.after)) for one in every if one.client == "truce" and one.object in ("Account", "companies")]

    await town.until("both show what each side owns", lambda: shown() == ("Nordwind AS", "Nordwind AS", 50, "50"))
    await town.settled()
    assert len(written()) == 2, written()
    owner = town.marketing.record("companies", company).get("hubspot_owner_id")
    assert owner, "the account's owner is the company's"

    town.crm.save("Account", firm, by=ANA, Name="Nordwind Group")
    town.marketing.put("companies", {"numberofemployees": "60", "industry": "RETAIL"}, ident=company, client=ANA)
    await town.until("the edits", lambda: shown() == ("Nordwind Group", "Nordwind Group", 60, "60"))
    await town.settled()
    told = written()
    await asyncio.sleep(3)  # three polls: whatever comes back must not be answered
    assert written() == told
    assert [dict(one) for one in await town.pool.fetch("SELECT kind, text FROM problems WHERE closed_at IS NULL")] == []


COPIED = ("fields.yaml", "opportunities:\n", "opportunities:\n  copy_of: {type: text, policy: marketing, systems: {hubspot: truce_id}}\n")
CLOSING = ("fields.yaml", "systems: {salesforce: CloseDate}", "systems: {salesforce: CloseDate, hubspot: closedate}")


def _deals(url: str) -> list[dict[str, Any]]:
    """Read the deals with their people and companies, as HubSpot's own client does."""
    api = Client.create(access_token=emulate.MARKETING_TOKEN).crm.deals.basic_api
    api.api_client.configuration.host = url
    names = ["truce_id", "dealname", "dealstage", "amount", "closedate", "hubspot_owner_id"]
    found = api.get_page(properties=names, associations=["contacts", "companies"]).results
    ends = [{name: sorted({one.id for one in some.results}) for name, some in (row.associations or {}).items()} for row in found]
    return [{**row.properties, **end} for row, end in zip(found, ends, strict=True)]


@pytest.mark.parametrize("town", [[COPIED, CLOSING]], indirect=True, ids=["copied"])
async def test_an_opportunity_becomes_a_deal_and_stays_it(town: Town) -> None:
    lead = town.crm.save("Lead", by=ANA, FirstName="Kim", LastName="Larsen", Company="Nordwind", Email=KIM, OwnerId=town.crm.user_id(ANA))
    kim = (await town.until("Kim is in HubSpot", lambda: town.marketing.by_email(KIM)))["hs_object_id"]
    became = town.crm.convert(lead, opportunity=True, by=ANA)
    opportunity = str(became["ConvertedOpportunityId"])
    town.crm.save("Opportunity", opportunity, by=ANA, Name="First order", Amount=1200.5, CloseDate="2027-03-01")

    def shown(*names: str) -> list[tuple[str | None, ...]]:
        return [tuple(deal.get(name) for name in names) for deal in town.marketing.records("deals")]

    await town.until("the deal", lambda: shown("dealname", "dealstage", "amount") == [("First order", "appointmentscheduled", "1200.5")])
    (ident,) = [deal["hs_object_id"] for deal in town.marketing.records("deals")]
    await town.until("Kim is in it", lambda: town.marketing.linked("deals", ident, "contacts") == [kim])

    town.crm.save("Account", str(became["ConvertedAccountId"]), by=ANA, Website="https://nordwind.example")
    company = town.marketing.put("companies", {"name": "Nordwind", "domain": "nordwind.example"}, client=ANA)
    await town.until("its company, once it is known", lambda: town.marketing.linked("deals", ident, "companies") == [company])

    town.marketing.put("deals", {"amount": "7"}, ident=ident, client=ANA)
    await town.until("what sales owns is put back", lambda: shown("amount") == [("1200.5",)])
    town.crm.save("Opportunity", opportunity, by=ANA, StageName="Closed Won", Amount=1500)
    await town.until("it is won", lambda: shown("dealstage", "amount") == [("closedwon", "1500")])
    await town.settled()

    (read,) = await asyncio.to_thread(_deals, str(town.visitors.base_url))
    assert (read["truce_id"], read["closedate"][:10]) == (f"salesforce:Opportunity:{opportunity}", "2027-03-01")
    assert (read["contacts"], read["companies"]) == ([kim], [company])
    assert read["hubspot_owner_id"] == town.marketing.record("contacts", kim)["hubspot_owner_id"]

    def written() -> list[Effect]:
        return [one for one in town.wrote(town.marketing) if one.object == "deals"]

    told = written()
    assert [one.verb for one in told].count("create") == 1
    town.crm.doors.delete({"id": opportunity, "by": ANA})
    await town.until(
        "it is known as deleted", lambda: town.pool.fetchval("SELECT gone = 'deleted' FROM opportunities WHERE system = 'salesforce'")
    )
    await town.settled()
    assert written() == told, "the deal stays as it was"
    assert [dict(one) for one in await town.pool.fetch("SELECT kind, text FROM problems WHERE closed_at IS NULL")] == []
