"""A client of Marketo that is not ours (marketorestpython), unchanged, against the emulator: what it cannot send or read is wrong here."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from marketorestpython.client import MarketoClient

from connectors.emulator.control import serve
from connectors.emulator.faults import Fault
from connectors.emulator.marketo import Marketo, activities


def client(url: str, secret: str = "emulated-other") -> Any:
    """Point the client at the emulator."""
    found = MarketoClient("000-AAA-000", "other-tool", secret, None, None, requests_timeout=(3.0, 5.0))
    found.host = url
    return found


async def against(vendor: Marketo, work: Callable[[Any], Any], **more: Any) -> Any:
    async with serve(vendor.app) as running:
        return await asyncio.to_thread(work, client(running.url, **more))


async def test_leads_from_create_to_delete() -> None:
    vendor = Marketo()

    def work(api: Any) -> tuple[Any, ...]:
        given = [{"email": "kim@nordwind.example", "firstName": "Kim"}, {"email": "no address"}, {"email": "b@x.example", "nothing": 1}]
        made = api.execute(method="create_update_leads", leads=given, action="createOnly", lookupField="email")
        ident = made[0]["id"]
        again = api.execute(method="create_update_leads", leads=[{"email": "KIM@nordwind.example", "phone": "+47 22"}])
        taken = api.execute(method="create_update_leads", leads=given[:1], action="createOnly", lookupField="email")
        found = api.execute(
            method="get_multiple_leads_by_filter_type", filterType="email", filterValues=["kim@nordwind.example"], fields=["phone", "fax"]
        )
        one = api.execute(method="get_lead_by_id", id=ident, fields=["firstName"])
        gone = api.execute(method="delete_lead", id=[ident])
        return made, again, taken, found, one, gone

    made, again, taken, found, one, gone = await against(vendor, work)
    assert [row["status"] for row in made] == ["created", "skipped", "skipped"]
    assert [row["reasons"][0]["code"] for row in made[1:]] == ["1003", "1006"]
    assert again == [{"id": made[0]["id"], "status": "updated"}]
    assert taken[0]["reasons"] == [{"code": "1005", "message": "Lead already exists"}]
    assert found == [{"id": made[0]["id"], "phone": "+47 22", "fax": None}]
    assert one == [{"id": made[0]["id"], "firstName": "Kim"}]
    assert gone == [{"id": made[0]["id"], "status": "deleted"}]
    assert [effect.verb for effect in vendor.journal.effects] == ["create", "update", "delete"]


async def test_the_activity_log_by_its_tokens() -> None:
    vendor = Marketo(scan=3)
    winner, loser, gone = [vendor.fill_form(f"a{n}@example.com", lastName=f"A{n}") for n in range(3)]
    vendor.put({"phone": "+1 2"}, ident=winner)
    vendor.act(winner, activities.OPEN, "News")
    vendor.delete(gone)
    since = str((datetime.now(UTC) - timedelta(hours=1)).date())

    def work(api: Any) -> tuple[Any, ...]:
        api.execute(method="merge_lead", id=winner, leadIds=[loser])
        changed = api.execute(method="get_lead_changes", fields=["phone"], sinceDatetime=since)
        acts = api.execute(method="get_lead_activities", activityTypeIds=["2", "10", "32"], sinceDatetime=since)
        deleted = api.execute(method="get_deleted_leads", sinceDatetime=since)
        return changed, acts, deleted, api.execute(method="get_activity_types")

    changed, acts, deleted, types = await against(vendor, work)
    assert [(row["activityTypeId"], row["leadId"]) for row in changed] == [(12, 1), (12, 2), (12, 3), (13, 1)]
    assert changed[-1]["fields"][0]["newValue"] == "+1 2"
    assert [row["activityTypeId"] for row in acts] == [2, 2, 2, 10, 32]
    assert {one["name"]: one["value"] for one in acts[-1]["attributes"]}["Merge IDs"] == f"[{loser}]"
    assert [row["leadId"] for row in deleted] == [int(gone)]
    assert {row["id"] for row in types} >= {1, 2, 12, 13, 32, 37}


async def test_lists_campaigns_programs_schema_and_usage() -> None:
    vendor = Marketo()
    one, two = (vendor.put({"email": f"l{n}@example.com"}) for n in range(2))

    def work(api: Any) -> tuple[Any, ...]:
        added = api.execute(method="add_leads_to_list", listId=1001, id=[one, two])
        removed = api.execute(method="remove_leads_from_list", listId=1001, id=[two])
        held = api.execute(method="get_multiple_leads_by_list_id", listId="1001", fields=["email"])
        inside = api.execute(method="member_of_list", listId=1001, id=[one, two, "99"])
        asked = api.execute(method="request_campaign", id=2001, leads=[one])
        described = api.execute(method="describe2")
        (program,) = api.execute(method="get_program_by_id", id=3001)
        (channel,) = api.execute(method="get_channel_by_name", name=program["channel"])
        return added, removed, held, inside, asked, described, channel, api.execute(method="get_daily_usage")

    added, removed, held, inside, asked, described, channel, usage = await against(vendor, work)
    assert [row["status"] for row in (*added, *removed)] == ["added", "added", "removed"]
    assert [row["id"] for row in held] == [int(one)]
    assert [row["status"] for row in inside] == ["memberof", "notmemberof", "skipped"]
    assert asked
    assert vendor.campaigns[2001] == [int(one)]
    assert {"email", "truceId", "unsubscribed"} <= {field["name"] for field in described[0]["fields"]}
    assert [one["name"] for one in channel["progressionStatuses"]] == ["Not in Program", "Invited", "Registered", "Attended"]
    assert usage[0]["users"] == [{"userId": "other.api@acme.example", "count": 9}]


async def test_bulk_extract_from_create_to_its_file() -> None:
    vendor = Marketo()
    one = vendor.put({"email": "kim@nordwind.example", "lastName": 'Ö"str, \n🙂', "unsubscribed": True})
    vendor.put({"lastName": "שלום"})
    day = datetime.now(UTC).replace(microsecond=0)
    month = {"createdAt": {"startAt": (day - timedelta(days=1)).isoformat(), "endAt": (day + timedelta(days=1)).isoformat()}}

    def work(api: Any) -> tuple[Any, ...]:
        (made,) = api.execute(method="create_leads_export_job", fields=["id", "email", "lastName", "unsubscribed"], filters=month)
        (spare,) = api.execute(method="create_leads_export_job", fields=["id"], filters=month)
        (put,) = api.execute(method="enqueue_leads_export_job", job_id=made["exportId"])
        (off,) = api.execute(method="cancel_leads_export_job", job_id=spare["exportId"])
        (ended,) = api.execute(method="get_leads_export_job_status", job_id=made["exportId"])
        jobs = api.execute(method="get_leads_export_jobs_list")
        return made, put, off, ended, jobs, api.execute(method="get_leads_export_job_file", job_id=made["exportId"])

    made, put, off, ended, jobs, file = await against(vendor, work)
    assert [job["status"] for job in (made, put, off, ended)] == ["Created", "Queued", "Cancelled", "Completed"]
    assert [job["status"] for job in jobs] == ["Completed", "Cancelled"]
    assert (ended["numberOfRecords"], ended["fileSize"]) == (2, len(file))
    assert ended["fileChecksum"] == f"sha256:{hashlib.sha256(file).hexdigest()}"
    assert list(csv.reader(io.StringIO(file.decode(), newline=""))) == [
        ["id", "email", "lastName", "unsubscribed"], [one, "kim@nordwind.example", 'Ö"str, \n🙂', "true"], ["2", "null", "שלום", "null"],
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["603", "607", "610"])
async def test_errors_are_read_as_the_client_reads_marketos(code: str) -> None:
    vendor = Marketo()
    body = f'{{"requestId": "1", "success": false, "errors": [{{"code": "{code}", "message": "No"}}]}}'
    vendor.faults.add(Fault(kind="status", path="/rest/v1", status=200, body=body))
    with pytest.raises(Exception, match=f"'code': '{code}'"):
        await against(vendor, lambda api: api.execute(method="describe2"))


async def test_a_wrong_secret_gets_no_token() -> None:
    with pytest.raises(Exception, match="Bad client credentials"):
        await against(Marketo(), lambda api: api.execute(method="describe2"), secret="wrong")
