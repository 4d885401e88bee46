"""Signed doors: what a sender that is not ours signs stands on `changes` once; what is forged, old, sent again or too much does not."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest_asyncio
from standardwebhooks.webhooks import Webhook

from schemas.change import RecordChanged
from schemas.touch import TouchRecorded
from sync.lead.identity import email_identity
from sync.sources.doors import AT_ONCE, MAX_BODY
from tests.integration.sources.signed import BODY, NEW, OLD, Signed, agreed, signed

SECRETS = {"website": f"{OLD} {NEW}", "enrichment": NEW, "visitors": NEW, "nobody": NEW}
LOOP = """
rules:
  - id: one
    when: body.answers.exists(a, a.value.matches('(x|y)*(x|y)*(x|y)*z'))
    person: {email: "body.answers.filter(a, a.key == 'email')[0].value"}
  - id: two
    person:
      email: body.email
      fields: {employees: body.count / 2.0, company: body.company}
"""


@pytest_asyncio.fixture
async def door(kafka: str, postgres: str, installation: str) -> AsyncIterator[Signed]:
    playbook = agreed(website="form", enrichment="enrichment", visitors="visitors")
    async with signed(kafka, postgres, installation, playbook, SECRETS) as made:
        yield made


async def test_a_form_becomes_the_persons_record_and_act(door: Signed) -> None:
    assert await door.post(BODY, ident="msg_form") == 204
    record, touch = (one.data for one in await door.changes())
    assert isinstance(record, RecordChanged)
    assert isinstance(touch, TouchRecorded)
    assert record.fields == {"email": "kim@nordwind.example", "company": "Nordwind AS"}, "a blank answer says nothing"
    assert (record.origin, record.ref, touch.kind, touch.name, touch.activity_id) == ("form", touch.ref, "form", "Pricing", "form:s-1")
    assert "nordwind" not in record.ref
    assert record.at.isoformat() == "2026-11-23T08:14:02+00:00"
    assert await door.outcomes() == {"msg_form": "taken"}


async def test_while_a_secret_is_changed_both_are_valid(door: Signed) -> None:
    assert [await door.post(BODY, secrets=[OLD]), await door.post(BODY, secrets=[NEW]), await door.post(BODY, secrets=[OLD, NEW])] == [
        204
    ] * 3
    assert await door.post(BODY, door="visitors", secrets=[OLD]) == 401, "another door's secret is none here"


async def test_the_same_delivery_is_taken_once_however_often_it_is_sent(door: Signed) -> None:
    for at in (time.time() - 60, time.time(), time.time()):  # a second try has its own time, and the same id
        assert await door.post(BODY, ident="msg_same", at=at) == 204
    other = {**BODY, "timestamp": "2026-11-24T09:14:02+01:00"}
    assert await door.post(other, ident="msg_same") == 204
    assert len(await door.changes()) == 2


async def test_what_says_no_time_happened_when_it_first_came(door: Signed) -> None:
    door.playbook = agreed(website=LOOP)
    await door.pool.execute("INSERT INTO deliveries (door, id, first_at) VALUES ('website', 'msg_late', now() - interval '1 hour')")
    assert await door.post({"email": "kim@nordwind.example"}, ident="msg_late") == 204
    (message,) = await door.changes()
    assert 3500 < time.time() - message.data.at.timestamp() < 3700  # type: ignore[attr-defined]


FORGED: dict[str, dict[str, Any]] = {
    "old": {"ago": 400},
    "from the future": {"ago": -400},
    "another secret": {"secrets": ["whsec_c3RyYW5nZXJzIHNlY3JldCBrZXk="]},
    "changed body": {"webhook_signature": "v1,g0hM9SsE+OTPJTGt/tmKtSyLyEFrSVCp3pvYjCrUArw="},
    "no signature": {"webhook_signature": ""},
    "not ours": {"webhook_signature": "v1a,xx v1 v1, ,v1 v1,=== \xe9,\xe9"},
    "an endless id": {"ident": "x" * 201},
}


async def test_a_forged_or_old_delivery_is_refused_and_nothing_of_it_goes_on(door: Signed) -> None:
    for kind, more in FORGED.items():
        ago = {"at": time.time() - more["ago"]} if "ago" in more else {}
        assert await door.post(BODY, **{name: one for name, one in more.items() if name != "ago"}, **ago) == 401, kind
    assert await door.changes() == []
    assert await door.outcomes() == {}


HOSTILE = {
    "no JSON": "{",
    "deep": "[" * 50_000,
    "deep objects": '{"a":' * 5_000 + "1" + "}" * 5_000,
    "forty deep": '{"a":' * 40 + "1" + "}" * 40,
    "a list": "[1]",
    "a key twice": '{"type": "a", "type": "submission_created"}',
    "NaN": '{"a": NaN}',
    "NUL": '{"a": "\\u0000"}',
    "half a pair": '{"a": "\\ud800"}',
    "a number of 5,000 digits": '{"a": ' + "9" * 5_000 + "}",
    "ten thousand entries": json.dumps({"a": [1] * 10_000}),
    "a text of 60,000 characters": json.dumps({"a": "x" * 60_000}),
}


async def test_a_signed_body_that_means_harm_is_refused(door: Signed) -> None:
    assert {kind: await door.post(body) for kind, body in HOSTILE.items()} == dict.fromkeys(HOSTILE, 400)
    assert await door.changes() == []


async def test_a_large_or_compressed_body_is_refused(door: Signed) -> None:
    assert await door.post(json.dumps({"a": ["x" * 16_000] * 9})) == 413
    assert MAX_BODY < 9 * 16_000
    assert await door.post(BODY, content_encoding="gzip") == 413
    assert await door.changes() == []


async def test_no_payload_makes_a_line_cost_much(door: Signed) -> None:
    door.playbook = agreed(website=LOOP)
    worst = {"answers": [{"key": "k", "value": "x" * 200} for _ in range(499)], "email": "kim@nordwind.example"}
    assert len(json.dumps(worst)) > MAX_BODY * 0.8
    began = time.perf_counter()
    assert await door.post(worst) == 204
    assert time.perf_counter() - began < 3.0, "the loop that serves the other doors stands still meanwhile"


async def test_what_cannot_be_computed_is_left_out_and_told_until_it_can(door: Signed) -> None:
    door.playbook = agreed(website=LOOP)
    assert await door.post({"email": "kim@nordwind.example", "count": "many", "company": "Nordwind"}) == 204
    (message,) = await door.changes()
    assert message.data.fields == {"email": "kim@nordwind.example", "company": "Nordwind"}  # type: ignore[attr-defined]
    told = "The door website leaves out what inbound/website.yaml:9 body.count / 2.0: no such operation: _/_(string, double)"
    assert await door.problems() == [told]
    assert await door.post({"email": "kim@nordwind.example", "company": "Nordwind"}) == 204
    assert await door.problems() == []


async def test_a_payload_without_what_its_rule_needs_is_turned_away_and_told(door: Signed) -> None:
    wrong = {**BODY, "data": {"submission": {"fields": {"e-mail": "kim@nordwind.example"}}}}
    assert await door.post(wrong, ident="msg_wrong") == 422
    told = "The door website turns payloads away, and their sender comes again: inbound/website.yaml:10 person.email: the payload has no such thing"
    assert await door.problems() == [told]
    assert await door.outcomes() == {"msg_wrong": None}
    door.playbook = agreed(website=LOOP.replace("body.email", "body.data.submission.fields['e-mail']"))
    assert await door.post(wrong, ident="msg_wrong") == 204, "the same delivery, sent again after the mapping was mended"
    assert len(await door.changes()) == 1


async def test_nobody_and_what_no_rule_is_for_are_left_out_and_counted(door: Signed) -> None:
    no_address = {**BODY, "data": {"form": {"name": "x"}, "submission": {"id": "1", "fields": {"email": "call me"}}}}
    assert await door.post(no_address, ident="msg_1") == 204
    assert await door.post({"type": "form_viewed"}, ident="msg_2") == 204
    assert await door.outcomes() == {"msg_1": "nobody", "msg_2": "no_rule"}
    assert await door.changes() == []


async def test_an_enrichment_counts_for_those_who_are_known(door: Signed) -> None:
    case = door.playbook.doors["enrichment"].cases[0].payload
    assert await door.post(case, door="enrichment", ident="msg_1") == 204
    assert await door.changes() == []
    sql = "INSERT INTO identities (kind, key, lead_id) SELECT 'email', $1, gen_random_uuid()"
    await door.pool.execute(sql, (email_identity(b"s", "kim.larsen@nordwind.example") or ("", ""))[1])
    assert await door.post(case, door="enrichment", ident="msg_2") == 204
    (message,) = await door.changes()
    assert message.data.fields["employees"] == 820  # type: ignore[attr-defined]
    assert await door.outcomes() == {"msg_1": "unknown", "msg_2": "taken"}


async def test_a_company_is_kept_as_a_visit_and_no_person_is_made_up(door: Signed) -> None:
    case = door.playbook.doors["visitors"].cases[0].payload
    for _ in range(2):
        assert await door.post(case, door="visitors", ident="msg_visit") == 204
    (row,) = await door.pool.fetch("SELECT domain, company, pages, seconds, source FROM visits")
    assert tuple(row) == ("nordwind.example", "Nordwind AS", 2, 135.0, "https://search.example/")
    assert await door.changes() == []


async def test_doors_that_are_none(door: Signed) -> None:
    assert await door.post(BODY, door="elsewhere") == 404
    assert await door.post(BODY, door="nobody") == 503, "the playbook in force may have it soon"
    door.playbook = agreed(visitors="visitors")
    assert await door.post(BODY) == 503


async def test_without_kafka_the_sender_is_told_to_come_again(door: Signed) -> None:
    await door.doors.publisher._producer.stop()
    assert await door.post(BODY, ident="msg_wait") == 503
    assert await door.outcomes() == {"msg_wait": None}


async def test_a_senders_backlog_leaves_connections_to_the_others(door: Signed) -> None:
    """Nobody's delivery can be noted here: of many at once a few wait for it, the others for their turn, and all are told to come again."""
    text, at, held = json.dumps(BODY), datetime.now(UTC), 0

    async def post(client: httpx.AsyncClient, ident: str) -> int:
        signature = Webhook(NEW).sign(ident, at, text)
        headers = {"webhook-id": ident, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}
        return (await client.post(f"{door.url}/doors/website", content=text, headers=headers)).status_code

    async with door.pool.acquire() as keeper, keeper.transaction(), httpx.AsyncClient(timeout=30) as client:
        await keeper.execute("LOCK TABLE deliveries")
        posts = [asyncio.create_task(post(client, f"msg_{n}")) for n in range(4 * AT_ONCE)]
        while not all(one.done() for one in posts):
            held = max(held, await keeper.fetchval("SELECT count(*) FROM pg_locks WHERE relation = 'deliveries'::regclass AND NOT granted"))
    assert {one.result() for one in posts} == {503}
    assert 0 < held <= AT_ONCE
