"""No answer at all: what an emulator does that keeps a caller waiting, or cuts the line."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

LONGEST_SILENCE_S = 600.0


class App(Starlette):
    """Remembers the connection of a request, so that it can be cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, with its connection in the scope."""
        scope["emulator.transport"] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


async def until_gone(request: Request) -> None:
    """Wait until the client hangs up, in the end without it."""
    try:
        async with asyncio.timeout(LONGEST_SILENCE_S):
            while (await request.receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return


async def hang_up(request: Request) -> None:
    """Close the connection without a word; an `App` knows it."""
    transport = request.scope.get("emulator.transport")
    if transport is not None:
        transport.abort()
        await until_gone(request)
