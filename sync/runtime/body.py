"""The body of a request from outside: bounded in size, in time, and never unpacked."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

MAX_BODY = 1024 * 1024
BODY_S = 10.0
"""How long a sender may take over its body: a megabyte needs far less, and whoever sends a byte a minute only wants the connection."""


class TooLarge(Exception):
    """More than MAX_BODY bytes, or compressed."""


class TooSlow(Exception):
    """It took longer than BODY_S."""


async def read(request: Request, most: int = MAX_BODY) -> bytes:
    """Give the body; raises TooLarge (as soon as it is announced or seen to be) and TooSlow."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise TooLarge
    length = request.headers.get("content-length", "0")
    if len(length) > 18 or (length.isdigit() and int(length) > most):
        raise TooLarge
    try:
        async with asyncio.timeout(BODY_S):
            return await _read(request, most)
    except TimeoutError:
        raise TooSlow from None


async def _read(request: Request, most: int) -> bytes:
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLarge
        parts.append(part)
    return b"".join(parts)
