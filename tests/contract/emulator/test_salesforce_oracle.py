"""A client that we did not write, simple-salesforce, works against the emulated org unchanged, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import simple_salesforce as sfdc

from connectors.emulator.control import serve
from connectors.emulator.salesforce import Salesforce
from tests.contract.emulator.salesforce_play import PEOPLE, Desk, session


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    emulator = Salesforce(PEOPLE, page_size=7, assign=False)
    async with serve(emulator.app) as running:
        yield Desk(emulator, running.url)


async def test_a_rep_creates_reads_changes_and_deletes(desk: Desk) -> None:
    def story() -> str:
        made = desk.rep.Lead.create({"LastName": "Doe", "Company": "Acme", "Email": "doe@acme.example"})
        assert made["success"]
        assert made["errors"] == []
        ident = str(made["id"])
        assert desk.rep.Lead.get(ident)["Name"] == "Doe"
        assert desk.rep.Lead.update(ident, {"FirstName": "Dora", "NumberOfEmployees": 12}) == 204
        read = desk.rep.Lead.get(ident)
        assert (read["Name"], read["NumberOfEmployees"], read["OwnerId"]) == ("Dora Doe", 12, desk.emulator.user_id("jo@acme.example"))
        assert desk.rep.Lead.delete(ident) == 204
        with pytest.raises(sfdc.SalesforceResourceNotFound) as gone:
            desk.rep.Lead.update(ident, {"FirstName": "Dan"})
        assert gone.value.content[0]["errorCode"] == "ENTITY_IS_DELETED"
        return ident

    ident = await asyncio.to_thread(story)
    effects = [(effect.client, effect.verb, effect.id) for effect in desk.emulator.journal.effects]
    assert effects == [("jo@acme.example", verb, ident) for verb in ("create", "update", "delete")]
    assert desk.emulator.journal.effects[1].before == {"FirstName": None, "NumberOfEmployees": None}


async def test_upsert_by_external_id_creates_then_updates(desk: Desk) -> None:
    def story() -> tuple[int, int, Any]:
        path = "Truce_Id__c/4f9c2a4e-1111-2222-3333-444455556666"
        first = desk.rep.Lead.upsert(path, {"LastName": "Doe", "Company": "Acme"})
        second = desk.rep.Lead.upsert(path, {"Phone": "+49 30 1"})
        return first, second, desk.rep.Lead.get_by_custom_id("Truce_Id__c", "4F9C2A4E-1111-2222-3333-444455556666")

    first, second, read = await asyncio.to_thread(story)
    assert (first, second, read["Phone"]) == (201, 200, "+49 30 1")
    assert len(desk.emulator.leads()) == 1


async def test_query_all_walks_the_pages(desk: Desk) -> None:
    for number in range(20):
        desk.emulator.add_lead(LastName=f"L{number:02}", Email=f"l{number}@acme.example")
    first = await asyncio.to_thread(desk.rep.query, "SELECT Id, Email FROM Lead ORDER BY LastName")
    everything = await asyncio.to_thread(desk.rep.query_all, "SELECT Id, Email FROM Lead ORDER BY LastName")
    assert (first["totalSize"], first["done"], len(first["records"])) == (20, False, 7)
    assert first["nextRecordsUrl"].startswith("/services/data/v59.0/query/01g")
    assert [record["Email"] for record in everything["records"]] == [f"l{number}@acme.example" for number in range(20)]
    assert first["records"][0]["attributes"]["url"].startswith("/services/data/v59.0/sobjects/Lead/00Q")
    assert len([call for call in desk.emulator.journal.calls if "/query" in call.path]) == 1 + 3


async def test_query_all_with_deleted_shows_merge_losers(desk: Desk) -> None:
    winner, loser = desk.emulator.add_lead(LastName="W"), desk.emulator.add_lead(LastName="L")
    desk.emulator.merge(winner, loser, by="jo@acme.example")
    soql = "SELECT Id, MasterRecordId FROM Lead WHERE IsDeleted = true AND MasterRecordId != null"
    assert (await asyncio.to_thread(desk.rep.query, soql))["totalSize"] == 0
    found = await asyncio.to_thread(lambda: desk.rep.query(soql, include_deleted=True))
    assert [(record["Id"], record["MasterRecordId"]) for record in found["records"]] == [(loser, winner)]


async def test_deleted_and_updated_lists(desk: Desk) -> None:
    kept, lost = desk.emulator.add_lead(), desk.emulator.add_lead()
    now = datetime.now(UTC)
    window = (now - timedelta(minutes=5), now + timedelta(minutes=5))

    def story() -> tuple[Any, Any]:
        desk.rep.Lead.delete(lost)
        return desk.rep.Lead.deleted(*window), desk.rep.Lead.updated(*window)

    deleted, updated = await asyncio.to_thread(story)
    assert [entry["id"] for entry in deleted["deletedRecords"]] == [lost]
    assert updated["ids"] == [kept]
    assert {"earliestDateAvailable", "latestDateCovered"} <= set(deleted)


async def test_describe_limits_and_usage_header(desk: Desk) -> None:
    def story() -> tuple[Any, Any, Any]:
        described = desk.rep.Lead.describe()
        return described, desk.rep.limits(), desk.rep.api_usage["api-usage"]

    described, limits, usage = await asyncio.to_thread(story)
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["Truce_Id__c"]["externalId"]
    assert fields["Truce_Id__c"]["unique"]
    assert [value["value"] for value in fields["Lifecycle_Stage__c"]["picklistValues"]][2] == "MQL"
    assert not fields["ConvertedContactId"]["updateable"]
    assert limits["DailyApiRequests"]["Max"] == 15_000
    assert (usage.used, usage.total) == (2, 15_000)
    assert await asyncio.to_thread(desk.rep.is_sandbox) is False


async def test_collections_by_restful(desk: Desk) -> None:
    rows = [{"attributes": {"type": "Lead"}, "LastName": f"L{n}", "Company": "Acme"} for n in range(3)]
    rows[1] |= {"Lifecycle_Stage__c": "Nonsense"}
    outcome = await asyncio.to_thread(lambda: desk.rep.restful("composite/sobjects", method="POST", json={"records": rows}))
    assert [row["success"] for row in outcome] == [True, False, True]
    assert outcome[1]["errors"][0]["statusCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert outcome[1]["errors"][0]["fields"] == ["Lifecycle_Stage__c"]
    ids = [outcome[0]["id"], outcome[2]["id"]]
    read = await asyncio.to_thread(
        lambda: desk.rep.restful("composite/sobjects/Lead", method="POST", json={"ids": ids, "fields": ["LastName"]})
    )
    assert [row["LastName"] for row in read] == ["L0", "L2"]


@pytest.mark.parametrize(
    ("fields", "code", "named"),
    [
        ({"Company": "Acme"}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ({}, "REQUIRED_FIELD_MISSING", ["LastName", "Company"]),
        ({"LastName": "x" * 81, "Company": "Acme"}, "STRING_TOO_LONG", ["LastName"]),
        (
            {"LastName": "x", "Company": "Acme", "Lifecycle_Stage__c": "Nope"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ["Lifecycle_Stage__c"],
        ),
        ({"LastName": "x", "Company": "Acme", "IsConverted": True}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["IsConverted"]),
        ({"LastName": "x", "Company": "Acme", "Email": "no mail"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({"LastName": "x", "Company": "Acme", "Nothing__c": 1}, "INVALID_FIELD", None),
        ({"LastName": "x", "Company": "Acme", "NumberOfEmployees": "many"}, "JSON_PARSER_ERROR", None),
        ({"LastName": "x", "Company": "Acme", "OwnerId": "0055f00000ZZZZZ"}, "INVALID_CROSS_REFERENCE_KEY", []),
    ],
)
async def test_refusals_arrive_as_the_clients_own_exception(desk: Desk, fields: dict[str, Any], code: str, named: list[str] | None) -> None:
    with pytest.raises(sfdc.SalesforceMalformedRequest) as refused:
        await asyncio.to_thread(desk.rep.Lead.create, fields)
    assert refused.value.content[0]["errorCode"] == code
    assert refused.value.content[0].get("fields") == named
    assert desk.emulator.leads() == []


async def test_other_exceptions(desk: Desk) -> None:
    with pytest.raises(sfdc.SalesforceResourceNotFound):
        await asyncio.to_thread(desk.rep.Lead.get, "00Q5f00000ZZZZZ")
    with pytest.raises(sfdc.SalesforceMalformedRequest) as broken:
        await asyncio.to_thread(desk.rep.query, "SELECT Id FROM Lead WHERE")
    assert broken.value.content[0]["errorCode"] == "MALFORMED_QUERY"
    desk.emulator.sessions.expire(desk.emulator.session("jo@acme.example"))
    with pytest.raises(sfdc.SalesforceExpiredSession) as expired:
        await asyncio.to_thread(desk.rep.limits)
    assert expired.value.content[0]["errorCode"] == "INVALID_SESSION_ID"
    desk.emulator.usage.quota = 0
    with pytest.raises(sfdc.SalesforceRefusedRequest) as over:
        await asyncio.to_thread(desk.admin.limits)
    assert over.value.content[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"


async def test_an_external_id_that_is_not_unique_is_more_than_one_record(desk: Desk) -> None:
    desk.emulator.doors.schema({"add": [{"name": "Legacy_Id__c", "length": 20, "external_id": True}]})
    for _ in range(2):
        desk.emulator.add_lead(Legacy_Id__c="old-1")
    with pytest.raises(sfdc.SalesforceMoreThanOneRecord) as many:
        await asyncio.to_thread(desk.rep.Lead.upsert, "Legacy_Id__c/old-1", {"Phone": "1"})
    assert len(many.value.content) == 2


async def test_the_admin_relaxes_a_validation_rule_by_the_tooling_api(desk: Desk) -> None:
    rule = {"name": "Phone_in_full", "regex": {"Phone": r"0.*"}, "message": "Write phone numbers with the country.", "error_field": "Phone"}
    desk.emulator.doors.validation_rule(rule)
    ident = desk.emulator.add_lead(Phone="+49 30 1")

    def story() -> Any:
        with pytest.raises(sfdc.SalesforceMalformedRequest) as refused:
            desk.rep.Lead.update(ident, {"Phone": "030 1"})
        error = refused.value.content[0]
        assert (error["errorCode"], error["message"], error["fields"]) == ("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule["message"], ["Phone"])
        soql = "SELECT Id, ValidationName, Active FROM ValidationRule WHERE EntityDefinition.QualifiedApiName = 'Lead' AND ValidationName = 'Phone_in_full'"
        found = desk.admin.restful("tooling/query", {"q": soql})["records"][0]
        assert found["Active"] is True
        metadata = desk.admin.toolingexecute(f"sobjects/ValidationRule/{found['Id']}")["Metadata"]
        assert metadata["errorConditionFormula"] == 'REGEX(Phone, "0.*")'
        desk.admin.toolingexecute(f"sobjects/ValidationRule/{found['Id']}", "PATCH", {"Metadata": {**metadata, "active": False}})
        return desk.rep.Lead.update(ident, {"Phone": "030 1"})

    assert await asyncio.to_thread(story) == 204
    assert desk.emulator.lead(ident)["Phone"] == "030 1"


async def test_the_client_logs_in_by_client_credentials(desk: Desk) -> None:
    def login(secret: str) -> Any:
        return sfdc.Salesforce(consumer_key="truce", consumer_secret=secret, domain="acme.my", session=session(desk.url))

    client = await asyncio.to_thread(login, "emulated")
    made = await asyncio.to_thread(client.Lead.create, {"LastName": "Doe", "Company": "Acme"})
    assert desk.emulator.lead(made["id"])["CreatedById"] == desk.emulator.integration_id
    assert desk.emulator.journal.effects[-1].client == "truce"
    desk.emulator.sessions.expire()
    assert await asyncio.to_thread(client.Lead.update, made["id"], {"Phone": "1"}) == 204  # it logged in again by itself
    assert desk.emulator.sessions.minted == 2
    with pytest.raises(sfdc.SalesforceAuthenticationFailed) as failed:
        await asyncio.to_thread(login, "wrong")
    assert failed.value.code == "invalid_client"
