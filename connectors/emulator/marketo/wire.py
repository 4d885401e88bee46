"""How every door answers: faults, token and limits first, then the handler, in Marketo's envelope; each call stands in the journal."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.faults import Fault
from connectors.emulator.marketo.leads import Actor
from connectors.emulator.marketo.refusals import Refused, day_is_over
from connectors.emulator.routes import route
from connectors.emulator.silence import hang_up, until_gone

if TYPE_CHECKING:
    from connectors.emulator.marketo.server import Marketo

MAX_BODY, MAX_URI = 1_048_576, 8_192
NO_ANSWER = 0
"""The status that the journal has for a call that was not answered."""
VISITOR = Actor("form", "Web form fillout")
_numbers = itertools.count(1)


@dataclass
class Call:
    """One request after the token was looked at; `rows` is how many records it names."""

    actor: Actor
    path: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    rows: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)

    def one(self, name: str, default: str = "") -> str:
        """Give a parameter."""
        return self.query.get(name, (default,))[0]

    def listed(self, name: str) -> list[str]:
        """Give a parameter that may be repeated or separated by commas; raises Refused (1002) where it is missing."""
        found = [part.strip() for text in self.query.get(name, ()) for part in text.split(",") if part.strip()]
        if not found:
            raise Refused("1002", f"Missing value for the required parameter '{name}'")
        return found

    def size(self) -> int:
        """Give `batchSize`, 300 at most."""
        text = self.one("batchSize", "300")
        if not text.isdigit() or not 0 < int(text) <= 300:
            raise Refused("1003", "Invalid data: batchSize is from 1 to 300")
        return int(text)

    def json(self) -> dict[str, Any]:
        """Read the body as a JSON object; raises Refused (609, 612)."""
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Refused("612", "Invalid Content Type")
        try:
            found = orjson.loads(self.body)
        except ValueError:
            raise Refused("609", "Invalid JSON") from None
        if not isinstance(found, dict):
            raise Refused("609", "Invalid JSON")
        return found

    def input(self, name: str = "id") -> list[Any]:
        """Give the ids that a request names, in its `input` or as parameters."""
        rows = self.json().get("input", []) if self.body.strip() else [{name: one} for one in self.listed(name)]
        if not rows or len(rows) > 300:
            raise Refused("1003", "Invalid data: from 1 to 300 records")
        self.rows = len(rows)
        return [row.get(name) for row in rows]


@dataclass(frozen=True)
class File:
    """An answer without an envelope."""

    status: int
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Door:
    """One path of Marketo's wire; the handler gives what stands in the envelope beside requestId and success, or a file."""

    method: str
    path: str
    handler: Callable[[Marketo, Call], Mapping[str, Any] | File]
    writing: bool = False
    open: bool = False
    """Whoever comes may use it, and it is no call of the API: a form of the web site."""


@dataclass
class _Done:
    status: int
    body: bytes
    client: str = "?"
    rows: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


def routes(world: Marketo, doors: Sequence[Door]) -> list[Route]:
    """Give Starlette's routes for the doors, fixed paths before those with parameters, and the identity service's."""
    found = [route(door.path, door.method, _endpoint(world, door)) for door in sorted(doors, key=lambda door: door.path.count("{"))]
    return [*found, *(route("/identity/oauth/token", method, _endpoint(world, None)) for method in ("GET", "POST"))]


def _endpoint(world: Marketo, door: Door | None) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await _answer(world, door, request)

    return endpoint


async def _answer(world: Marketo, door: Door | None, request: Request) -> Response:
    started, body = time.perf_counter(), await request.body()
    fault = world.faults.next(request.method, request.url.path)
    world.limits.under_way += 1
    try:
        done = (
            _scripted(fault) if fault is not None and fault.kind in ("status", "timeout", "quota") else _apply(world, door, request, body)
        )
        await asyncio.sleep(world.faults.latency_s + (fault.seconds if fault is not None and fault.kind == "slow" else 0.0))
    finally:
        world.limits.under_way -= 1
    silent = fault is not None and fault.kind in ("timeout", "drop_answer")
    writing = door is not None and door.writing and request.query_params.get("_method") != "GET"
    status = NO_ANSWER if silent else done.status
    world.journal.call(
        done.client, request.method, request.url.path, status, done.rows, writing=writing, seconds=time.perf_counter() - started
    )
    if fault is not None and fault.kind == "timeout":
        await until_gone(request)
    if fault is not None and fault.kind == "drop_answer":
        await hang_up(request)
    broken = fault is not None and fault.kind == "invalid_json"
    date = {"Date": format_datetime(world.clock(), usegmt=True)}
    kind = {"Content-Type": "application/json;charset=UTF-8"}
    return Response(b'{"requestId":"1","success":tr' if broken else done.body, done.status, {**kind, **date, **done.headers})


def _scripted(fault: Fault) -> _Done:
    if fault.kind == "quota":
        return _Done(200, orjson.dumps(_envelope({"success": False, "errors": [day_is_over().reason()]})))
    return _Done(fault.status, fault.body.encode(), headers=fault.headers)


def _apply(world: Marketo, door: Door | None, request: Request, body: bytes) -> _Done:
    """Run one request to its end without giving up control, so that requests never interleave."""
    if door is None:
        form = parse_qs(body.decode(errors="replace"))
        status, told = world.identity.mint({**{name: values[0] for name, values in form.items()}, **request.query_params})
        return _Done(status, orjson.dumps(told))
    done = _Done(200, b"")
    try:
        _fits(request, body)
        actor = VISITOR if door.open else world.identity.actor(request.headers.get("authorization"))
        done.client = actor.client
        if not door.open:
            world.limits.take(actor.user)
            if door.writing and request.query_params.get("_method") != "GET":
                world.rights("write")
        call = _call(request, actor, body)
        found = door.handler(world, call)
        if isinstance(found, File):
            return _Done(found.status, found.body, actor.client, headers=found.headers)
        told, done.rows = {"success": True, **found}, call.rows
    except Refused as error:
        done.status, told = error.status, {"success": False, "errors": [error.reason()]}
    done.body = orjson.dumps(_envelope(told))
    return done


def _fits(request: Request, body: bytes) -> None:
    if len(body) > MAX_BODY:
        raise Refused("413", "Request Entity Too Large", status=413)
    if len(str(request.url.path)) + len(request.url.query) > MAX_URI:
        raise Refused("414", "Request-URI Too Long", status=414)


def _call(request: Request, actor: Actor, body: bytes) -> Call:
    query: dict[str, list[str]] = {}
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    more = [(name, value) for name, values in parse_qs(body.decode(errors="replace")).items() for value in values] if form else []
    for name, value in [*request.query_params.multi_items(), *more]:
        query.setdefault(name, []).append(value)
    if "access_token" in query:
        raise Refused("600", "Access token not specified")  # no longer taken from there (Marketo's REST guide, Authentication)
    return Call(
        actor, {name: str(value) for name, value in request.path_params.items()}, query, b"" if form else body, headers=request.headers
    )


def _envelope(told: Mapping[str, Any]) -> dict[str, Any]:
    return {"requestId": f"{next(_numbers):x}#{int(time.time() * 1000):x}", **told}
