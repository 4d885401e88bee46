"""The inbound door against senders that mean harm, on real sockets: refused as fit, never a 500, never a place taken for long."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import process_time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from connectors.base import Connection, Item, Notice
from connectors.emulator.hubspot import signature
from connectors.registry import load
from sync.runtime import body as bodies
from sync.runtime.patience import Impatient
from sync.runtime.web import bind, serving, site
from sync.sources.inbound import Inbound
from sync.sources.nudge import Nudges
from tests.integration.sources.free import Free
from tests.integration.sources.test_nudge import SECRETS
from tests.integration.sources.test_nudge import headers as nudging

SECRET, PATH = "the-apps-secret", "/webhooks/hubspot"


class _Quick(Impatient):
    head_s = 0.3


@dataclass
class Door:
    """A door that listens, and what went through it."""

    port: int
    sent: list[Item] = field(default_factory=list)

    def headers(self, body: bytes) -> dict[str, str]:
        stamp = int(datetime.now(UTC).timestamp() * 1000)
        return signature.headers(SECRET, f"http://127.0.0.1:{self.port}{PATH}", body, stamp)

    async def raw(self, *pieces: bytes, most_s: float = 30.0) -> bytes:
        """Send pieces, and give what comes back until the other side hangs up or falls silent after an answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        with closing(writer):
            for piece in pieces:
                writer.write(piece)
            async with asyncio.timeout(most_s):
                return await reader.read(4096)

    async def post(self, body: bytes, headers: dict[str, str] | None = None, path: str = PATH) -> tuple[int, str]:
        given = {"Host": f"127.0.0.1:{self.port}", "Content-Length": str(len(body)), **(self.headers(body) if headers is None else headers)}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        answer = await self.raw(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1"), body)
        return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[2].decode()


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    listener = bind("127.0.0.1", 0, "TRUCE_HTTP_PORT")
    found = Door(listener.getsockname()[1])
    secrets = {"token": "pat", "webhook_secret": SECRET, "nudge_secret": SECRETS}
    connection = Connection("hubspot", "hubspot", "http://127.0.0.1:9", secrets, {})
    source = load("hubspot").source(connection, Free(), Free())

    async def noticed(notice: Notice) -> None:
        found.sent += notice.items

    runner = cast(Any, SimpleNamespace(system="hubspot", source=source, connection=connection, noticed=noticed))
    app = Inbound({"hubspot": runner}, None, Nudges({"hubspot": runner}).routes()).app()
    try:
        async with serving(app, listener, http=_Quick):
            yield found
    finally:
        await source.close()


def event(**more: object) -> dict[str, object]:
    told = {"objectId": 77, "subscriptionType": "contact.propertyChange", "propertyName": "jobtitle", "propertyValue": "x"}
    return {**told, "occurredAt": int(datetime.now(UTC).timestamp() * 1000), **more}


def body(**more: object) -> bytes:
    return json.dumps([event(**more)]).encode()


def spelled(value: str) -> bytes:
    return body(propertyValue="@@").replace(b'"@@"', value.encode())


REFUSED = {
    "not JSON": b"{",
    "deep": b"[" * 200_000,
    "deep objects": b'[{"a":' * 100_000,
    "NaN": spelled("NaN"),
    "Infinity": spelled("1e999"),
    "half a surrogate pair": spelled('"\\ud800"'),
    "a number of 5,000 digits": spelled("9" * 5000),
    "an object for a value": spelled('{"a": 1}'),
    "year 40,000": body(occurredAt=10**15),
    "before all time": body(occurredAt=-1),
    "an endless type": body(subscriptionType="x" * 10_000),
    "an endless name": body(propertyName="x" * 10_000),
    "no id": body(objectId="77; DROP TABLE leads"),
    "a key twice": b'[{"objectId": 1, "objectId": 2, "subscriptionType": "contact.creation", "occurredAt": 1}]',
    "no list": b"null",
    "nothing": b"",
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("what", REFUSED)
async def test_a_body_that_no_vendor_sends_is_refused_with_400(door: Door, what: str) -> None:
    status, words = await door.post(REFUSED[what])
    assert (status, door.sent) == (400, [])
    assert "9999999999999999" not in words
    assert "DROP" not in words


async def test_a_key_that_stands_twice_is_named(door: Door) -> None:
    assert "objectId: stands here twice" in (await door.post(REFUSED["a key twice"]))[1]


ODD = {
    "empty": b"[]",
    "unknown subscription": body(subscriptionType="contact.somethingNew"),
    "another object": body(subscriptionType="deal.creation"),
    "NUL": body(propertyValue="a\0b"),
    "4,000 digits": spelled("9" * 4000),
    "conversion in the year 1": body(propertyName="recent_conversion_date", propertyValue="0001-01-01T00:00:00Z"),
    "conversion in the year 0": body(propertyName="recent_conversion_date", propertyValue="0000-00-00"),
    "an e-mail that is none": body(propertyName="email", propertyValue="none\r\nBcc: x"),
    "a merge of nobody": body(subscriptionType="contact.merge"),
    "1,000 events": json.dumps(
        [{"subscriptionType": "contact.creation", "objectId": n, "occurredAt": 1} for n in range(1_000)], separators=(",", ":")
    ).encode(),
}


@pytest.mark.parametrize("what", ODD)
async def test_a_signed_body_with_odd_values_is_taken(door: Door, what: str) -> None:
    assert (await door.post(ODD[what]))[0] == 204


async def test_no_flipped_bit_of_a_signed_call_gets_in(door: Door) -> None:
    sent, rng = body(), random.Random(25)
    good = door.headers(sent)
    assert (await door.post(sent, good))[0] == 204
    door.sent.clear()
    for _ in range(300):
        at, bit = rng.randrange(len(sent)), 1 << rng.randrange(8)
        assert (await door.post(sent[:at] + bytes([sent[at] ^ bit]) + sent[at + 1 :], good))[0] == 401
    name = "X-HubSpot-Signature-v3"
    for at, char in enumerate(good[name]):
        assert (await door.post(sent, {**good, name: good[name][:at] + chr(ord(char) ^ 1) + good[name][at + 1 :]}))[0] in (400, 401)
    assert door.sent == []


ENDLESS = {"a text of quotes": b'{"' + b'\\"' * 480_000, "a text cut off": b'{"a": "' + b"\\" * 999_001, "texts": b"{" + b'"a" ' * 240_000}


@pytest.mark.parametrize("what", ENDLESS)
async def test_a_signed_megabyte_that_is_no_json_takes_no_seconds_to_say_where(door: Door, what: str) -> None:
    sent, begun = ENDLESS[what], process_time()
    assert (await door.post(sent, nudging(sent), "/nudge/hubspot"))[0] == 400
    assert process_time() - begun < 2


async def test_an_upgrade_to_another_protocol_is_not_offered(door: Door) -> None:
    ask = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    answer = await door.raw(f"GET /health HTTP/1.1\r\nHost: x\r\n{ask}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", [f"{PATH}/", "/nudge/hubspot/", "/health/"])
async def test_nobody_is_sent_on_to_a_host_that_the_caller_named(door: Door, path: str) -> None:
    answer = await door.raw(f"POST {path} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404")
    assert b"evil" not in answer


@pytest.mark.parametrize("stamp", ["", "-1", "1e12", "0x10", "9" * 400, "\xb2\xb2", " 1 2"])
async def test_a_time_that_is_none_is_forged(door: Door, stamp: str) -> None:
    sent = body()
    assert (await door.post(sent, {**door.headers(sent), "X-HubSpot-Request-Timestamp": stamp}))[0] == 401


@pytest.mark.parametrize("length", ["50000000", "9" * 18])
async def test_fifty_megabytes_are_refused_before_the_first_of_them(door: Door, length: str) -> None:
    answer = await door.raw(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413")


async def test_chunks_without_end_are_refused(door: Door) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    answer = await door.raw(head, *[b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 20)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("framing", ["Content-Length: 1000", "Transfer-Encoding: chunked"])
async def test_a_body_that_does_not_come_is_not_waited_for(door: Door, framing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.2)
    answer = await door.raw(f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("said", [b"", b"POST /webhooks/hubspot HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_who_connects_and_does_not_ask_is_hung_up_on(door: Door, said: bytes) -> None:
    assert await door.raw(said) == b""


async def test_no_other_server_of_ours_waits_for_those_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "head_s", 0.3)
    listener = bind("127.0.0.1", 0, "TRUCE_CONSOLE_PORT")
    async with serving(site([]), listener):  # as the pages and the health check are served
        assert await Door(listener.getsockname()[1]).raw(b"GET /pro") == b""


async def test_who_waits_longest_makes_room_for_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impatient, "most", 20)
    listener = bind("127.0.0.1", 0, "TRUCE_HTTP_PORT")
    async with serving(site([]), listener):
        door = Door(listener.getsockname()[1])
        silent = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(30)]
        silent[15][1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")  # and then nothing more, on a connection that is kept
        assert await silent[15][0].readuntil(b"\r\n\r\nNot Found")
        assert (await door.raw(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 404")
        async with asyncio.timeout(5):
            assert await asyncio.gather(*(reader.read() for reader, _ in [*silent[:10], silent[15]])) == [b""] * 11
        assert not any(reader.at_eof() for n, (reader, _) in enumerate(silent) if n > 12 and n != 15)
        for _, writer in silent:
            writer.close()


async def test_also_between_two_requests_the_head_must_come(door: Door) -> None:
    ask = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    with closing(writer):
        writer.write(ask)
        async with asyncio.timeout(5):
            assert b"200" in await reader.readuntil(b"}")
            writer.write(b"GET /health HT")
            assert await reader.read() == b""


async def test_good_calls_go_on_beside_hundreds_that_say_nothing(door: Door) -> None:
    silent = [socket.create_connection(("127.0.0.1", door.port)) for _ in range(300)]
    try:
        for _ in range(20):
            assert (await door.post(body()))[0] == 204
    finally:
        for one in silent:
            one.close()
