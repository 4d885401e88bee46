"""What stands before the real Tryton in tests: it notes every call, and breaks the line, the answer or the quota when told to."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from yarl import URL

from connectors.emulator import control
from connectors.emulator.faults import Fault, Faults
from connectors.emulator.journal import Journal
from connectors.emulator.silence import App, hang_up, until_gone
from tests.tryton.running import Tryton

_VERBS = {"POST": "create", "PUT": "update", "DELETE": "delete"}
_PASSED = ("authorization", "content-type", "accept", "accept-language", "x-tryton-context")
_LOST = b'[{"id": 1, "na'


class Front:
    """A proxy of one server; `app` is what to serve, `journal` what passed, `faults` what goes wrong."""

    def __init__(self, tryton: Tryton) -> None:
        self.journal, self.faults = Journal(), Faults()
        self._to = tryton.url.rpartition("/")[0]
        routes = [*control.routes(self.journal, self.faults), Route("/{path:path}", self._answer, methods=["GET", *_VERBS])]
        self.app: Starlette = App(routes=routes, lifespan=self._lifespan)
        self.app.state.sends_date = True  # Tryton's own

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=8)) as self._http:
            yield

    async def _answer(self, request: Request) -> Response:
        began, body, path = time.perf_counter(), await request.body(), request.url.path
        fault = self.faults.next(request.method, path)
        kind = fault.kind if fault else ""
        answer = _scripted(fault) if fault and kind in ("status", "timeout") else await self._passed(request, body)
        silent = kind in ("timeout", "drop_answer")
        writing = request.method in ("PUT", "DELETE") or (request.method == "POST" and len(_named(path)) == 1)
        status = 0 if silent else answer.status_code
        self.journal.call("truce", request.method, path, status, 1, writing=writing, seconds=time.perf_counter() - began)
        if silent:
            await (until_gone if kind == "timeout" else hang_up)(request)
        return Response(_LOST, media_type="application/json") if kind == "invalid_json" else answer

    async def _passed(self, request: Request, body: bytes) -> Response:
        """Let Tryton answer, and note what it did."""
        headers = {name: request.headers[name] for name in _PASSED if name in request.headers}
        url = URL(f"{self._to}{request.url.path}" + (f"?{request.url.query}" if request.url.query else ""), encoded=True)
        async with self._http.request(request.method, url, data=body, headers=headers) as answer:
            kept = {name: answer.headers.get(name, "") for name in ("content-type", "date")}
            told = Response(await answer.read(), answer.status, kept)
            if answer.status < 300 and request.method in _VERBS:
                await self._noted(request.method, _named(request.url.path), answer)
        return told

    async def _noted(self, method: str, path: list[str], answer: aiohttp.ClientResponse) -> None:
        ident = path[1] if len(path) == 2 and path[1].isdigit() else str((await answer.json())["id"]) if len(path) == 1 else ""
        if ident:
            self.journal.effect("truce", _VERBS[method], path[0], ident, {}, {})


def _named(path: str) -> list[str]:
    """Give what a path says behind /database/rest/model: the model, and an id or a method."""
    return path.strip("/").split("/")[3:]


def _scripted(fault: Fault) -> Response:
    return Response(fault.body, fault.status, {"content-type": "application/json", **fault.headers})
