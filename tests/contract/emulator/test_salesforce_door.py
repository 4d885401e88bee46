"""The org's front door: sessions, quota, scripted faults, and what the journal keeps of every call."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.emulator.faults import Fault
from connectors.emulator.salesforce import Salesforce
from tests.contract.emulator.salesforce_play import PEOPLE, V, integration, rows
from tests.examples import examples

LEAD = {"LastName": "Doe", "Company": "Acme"}


async def test_tokens_expire_and_can_be_revoked() -> None:
    emulator = Salesforce(PEOPLE)
    form = {"grant_type": "client_credentials"}
    async with integration(emulator) as client:
        assert (await client.post("/_emulator/expire", json={})).json() == {"expired": 1}
        reply = await client.get(f"{V}/limits")
        assert (reply.status_code, reply.json()) == (401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])
        basic = await client.post("/services/oauth2/token", data=form, auth=("truce", "emulated"))
        granted = basic.json()
        assert granted["instance_url"] == str(client.base_url).rstrip("/")
        assert granted["id"] == f"{granted['instance_url']}/id/{emulator.org.id}/{emulator.integration_id}"
        assert not {"refresh_token", "expires_in"} & set(granted)
        person = await client.get(granted["id"], headers={"Authorization": f"Bearer {granted['access_token']}"})
        assert person.json()["user_id"] == emulator.integration_id
        await client.post("/_emulator/revoke", json={})
        for auth in (("truce", "wrong"), ("truce", "emulated")):
            refused = await client.post("/services/oauth2/token", data=form, auth=auth)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client")


async def test_the_daily_quota_refuses_and_every_reply_tells_the_usage() -> None:
    emulator = Salesforce(PEOPLE, daily_quota=3)
    async with integration(emulator) as client:
        await client.post("/_emulator/quota", json={"used_by_others": 1})
        replies = [await client.get(f"{V}/limits") for _ in range(3)]
        assert [reply.status_code for reply in replies] == [200, 200, 403]
        assert [reply.headers["Sforce-Limit-Info"] for reply in replies] == ["api-usage=2/3", "api-usage=3/3", "api-usage=3/3"]
        assert replies[2].json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"
        await client.post("/_emulator/quota", json={"reset": True})
        assert (await client.get(f"{V}/limits")).status_code == 200


async def test_paths_and_methods_that_are_not_there() -> None:
    async with integration(Salesforce(PEOPLE)) as client:
        for path in (f"{V}/nonsense", f"{V}/sobjects/Nonsense/describe", f"{V}/sobjects/Lead/00Q5f00000ZZZZZ", "/nonsense"):
            reply = await client.get(path)
            assert (reply.status_code, reply.json()[0]["errorCode"]) == (404, "NOT_FOUND")
        reply = await client.put(f"{V}/sobjects/Lead", json={})
        assert (reply.status_code, reply.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
        assert (await client.get(f"{V}/query", params={"q": "x" * 17_000})).status_code == 414
        versions = (await client.get("/services/data/", headers={"Authorization": ""})).json()
        assert {"59.0", "65.0"} <= {version["version"] for version in versions}


async def test_status_slow_quota_and_broken_json_faults() -> None:
    emulator = Salesforce(PEOPLE)
    async with integration(emulator) as client:
        path = f"{V}/sobjects/Lead"
        for fault in (
            Fault(kind="status", status=503, path="/sobjects", times=2),
            Fault(kind="quota", method="POST"),
            Fault(kind="slow", seconds=0.2),
            Fault(kind="invalid_json"),
        ):
            await client.post("/_emulator/faults", content=fault.model_dump_json())
        for status in (503, 503, 403):
            assert (await client.post(path, json=LEAD)).status_code == status
        assert emulator.leads() == []
        started = time.perf_counter()
        assert (await client.post(path, json=LEAD)).status_code == 201
        assert time.perf_counter() - started >= 0.2
        with pytest.raises(json.JSONDecodeError):
            (await client.post(path, json=LEAD)).json()
    assert len(emulator.leads()) == 2
    assert [call.status for call in emulator.journal.calls[1:]] == [503, 503, 403, 201, 201]


async def test_a_dropped_answer_was_applied_and_a_timeout_was_not() -> None:
    emulator = Salesforce(PEOPLE)
    async with integration(emulator) as client:
        emulator.faults.add(Fault(kind="drop_answer", path="/composite"))
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(f"{V}/composite/sobjects", json=rows(2))
        assert len(emulator.leads()) == 2
        emulator.faults.add(Fault(kind="timeout"))
        with pytest.raises(httpx.ReadTimeout):
            await client.post(f"{V}/sobjects/Lead", json=LEAD, timeout=0.2)
        assert len(emulator.leads()) == 2
        assert (await client.get(f"{V}/limits")).status_code == 200


async def test_latency_is_added_to_every_answer() -> None:
    async with integration(Salesforce(PEOPLE)) as client:
        await client.post("/_emulator/latency", json={"seconds": 0.15})
        started = time.perf_counter()
        await client.get(f"{V}/limits")
        assert time.perf_counter() - started >= 0.15


async def timed(call: Awaitable[httpx.Response]) -> float:
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


async def test_small_answers_are_sent_at_once() -> None:
    async with integration(Salesforce(PEOPLE)) as client:
        least = min([await timed(client.get(f"{V}/limits")) for _ in range(20)])
    assert least < 0.03  # a listener without TCP_NODELAY makes each one wait 40 ms


async def test_the_journal_tells_reading_from_writing() -> None:
    emulator = Salesforce(PEOPLE)
    ident = emulator.add_lead()
    async with integration(emulator) as client:
        await client.get(f"{V}/query/", params={"q": "SELECT Id FROM Lead"})
        await client.post(f"{V}/composite/sobjects/Lead", json={"ids": [ident], "fields": ["Id"]})
        await client.patch(f"{V}/sobjects/Lead/{ident}", json={"Phone": "1"})
        calls = (await client.get("/_emulator/journal/calls")).json()
        effects = (await client.get("/_emulator/journal/effects")).json()
    assert [(call["client"], call["method"], call["writing"], call["rows"]) for call in calls[1:]] == [
        ("truce", "GET", False, 1),
        ("truce", "POST", False, 1),
        ("truce", "PATCH", True, 1),
    ]
    assert [(effect["verb"], effect["before"], effect["after"]) for effect in effects] == [("update", {"Phone": None}, {"Phone": "1"})]


async def test_two_hundred_rows_cost_the_same_among_many() -> None:
    few, many = await cost(1_000), await cost(20_000)
    assert many[0] < 3 * few[0]  # a look through all leads for each row would make it twenty times
    assert many[1] < 3 * few[1]


async def cost(leads: int) -> tuple[float, float]:
    """Give the least CPU seconds that writing 200 rows took, and reading 200, among so many leads."""
    emulator = Salesforce(PEOPLE, duplicates="alert")
    for number in range(leads):
        emulator.add_lead(Email=f"p{number}@acme.example", Truce_Id__c=f"t-{number}")
    since = str(emulator.leads()[0]["SystemModstamp"]).replace(".000+0000", "Z")
    soql = f"SELECT Id, Email FROM Lead WHERE SystemModstamp >= {since} ORDER BY SystemModstamp, Id LIMIT 200"
    body, reading, writing = rows(200), [], []
    async with integration(emulator) as client:
        for batch in range(5):
            for number, record in enumerate(body["records"], batch * 200):
                record |= {"Truce_Id__c": f"t-{number}", "Email": f"p{number}@acme.example", "Phone": str(batch)}
            writing.append(await worked(client.patch(f"{V}/composite/sobjects/Lead/Truce_Id__c", json=body)))
            reading.append(await worked(client.get(f"{V}/query", params={"q": soql})))
    assert [effect.verb for effect in emulator.journal.effects] == ["update"] * 1_000
    return min(writing), min(reading)


async def worked(call: Awaitable[httpx.Response]) -> float:
    started = time.process_time()
    await call
    return time.process_time() - started


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "records",
                    "ids",
                    "fields",
                    "attributes",
                    "type",
                    "Id",
                    "Email",
                    "LastName",
                    "Truce_Id__c",
                    "OwnerId",
                    "AnnualRevenue",
                    "Metadata",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
PATHS = (
    ("POST", "/sobjects/Lead"), ("PATCH", "/sobjects/Lead/Truce_Id__c/t"), ("POST", "/composite/sobjects"), ("PATCH", "/composite/sobjects"),
    ("PATCH", "/composite/sobjects/Lead/Truce_Id__c"), ("POST", "/composite/sobjects/Lead"), ("POST", "/tooling/sobjects/ValidationRule"),
)  # fmt: skip


@examples(150)
@given(
    path=st.sampled_from(PATHS),
    content=JSON
    | st.fixed_dictionaries(
        {
            "records": st.lists(
                st.fixed_dictionaries(
                    {"attributes": st.just({"type": "Lead"})},
                    optional={"Id": JSON, "Email": JSON, "Truce_Id__c": JSON, "NumberOfEmployees": JSON},
                ),
                max_size=3,
            )
        }
    ),
)
def test_any_json_is_answered_and_what_is_refused_leaves_no_trace(path: tuple[str, str], content: object) -> None:
    emulator = Salesforce(PEOPLE)
    headers = {"Authorization": f"Bearer {emulator.session('jo@acme.example')}"}

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(emulator.app), base_url="http://org", headers=headers) as client:
            return await client.request(path[0], V + path[1], json=content)

    reply = asyncio.run(send())
    assert reply.status_code in (200, 201, 400, 404, 415)  # no content, no type of it
    if reply.status_code >= 400:
        assert all({"errorCode", "message"} <= set(error) for error in reply.json())
        assert emulator.leads() == []
    assert len(emulator.leads()) == len(emulator.journal.effects)
