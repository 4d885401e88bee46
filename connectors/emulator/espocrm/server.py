"""The EspoCRM emulator: faults, who it is, then what the path says; every call stands in the journal.

Compared with a running EspoCRM 9.0.8 on 2026-11-30, 277 calls of every kind that the connector makes (who we are, metadata, lists, counts, creates,
updates, each refusal, target lists, tasks, meetings, calls, opportunities, webhooks, merge, conversion, deletion, restoration, each right taken away, bodies of
other types): all statuses, content types, reasons and values asked for are alike. These differ, and why it does not matter:
- Metadata, whole records and App/user have more there (addresses in parts, teams, followers, phoneNumberData, rights of more objects): not asked for.
- Lists show the names beside the ids of links only where they are asked for here; a target list shows its leads here: the connector reads neither.
- An update that sets an address shows its two flags as unknown there, and one that clears it shows them as they were: the connector takes from an answer
  only the fields that it sent, and the next read is alike in both.
- Answers there have headers that nobody reads (Cache-Control, Expires, Last-Modified, X-App-Timestamp); a target list is there told without its people.
- Of an object of which the role allows nothing the metadata there still has picklists that others' fields refer to: it counts as not there all the same.
- The answer of a conversion shows the names of what was made as blank there. The answer of a contact's title without an account shows it as if it was kept.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator import control
from connectors.emulator.espocrm import actions, records
from connectors.emulator.espocrm.call import Call
from connectors.emulator.espocrm.org import Actor, Org, User
from connectors.emulator.espocrm.refusals import Refused
from connectors.emulator.espocrm.schema import Fields
from connectors.emulator.espocrm.webhooks import Hooks
from connectors.emulator.faults import Fault, Faults
from connectors.emulator.journal import Journal
from connectors.emulator.silence import App, hang_up, until_gone

BASE = "/api/v1/"
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_SILENT = ("timeout", "drop_answer")


@dataclass(frozen=True)
class _Answer:
    status: int
    body: Any
    reason: str | None = None
    headers: Mapping[str, str] | None = None


class Espo:
    """A company; `app` is what to serve, `journal` what really happened, `faults` what goes wrong.

    `users` are the people and the API user, whose name is `truce`. Its webhooks are told every `job_s` seconds, or by `job()`.
    """

    def __init__(
        self,
        users: Iterable[User] = (),
        *,
        api_key: str = "espo-truce-key",
        admin_password: str = "admin",
        extra: Mapping[str, Fields] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        job_s: float | None = None,
    ) -> None:
        self.journal, self.faults, self._job_s = Journal(), Faults(), job_s
        everyone = (User("truce", kind="api", api_key=api_key), User("admin", "admin@acme.example", "admin", admin_password), *users)
        self.org = Org(clock, self.journal, everyone, extra or {})
        self.hooks = Hooks(self.org)
        routes = [*control.routes(self.journal, self.faults), Route(BASE + "{path:path}", self._answer, methods=_METHODS)]
        self.app = App(routes=routes, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(self._jobs(self._job_s)) if self._job_s is not None else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _jobs(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self.job()

    async def job(self) -> int:
        """Tell the webhooks what happened since the last time; gives how many calls were taken."""
        return await self.hooks.run()

    def user(self, name: str) -> Actor:
        """Give a user as who they act; raises KeyError."""
        ident, user = next(((ident, one) for ident, one in self.org.users.items() if one.name == name), (None, None))
        if ident is None or user is None:
            raise KeyError(name)
        return Actor(ident, user.name, user.kind == "admin")

    def _actor(self, request: Request) -> Actor:
        key, basic = request.headers.get("x-api-key"), _basic(request.headers.get("authorization", ""))
        for ident, user in self.org.users.items():
            mine = (user.api_key and user.api_key == key) or (user.password and (user.name, user.password) == basic)
            if mine and self.org.rows["User"][ident]["isActive"]:
                return Actor(ident, user.name, user.kind == "admin")
        asked = {} if key or any(basic or ()) else {"WWW-Authenticate": 'Basic realm=""'}
        raise Refused(401, None, **asked)

    async def _answer(self, request: Request) -> Response:
        started, fault = time.perf_counter(), self.faults.next(request.method, request.url.path)
        body = await request.body()
        client, answer = (
            self._scripted(request, fault) if fault and fault.kind in ("status", "timeout", "quota") else self._applied(request, body)
        )
        if wait := self.faults.latency_s + (fault.seconds if fault and fault.kind == "slow" else 0.0):
            await asyncio.sleep(wait)
        silent = fault is not None and fault.kind in _SILENT
        writing = request.method != "GET"
        self.journal.call(
            client,
            request.method,
            request.url.path,
            0 if silent else answer.status,
            1,
            writing=writing,
            seconds=time.perf_counter() - started,
        )
        if fault and silent:
            await (until_gone(request) if fault.kind == "timeout" else hang_up(request))
        return _response(answer, broken=fault is not None and fault.kind == "invalid_json")

    def _scripted(self, request: Request, fault: Fault) -> tuple[str, _Answer]:
        try:
            client = self._actor(request).client
        except Refused:
            client = "?"
        if fault.kind == "quota":  # EspoCRM counts no calls; a proxy before it may
            return client, _Answer(429, None)
        return client, _Answer(fault.status, fault.body.encode(), headers=fault.headers)

    def _applied(self, request: Request, body: bytes) -> tuple[str, _Answer]:
        """Run one request to its end without giving up control, so that requests never interleave."""
        client = "?"
        try:
            actor = self._actor(request)
            client = actor.client
            parts = tuple(part for part in str(request.path_params["path"]).split("/") if part)
            headers = {name.lower(): value for name, value in request.headers.items()}
            call = Call(request.method, parts, request.query_params.multi_items(), headers, body, actor)
            handler = actions.ACTIONS.get((request.method, "/".join(parts)), records.handle)
            created = 201 if handler is actions.webhook else 200
            return client, _Answer(created, handler(self.org, call))
        except Refused as refused:
            return client, _Answer(refused.status, refused.body, refused.reason, refused.headers)


def _basic(header: str) -> tuple[str, str] | None:
    try:
        name, _, password = base64.b64decode(header.removeprefix("Basic "), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, password


def _response(answer: _Answer, *, broken: bool) -> Response:
    headers = {"X-Status-Reason": answer.reason} if answer.reason is not None and answer.status < 500 else {}
    content = answer.body if isinstance(answer.body, bytes) else orjson.dumps(answer.body)
    if answer.body is None:
        content = b""
    if broken:
        content = b'{"list":[{"id":"6b0'
    kind = "text/html; charset=UTF-8" if answer.status == 401 and not content else "application/json"
    return Response(content, answer.status, {**headers, "Content-Type": kind, **(answer.headers or {})})
