"""A served HubSpot emulator with an HTTP client, and a receiver of its webhooks that checks every signature with HubSpot's own SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from hubspot.utils.signature import Signature

from connectors.emulator.control import serve
from connectors.emulator.hubspot import Form, HubSpot, Owner

OURS, MARIA = "pat-na1-truce", "pat-na1-maria"
SECRET = "shared-secret"
OWNERS = (
    Owner("501", "ana@acme.example", "Ana", "Diaz", 9001),
    Owner("502", "ben@acme.example", "Ben", "Roth", 9002),
    Owner("503", "gone@acme.example", "Gone", "Girl", 9003, archived=True),
)
PRICING = Form("f1a2", "Pricing")
OBJECTS = "/crm/v3/objects/contacts"


@dataclass(frozen=True)
class Reply:
    """What the emulator answered."""

    status: int
    body: Any
    headers: Mapping[str, str]
    """Found without regard to case."""


@dataclass
class Play:
    """The emulator and how to call it."""

    hub: HubSpot
    url: str
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: Any = None, *, token: str | None = OURS, kind: str = "", **more: Any) -> Reply:
        """Send one request, its body as JSON, or `data` as of another kind."""
        headers = ({"Authorization": f"Bearer {token}"} if token else {}) | ({"Content-Type": kind} if kind else {})
        data = {"json": body} if body is not None else {}
        async with self.session.request(method, self.url + path, headers=headers, **data, **more) as answer:
            raw = await answer.read()
            return Reply(answer.status, json.loads(raw) if raw else None, answer.headers)

    async def submit(self, email: str, *, page: str = "Prices", **values: str) -> Reply:
        """Fill in the form."""
        fields = [{"objectTypeId": "0-1", "name": name, "value": value} for name, value in ({"email": email} | values).items()]
        path = f"/submissions/v3/integration/submit/{self.hub.portal.portal_id}/{PRICING.guid}"
        return await self.call("POST", path, {"fields": fields, "context": {"pageName": page}}, token=None)


@asynccontextmanager
async def playing(**options: Any) -> AsyncIterator[Play]:
    """Serve an emulator with two clients, three owners and one form; limits only where the test asks for them."""
    defaults: dict[str, Any] = {"calls_per_10s": None, "searches_per_s": None, "search_lag_s": 0.0, "client_secret": SECRET}
    hub = HubSpot(tokens={OURS: "truce", MARIA: "maria"}, owners=OWNERS, forms=[PRICING], **(defaults | options))
    async with serve(hub.app) as running, aiohttp.ClientSession() as session:
        yield Play(hub, running.url, session)


@dataclass
class Receiver:
    """Takes webhooks; `answers` says what to answer next (status, headers), then 204 for ever."""

    url: str = ""
    posts: list[list[dict[str, Any]]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    forged: int = 0
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def events(self) -> list[dict[str, Any]]:
        """All events, in the order of arrival."""
        return [event for post in self.posts for event in post]

    async def until(self, true: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait until it is true, asked after every webhook."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(true)

    async def take(self, request: web.Request) -> web.Response:
        """Check the signature and keep the events."""
        body = await request.text()
        stamp, signed = request.headers["X-HubSpot-Request-Timestamp"], request.headers["X-HubSpot-Signature-v3"]
        if not Signature.is_valid(signed, SECRET, body, self.url, "POST", "v3", stamp):
            self.forged += 1
        status, headers = self.answers.pop(0) if self.answers else (204, {})
        async with self._news:
            self.posts.append(json.loads(body))
            self._news.notify_all()
        return web.Response(status=status, headers=headers)


@asynccontextmanager
async def receiving(play: Play) -> AsyncIterator[Receiver]:
    """Receive the emulator's webhooks on a free port."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hubspot/hooks", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/hubspot/hooks?system=hubspot"
    play.hub.set_webhook(receiver.url)
    try:
        yield receiver
    finally:
        await runner.cleanup()
