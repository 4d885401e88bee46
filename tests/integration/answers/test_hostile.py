"""The doors against senders that mean harm, and ones that are only odd: refused as fit, never a 500, and nothing of it goes on."""

from __future__ import annotations

import random
import time
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from connectors.emulator.slack import signature
from tests.integration.answers.conftest import UANA, Desk

GOOD = signature.headers


def pressed(**more: Any) -> bytes:
    action = {"action_id": "accept", "value": "x:1", "action_ts": "1"}
    payload = {"type": "block_actions", "user": {"id": UANA}, "actions": [action], **more}
    return urlencode({"payload": orjson.dumps(payload).decode()}).encode()


async def post(desk: Desk, body: bytes, headers: dict[str, str] | None = None, path: str = "actions") -> int:
    given = headers if headers is not None else signature.headers("emulated-signing-secret", body, int(time.time()))
    return (await desk.slack.caller.post("x", f"{desk.url}/slack/{path}", body, given)).status


FORGED: dict[str, dict[str, str]] = {
    "another secret": GOOD("another", pressed(), int(time.time())),
    "five minutes old": GOOD("emulated-signing-secret", pressed(), int(time.time()) - 3_000),
    "from the future": GOOD("emulated-signing-secret", pressed(), int(time.time()) + 3_000),
    "unsigned": {},
    "no time": {"X-Slack-Signature": "v0=" + "0" * 64},
    "a time that is none": {"X-Slack-Signature": "v0=" + "0" * 64, "X-Slack-Request-Timestamp": "9" * 400},
    "a signature in other signs": {"X-Slack-Signature": "v0=é", "X-Slack-Request-Timestamp": str(int(time.time()))},
    "a newer version": {"X-Slack-Signature": "v1=" + "0" * 64, "X-Slack-Request-Timestamp": str(int(time.time()))},
}


@pytest.mark.parametrize("what", FORGED)
async def test_what_slack_did_not_sign_now_is_refused(desk: Desk, what: str) -> None:
    for path in ("actions", "commands"):
        assert await post(desk, pressed(), FORGED[what], path) == 401
    assert await desk.ordered(0) == []


async def test_no_flipped_bit_of_a_signed_call_gets_in(desk: Desk) -> None:
    body, rng = pressed(), random.Random(25)
    good = signature.headers("emulated-signing-secret", body, int(time.time()))
    assert await post(desk, body, good) == 200
    for _ in range(40):
        at, bit = rng.randrange(len(body)), 1 << rng.randrange(8)
        assert await post(desk, body[:at] + bytes([body[at] ^ bit]) + body[at + 1 :], good) == 401


ODD: dict[str, bytes] = {
    "nothing": b"",
    "no payload": b"a=b",
    "no JSON": b"payload=%7B",
    "deep": b"payload=" + b"[" * 5_000,
    "NaN": b'payload={"type":NaN}',
    "a list": b"payload=[]",
    "a payload twice": b"payload={}&payload={}",
    "a key twice": b'payload={"type":"a","type":"b"}',
    "a thousand fields": b"&".join(b"f%d=1" % n for n in range(1_000)),
    "another type": pressed(type="shortcut"),
    "nobody": pressed(user={"id": 7}),
    "no action": pressed(actions=[]),
    "odd action": pressed(actions=[{"action_id": {"a": 1}}]),
}


@pytest.mark.parametrize("what", ODD)
async def test_a_signed_body_that_slack_does_not_send_is_refused_with_400(desk: Desk, what: str) -> None:
    assert await post(desk, ODD[what]) == 400


async def test_what_is_no_text_was_not_signed_by_slack(desk: Desk) -> None:
    assert await post(desk, b"\xff\xfe\x00") == 401


async def test_odd_values_in_good_payloads_are_taken_and_order_nothing(desk: Desk) -> None:
    for more in (
        {"actions": [{"action_id": "accept", "value": "'; DROP TABLE leads; --"}]},
        {"actions": [{"action_id": "accept", "value": "x" * 5_000}]},
        {"actions": [{"action_id": "odd", "value": None}], "response_url": "file:///etc/passwd"},
        {"type": "view_submission", "view": {"callback_id": "reject", "private_metadata": "", "state": 7}},
        {"type": "view_submission", "view": None},
        {"type": "view_closed"},
    ):
        assert (more, await post(desk, pressed(**more))) == (more, 200)
    assert await desk.ordered(0) == []


async def test_a_body_of_megabytes_and_a_packed_one_are_refused(desk: Desk) -> None:
    assert await post(desk, b"payload=" + b"x" * 300_000) == 413
    packed = signature.headers("emulated-signing-secret", pressed(), int(time.time())) | {"Content-Encoding": "gzip"}
    assert await post(desk, pressed(), packed) in (400, 413)


async def test_a_replay_of_a_call_changes_nothing_more(desk: Desk) -> None:
    room, _, ts = (await desk.card()).ref.partition(":")
    payload = desk.slack.hands.pressed(UANA, room, ts, "accept")
    body = urlencode({"payload": orjson.dumps(payload).decode()}).encode()
    headers = signature.headers("emulated-signing-secret", body, int(time.time()))
    assert [await post(desk, body, headers) for _ in range(3)] == [200] * 3
    assert len({one.id for one in await desk.ordered(1)}) == 1
