"""No answer at all: what an emulator does that keeps a caller waiting, or cuts the line."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

LONGEST_SILENCE_S = 600.0


async def until_gone(request: Request) -> None:
    """Wait until the client hangs up, in the end without it."""
    try:
        async with asyncio.timeout(LONGEST_SILENCE_S):
            while (await request.receive())["type"] != "http.disconnect":
                continue
    except TimeoutError:
        return


async def hang_up(request: Request) -> None:
    """Close the connection without a word; the app puts its transport into the scope, as `emulator.transport`."""
    transport = request.scope.get("emulator.transport")
    if transport is not None:
        transport.abort()
        await until_gone(request)
