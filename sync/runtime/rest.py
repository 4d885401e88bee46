"""Waiting for so long, or until something comes."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def rest(seconds: float, until: asyncio.Event) -> None:
    """Wait for so long, or until the event is set.

    Not by `asyncio.wait_for`: with Python 3.11 it swallows a cancellation that comes in the moment in which the wait ends.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()
