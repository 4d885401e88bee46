"""Salesforce's change events by the Pub/Sub API (gRPC): a doorbell that names records, for the same reads by id that everything else uses.

Sources: the Pub/Sub API guide (Subscribe RPC Method, Handle Errors, Event Deserialization Considerations) and the Change Data Capture guide
(Change Event Fields, Gap and Overflow Events).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from io import BytesIO
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import fastavro
import grpc

from connectors.base import Ring, Wanted
from connectors.errors import AuthExpired, ConnectorError, RateLimited, Surprising, Unavailable
from connectors.http import scrub
from connectors.salesforce import pubsub as wire
from connectors.salesforce.bitmaps import Schema, changes, parsed, whole
from connectors.salesforce.client import Client
from connectors.salesforce.mapping import MEMBER, OPPORTUNITY, OWN_FIELDS, RESPONSE, ROLE, ROLES, id18
from schemas.base import Ref

URL = "https://api.pubsub.salesforce.com:7443"
MOST, FEW = 100, 50
"""So many events may be asked for at once; with so few still to come more are asked for."""
SILENCE_S = 330.0
"""Salesforce says something within 270 s, if only that nothing happened."""
LIMIT_WAIT_S = 900.0
END_S = 5.0
"""So long is waited at most for what was said at the end of a line on which we could not write any more."""
_WRITING = "Internal error from Core"
"""What gRPC for Python itself says then."""
_OURS = ";client=truce"
_NOWHERE = "000000000000000AAA"
_LOST = ("subscription.fetch.replayid.corrupted", "subscription.fetch.replayid.validation.failed")
_Code = grpc.StatusCode


class Told(NamedTuple):
    """The head of one change event; `changed` are the fields of an update by REST's names, none where it may be any; None of another change."""

    object: str
    ids: tuple[str, ...]
    type: str
    own: bool
    changed: frozenset[str] | None
    opportunity: str = ""
    """Of a contact role that is new: whose it is; of one that changed or went no event says it."""


class _Lost(Exception):
    """What happened behind the position is no longer there."""


class Events:
    """The stream of one org: one subscription, one position."""

    def __init__(self, client: Client) -> None:
        self.topic, self._client, self._url = client.events, client, urlsplit(client.connection.options.get("events_url", URL))
        self._schemas: dict[str, Schema] = {}

    async def reach(self) -> bool:
        """Ask for the channel, and say whether it may be subscribed to; raises a ConnectorError where it may not even be seen."""
        async with self._channel() as channel:
            found = await self._called(channel, "GetTopic", wire.TopicRequest(topic_name=self.topic), wire.TopicInfo)
            return bool(found.can_subscribe)

    async def rings(self, position: str, wanted: Wanted) -> AsyncGenerator[Ring, None]:
        """Ring for what happens behind a position, and from now on where it is blank or of another channel."""
        replay, _, topic = position.partition("@")
        behind = bytes.fromhex(replay) if topic == self.topic else b""
        heard = await self._heard(wanted)
        async with self._channel() as channel:
            for start in (behind, b""):
                try:
                    async with aclosing(self._subscribed(channel, start, heard)) as rings:
                        async for ring in rings:
                            yield ring.model_copy(update={"lost": not start}) if behind and not ring.position else ring
                except _Lost:
                    continue

    def _channel(self) -> grpc.aio.Channel:
        """Open a line, through the connection's proxy where it has one, as all other calls go; without TLS only where the address says http."""
        proxy, address = self._client.connection.options.get("proxy") or None, self._url.netloc
        options = [("grpc.enable_http_proxy", int(proxy is not None)), *([("grpc.http_proxy", proxy)] if proxy else [])]
        if self._url.scheme == "http":
            return grpc.aio.insecure_channel(address, options=options)
        return grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(), options=options)

    async def _subscribed(
        self, channel: grpc.aio.Channel, behind: bytes, heard: Mapping[str, frozenset[str]]
    ) -> AsyncGenerator[Ring, None]:
        """Subscribe behind a replay id, and ring: once when the stream is open, then for every answer. Raises a ConnectorError at its end."""
        await self._called(channel, "GetTopic", wire.TopicRequest(topic_name=self.topic), wire.TopicInfo)
        line = channel.stream_stream(
            f"/{wire.SERVICE}/Subscribe",
            request_serializer=wire.FetchRequest.SerializeToString,
            response_deserializer=wire.FetchResponse.FromString,
        )(metadata=self._metadata(await self._client.bearer.token()))
        preset, over = wire.CUSTOM if behind else wire.LATEST, asyncio.Event()
        line.add_done_callback(lambda _: over.set())
        answered = False
        try:
            await line.write(wire.FetchRequest(topic_name=self.topic, replay_preset=preset, replay_id=behind, num_requested=MOST))
            yield Ring(position=self._position(behind))
            while True:
                async with asyncio.timeout(SILENCE_S):
                    answer: Any = await line.read()
                if answer is grpc.aio.EOF:
                    raise Unavailable("the stream of events ended")
                answered = True
                yield await self._ring(channel, answer, heard)
                if answer.pending_num_requested < FEW:
                    await line.write(wire.FetchRequest(topic_name=self.topic, num_requested=MOST - answer.pending_num_requested))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            ended = await _end(line, over)
            if answered and ended.code() == _Code.UNAUTHENTICATED:  # the session ended: begun anew it says whether another one is to be had
                raise Unavailable("the session of the stream of events ended") from None
            raise _error(ended) from None
        except TimeoutError:
            raise Unavailable("the stream of events says nothing more") from None
        finally:
            line.cancel()

    def _position(self, replay: bytes) -> str:
        return f"{replay.hex()}@{self.topic}" if replay else ""

    async def _ring(self, channel: grpc.aio.Channel, answer: wire.FetchResponse, heard: Mapping[str, frozenset[str]]) -> Ring:
        """Say what one answer of the stream rings for."""
        system, refs, objects, roles = self._client.connection.system, dict[str, None](), dict[str, None](), list[str]()
        for event in answer.events:
            told = read(event.event.payload, await self._schema(channel, event.event.schema_id), self._client.me)
            for name, ident in named(told, heard):
                if name == ROLE:
                    roles.append(ident)
                elif ident:
                    refs[str(Ref(system, name, ident))] = None
                else:
                    objects[name] = None
        for ident in await self._opportunities(roles):
            refs[str(Ref(system, OPPORTUNITY, ident))] = None
        last = answer.events[-1].replay_id if answer.events else answer.latest_replay_id
        return Ring(position=self._position(last), read=tuple(refs), objects=tuple(objects))

    async def _opportunities(self, roles: Sequence[str]) -> list[str]:
        """Say whose these contact roles are, or were: a row in the recycle bin still says it."""
        found = self._client.rows_in(ROLE, "Id", roles, "Id, OpportunityId", deleted=True)
        return sorted({str(row["OpportunityId"]) async for rows in found for row in rows.records}) if roles else []

    async def _heard(self, wanted: Wanted) -> dict[str, frozenset[str]]:
        """Say of which objects events count, and of updates those that touch which fields; none named: any does."""
        heard = dict.fromkeys([ROLE] if any(ROLES in fields for fields in wanted.values()) else [], frozenset[str]())
        heard |= dict.fromkeys([MEMBER] if self._client.campaigns.scanned else [], frozenset[str]())
        for name, fields in wanted.items():
            described = [] if name in RESPONSE else (await self._client.describe(name))["fields"]
            worked_out = any(one.get("calculated") and one["name"] in fields for one in described)  # of such a field no event tells
            heard[name] = frozenset() if worked_out or name in RESPONSE else frozenset((*fields, *OWN_FIELDS, *map(whole, fields)))
        return heard

    async def _schema(self, channel: grpc.aio.Channel, ident: str) -> Schema:
        if ident not in self._schemas:
            found = await self._called(channel, "GetSchema", wire.SchemaRequest(schema_id=ident), wire.SchemaInfo)
            self._schemas[ident] = parsed(found.schema_json)
        return self._schemas[ident]

    async def _called(self, channel: grpc.aio.Channel, method: str, request: Any, gives: Any) -> Any:
        """Make one plain call; a token that is refused is renewed once."""
        call = channel.unary_unary(
            f"/{wire.SERVICE}/{method}", request_serializer=type(request).SerializeToString, response_deserializer=gives.FromString
        )
        token, timeout_s = await self._client.bearer.token(), self._client.connection.timeout_s
        try:
            return await call(request, metadata=self._metadata(token), timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            if error.code() != _Code.UNAUTHENTICATED:
                raise _error(error) from None
        token = await self._client.bearer.renew(token)
        try:
            return await call(request, metadata=self._metadata(token), timeout=timeout_s)
        except grpc.aio.AioRpcError as error:
            raise _error(error) from None

    def _metadata(self, token: str) -> tuple[tuple[str, str], ...]:
        return ("accesstoken", token), ("instanceurl", self._client.connection.url), ("tenantid", self._client.org)


def read(payload: bytes, schema: Schema, me: str) -> Told:
    """Read the head of an event; raises Surprising for what cannot be read by its own schema."""
    try:
        event: Any = fastavro.schemaless_reader(BytesIO(payload), schema.wire, None)
        head = event["ChangeEventHeader"]
        own = head["commitUser"] == me and head["changeOrigin"].endswith(_OURS)
        changed = changes(schema, head["changedFields"]) if head["changeType"] == "UPDATE" else None
        opportunity = event.get("OpportunityId") or "" if head["entityName"] == ROLE else ""
        return Told(head["entityName"], tuple(head["recordIds"]), head["changeType"], own, changed, opportunity)
    except (EOFError, struct.error, LookupError, ValueError, TypeError, AttributeError) as error:
        raise Surprising(f"a change event that cannot be read ({type(error).__name__})") from None


def named(told: Told, heard: Mapping[str, frozenset[str]]) -> Iterable[tuple[str, str]]:
    """Give (object, id) of what an event rings for, a blank id for all of an object.

    Of what we wrote ourselves nothing is read at once: the writer knows how it ended, and the next poll reads what else became of it.
    """
    fields = heard.get(told.object)
    if fields is None or (told.own and not told.type.startswith("GAP_")):
        return
    if told.changed and fields and not told.changed & fields:
        return
    if told.opportunity:  # its opportunity is what is read
        yield OPPORTUNITY, told.opportunity
        return
    for one in told.ids:
        ident = id18(one)
        if ident is not None and ident != _NOWHERE and told.type != "GAP_OVERFLOW":
            yield told.object, ident
        elif told.object != MEMBER:  # all members again would be all answers of all time; the poll finds the last ones
            yield OPPORTUNITY if told.object == ROLE else told.object, ""


async def _end(line: Any, over: asyncio.Event) -> grpc.aio.AioRpcError:
    """Give how a line ended: where it is refused while we write, gRPC first says that the writing failed, and what was said right after."""
    with suppress(TimeoutError):
        async with asyncio.timeout(END_S):
            while await line.details() == _WRITING:
                over.clear()
                await over.wait()
    return grpc.aio.AioRpcError(await line.code(), await line.initial_metadata(), await line.trailing_metadata(), await line.details())


def _error(error: grpc.aio.AioRpcError) -> ConnectorError | _Lost:
    """Say what happens next: by Salesforce's own code in the trailers, else by gRPC's."""
    code = next((str(value) for name, value in error.trailing_metadata() or () if name == "error-code"), "")
    code = code.removeprefix("sfdc.platform.eventbus.grpc.")
    words = scrub(str(error.details() or code or error.code().name))
    if code in _LOST:
        return _Lost()
    if code.endswith("limit.exceeded") or error.code() == _Code.RESOURCE_EXHAUSTED:
        return RateLimited(words, code=code, retry_after=LIMIT_WAIT_S)
    made: Callable[..., ConnectorError] = {
        _Code.UNAUTHENTICATED: AuthExpired, _Code.PERMISSION_DENIED: AuthExpired, _Code.INVALID_ARGUMENT: Surprising, _Code.NOT_FOUND: Surprising,
        _Code.UNIMPLEMENTED: Surprising,
    }.get(error.code(), Unavailable)  # fmt: skip
    return made(words, code=code)
