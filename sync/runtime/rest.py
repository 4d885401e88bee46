"""Waiting for so long, or until something comes; and letting others have their turn."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic


async def rest(seconds: float, until: asyncio.Event) -> None:
    """Wait for so long, or until the event is set.

    Not by `asyncio.wait_for`: with Python 3.11 it swallows a cancellation that comes in the moment in which the wait ends.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()


ALONE_S = 0.005
"""So long one computation may keep all others of a process waiting."""


class Fair:
    """Lets others go on while much is computed: `give_way` after each step gives way once it kept them waiting for long enough."""

    def __init__(self) -> None:
        self._since = monotonic()

    async def give_way(self) -> None:
        """Give way if it is time."""
        if monotonic() - self._since > ALONE_S:
            await asyncio.sleep(0)
            self._since = monotonic()
