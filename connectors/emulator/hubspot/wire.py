"""How every door answers: faults, authentication, scope and limits first, then the handler; each call stands in the journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.faults import Fault
from connectors.emulator.hubspot.auth import Actor
from connectors.emulator.hubspot.errors import Refused, throttled
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal
from connectors.emulator.silence import hang_up, until_gone

NO_ANSWER = 0
"""The status that the journal has for a call that was not answered."""


@dataclass
class _Done:
    answer: Answer
    client: str
    rows: int


def routes(object_: str, doors: Iterable[Door]) -> list[Route]:
    """Give Starlette's routes for the doors of an object, fixed paths before those with parameters; they serve any account.

    Whose account it is stands in the app: `app.state.portals` has its view of each object.
    """
    return [_route(object_, door) for door in sorted(doors, key=lambda door: door.path.count("{"))]


def _route(object_: str, door: Door) -> Route:
    async def endpoint(request: Request) -> Response:
        return await _answer(request.app.state.portals[object_], door, request)

    return Route(door.path, endpoint, methods=[door.method])


async def _answer(portal: Portal, door: Door, request: Request) -> Response:
    started = time.perf_counter()
    body = await request.body()
    fault = portal.faults.next(request.method, request.url.path)
    if fault is not None and fault.kind in ("status", "timeout", "quota"):
        done = _refused_by_script(portal, door, request, fault)
    else:
        done = _apply(portal, door, request, body)
    wait = portal.faults.latency_s + (fault.seconds if fault is not None and fault.kind == "slow" else 0.0)
    if wait:
        await asyncio.sleep(wait)
    silent = fault is not None and fault.kind in ("timeout", "drop_answer")
    status = NO_ANSWER if silent else done.answer.status
    portal.journal.call(
        done.client, request.method, request.url.path, status, done.rows, writing=door.writing, seconds=time.perf_counter() - started
    )
    if fault is not None and fault.kind == "timeout":
        await until_gone(request)
    if fault is not None and fault.kind == "drop_answer":
        await hang_up(request)
    broken = fault is not None and fault.kind == "invalid_json"
    return _response(done.answer, b'{"results": [{"id": "10' if broken else None)


def _client(portal: Portal, door: Door, request: Request) -> str:
    header = request.headers.get("authorization")
    if door.anonymous and not header:
        return "form" if door.kind == "forms" else "anonymous"
    return portal.auth.client(header)


def _refused_by_script(portal: Portal, door: Door, request: Request, fault: Fault) -> _Done:
    try:
        client = _client(portal, door, request)
        portal.limits.take(client, door.kind)
    except Refused:
        client = "?"
    headers = {"Content-Type": "application/json;charset=utf-8"} | fault.headers
    if fault.kind == "quota":
        refused = throttled("DAILY" if fault.body == "DAILY" else "TEN_SECONDLY_ROLLING")
        return _Done(Answer(429, refused.body(), headers), client, 0)
    return _Done(Answer(fault.status, fault.body.encode(), headers), client, 0)


def _apply(portal: Portal, door: Door, request: Request, body: bytes) -> _Done:
    """Run one request to its end without giving up control, so that requests never interleave."""
    client, rows, headers, daily = "?", 0, dict[str, str](), not portal.auth.by_oauth(request.headers.get("authorization"))
    try:
        client = _client(portal, door, request)
        portal.limits.take(client, door.kind)
        headers = portal.limits.headers(client, door.kind, daily=daily)
        portal.auth.check_scope(client, door.scope)
        call = _call(portal, request, client, body)
        answer = door.handler(portal, call)
        rows = call.rows
    except Refused as refused:
        answer = Answer(refused.status, refused.body(), refused.headers)
        headers = headers or (portal.limits.headers(client, door.kind, daily=daily) if refused.status == 429 else {})
    finally:
        portal.hooks.flush()
    return _Done(Answer(answer.status, answer.body, headers | dict(answer.headers)), client, rows)


def _call(portal: Portal, request: Request, client: str, body: bytes) -> Call:
    query: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        query.setdefault(name, []).append(value)
    actor = Actor("form", "FORM") if client == "form" else portal.auth.actor(client)
    params: Mapping[str, str] = {name: str(value) for name, value in request.path_params.items()}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return Call(request.method, request.url.path, params, query, body, client, actor, kind=kind)


def _response(answer: Answer, instead: bytes | None) -> Response:
    headers = dict(answer.headers)
    content = instead if instead is not None else _content(answer.body)
    if content is not None:
        headers.setdefault("Content-Type", "application/json;charset=utf-8")
    return Response(content, answer.status, headers)


def _content(body: Any) -> bytes | None:
    return body if body is None or isinstance(body, bytes) else orjson.dumps(body)
