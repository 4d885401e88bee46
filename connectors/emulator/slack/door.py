"""The Web API's door: faults, token, limits, then the method; each call stands in the journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from connectors.emulator.faults import Fault, Faults
from connectors.emulator.journal import Journal
from connectors.emulator.silence import hang_up, until_gone
from connectors.emulator.slack.limits import Limits
from connectors.emulator.slack.methods import Answer, Failed, Given, TooFast

WRITING = ("chat.", "views.")
Method = Callable[[Given], Answer]


class Door:
    """Answers /api/{method}; `bot` and `app` are the two tokens, `app_methods` take the second."""

    def __init__(self, methods: Mapping[str, Method], limits: Limits, faults: Faults, journal: Journal, tokens: Mapping[str, str]) -> None:
        self.methods, self.limits, self.faults, self.journal, self.tokens = methods, limits, faults, journal, tokens
        self.missing_scope: set[str] = set()
        """Methods for which the token lacks the scope."""

    async def __call__(self, request: Request) -> Response:
        """Answer one call as Slack does: 200 with `ok`, or 429."""
        method, started = request.path_params["method"], time.perf_counter()
        fault = self.faults.next(request.method, request.url.path)
        answer = await self._answer(request, method, fault)
        writing = method.startswith(WRITING)
        seconds = time.perf_counter() - started
        self.journal.call("truce", request.method, request.url.path, answer.status_code, 1, writing=writing, seconds=seconds)
        if fault is not None and fault.kind == "drop_answer":
            await hang_up(request)
        if fault is not None and fault.kind == "invalid_json":
            return Response(b'{"ok": tr', media_type="application/json")
        return answer

    async def _answer(self, request: Request, method: str, fault: Fault | None) -> Response:
        if fault is not None and fault.kind == "status":
            return Response(fault.body, fault.status, fault.headers, media_type="application/json")
        if fault is not None and fault.kind == "quota":
            return _too_fast(int(fault.seconds or 1))
        if fault is not None and fault.kind == "timeout":
            await until_gone(request)
        given = _given(await request.body(), dict(request.query_params), request.headers.get("content-type", ""))
        await asyncio.sleep(self.faults.latency_s + (fault.seconds if fault is not None and fault.kind == "slow" else 0.0))
        try:
            return JSONResponse({"ok": True, **self._called(request, method, given)})
        except Failed as failed:
            return JSONResponse(failed.body)
        except TooFast as fast:
            return _too_fast(fast.seconds)

    def _called(self, request: Request, method: str, given: Given) -> Answer:
        if method not in self.methods:
            raise Failed("unknown_method", req_method=method)
        self._admitted(request, method, given)
        if wait := self.limits.take(method):
            raise TooFast(wait)
        if method in self.missing_scope:
            raise Failed("missing_scope", needed="chat:write", provided="identify")
        return self.methods[method](given)

    def _admitted(self, request: Request, method: str, given: Given) -> None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ") or str(given.get("token") or "")
        if not token:
            raise Failed("not_authed")
        kind = self.tokens.get(token)
        if kind is None:
            raise Failed("invalid_auth")
        if (kind == "app") != method.startswith("apps."):
            raise Failed("not_allowed_token_type")


def _too_fast(seconds: int) -> Response:
    return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(seconds)})


def _given(body: bytes, query: dict[str, str], kind: str) -> dict[str, Any]:
    """Read arguments: JSON as such; of a form or query what looks like JSON in blocks, view and metadata."""
    if kind.startswith("application/json"):
        return query | dict(orjson.loads(body or b"{}"))
    found: dict[str, Any] = query | dict(parse_qsl(body.decode(), keep_blank_values=True))
    for name in ("blocks", "view", "metadata"):
        if isinstance(found.get(name), str):
            try:
                found[name] = orjson.loads(found[name])
            except orjson.JSONDecodeError:
                raise Failed("invalid_arguments") from None
    return found
