"""The org's Pub/Sub API: real gRPC (GetTopic, GetSchema, Subscribe) over the org's change events.

Codes and rules as the Pub/Sub API guide has them ("Handle Errors", "Subscribe RPC Method", "Event Message Durability"); publishing and managed
subscriptions are not emulated.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import grpc

from connectors.emulator.faults import Faults
from connectors.emulator.salesforce.avro import Wires
from connectors.emulator.salesforce.changes import Change
from connectors.emulator.salesforce.org import Org
from connectors.emulator.salesforce.sessions import Sessions
from connectors.salesforce import pubsub as wire

MOST = 100
"""Events that one request may ask for."""
CODE = "sfdc.platform.eventbus.grpc."
_STATUSES = {
    401: (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error"),
    403: (grpc.StatusCode.RESOURCE_EXHAUSTED, "subscription.limit.exceeded"),
    404: (grpc.StatusCode.NOT_FOUND, "topic.notfound"),
    503: (grpc.StatusCode.UNAVAILABLE, "service.unavailable"),
}
Context = grpc.aio.ServicerContext[Any, Any]


class PubSub:
    """The service; `hang_up` ends every stream as a lost line would, `keepalive_s` is how long a stream may say nothing."""

    def __init__(self, org: Org, sessions: Sessions, faults: Faults, *, keepalive_s: float = 270.0) -> None:
        self.org, self.sessions, self.faults, self.keepalive_s = org, sessions, faults, keepalive_s
        self.url, self.subscribed = "", 0
        self._wires, self._lines, self._why = Wires(), set[asyncio.Event](), 503

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve on a free port of loopback until the block ends; `url` says where."""
        server = grpc.aio.server()
        server.add_generic_rpc_handlers((self._handlers(),))
        self.url = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        await server.start()
        try:
            yield
        finally:
            self.hang_up()
            await server.stop(None)

    def hang_up(self, status: int = 503) -> None:
        """End every stream, as a lost line, or with another status."""
        self._why = status
        for line in self._lines:
            line.set()
        self.org.changes.ring()

    def _handlers(self) -> Any:
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
        return grpc.method_handlers_generic_handler(
            wire.SERVICE,
            {
                "GetTopic": unary(self._topic, wire.TopicRequest.FromString, wire.TopicInfo.SerializeToString),
                "GetSchema": unary(self._schema, wire.SchemaRequest.FromString, wire.SchemaInfo.SerializeToString),
                "Subscribe": stream(self._subscribe, wire.FetchRequest.FromString, wire.FetchResponse.SerializeToString),
            },
        )

    async def _topic(self, request: wire.TopicRequest, context: Context) -> wire.TopicInfo:
        await self._enter(context, "GetTopic")
        objects = await self._objects(request.topic_name, context)
        table = self.org.table(objects[0]) if len(objects) == 1 and not request.topic_name.endswith("/ChangeEvents") else None
        ident = self._wires.of(table).id if table else ""
        return wire.TopicInfo(
            topic_name=request.topic_name, tenant_guid=self.org.id, can_publish=False, can_subscribe=True, schema_id=ident, rpc_id=_rpc()
        )

    async def _schema(self, request: wire.SchemaRequest, context: Context) -> wire.SchemaInfo:
        await self._enter(context, "GetSchema")
        found = self._wires.by_id.get(request.schema_id)
        if found is None:
            await _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "schema.notfound", "The schema does not exist")
        return wire.SchemaInfo(schema_json=found.json, schema_id=found.id, rpc_id=_rpc())

    async def _subscribe(self, asked: AsyncIterator[wire.FetchRequest], context: Context) -> AsyncIterator[wire.FetchResponse]:
        await self._enter(context, "Subscribe")
        first = await anext(asked, None)
        if first is None:
            return
        objects = await self._objects(first.topic_name, context)
        at = await self._start(first, context)
        self.subscribed += 1
        flow = _Flow(first)
        self._lines.add(flow.ended)
        self.org.changes.listen(flow.bell)
        reading = asyncio.create_task(flow.read(asked))
        try:
            async for response in self._told(flow, objects, at):
                yield response
            if flow.wrong:
                await _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.requested.events.invalid", flow.wrong)
            if flow.ended.is_set():
                await _refuse(context, *_STATUSES[self._why], "The connection was closed")
        finally:
            reading.cancel()
            self._lines.discard(flow.ended)
            self.org.changes.hush(flow.bell)

    async def _told(self, flow: _Flow, objects: Sequence[str], at: int) -> AsyncIterator[wire.FetchResponse]:
        while not (flow.ended.is_set() or flow.wrong or flow.done):
            flow.bell.clear()
            found = [one for one in self.org.changes.after(at) if one.object in objects][: flow.pending]
            if found:
                at, flow.pending = found[-1].replay, flow.pending - len(found)
                self.org.changes.delivered += len(found)
                yield wire.FetchResponse(
                    events=map(self._event, found), latest_replay_id=_replay(at), rpc_id=_rpc(), pending_num_requested=flow.pending
                )
                continue
            try:
                async with asyncio.timeout(self.keepalive_s):
                    await flow.bell.wait()
            except TimeoutError:
                at = self.org.changes.tip if flow.pending else at
                yield wire.FetchResponse(latest_replay_id=_replay(at), rpc_id=_rpc(), pending_num_requested=flow.pending)

    def _event(self, change: Change) -> wire.ConsumerEvent:
        table = self.org.table(change.object)
        assert table is not None
        found = self._wires.of(table)
        event = wire.ProducerEvent(id=str(uuid.uuid4()), schema_id=found.id, payload=found.payload(change))
        return wire.ConsumerEvent(event=event, replay_id=_replay(change.replay))

    async def _start(self, first: wire.FetchRequest, context: Context) -> int:
        """Say behind which replay id the stream begins; refuses one that is none, or too old to be there."""
        changes = self.org.changes
        if first.replay_preset != wire.CUSTOM:
            return changes.oldest if first.replay_preset == wire.EARLIEST else changes.tip
        if not first.replay_id:
            words = "The Replay ID validation failed: CUSTOM needs a replay_id"
            await _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.validation.failed", words)
        number = int.from_bytes(first.replay_id[:8], "big") if len(first.replay_id) == 10 else -1
        if not changes.oldest <= number <= changes.tip:
            words = (
                "The Replay ID validation failed. Ensure that the Replay ID is valid and refers to an event within the retention window."
            )
            await _refuse(context, grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.corrupted", words)
        return number

    async def _objects(self, topic: str, context: Context) -> list[str]:
        """Name the objects of a topic: all that are selected, those of a channel of one's own, or one."""
        name = topic.removeprefix("/data/")
        if topic.startswith("/data/") and (name == "ChangeEvents" or name.endswith("__chn")):
            return self.org.changes.selected
        found = self.org.table(name.removesuffix("ChangeEvent")) if name.endswith("ChangeEvent") else None
        if found is None:
            await _refuse(context, grpc.StatusCode.NOT_FOUND, "topic.notfound", f"The topic {topic} does not exist or cannot be seen")
        return [found.name]

    async def _enter(self, context: Context, method: str) -> None:
        """Take the scripted fault, then look at the session."""
        path, started = f"/{wire.SERVICE}/{method}", time.perf_counter()
        sent = {str(name): str(value) for name, value in context.invocation_metadata() or ()}
        client = (
            self.sessions.client(sent.get("accesstoken", "")) if sent.get("tenantid") == self.org.id and sent.get("instanceurl") else None
        )
        fault = self.faults.next("GRPC", path)
        status = fault.status if fault is not None and fault.kind == "status" else 200 if client else 401
        self.org.journal.call(client or "?", "GRPC", path, status, 0, writing=False, seconds=time.perf_counter() - started)
        if fault is not None and fault.kind == "timeout":
            await asyncio.Event().wait()
        if status != 200:
            words = fault.body if fault else "An authentication exception occurred. Provide valid authentication via metadata headers."
            await _refuse(context, *_STATUSES[status], words)


class _Flow:
    """What a subscriber is ready to take."""

    def __init__(self, first: wire.FetchRequest) -> None:
        self.bell, self.ended, self.topic = asyncio.Event(), asyncio.Event(), first.topic_name
        self.pending, self.wrong, self.done = 0, "", False
        self._more(first)

    async def read(self, asked: AsyncIterator[wire.FetchRequest]) -> None:
        """Add what further requests ask for, until the subscriber asks no more."""
        async for request in asked:
            self._more(request)
            self.bell.set()
        self.done = True
        self.bell.set()

    def _more(self, request: wire.FetchRequest) -> None:
        if request.num_requested < 1:
            self.wrong = "num_requested is at least 1"
        if request.topic_name not in ("", self.topic):
            self.wrong = "the topic of a stream cannot change"
        self.pending = min(MOST, self.pending + request.num_requested)


def _replay(number: int) -> bytes:
    """Write a replay id: opaque bytes, ten of them, as the real ones are."""
    return number.to_bytes(8, "big") + b"\0\0"


def _rpc() -> str:
    return str(uuid.uuid4())


async def _refuse(context: Context, status: grpc.StatusCode, code: str, words: str) -> NoReturn:
    rpc = _rpc()
    await context.abort(status, f"{words} rpcId: {rpc}", (("error-code", CODE + code), ("rpc-id", rpc)))
    raise AssertionError("abort raises")
