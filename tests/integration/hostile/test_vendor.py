"""A vendor between which and us somebody stands who means harm: pages that lead to themselves come to an end, and what is no id is not asked for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.base import Source
from connectors.contract_world import Emulated, NotedBreaker, NotedBudget, long_ago, pages
from connectors.emulator.control import serve
from connectors.errors import Surprising
from connectors.registry import load
from schemas.base import Ref
from sync.sources.publisher import ref_of
from tests.contract.espocrm_world import espocrm_world
from tests.contract.hubspot_world import hubspot_world
from tests.contract.marketo_world import marketo_world
from tests.contract.mautic_world import mautic_world
from tests.contract.salesforce_world import salesforce_world

WORLDS: dict[str, Callable[[], AbstractAsyncContextManager[Emulated]]] = {
    "espocrm": espocrm_world, "hubspot": hubspot_world, "marketo": marketo_world, "mautic": mautic_world, "salesforce": salesforce_world,
}  # fmt: skip
MOST_CALLS = 25
ROW = {"id": "1", "email": "ana@acme.example", "userName": "ana"}
USERS = {
    "espocrm": ("/api/v1/User", {"list": [ROW] * 200}),
    "hubspot": ("/crm/v3/owners", {"results": [ROW], "paging": {"next": {"after": "1"}}}),
    "mautic": ("/api/users", {"users": [ROW] * 100}),
}
"""Path → what it answers whatever page is asked for."""


@dataclass
class Parrot:
    """A proxy that says of every path again what was answered there first, or what is to be said `instead`."""

    to: str
    first: dict[str, Response] = field(default_factory=dict)
    instead: dict[str, Any] = field(default_factory=dict)
    repeats: bool = False
    asked: list[bytes] = field(default_factory=list)
    calls: int = 0
    url: str = ""

    async def answer(self, request: Request) -> Response:
        self.calls += 1
        path = request.url.path
        if path in self.instead:
            return Response(json.dumps(self.instead[path]), media_type="application/json")
        if not (self.repeats and path in self.first):
            self.first[path] = await self._asked(request)
        return self.first[path]

    async def _asked(self, request: Request) -> Response:
        passed = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        self.asked += [request.url.query.encode(), await request.body()]
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"{self.to}{request.url.path}" + (f"?{request.url.query}" if request.url.query else "")
            got = await client.request(request.method, url, content=await request.body(), headers=passed)
        return Response(got.content, got.status_code, {"content-type": got.headers.get("content-type", "")})


@asynccontextmanager
async def parrot(vendor: str, there: Emulated) -> AsyncIterator[tuple[Parrot, Source]]:
    """Read a system through a parrot."""
    connection = there.connection(gap_ids="20")
    proxy = Parrot(connection.url)
    app = Starlette(routes=[Route("/{path:path}", proxy.answer, methods=["GET", "POST"])])
    app.state.sends_date = False
    async with serve(app) as running:
        source = load(vendor).source(replace(connection, url=running.url), NotedBudget(), NotedBreaker())
        try:
            yield proxy, source
        finally:
            await source.close()


async def _calls(proxy: Parrot, read: Callable[[], Awaitable[object]]) -> int:
    """Give how many calls it takes until it is said that the pages come again."""
    proxy.calls = 0
    async with asyncio.timeout(30):
        with pytest.raises(Surprising, match=r"come again|not asked for"):
            await read()
    return proxy.calls


@pytest.mark.parametrize("vendor", WORLDS)
async def test_pages_that_lead_to_themselves_are_left(vendor: str) -> None:
    async with WORLDS[vendor]() as there, parrot(vendor, there) as (proxy, source):
        email, person = there.roles["email"], source.manifest.person_object
        for n in range(3 * there.page):
            await there.seed({email: f"p{n}@example.com"})
        cursor = source.start(long_ago())
        await source.fields(person)
        proxy.repeats = True

        async def every() -> None:
            async for page in source.everything(None, {person: [email]}):
                assert page.items

        if vendor != "marketo":  # whose ids are counted through, and not its pages
            assert await _calls(proxy, every) < MOST_CALLS
        proxy.first.clear()
        assert await _calls(proxy, lambda: pages(source, cursor, [email])) < MOST_CALLS


@pytest.mark.parametrize("vendor", USERS)
async def test_so_are_the_users(vendor: str) -> None:
    path, said = USERS[vendor]
    async with WORLDS[vendor]() as there, parrot(vendor, there) as (proxy, source):
        proxy.instead[path] = said
        assert await _calls(proxy, source.users) < MOST_CALLS


@pytest.mark.parametrize("vendor", ["hubspot", "marketo", "mautic"])
async def test_what_can_be_no_id_is_asked_of_nobody(vendor: str) -> None:
    async with WORLDS[vendor]() as there, parrot(vendor, there) as (proxy, source):
        email = there.roles["email"]
        ident = await there.seed({email: "kim@example.com"})
        told = await source.read([ident, "no-id_", "9" * 19], [email])
        assert {Ref.parse(ref).id for one in told if (ref := ref_of(one))} == {ident}
        assert await source.read(["no-id_"], [email]) == []
        assert not [one for one in proxy.asked if b"no-id_" in one or b"9" * 19 in one]
