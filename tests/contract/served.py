"""An emulated system on a port of its own: what every world of the contract suite tells and does in the same way."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.emulator.control import serve
from connectors.emulator.faults import Fault, Faults
from connectors.emulator.journal import Journal


class Emulator(Protocol):
    """What every emulator has."""

    journal: Journal
    faults: Faults

    @property
    def app(self) -> Starlette: ...


class Served:
    """A world whose emulator answers at `url` once it is `served`."""

    token_path = ""
    held: datetime | None = None
    """What the emulator's clock is held at."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator, self.url = emulator, ""
        self.stripped = set[str]()

    @contextmanager
    def ago(self, seconds: float) -> Iterator[None]:
        self.held = datetime.now(UTC) - timedelta(seconds=seconds)
        yield
        self.held = None

    async def restore(self, ident: str) -> None:
        raise AssertionError("its manifest says that nobody comes back")

    async def fault(self, **fault: Any) -> None:
        self.emulator.faults.add(Fault(**fault))

    async def effects(self) -> Sequence[Mapping[str, Any]]:
        return list(self.emulator.journal.lines("effects"))

    async def calls(self) -> Sequence[Mapping[str, Any]]:
        return list(self.emulator.journal.lines("calls"))


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _without(one, names) for name, one in value.items() if name not in names}
    return [_without(one, names) for one in value] if isinstance(value, list) else value


class Stripping:
    """Takes fields out of the JSON that is sent, before the emulator sees it."""

    def __init__(self, app: ASGIApp, names: set[str]) -> None:
        self.app, self.names = app, names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive) if scope["type"] == "http" and self.names else None
        if request is None or "json" not in request.headers.get("content-type", ""):
            return await self.app(scope, receive, send)
        found = json.dumps(_without(json.loads(await request.body()), self.names)).encode()
        rest = iter([{"type": "http.request", "body": found, "more_body": False}])

        async def given() -> Message:
            return next(rest, None) or await receive()

        await self.app(scope, given, send)


World = TypeVar("World", bound=Served)


@asynccontextmanager
async def served(world: World) -> AsyncIterator[World]:
    """Let a world answer on a free port for the length of the block."""
    app = world.emulator.app
    app.add_middleware(Stripping, names=world.stripped)
    async with serve(app) as running:
        world.url = running.url
        yield world
