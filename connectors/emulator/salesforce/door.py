"""The org's front door: faults, session, daily quota, the vendor's own headers, latency and the journal of calls, for every request."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import format_datetime

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.emulator.faults import Fault, Faults
from connectors.emulator.salesforce.org import Actor, Org, Usage
from connectors.emulator.salesforce.refusals import Refusal, Refused, refused
from connectors.emulator.salesforce.sessions import Sessions

MAX_URI = 16_384
"""Bytes of path and query that Salesforce takes; longer ones get 414."""

_RETRIEVE = re.compile(r"/composite/sobjects/\w+$")


@dataclass
class Visit:
    """What is known of the request under way; handlers find it in `request.scope["visit"]` and say how many records it named."""

    actor: Actor
    rows: int = 0
    reads: bool = False
    """True of a POST that only read: a composite of queries."""
    error: Refused | None = None
    answer: list[Message] = field(default_factory=list)

    @property
    def status(self) -> int:
        """The status of the answer so far; 0 for none."""
        return int(self.answer[0]["status"]) if self.answer else 0


class Door:
    """ASGI middleware around everything except the emulator's own `/_emulator` paths."""

    def __init__(self, app: ASGIApp, *, org: Org, faults: Faults, sessions: Sessions, usage: Usage) -> None:
        self.app, self.org, self.faults, self.sessions, self.usage = app, org, faults, sessions, usage

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith("/_emulator"):
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        method, path = scope["method"], scope["path"]
        fault = self.faults.next(method, path)
        visit = Visit(self.sessions.actor(scope) or Actor("?", ""))
        try:
            await self._visit(scope, receive, visit, fault)
        finally:
            writing = _writes(method, path) and not visit.reads
            self.org.journal.call(
                visit.actor.client, method, path, visit.status, visit.rows, writing=writing, seconds=time.perf_counter() - started
            )
        await self._answer(receive, send, visit, fault)

    async def _visit(self, scope: Scope, receive: Receive, visit: Visit, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "timeout":
            await _gone(receive)
        elif fault is not None and fault.kind == "status":
            visit.answer = _said(fault)
        else:
            await self._enter(scope, receive, visit, quota_gone=fault is not None and fault.kind == "quota")
            await asyncio.sleep(self.faults.latency_s + (fault.seconds if fault is not None and fault.kind == "slow" else 0.0))

    async def _enter(self, scope: Scope, receive: Receive, visit: Visit, *, quota_gone: bool) -> None:
        async def keep(message: Message) -> None:
            visit.answer.append(message)

        scope["path"] = scope["path"].rstrip("/") or "/"
        scope["visit"] = visit
        data = scope["path"].startswith("/services/data/")
        try:
            self._admit(scope, counted=data, quota_gone=quota_gone)
        except Refused as error:
            visit.answer = reply(error.status, error.bodies("errorCode"))
        else:
            await self.app(scope, receive, keep)
        if data and visit.status != 401:
            visit.answer[0]["headers"] = [
                *visit.answer[0]["headers"],
                (b"sforce-limit-info", f"api-usage={self.usage.used}/{self.usage.quota}".encode()),
            ]

    def _admit(self, scope: Scope, *, counted: bool, quota_gone: bool) -> None:
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_URI:
            raise _TooLong(Refusal("URI_TOO_LONG", f"The length of the URI exceeds the {MAX_URI}-byte limit.", None))
        if counted:
            if self.sessions.actor(scope) is None:
                raise refused("INVALID_SESSION_ID", "Session expired or invalid", None)
            if quota_gone or self.usage.used >= self.usage.quota:
                raise refused("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", None)
            self.usage.add()

    async def _answer(self, receive: Receive, send: Send, visit: Visit, fault: Fault | None) -> None:
        if fault is not None and fault.kind == "drop_answer":
            await _hang_up(receive)
            return
        if fault is not None and fault.kind == "invalid_json" and visit.answer:
            visit.answer = reply(200, None, raw=b'{"totalSize": 1, "done": tr')
        if visit.answer:
            date = format_datetime(self.org.clock.now(), usegmt=True).encode()
            visit.answer[0]["headers"] = [*visit.answer[0]["headers"], (b"date", date)]
        for message in visit.answer:
            await send(message)


class _TooLong(Refused):
    status = 414


def reply(status: int, content: object, *, raw: bytes | None = None, headers: Sequence[tuple[bytes, bytes]] = ()) -> list[Message]:
    """Make the ASGI messages of a JSON answer."""
    body = orjson.dumps(content) if raw is None else raw
    head = [(b"content-type", b"application/json;charset=UTF-8"), (b"content-length", str(len(body)).encode()), *headers]
    return [{"type": "http.response.start", "status": status, "headers": head}, {"type": "http.response.body", "body": body}]


def _said(fault: Fault) -> list[Message]:
    codes = {
        503: "SERVER_UNAVAILABLE",
        401: "INVALID_SESSION_ID",
        403: "REQUEST_LIMIT_EXCEEDED",
        404: "NOT_FOUND",
        400: "UNABLE_TO_LOCK_ROW",
    }
    raw = fault.body.encode() or orjson.dumps(
        [{"errorCode": codes.get(fault.status, "UNKNOWN_EXCEPTION"), "message": "An unexpected error occurred."}]
    )
    return reply(fault.status, None, raw=raw, headers=[(name.lower().encode(), value.encode()) for name, value in fault.headers.items()])


def _writes(method: str, path: str) -> bool:
    reading = method in ("GET", "HEAD") or (
        method == "POST"
        and (_RETRIEVE.search(path.rstrip("/")) is not None or path.startswith("/services/oauth2") or path.endswith("/jobs/query"))
    )
    return not reading


async def _gone(receive: Receive) -> None:
    """Wait until the client has given up."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hang_up(receive: Receive) -> None:
    """Close the connection without an answer, which ASGI has no word for: reach for the transport of uvicorn's request cycle."""
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("this server cannot be made to drop an answer")
    transport.close()
    await _gone(receive)
