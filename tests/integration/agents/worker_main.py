"""A real lead agent as a process of its own, with the tiny decider and, if told to, a fault at a certain point.

TEST_FAULT: `die-unpublished:N` (kill -9 after the Nth commit, before publishing) · `skip:N` (drop the Nth fetch) · `skip-last:TOTAL` (drop the fetch
that ends with the TOTALth message) · `die-claimed` (kill -9 with clocks that are claimed and not told, once; they come back in a second) · `freeze` (stop the process in the middle of its first assignment, once).
TEST_DECIDER: `real` runs what Truce runs by.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sync.agents import delivery
from sync.agents.lead import LeadAgent, serve
from sync.agents.rules import real
from sync.agents.worker import Worker
from sync.runtime import log
from sync.runtime.faust import Fetch, Tuning
from sync.settings import Settings
from sync.store import clocks
from sync.store.applied import Epoch
from sync.store.clocks import Due
from sync.store.outbox import Unpublished
from tests.integration.agents.tiny import rules

FAULT, _, NUMBER = os.environ.get("TEST_FAULT", "").partition(":")
FLAG = Path(os.environ.get("TEST_FLAG", os.devnull))


class Faulty(Worker):
    """A worker that meets its fault."""

    commits = 0

    async def _publish_soon(self, epoch: Epoch, rows: Sequence[Unpublished]) -> None:
        self.commits += 1
        if FAULT == "die-unpublished" and self.commits == int(NUMBER):
            os.kill(os.getpid(), signal.SIGKILL)
        await super()._publish_soon(epoch, rows)

    async def take_over(self, epoch: Epoch, partitions: frozenset[int]) -> dict[int, int]:
        if FAULT == "freeze" and not FLAG.exists():
            FLAG.write_text("frozen")
            os.kill(os.getpid(), signal.SIGSTOP)
        return await super().take_over(epoch, partitions)


def _lose_fetches() -> None:
    kept, count = LeadAgent._body, 0

    async def body(self: Any, first: Fetch) -> None:
        nonlocal count
        count += 1
        if FAULT == "skip" and count == int(NUMBER):
            return
        if FAULT == "skip-last" and not FLAG.exists() and any(row.offset == int(NUMBER) for rows in first.records.values() for row in rows):
            FLAG.write_text("skipped")
            return
        await kept(self, first)

    LeadAgent._body = body  # type: ignore[method-assign]


def _die_claimed() -> None:
    kept = clocks.claim

    async def claim(pool: Any, most: int) -> list[Due]:
        found = await kept(pool, most, 1.0)
        if found:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    clocks.claim = claim  # type: ignore[assignment]


if __name__ == "__main__":
    log.set_up()
    _lose_fetches()
    if FAULT == "die-claimed":
        _die_claimed()
    delivery.SHUT_OUT_S = float(os.environ.get("TEST_SHUT_OUT_S", "30"))
    session, request = float(os.environ.get("TEST_SESSION_S", "6")), float(os.environ.get("TEST_REQUEST_S", "10"))
    chosen = real() if os.environ.get("TEST_DECIDER") == "real" else rules()
    sys.exit(serve(Settings(), rules=chosen, tuning=Tuning(session_s=session, heartbeat_s=session / 3, request_s=request), worker=Faulty))
