"""How every path of Mautic answers: faults and credentials first, then the handler; each call stands in the journal."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.emulator.faults import Fault, Faults
from connectors.emulator.journal import Journal
from connectors.emulator.mautic.contacts import SYSTEM, Actor
from connectors.emulator.mautic.shapes import Refused, User
from connectors.emulator.routes import route
from connectors.emulator.silence import hang_up, until_gone

NO_ANSWER = 0
UNREADABLE = "Looks like I encountered an error (error #400). If I do it again, please report me to the system administrator!"
MESSAGE = {"Location": "/form/message", "Content-Type": "text/html; charset=UTF-8"}
"""Where a visitor is sent on to who filled in a form."""
HOUR_S, AN_HOUR = 3600, 1000
_WHERE = re.compile(r"(where|order)\[(\d+)\]\[(col|expr|val|dir)\]")


@dataclass
class Call:
    """One request, as a handler sees it."""

    method: str
    params: Mapping[str, Any]
    query: Mapping[str, str]
    raw: bytes
    actor: Actor
    form: bool = False
    """Its body is no JSON but a form, which Mautic takes too."""
    rows: int = 0

    def json(self) -> Any:
        """Give the body, whatever it is called; raises Refused (400) for what is no JSON, or neither object nor list."""
        if self.form:
            return dict(parse_qsl(self.raw.decode(), keep_blank_values=True))
        try:
            found = orjson.loads(self.raw) if self.raw.strip() else {}
            if isinstance(found, dict | list):
                return found
            raise ValueError("no array of PHP's")
        except ValueError:
            raise Refused(400, UNREADABLE, kind=None) from None

    def row(self) -> dict[str, Any]:
        """Give the body as one row; a list names no field."""
        found = self.json()
        return found if isinstance(found, dict) else {}

    def clauses(self, name: str) -> list[dict[str, str]]:
        """Give the `where` or `order` clauses."""
        found: dict[str, dict[str, str]] = {}
        for key, value in self.query.items():
            if (hit := _WHERE.fullmatch(key)) and hit[1] == name:
                found.setdefault(hit[2], {})[hit[3]] = value
        return list(found.values())

    def fits(self, of: Callable[[str], Any]) -> bool:
        """Tell whether a row, given as what it has under a column's name, fits every `where`."""
        return all(_fits(of(one["col"]), one["expr"], one["val"]) for one in self.clauses("where") if one["expr"] in _KNOWN)


_KNOWN = frozenset({"eq", "in", "gt", "gte", "lt", "lte"})
"""The comparisons that are known here; one that is none leaves its condition out (seen of Mautic)."""


def _fits(held: Any, expr: str, wanted: str) -> bool:
    values = [one.lower() for one in (wanted.split(",") if expr == "in" else [wanted])]
    if held is None:
        return False
    if expr in ("eq", "in"):
        return str(held).lower() in values
    left, right = (int(held), int(wanted)) if str(held).isdigit() and wanted.isdigit() else (str(held), wanted)
    return {"gt": left > right, "gte": left >= right, "lt": left < right, "lte": left <= right}[expr]  # type: ignore[operator]


@dataclass
class Auth:
    """OAuth 2 by client credentials, and basic authentication of users."""

    client_id: str
    client_secret: str
    users: Mapping[int, User]
    revoked: bool = False
    minted: int = 0
    valid: set[str] = field(default_factory=set)
    expired: set[str] = field(default_factory=set)

    def expire(self) -> None:
        """Let an hour go by for every token."""
        self.expired |= self.valid
        self.valid.clear()

    def mint(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Give a token; raises Refused (400)."""
        if form.get("grant_type") in ("password", "authorization_code", "refresh_token"):
            raise Refused(400, "The grant type is unauthorized for this client_id", kind="unauthorized_client")
        if form.get("grant_type") != "client_credentials":
            raise Refused(400, "Invalid grant_type parameter or parameter missing", kind="invalid_request")
        if self.revoked or (form.get("client_id"), form.get("client_secret")) != (self.client_id, self.client_secret):
            raise Refused(400, "The client credentials are invalid", kind="invalid_client")
        self.minted += 1
        token = f"emulated-token-{self.minted}"
        self.valid.add(token)
        return {"access_token": token, "expires_in": 3600, "token_type": "bearer", "scope": None}

    def actor(self, header: str) -> Actor:
        """Say who calls; raises Refused (401)."""
        kind, _, text = header.partition(" ")
        if kind.lower() == "bearer":
            if text not in self.valid or self.revoked:
                word = "has expired" if text in self.expired and not self.revoked else "is invalid"
                raise Refused(401, f"The access token provided {word}.", kind="invalid_grant")
            return Actor("truce", 0, "truce [1]")
        try:
            name, _, password = base64.b64decode(text).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            name = password = ""
        for user in self.users.values():
            if kind.lower() == "basic" and (user.username, user.password) == (name, password) and not self.revoked:
                return Actor(user.username, user.id, f"{user.first} {user.last}")
        raise Refused(401, "Authorization denied, invalid credentials." if text else "API authorization denied.", kind="access_denied")


Handler = Callable[[Call], tuple[int, Any]]
Door = tuple[str, str, Handler, bool]
"""Method, path, handler, whether it writes."""


@dataclass
class Wire:
    """Answers the calls of one emulator."""

    auth: Auth
    journal: Journal
    faults: Faults

    def routes(self, doors: Sequence[Door]) -> list[Route]:
        """Give Starlette's routes for the doors."""
        return [self._route(*door) for door in doors]

    def _route(self, method: str, path: str, handler: Handler, writing: bool) -> Route:
        async def endpoint(request: Request) -> Response:
            return await self._answer(handler, request, writing=writing)

        return route(path, method, endpoint)

    async def _answer(self, handler: Handler, request: Request, *, writing: bool) -> Response:
        started, body, path = time.perf_counter(), await request.body(), request.url.path
        fault = self.faults.next(request.method, path)
        kind = fault.kind if fault else ""
        actor, rows, headers = SYSTEM, 0, dict[str, str]()
        if fault is not None and kind in ("status", "timeout", "quota"):
            status, content, headers = _scripted(fault)
        else:
            try:
                open_ = path.startswith(("/oauth/", "/form/"))
                actor = SYSTEM if open_ else self.auth.actor(request.headers.get("authorization", ""))
                call = Call(request.method, request.path_params, dict(request.query_params), body, actor, _is_form(request))
                status, found = handler(call)
                content, rows, headers = orjson.dumps(found), call.rows, MESSAGE if status == 302 else {}
            except Refused as refused:
                status, content = refused.status, orjson.dumps(refused.body)
        if wait := self.faults.latency_s + (fault.seconds if fault and kind == "slow" else 0.0):
            await asyncio.sleep(wait)
        silent = kind in ("timeout", "drop_answer")
        seconds, told = time.perf_counter() - started, NO_ANSWER if silent else status
        self.journal.call(actor.client, request.method, path, told, rows, writing=writing, seconds=seconds)
        if silent:
            await (until_gone if kind == "timeout" else hang_up)(request)
        content = b'{"total": "1", "contacts": {"1": {"id"' if kind == "invalid_json" else content
        return Response(content, status, {"Content-Type": "application/json", "Mautic-Version": "5.1.0", **headers})


def _is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def _scripted(fault: Fault) -> tuple[int, bytes, dict[str, str]]:
    """Answer as a fault says; the quota is one of an hour and of each token, and its end is `seconds` away."""
    if fault.kind == "quota":
        told = {"code": 429, "message": f"You exceeded the rate limit of {AN_HOUR} API calls per hour.", "details": []}
        reset = int(time.time() + (fault.seconds or HOUR_S))
        headers = {"X-RateLimit-Limit": str(AN_HOUR), "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
        return 429, orjson.dumps({"errors": [told]}), headers
    return fault.status, fault.body.encode(), fault.headers
