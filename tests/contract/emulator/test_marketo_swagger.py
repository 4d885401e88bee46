"""Adobe's own description of the API holds for what the connector sends and for what the emulator answers.

`marketo_shapes.json` has the names, types and enums of the calls in use, from Adobe's swagger-mapi.json, swagger-asset.json and swagger-identity.json of
2026-07-31, without its texts (a channel's parameter is `name`, as in Adobe's guide, not `Name`). Where the description is stricter than the answers that Adobe's guide prints, LOOSER says so.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.base import Create, Update
from connectors.contract import NotedBreaker, NotedBudget
from connectors.contract_world import long_ago, pages
from connectors.emulator.control import serve
from connectors.registry import load
from tests.contract.marketo_world import MarketoWorld

SHAPES: dict[str, Any] = json.loads((Path(__file__).parent / "marketo_shapes.json").read_text(encoding="utf-8"))
LOOSER = {
    "Attribute": {"name"},  # its value may be any scalar, where the swagger has an object
    "LeadChangeField": {"id", "name"},  # a value that was cleared is null
    "Campaign": {"id"},  # Request Campaign answers the id alone
    "LeadFieldStatus": {"status"},
    "ProgramMemberStatusResponse": {"seq", "status"},  # who was skipped is told by its place alone
    "ProgramResponse": {"channel", "type", "status"},  # costs and tags are null, or not there
    "ActivityType": {"id", "name"},
    "LeadAttribute": {"id", "displayName", "dataType"},
}
"""What of a definition must be there in truth; of every envelope it is requestId and success."""


@dataclass
class Exchange:
    """One request and its answer, as they were on the wire."""

    method: str
    path: str
    query: list[tuple[str, str]]
    kind: str
    body: bytes
    status: int = 0
    answer: bytes = b""


@dataclass
class Recorder:
    """Keeps every exchange with an app."""

    app: ASGIApp
    seen: list[Exchange] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        kind = dict(scope["headers"]).get(b"content-type", b"").decode()
        one = Exchange(scope["method"], scope["path"], parse_qsl(scope["query_string"].decode()), kind, b"")
        self.seen.append(one)

        async def taking() -> Message:
            message = await receive()
            one.body += message.get("body", b"")
            return message

        async def giving(message: Message) -> None:
            one.status = message.get("status", one.status)
            one.answer += message.get("body", b"")
            await send(message)

        await self.app(scope, taking, giving)


def definitions() -> dict[str, Any]:
    found = copy.deepcopy(SHAPES["definitions"])
    for name, one in found.items():
        if name.startswith("Response") and "success" in one["properties"]:
            one["required"] = ["requestId", "success"]
        elif name in LOOSER:
            one["required"] = sorted(LOOSER[name])
    found["ProgramMemberStatusResponse"]["properties"]["status"]["enum"].append("created")  # in the guide, of who was no member before
    found["Attribute"]["properties"]["value"] = {}
    found["LeadChangeField"]["properties"] |= {"newValue": {}, "oldValue": {}}
    return found  # type: ignore[no-any-return]


def operation(one: Exchange) -> tuple[dict[str, Any], list[tuple[str, str]], bytes]:
    """Give what describes an exchange, its parameters and its body; `_method` says what a POST stands for."""
    given, method, body = dict(one.query), one.method, one.body
    if given.pop("_method", "") == "GET":
        method = "GET"
        given, body = ({}, body) if "json" in one.kind else (dict(parse_qsl(body.decode())), b"")
    for path, methods in SHAPES["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", r"[\\w-]+", path), one.path) and method.lower() in methods:
            return methods[method.lower()], list(given.items()), body
    raise AssertionError(f"{method} {one.path} is nowhere described")


def faults(one: Exchange) -> Iterator[str]:
    """Say where an exchange is not as it is described."""
    described, given, body = operation(one)
    known, names = described["parameters"], {name for name, _ in given}
    yield from (f"parameter {name} is unknown" for name in names - known.keys())
    yield from (
        f"parameter {name} is missing" for name, how in known.items() if how["required"] and how["in"] == "query" and name not in names
    )
    yield from (
        f"parameter {name} is no number" for name, value in given if known.get(name, {}).get("type") == "integer" and not value.isdigit()
    )
    if body:
        yield from _wrong(json.loads(body), described.get("body", {"enum": ["no body at all"]}))
    if one.status == 200:
        yield from _wrong(json.loads(one.answer), described["answer"])


def _wrong(document: Any, schema: dict[str, Any]) -> Iterator[str]:
    checker = jsonschema.Draft4Validator({"allOf": [schema], "definitions": definitions()})
    for error in checker.iter_errors(document):
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message}"


@pytest.fixture
async def recorded() -> AsyncIterator[tuple[MarketoWorld, list[Exchange]]]:
    world, seen = MarketoWorld(), list[Exchange]()
    world.vendor.app.add_middleware(Recorder, seen=seen)
    async with serve(world.vendor.app) as running:
        world.url = running.url
        yield world, seen


async def test_the_connector_and_the_emulator_keep_to_adobes_description(recorded: tuple[MarketoWorld, list[Exchange]]) -> None:
    world, seen = recorded
    source = load("marketo").source(world.connection(), NotedBudget(), NotedBreaker())
    sink = load("marketo").sink(world.connection(), NotedBudget(), NotedBreaker())
    await world.drop_field("truceId")
    fields = ["email", "phone", "engagementScore", "unsubscribed", "mqlDate", "lists.1001", "programs.3001"]
    await source.doctor(dict.fromkeys(fields, True), fix=True)
    await source.users()
    one, two, three = [world.vendor.fill_form(f"s{n}@example.com", firstName="Ana") for n in range(3)]
    own = {"truceId": "t-1", "email": "new@example.com"}
    await sink.create([Create(key="a", object="leads", fields=own), Create(key="b", object="leads", fields={**own, "truceId": "t-2"})])
    rows = [{"phone": "+1", "lists.1001": True, "programs.3001": "Registered"}, {"phone": None}, {"numberOfEmployees": "many"}]
    await sink.update(
        [
            Update(key=str(n), object="leads", id=ident, fields=row)
            for n, (ident, row) in enumerate(zip((one, two, "99"), rows, strict=True))
        ]
    )
    await sink.update([Update(key="off", object="leads", id=one, fields={"lists.1001": False, "programs.3001": "Invited"})])
    world.vendor.merge(one, two)
    world.vendor.delete(three)
    await source.read([one, two, three], fields)
    await sink.find(["s0@example.com"], {"leads": fields})
    await sink.find_created(["t-1"], fields)
    await pages(source, source.start(long_ago()), fields)
    for side in (source, load("marketo").source(world.connection(bulk_from="1", bulk_look_s="0"), NotedBudget(), NotedBreaker())):
        async for _ in side.everything(None, {"leads": fields}):
            continue
    await side.close()
    await world.expire()
    await source.read([one], ["email"])
    await source.close()
    await sink.close()
    assert [(one.method, one.path, found) for one in seen if (found := list(faults(one)))] == []
    used = {(one.method, re.sub(r"[\w-]*\d{2,}[\w-]*|(?<=/)\d", "N", one.path)) for one in seen}
    assert len(used) >= 26, "fewer calls than the connector has"


@pytest.mark.parametrize(
    ("exchange", "fault"),
    [
        (Exchange("POST", "/rest/v1/leads.json", [], "", b'{"action": "upsert", "input": []}'), "'upsert' is not one of"),
        (Exchange("POST", "/rest/v1/leads.json", [], "", b'{"action": "createOnly"}'), "'input' is a required property"),
        (Exchange("GET", "/rest/v1/activities.json", [("activityTypeIds", "1")], "", b""), "nextPageToken is missing"),
        (
            Exchange("GET", "/rest/v1/leads.json", [("filterType", "id"), ("filterValues", "1"), ("limit", "3")], "", b""),
            "limit is unknown",
        ),
        (Exchange("GET", "/rest/v1/lead/7.json", [], "", b"", 200, b'{"success": true, "requestId": 4}'), "4 is not of type 'string'"),
    ],
)
def test_a_fault_is_found(exchange: Exchange, fault: str) -> None:
    assert any(fault in found for found in faults(exchange))
