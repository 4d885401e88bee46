"""The emulated Pub/Sub API held to a client that is not ours: stubs generated from the vendor's proto, events decoded by the published rules."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import grpc
import pytest
from grpc_tools import protoc

import connectors.salesforce.pubsub as ours
from tests.contract.salesforce_world import SalesforceWorld, salesforce_world

PROTO = Path(ours.__file__).parent
FIVE = ("Lead", "Contact", "Account", "Opportunity", "Task")
CODE = "sfdc.platform.eventbus.grpc."


@pytest.fixture(scope="module")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Generate a client from the proto alone."""
    folder = tmp_path_factory.mktemp("stubs")
    assert protoc.main(["", f"-I{PROTO}", f"--python_out={folder}", f"--grpc_python_out={folder}", "pubsub_api.proto"]) == 0
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module("pubsub_api_pb2"), importlib.import_module("pubsub_api_pb2_grpc")
    finally:
        sys.path.remove(str(folder))


class Client:
    """What a stranger writes with the proto and the guide in hand."""

    def __init__(self, stubs: Any, channel: Any, metadata: Any) -> None:
        self.pb, self.metadata, self.schemas = stubs[0], metadata, dict[str, Any]()
        self.stub = stubs[1].PubSubStub(channel)

    def subscribe(self, topic: str = "/data/ChangeEvents", *, want: int = 100, preset: str = "LATEST", replay: bytes = b"") -> Any:
        line = self.stub.Subscribe(metadata=self.metadata)
        first = self.pb.FetchRequest(
            topic_name=topic, num_requested=want, replay_preset=self.pb.ReplayPreset.Value(preset), replay_id=replay
        )
        return _Line(self, line, first)

    async def event(self, one: Any) -> tuple[Any, dict[str, Any]]:
        """Decode an event by the schema that it names."""
        if one.event.schema_id not in self.schemas:
            told = await self.stub.GetSchema(self.pb.SchemaRequest(schema_id=one.event.schema_id), metadata=self.metadata)
            self.schemas[one.event.schema_id] = json.loads(told.schema_json)
        schema = self.schemas[one.event.schema_id]
        return schema, fastavro.schemaless_reader(BytesIO(one.event.payload), fastavro.parse_schema(schema))  # type: ignore[return-value]


class _Line:
    def __init__(self, client: Client, line: Any, first: Any) -> None:
        self.client, self.line, self.first = client, line, first

    async def __aenter__(self) -> _Line:
        await self.line.write(self.first)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.line.cancel()

    async def answer(self) -> Any:
        return await asyncio.wait_for(self.line.read(), 5)

    async def events(self, count: int) -> list[tuple[Any, dict[str, Any]]]:
        found: list[Any] = []
        while len(found) < count:
            found += (await self.answer()).events
        return [await self.client.event(one) for one in found]

    async def more(self, want: int) -> None:
        await self.line.write(self.client.pb.FetchRequest(num_requested=want))


def expanded(schema: Any, bitmaps: Iterable[str]) -> set[str]:
    """Name the fields of bitmaps as the vendor's example does: the bits as text, read from the right."""
    found = set()
    for bitmap in bitmaps:
        place, _, bits = bitmap.rpartition("-")
        inner = next(one for one in schema["fields"][int(place)]["type"] if isinstance(one, dict)) if place else schema
        text = bin(int(bits, 16))[2:][::-1]
        before = f"{schema['fields'][int(place)]['name']}." if place else ""
        found |= {before + inner["fields"][n]["name"] for n, bit in enumerate(text) if bit == "1"}
    return found


@asynccontextmanager
async def client(world: SalesforceWorld, stubs: Any, token: str = "") -> AsyncIterator[Client]:
    token = token or world.org.session("jo@acme.example")
    metadata = (("accesstoken", token), ("instanceurl", world.url), ("tenantid", world.org.org.id))
    async with grpc.aio.insecure_channel(world.pubsub.url.removeprefix("http://")) as channel:
        yield Client(stubs, channel, metadata)


@pytest.fixture
async def org() -> AsyncIterator[SalesforceWorld]:
    async with salesforce_world(FIVE) as world:
        yield world


async def settled(org: SalesforceWorld, count: int = 1) -> None:
    """Wait until so many subscriptions have begun."""
    while org.pubsub.subscribed < count:
        await asyncio.sleep(0.005)


async def test_a_person_that_is_made_and_changed_is_told_with_its_values_and_bitmaps(org: SalesforceWorld, stubs: Any) -> None:
    async with client(org, stubs) as stranger, stranger.subscribe() as line:
        await settled(org)
        ident = org.org.save(
            "Lead", by="jo@acme.example", FirstName="Kim", LastName="Larsen", Company="Nordwind", Email="kim@nordwind.example"
        )
        org.org.save(
            "Lead", ident, LastName="Lund", City="Bergen", Phone="+47 1", Company="Nordwind AS", MQL_Date__c="2026-11-30T10:00:00Z"
        )
        org.org.save("Lead", ident, Phone=None)
        org.org.save("Lead", ident, City="Bergen")  # nothing changed: no event
        (schema, made), (_, changed), (_, blank) = await line.events(3)
    head = made["ChangeEventHeader"]
    assert (head["entityName"], head["recordIds"], head["changeType"], head["changedFields"]) == ("Lead", [ident], "CREATE", [])
    assert made["Name"]["LastName"] == "Larsen"
    assert (made["Email"], made["Company"]) == ("kim@nordwind.example", "Nordwind")
    assert made["CreatedDate"] == pytest.approx(datetime.now(UTC).timestamp() * 1000, abs=10_000)
    head = changed["ChangeEventHeader"]
    wanted = {"Name.LastName", "Address.City", "Phone", "Company", "MQL_Date__c", "LastModifiedDate", "LastModifiedById"}
    assert expanded(schema, head["changedFields"]) == wanted
    assert (changed["Address"]["City"], changed["Name"]["FirstName"], changed["MQL_Date__c"]) == ("Bergen", None, 1796032800000)
    assert expanded(schema, blank["ChangeEventHeader"]["nulledFields"]) == {"Phone"}
    assert blank["Phone"] is None


async def test_a_long_text_that_changes_is_told_as_a_difference(org: SalesforceWorld, stubs: Any) -> None:
    ident = org.org.save("Task", Subject="Call", Description="a\n" * 600)
    async with client(org, stubs) as stranger, stranger.subscribe("/data/TaskChangeEvent") as line:
        await settled(org)
        org.org.save("Task", ident, Description="a\n" * 600 + "b")
        ((schema, event),) = await line.events(1)
    assert expanded(schema, event["ChangeEventHeader"]["diffFields"]) == {"Description"}
    assert event["Description"].splitlines()[-1] == "+b"


async def test_delete_undelete_merge_and_conversion_are_told(org: SalesforceWorld, stubs: Any) -> None:
    one, two, three = (org.org.add_lead(LastName=name, Email=f"{name}@nord.example") for name in ("One", "Two", "Three"))
    async with client(org, stubs) as stranger, stranger.subscribe() as line:
        await settled(org)
        org.org.doors.delete({"id": one})
        org.org.doors.undelete({"id": one})
        org.org.merge(one, two)
        became = org.org.convert(three, opportunity=True)
        heads = [event["ChangeEventHeader"] for _, event in await line.events(7)]
    assert [(head["changeType"], head["recordIds"][0]) for head in heads[:3]] == [("DELETE", one), ("UNDELETE", one), ("DELETE", two)]
    converting = heads[3:]
    assert [(head["entityName"], head["changeType"]) for head in converting] == [
        ("Account", "CREATE"), ("Contact", "CREATE"), ("Opportunity", "CREATE"), ("Lead", "UPDATE"),
    ]  # fmt: skip
    assert converting[1]["recordIds"] == [became["ConvertedContactId"]]
    assert len({head["transactionKey"] for head in converting}) == 1
    assert [head["sequenceNumber"] for head in converting] == [1, 2, 3, 4]


async def test_no_more_events_come_than_were_asked_for(org: SalesforceWorld, stubs: Any) -> None:
    async with client(org, stubs) as stranger, stranger.subscribe(want=2) as line:
        await settled(org)
        for n in range(5):
            org.org.save("Lead", LastName=f"L{n}", Company="Acme")
        assert len(await line.events(2)) == 2
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(line.line.read(), 0.2)
        line.line.cancel()
    async with client(org, stubs) as stranger, stranger.subscribe(want=2, preset="EARLIEST") as line:
        first = await line.answer()
        assert (len(first.events), first.pending_num_requested) == (2, 0)
        await line.more(100)
        rest = await line.answer()
        assert (len(rest.events), rest.pending_num_requested) == (3, 97)


async def test_a_stream_goes_on_behind_a_replay_id(org: SalesforceWorld, stubs: Any) -> None:
    ids = [org.org.save("Lead", LastName=f"L{n}", Company="Acme") for n in range(3)]
    async with client(org, stubs) as stranger:
        async with stranger.subscribe(preset="EARLIEST") as line:
            first = (await line.answer()).events[0]
        async with stranger.subscribe(preset="CUSTOM", replay=first.replay_id) as line:
            assert [event["ChangeEventHeader"]["recordIds"] for _, event in await line.events(2)] == [[one] for one in ids[1:]]


@pytest.mark.parametrize(
    ("how", "code"), [("old", "replayid.corrupted"), ("none", "replayid.corrupted"), ("blank", "replayid.validation.failed")]
)
async def test_a_replay_id_that_is_too_old_or_none_is_refused(org: SalesforceWorld, stubs: Any, how: str, code: str) -> None:
    org.org.save("Lead", LastName="Old", Company="Acme")
    async with client(org, stubs) as stranger:
        async with stranger.subscribe(preset="EARLIEST") as line:
            replay = (await line.answer()).events[0].replay_id
        org.org.save("Lead", LastName="Newer", Company="Acme")
        org.held = datetime.now(UTC) + timedelta(hours=73)
        async with stranger.subscribe(preset="CUSTOM", replay={"old": replay, "none": b"x", "blank": b""}[how]) as line:
            with pytest.raises(grpc.aio.AioRpcError) as told:
                await line.answer()
    assert told.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert dict(told.value.trailing_metadata() or ())["error-code"] == f"{CODE}subscription.fetch.{code}"


async def test_who_has_no_session_is_refused_and_told_so_in_the_trailers(org: SalesforceWorld, stubs: Any) -> None:
    async with client(org, stubs, token="nobody's") as stranger:
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await stranger.stub.GetTopic(stranger.pb.TopicRequest(topic_name="/data/ChangeEvents"), metadata=stranger.metadata)
    assert told.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert dict(told.value.trailing_metadata() or ())["error-code"] == f"{CODE}service.auth.error"


async def test_a_topic_is_told_with_its_schema_and_drift_makes_another(org: SalesforceWorld, stubs: Any) -> None:
    async with client(org, stubs) as stranger:

        async def schema() -> tuple[str, set[str]]:
            asked = stranger.pb.TopicRequest(topic_name="/data/LeadChangeEvent")
            topic = await stranger.stub.GetTopic(asked, metadata=stranger.metadata)
            told = await stranger.stub.GetSchema(stranger.pb.SchemaRequest(schema_id=topic.schema_id), metadata=stranger.metadata)
            return topic.schema_id, {one["name"] for one in json.loads(told.schema_json)["fields"]}

        before, fields = await schema()
        await org.drop_field("Title")
        after, fewer = await schema()
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await stranger.stub.GetTopic(stranger.pb.TopicRequest(topic_name="/data/NoneChangeEvent"), metadata=stranger.metadata)
    assert before != after
    assert fields - fewer == {"Title"}
    assert told.value.code() == grpc.StatusCode.NOT_FOUND


async def test_a_quiet_stream_says_where_it_stands(stubs: Any) -> None:
    async with salesforce_world(FIVE, keepalive_s=0.05) as org, client(org, stubs) as stranger:
        org.org.save("Lead", LastName="Old", Company="Acme")
        async with stranger.subscribe() as line:
            quiet = await line.answer()
        assert not quiet.events
        org.org.save("Lead", LastName="Newer", Company="Acme")
        async with stranger.subscribe(preset="CUSTOM", replay=quiet.latest_replay_id) as line:
            ((_, event),) = await line.events(1)
    assert event["Name"]["LastName"] == "Newer"


async def test_several_records_that_one_call_changed_alike_are_one_event(org: SalesforceWorld, stubs: Any) -> None:
    async with client(org, stubs) as stranger, stranger.subscribe() as line:
        await settled(org)
        ids = [org.org.add_lead(LastName=f"L{n}") for n in range(3)]
        saving = _saving(org)
        for ident in ids:
            saving.commit(saving.delete(ident))
        ((_, event),) = await line.events(1)
    assert event["ChangeEventHeader"]["recordIds"] == ids


def _saving(org: SalesforceWorld) -> Any:
    from connectors.emulator.salesforce.saving import Options, Saving

    return Saving(org.org.org, org.org.doors.person({}), Options(auto_assign=False))
