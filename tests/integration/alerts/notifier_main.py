"""A real notifier as a process of its own. TEST_FAULT `die-unnoted:N`: kill -9 once N messages were sent, before one of them is noted."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from sync.app import run_edge
from sync.settings import Settings
from sync.store import telling

FAULT, _, NUMBER = os.environ.get("TEST_FAULT", "").partition(":")


def _die_unnoted(most: int) -> None:
    told = 0

    async def sent(*_: Any, **__: Any) -> None:
        nonlocal told
        told += 1
        if told == most:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()  # the others are sent meanwhile, and none is noted

    telling.sent = sent


if __name__ == "__main__":
    if FAULT == "die-unnoted":
        _die_unnoted(int(NUMBER))
    sys.exit(run_edge(Settings(), tells=True))
