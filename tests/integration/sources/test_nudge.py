"""The door for a system's own automation: a signed nudge has records read, anything else nothing."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.emulator.control import serve
from sync.sources.inbound import Inbound
from sync.sources.nudge import MOST, Nudges
from sync.sources.runner import Runner
from sync.store import cursors, read_orders
from tests.house.project import ROOT
from tests.integration.sources.test_runner import SYSTEM, Reading, ended, reading, until

__all__ = ["reading"]  # a fixture of there
KEYS = [b"k" * 32, b"old" * 11]
SECRETS = " ".join(f"whsec_{base64.b64encode(key).decode()}" for key in KEYS)


@dataclass
class Door:
    """The door of one process, and what it ordered."""

    url: str
    reading: Reading
    runner: Runner

    async def post(self, body: bytes, *, system: str = SYSTEM, **signed: Any) -> int:
        request = urllib.request.Request(f"{self.url}/nudge/{system}", data=body, method="POST", headers=headers(body, **signed))
        try:
            answer = await asyncio.to_thread(urllib.request.urlopen, request, None, 10)
        except urllib.error.HTTPError as error:
            return error.code
        with answer:
            return int(answer.status)

    async def ordered(self) -> set[str]:
        return set(await read_orders.claim(self.reading.pool, SYSTEM, 100))


def headers(
    body: bytes, *, key: bytes = KEYS[0], at: float | None = None, ident: str = "msg_1", over: bytes | None = None
) -> dict[str, str]:
    """Sign as the Apex action does: HMAC-SHA256 of id.timestamp.body."""
    stamp = str(int(at or time.time()))
    mac = hmac.new(key, f"{ident}.{stamp}.".encode() + (body if over is None else over), hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": ident, "webhook-timestamp": stamp, "webhook-signature": signature, "Content-Type": "application/json"}


@pytest.fixture
async def door(reading: Reading) -> AsyncIterator[Door]:
    runner = reading.runner(poll_s="3600")
    runner.connection.secrets["nudge_secret"] = SECRETS  # type: ignore[index]  # a dict of this test's own
    runners = {SYSTEM: runner, "other": reading.runner()}
    async with serve(Inbound({}, None, Nudges(runners).routes()).app()) as running:
        yield Door(running.url, reading, runner)


def body(*ids: str, object_: str = "Lead") -> bytes:
    return json.dumps({"object": object_, "ids": list(ids)}).encode()


async def test_a_nudge_has_the_records_read_and_on_changes(door: Door) -> None:
    (known,) = await door.reading.people(1)
    await cursors.put(door.reading.pool, SYSTEM, "everything", "", done=True)
    running = asyncio.create_task(door.runner.run())
    try:
        await until(door.reading.done)
        ident = door.reading.world.org.add_lead(Email="new@nord.example")
        assert await door.post(body(ident)) == 204

        async def told() -> bool:
            return any(one.ref == f"salesforce:Lead:{ident}" for one in await door.reading.changes())

        await until(told)
    finally:
        await ended(running)
    assert known


async def test_one_id_or_several_and_either_secret(door: Door) -> None:
    assert await door.post(json.dumps({"object": "Lead", "id": "00Q1"}).encode()) == 204
    assert await door.post(body("00Q2", "00Q3", "00Q2"), key=KEYS[1]) == 204
    assert await door.post(body("a00x", object_="Campaign")) == 400  # nothing of that kind is read
    assert await door.ordered() == {f"salesforce:Lead:00Q{n}" for n in (1, 2, 3)}


async def test_of_an_object_that_the_playbook_does_not_speak_of_nothing_is_read(door: Door) -> None:
    assert await door.post(body("0061", object_="Opportunity")) == 204
    playbook = await door.runner.playbook()
    spoken_of = playbook.systems[SYSTEM].opportunity == "Opportunity"
    assert await door.ordered() == ({"salesforce:Opportunity:0061"} if spoken_of else set())


@pytest.mark.parametrize(
    "signed",
    [{"key": b"x" * 32}, {"at": 1e9}, {"at": time.time() + 4000}, {"over": b"{}"}, {"ident": "a b"}],
    ids=["another key", "old", "from the future", "another body", "no id"],
)
async def test_a_forged_or_stale_nudge_is_refused(door: Door, signed: dict[str, Any]) -> None:
    assert await door.post(body("00Q1"), **signed) == 401
    assert await door.ordered() == set()


@pytest.mark.parametrize(
    "sent",
    [b"{", b"[]", b'{"object": "Lead"}', b'{"object": "Lead", "ids": []}', b'{"object": "Lead", "ids": ["a:b"]}', b'{"object": ["Lead"], "ids": ["1"]}',
     b'{"object": "Lead", "ids": "00Q1"}', json.dumps({"object": "Lead", "ids": [f"q{n}" for n in range(MOST + 1)]}).encode()],
)  # fmt: skip
async def test_a_body_that_names_no_records_is_refused(door: Door, sent: bytes) -> None:
    assert await door.post(sent) == 400
    assert await door.ordered() == set()


async def test_a_system_without_a_secret_has_no_such_door(door: Door) -> None:
    assert await door.post(body("00Q1"), system="other") == 404
    assert await door.post(body("00Q1"), system="nobody") == 404
    assert Nudges({}).routes() == []


def test_a_secret_that_is_none_is_said_at_the_start(reading: Reading) -> None:
    runner = reading.runner()
    runner.connection.secrets["nudge_secret"] = "short"  # type: ignore[index]  # a dict of this test's own
    with pytest.raises(ValueError, match="TRUCE_SYSTEMS__SALESFORCE__SECRETS__NUDGE_SECRET"):
        Nudges({SYSTEM: runner}).routes()


def test_the_apex_action_says_what_the_door_reads() -> None:
    text = (ROOT / "deploy" / "salesforce" / "TruceNudge.cls").read_text(encoding="utf-8")
    for part in (
        "'object'",
        "'ids'",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "'v1,'",
        "id + '.' + stamp + '.' + body",
        "/nudge/",
    ):
        assert part in text
    assert f"MOST = {MOST}" in text
