"""What Salesforce does to a write: partial failures, all or none, owners, duplicates, locks, ends of records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from connectors.emulator.salesforce import Salesforce
from connectors.emulator.salesforce.ids import Ids, full
from connectors.emulator.salesforce.rules import read_formula
from tests.contract.emulator.salesforce_play import PEOPLE, V, integration, rows

BATCH = f"{V}/composite/sobjects"


def codes(reply: httpx.Response) -> list[str]:
    """Give the status code of each row, '' for success."""
    return ["" if row["success"] else row["errors"][0]["statusCode"] for row in reply.json()]


def test_ids_have_salesforces_own_checksum() -> None:
    # Two ids that Salesforce's documentation prints in both forms, and case that the checksum must tell.
    assert full("001A0000006Vm9r") == "001A0000006Vm9rIAC"
    assert full("001RM000003oCprYAE") == "001RM000003oCprYAE"
    assert full("001RM000003oCprYAF") is None
    assert full("not an id") is None
    ids = Ids()
    taken = [ids.take("00Q") for _ in range(5000)]
    assert taken == sorted(set(taken))


async def test_bad_rows_fail_alone() -> None:
    emulator = Salesforce(PEOPLE)
    known = emulator.add_lead()
    async with integration(emulator) as client:
        body = rows(4)
        body["records"][0]["LastName"] = None
        body["records"][2]["Nothing__c"] = 1
        assert codes(await client.post(BATCH, json=body)) == ["REQUIRED_FIELD_MISSING", "", "INVALID_FIELD", ""]
        changes: list[dict[str, Any]] = [
            {"Id": known, "Phone": "1"},
            {"Id": "00Q5f00000ZZZZZ", "Phone": "1"},
            {"Id": "x", "Phone": "1"},
            {"Phone": "1"},
        ]
        reply = await client.patch(BATCH, json={"records": [{"attributes": {"type": "Lead"}, **change} for change in changes]})
        assert codes(reply) == ["", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "MALFORMED_ID"]
    assert len(emulator.leads()) == 3
    assert [effect.verb for effect in emulator.journal.effects] == ["create", "create", "update"]
    assert [call.rows for call in emulator.journal.calls[1:]] == [4, 4]


async def test_all_or_none_takes_everything_back() -> None:
    emulator = Salesforce(PEOPLE)
    known = emulator.add_lead(Phone="1", Email="k@acme.example")
    before = emulator.lead(known)
    async with integration(emulator) as client:
        body = rows(3, allOrNone=True)
        body["records"][1]["Company"] = ""
        assert codes(await client.post(BATCH, json=body)) == [
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "REQUIRED_FIELD_MISSING",
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        ]
        changes = [
            {"attributes": {"type": "Lead"}, "Id": known, "Email": "other@acme.example"},
            {"attributes": {"type": "Lead"}, "Id": "x"},
        ]
        await client.patch(BATCH, json={"records": changes, "allOrNone": True})
    assert emulator.leads() == [before]
    assert emulator.by_email("k@acme.example") == [before]
    assert emulator.by_email("other@acme.example") == []
    assert emulator.journal.effects == []


async def test_unreadable_json_refuses_the_whole_call() -> None:
    emulator = Salesforce(PEOPLE)
    async with integration(emulator) as client:
        body = rows(2)
        body["records"][1]["Engagement_Score__c"] = "much"
        reply = await client.post(BATCH, json=body)
        assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
        for content in (b"{", b"[]", b'{"records": "x"}', b'{"records": [1]}', b'{"records": [{"a": "\\ud800"}]}', b"\xff"):
            reply = await client.post(BATCH, content=content, headers={"content-type": "application/json"})
            assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
        reply = await client.post(BATCH, content=b'{"records": []}', headers={"content-type": "text/plain"})
        assert (reply.status_code, reply.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
        for sent in ({"ids": "x", "fields": ["Id"]}, {"ids": ["x"], "fields": [1]}, {"ids": 5}):
            assert (await client.post(f"{BATCH}/Lead", json=sent)).status_code == 400
        too_many = await client.post(BATCH, json=rows(201))
        assert (too_many.status_code, too_many.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    assert emulator.leads() == []


async def test_batch_upsert_by_external_id() -> None:
    emulator = Salesforce(PEOPLE)
    known = emulator.add_lead(Truce_Id__c="t-1")
    async with integration(emulator) as client:
        body = rows(5)
        for record, key in zip(body["records"], ["T-1", "t-2", "t-3", "t-3", None], strict=True):
            record["Truce_Id__c"] = key
        reply = await client.patch(f"{BATCH}/Lead/Truce_Id__c", json=body)
        assert codes(reply) == ["", "", "DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]
        assert [row.get("created") for row in reply.json()[:2]] == [False, True]
        assert reply.json()[0]["id"] == known
        missing = await client.patch(f"{BATCH}/Lead/Phone", json=body)
        assert (missing.status_code, missing.json()[0]["errorCode"]) == (404, "NOT_FOUND")
        taken = await client.post(f"{V}/sobjects/Lead", json={"LastName": "x", "Company": "y", "Truce_Id__c": "t-2"})
        assert taken.json()[0]["errorCode"] == "DUPLICATE_VALUE"
        assert reply.json()[1]["id"][:15] in taken.json()[0]["message"]


async def test_the_assignment_rule_moves_the_owner_unless_told_not_to() -> None:
    emulator = Salesforce(PEOPLE)
    jo = emulator.user_id("jo@acme.example")
    ident = emulator.add_lead(OwnerId=jo)
    async with integration(emulator) as client:
        path = f"{V}/sobjects/Lead/{ident}"
        await client.patch(path, json={"Phone": "1"})
        assert emulator.lead(ident)["OwnerId"] == jo
        await client.patch(path, json={"Phone": "2"}, headers={"Sforce-Auto-Assign": "TRUE"})
        assert emulator.lead(ident)["OwnerId"] == emulator.org.queue
        assert emulator.journal.effects[-1].after == {"Phone": "2", "OwnerId": emulator.org.queue}
        gone = await client.patch(path, json={"OwnerId": emulator.user_id("gone@acme.example")})
        assert gone.json()[0]["errorCode"] == "INACTIVE_OWNER_OR_USER"
        assert (await client.patch(path, json={"OwnerId": "jo"})).json()[0]["errorCode"] == "MALFORMED_ID"
        assert (await client.patch(path, json={"OwnerId": emulator.org.queue[:15]})).status_code == 204


async def test_the_duplicate_rule_names_the_record_and_can_be_overridden_when_it_only_warns() -> None:
    emulator = Salesforce(PEOPLE, duplicates="alert")
    ident = emulator.add_lead(Email="doe@acme.example")
    new = {"LastName": "Doe", "Company": "Acme", "Email": "DOE@acme.example"}
    allow = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}
    async with integration(emulator) as client:
        single = (await client.post(f"{V}/sobjects/Lead", json=new)).json()[0]
        batch = (await client.post(BATCH, json={"records": [{"attributes": {"type": "Lead"}, **new}]})).json()[0]["errors"][0]
        assert (single["errorCode"], batch["statusCode"]) == ("DUPLICATES_DETECTED", "DUPLICATES_DETECTED")
        for error in (single, batch):
            assert error["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]["Id"] == ident
        await client.put("/_emulator/duplicates", json={"action": "block"})
        assert (await client.post(f"{V}/sobjects/Lead", json=new, headers=allow)).status_code == 400
        await client.put("/_emulator/duplicates", json={"action": "alert"})
        assert (await client.post(f"{V}/sobjects/Lead", json=new, headers=allow)).status_code == 201


async def test_if_unmodified_since_is_an_optimistic_lock() -> None:
    now = datetime(2026, 3, 1, 12, 0, 0, 900_000, tzinfo=UTC)
    emulator = Salesforce(PEOPLE, clock=lambda: now)
    ident = emulator.add_lead()
    async with integration(emulator) as client:
        for seconds, status in ((-1, 412), (0, 204)):
            since = format_datetime(now + timedelta(seconds=seconds), usegmt=True)
            reply = await client.patch(f"{V}/sobjects/Lead/{ident}", json={"Phone": "1"}, headers={"If-Unmodified-Since": since})
            assert reply.status_code == status
        assert reply.headers.get_list("date") == ["Sun, 01 Mar 2026 12:00:00 GMT"]
    assert emulator.lead(ident)["SystemModstamp"] == "2026-03-01T12:00:00.000+0000"


async def test_locked_converted_merged_deleted_and_restored() -> None:
    emulator = Salesforce(PEOPLE)
    busy, sold, lost, winner = (emulator.add_lead(LastName=name) for name in ("Busy", "Sold", "Lost", "Winner"))
    async with integration(emulator) as client:
        await client.post("/_emulator/locks", json={"ids": [busy], "times": 1})
        became = (await client.post("/_emulator/convert", json={"id": sold, "by": "jo@acme.example"})).json()
        kept = emulator.lead(winner)
        assert (await client.post("/_emulator/merge", json={"winner": winner, "losers": [lost]})).status_code == 200
        assert emulator.lead(winner) == kept
        assert (emulator.lead(lost)["IsDeleted"], emulator.lead(lost)["MasterRecordId"]) == (True, winner)
        body = {"records": [{"attributes": {"type": "Lead"}, "Id": ident, "Phone": "1"} for ident in (busy, sold, lost, winner)]}
        assert codes(await client.patch(BATCH, json=body)) == [
            "UNABLE_TO_LOCK_ROW",
            "CANNOT_UPDATE_CONVERTED_LEAD",
            "ENTITY_IS_DELETED",
            "",
        ]
        assert codes(await client.patch(BATCH, json={"records": body["records"][:1]})) == [""]
        read = await client.post(f"{BATCH}/Lead", json={"ids": [sold, lost, "x"], "fields": ["Id", "ConvertedContactId"]})
        assert [row and row["ConvertedContactId"] for row in read.json()] == [became["ConvertedContactId"], None, None]
        assert became["ConvertedContactId"].startswith("003")
        await client.post("/_emulator/undelete", json={"id": lost})
        deleted = await client.delete(BATCH, params={"ids": f"{busy},{busy}"})
        assert codes(deleted) == ["", "ENTITY_IS_DELETED"]
    assert (emulator.lead(lost)["IsDeleted"], emulator.lead(lost)["MasterRecordId"]) == (False, None)
    verbs = [(effect.verb, effect.client) for effect in emulator.journal.effects if effect.object == "Lead"]
    people = [
        ("convert", "jo@acme.example"),
        ("merge", "jo@acme.example"),
        ("update", "truce"),
        ("update", "truce"),
        ("restore", "jo@acme.example"),
    ]
    assert verbs == [*people, ("delete", "truce")]


async def test_the_call_options_client_comes_back_as_change_origin() -> None:
    emulator = Salesforce(PEOPLE)
    async with integration(emulator) as client:
        made = await client.post(
            f"{V}/sobjects/Lead", json={"LastName": "x", "Company": "y"}, headers={"Sforce-Call-Options": "client=truce"}
        )
    assert emulator.org.origins[made.json()["id"]] == "com/salesforce/api/rest/65.0;client=truce"


async def test_schema_drift_shows_at_once() -> None:
    emulator = Salesforce(PEOPLE)
    ident = emulator.add_lead(Region__c="EMEA", Engagement_Score__c=40.0, Title="CTO")
    drift = {
        "remove": ["Title"],
        "rename": {"Region__c": "Sales_Region__c"},
        "retype": {"Engagement_Score__c": {"type": "string", "length": 4}},
    }
    async with integration(emulator) as client:
        assert (
            await client.post("/_emulator/schema", json={**drift, "picklist": {"Lifecycle_Stage__c": ["MQL", "New"]}})
        ).status_code == 200
        fields = {field["name"]: field for field in (await client.get(f"{V}/sobjects/Lead/describe")).json()["fields"]}
        assert "Title" not in fields
        assert (fields["Engagement_Score__c"]["type"], fields["Engagement_Score__c"]["length"]) == ("string", 4)
        assert (await client.get(f"{V}/sobjects/Lead/{ident}")).json()["Sales_Region__c"] == "EMEA"
        for sent, code in (
            ({"Title": "x"}, "INVALID_FIELD"),
            ({"Engagement_Score__c": 41}, "JSON_PARSER_ERROR"),
            ({"Lifecycle_Stage__c": "SQL"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ):
            assert (await client.patch(f"{V}/sobjects/Lead/{ident}", json=sent)).json()[0]["errorCode"] == code
        assert (await client.get(f"{V}/query", params={"q": "SELECT Title FROM Lead"})).json()[0]["errorCode"] == "INVALID_FIELD"


async def test_an_admin_makes_rules_and_fields_by_the_tooling_api() -> None:
    emulator = Salesforce(PEOPLE, without_fields=["Truce_Id__c"])
    tooling = f"{V}/tooling/sobjects"
    async with integration(emulator) as client:
        field = {
            "FullName": "Lead.Truce_Id__c",
            "Metadata": {"type": "Text", "label": "Truce Id", "length": 36, "externalId": True, "unique": True},
        }
        assert (await client.post(f"{tooling}/CustomField", json=field)).status_code == 201
        assert (await client.post(f"{tooling}/CustomField", json=field)).json()[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"
        assert (await client.patch(f"{V}/sobjects/Lead/Truce_Id__c/t-1", json={"LastName": "x", "Company": "y"})).status_code == 201
        metadata = {"active": True, "errorConditionFormula": 'AND(ISBLANK(Email), NOT(REGEX(Country, "D\\\\w")))', "errorMessage": "No."}
        rule = (await client.post(f"{tooling}/ValidationRule", json={"FullName": "Lead.Mail", "Metadata": metadata})).json()
        refused = await client.patch(f"{V}/sobjects/Lead/Truce_Id__c/t-1", json={"Country": "FR"})
        assert refused.json() == [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "No.", "fields": []}]
        assert (await client.patch(f"{V}/sobjects/Lead/Truce_Id__c/t-1", json={"Country": "DE"})).status_code == 200
        assert (await client.patch(f"{tooling}/ValidationRule/{rule['id']}", json={"Metadata": {"active": False}})).status_code == 204
        assert (await client.patch(f"{V}/sobjects/Lead/Truce_Id__c/t-1", json={"Country": "FR"})).status_code == 200
    with pytest.raises(Exception, match="FIELD_INTEGRITY_EXCEPTION"):
        read_formula('LEN(Phone) > 3 && REGEX(Phone, "x")')
