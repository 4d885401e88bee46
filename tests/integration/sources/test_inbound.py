"""The inbound door on real sockets, with a real Kafka behind it: what gets 2xx stands on `changes`, nothing else does."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from connectors.base import Connection
from connectors.emulator.control import serve
from connectors.registry import load
from schemas import envelope
from sync.agents import ground
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.runtime.body import MAX_BODY
from sync.runtime.producer import make_producer
from sync.sources.inbound import MOST_EVENTS, Inbound
from sync.sources.lag import LagGate
from sync.sources.publisher import Publisher
from sync.sources.runner import Runner
from sync.store import read_orders
from sync.store.connect import open_pool
from tests.house.project import ROOT
from tests.integration.sources.free import Free
from tests.integration.sources.heard import heard

SECRET = "the-apps-secret"
PLAYBOOK = loader.load_files(loader.read(ROOT / "deploy" / "playbook"))


@dataclass
class Door:
    """An inbound door that listens."""

    url: str
    topic: str
    bootstrap: str
    producer: Any
    pool: Any

    async def post(self, body: bytes, *, system: str = "hubspot", headers: dict[str, str] | None = None) -> int:
        request = urllib.request.Request(f"{self.url}/webhooks/{system}", data=body, method="POST", headers=headers or self.signed(body))
        try:
            answer = await asyncio.to_thread(urllib.request.urlopen, request, None, 10)
        except urllib.error.HTTPError as error:
            return error.code
        with answer:
            return int(answer.status)

    async def announced(self, length: int) -> int:
        """Announce a body of so many bytes, send none of it, and give the answer's status."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(f"POST /webhooks/hubspot HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n".encode())
            async with asyncio.timeout(10):
                return int((await reader.readline()).split()[1])
        finally:
            writer.close()

    def signed(self, body: bytes, *, at: float | None = None, secret: str = SECRET) -> dict[str, str]:
        """Sign as the vendor does: METHOD + URI + body + timestamp."""
        stamp = str(int((at or time.time()) * 1000))
        text = b"POST" + f"{self.url}/webhooks/hubspot".encode() + body + stamp.encode()
        digest = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()
        return {"X-HubSpot-Signature-v3": digest, "X-HubSpot-Request-Timestamp": stamp, "Content-Type": "application/json"}

    async def on_changes(self) -> list[envelope.Envelope]:
        return await heard(self.bootstrap, self.topic)


async def agreed() -> Playbook:
    """Give the example playbook, but that it does not speak of companies."""
    rules = PLAYBOOK.systems["hubspot"]
    return replace(PLAYBOOK, systems={**PLAYBOOK.systems, "hubspot": replace(rules, account="")})


@pytest.fixture
async def door(kafka: str, postgres: str, installation: str) -> AsyncIterator[Door]:
    pool = await open_pool(postgres, installation)
    topic = (await ground.prepare(pool, kafka, installation, ("hubspot",), 2)).topic
    producer = await make_producer(kafka)
    connection = Connection("hubspot", "hubspot", "http://127.0.0.1:9", {"token": "pat", "webhook_secret": SECRET}, {"app_id": "9001"})
    source = load("hubspot").source(connection, Free(), Free())
    gate = LagGate(kafka, topic, pool)
    runner = Runner("hubspot", source, connection, pool, Publisher(pool, producer, topic, b"s"), gate, agreed)
    try:
        async with serve(Inbound({"hubspot": runner}).app()) as running:
            yield Door(running.url, topic, kafka, producer, pool)
    finally:
        await source.close()
        await producer.stop()
        await pool.close()


def body(**more: object) -> bytes:
    event = {
        "eventId": 1, "subscriptionId": 2, "portalId": 3, "appId": 9001, "occurredAt": int(time.time() * 1000), "attemptNumber": 0,
        "subscriptionType": "contact.propertyChange", "objectId": 77, "propertyName": "email", "propertyValue": "kim@nordwind.example", "changeSource": "FORM",
    }  # fmt: skip
    return json.dumps([{**event, **more}]).encode()


async def test_a_signed_webhook_stands_on_changes_when_2xx_is_answered(door: Door) -> None:
    assert await door.post(body()) == 204
    (message,) = await door.on_changes()
    assert message.type == "truce.record.changed"
    assert message.data.ref == "hubspot:contacts:77"  # type: ignore[attr-defined]


async def test_a_nul_that_somebody_typed_into_a_form_has_nothing_parked(door: Door) -> None:
    assert await door.post(body(propertyName="jobtitle", propertyValue="a\0b")) == 204
    (message,) = await door.on_changes()  # reading it is what would fail
    assert message.data.fields == {"jobtitle": "ab"}  # type: ignore[attr-defined]


async def test_of_objects_that_the_playbook_does_not_speak_of_nothing_is_kept(door: Door) -> None:
    kinds = [("deal.propertyChange", "dealname"), ("company.propertyChange", "name")]
    for kind, name in kinds:
        assert await door.post(body(subscriptionType=kind, propertyName=name, propertyValue="Nordwind")) == 204
    ends = {"associationType": "DEAL_TO_CONTACT", "fromObjectId": 5, "toObjectId": 77}
    assert await door.post(body(subscriptionType="deal.associationChange", **ends)) == 204
    done = {"subscriptionType": "object.propertyChange", "objectTypeId": "0-27", "propertyName": "hs_task_status"}
    assert await door.post(body(**done, propertyValue="COMPLETED")) == 204
    assert [message.data.ref for message in await door.on_changes()] == ["hubspot:deals:77"]  # type: ignore[attr-defined]
    assert set(await read_orders.claim(door.pool, "hubspot", 10)) == {"hubspot:deals:5", "hubspot:tasks:77"}, "an SLA waits for a response"


async def test_a_submission_that_does_not_name_its_form_orders_the_contact_to_be_read(door: Door) -> None:
    at = str(int(time.time() * 1000))
    assert await door.post(body(propertyName="recent_conversion_date", propertyValue=at)) == 204
    assert [message.type for message in await door.on_changes()] == ["truce.record.changed"], "what is a form of no name is no act yet"
    assert await read_orders.claim(door.pool, "hubspot", 10) == ["hubspot:contacts:77"]


async def test_the_same_webhook_twice_has_the_same_id(door: Door) -> None:
    one = body()
    assert [await door.post(one), await door.post(one)] == [204, 204]
    first, second = await door.on_changes()
    assert first.id == second.id


@pytest.mark.parametrize("kind", ["wrong secret", "stale", "from the future", "unsigned", "changed body"])
async def test_a_forged_or_stale_webhook_is_refused_and_nothing_of_it_goes_on(door: Door, kind: str) -> None:
    sent = body()
    headers = {
        "wrong secret": door.signed(sent, secret="another"),
        "stale": door.signed(sent, at=time.time() - 400),
        "from the future": door.signed(sent, at=time.time() + 400),
        "unsigned": {"Content-Type": "application/json"},
        "changed body": door.signed(body(objectId=78)),
    }[kind]
    assert await door.post(sent, headers=headers) == 401
    assert await door.on_changes() == []


async def test_a_body_that_is_none_of_the_vendors_is_refused_with_400(door: Door) -> None:
    for sent in (b"{", b"[1]", b'{"a": 1}', b"[" * 100_000, b'[{"objectId": NaN}]', b"\xff\xfe"):
        assert await door.post(sent) == 400
    assert await door.on_changes() == []


async def test_a_large_or_compressed_body_is_refused_before_it_is_read_whole(door: Door) -> None:
    assert await door.announced(MAX_BODY + 1) == 413
    packed = gzip.compress(body())
    assert await door.post(packed, headers={**door.signed(packed), "Content-Encoding": "gzip"}) == 413
    assert await door.on_changes() == []


async def test_a_call_tells_a_thousand_events_at_most(door: Door) -> None:
    many = [json.loads(body(objectId=number))[0] for number in range(MOST_EVENTS + 1)]
    assert await door.post(json.dumps(many).encode()) == 400
    assert await door.on_changes() == []
    assert await door.post(json.dumps(many[1:]).encode()) == 204
    assert len(await door.on_changes()) == MOST_EVENTS


async def test_an_unknown_system_is_not_found(door: Door) -> None:
    assert await door.post(body(), system="nobody") == 404


async def test_without_kafka_the_sender_is_told_to_come_again(door: Door) -> None:
    await door.producer.stop()
    assert await door.post(body()) == 503
