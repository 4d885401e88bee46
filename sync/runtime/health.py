"""Is this role alive? The loop ticks, every wait has a named reason, and work that is there gets done."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar

from sync.runtime.clock import Clock
from sync.runtime.metrics import metrics

PATIENCE_S = 60.0


class Health:
    """What a health check shows; `stalled` says that only a restart can help."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.state = "starting"
        self.waits: dict[str, float] = {}
        self._waiters = Counter[str]()
        self.ticks = 0
        self.progressed_at = self.clock.monotonic()

    def progress(self) -> None:
        """Something was done, or there is nothing to do."""
        self.progressed_at = self.clock.monotonic()

    def tick(self) -> None:
        """The loop runs."""
        self.ticks += 1

    @contextlib.contextmanager
    def waiting(self, reason: str) -> Iterator[None]:
        """Name what is waited for while the block lasts; the patience begins anew after it."""
        self.waits.setdefault(reason, self.clock.monotonic())
        self._waiters[reason] += 1
        metrics.set("truce_waiting", 1, reason=reason)
        try:
            yield
        finally:
            self._waiters[reason] -= 1
            if not self._waiters[reason]:
                del self.waits[reason]
                metrics.set("truce_waiting", 0, reason=reason)
                self.progress()

    def stalled(self) -> bool:
        """True when nothing was done for 60 s and no wait says why."""
        return not self.waits and self.clock.monotonic() - self.progressed_at > PATIENCE_S

    def report(self) -> dict[str, object]:
        """Give the state as the health page shows it."""
        now = self.clock.monotonic()
        return {
            "state": self.state,
            "alive": not self.stalled(),
            "waiting": {reason: round(now - since, 1) for reason, since in self.waits.items()},
            "last_progress_s": round(now - self.progressed_at, 1),
        }


_HERE: ContextVar[Health] = ContextVar("health")


def here() -> Health:
    """Give the health of the role that runs here (`bind` names it); one of its own where nobody asks."""
    found = _HERE.get(None)
    if found is None:
        found = Health()
        _HERE.set(found)
    return found


def bind(health: Health) -> None:
    """Let all tasks that begin from here on name their waits in this health."""
    _HERE.set(health)


def watch_loop(health: Health, *, every_s: float = 1.0, most: int = int(PATIENCE_S)) -> threading.Event:
    """End the process with 1 when the loop does not tick for `most` looks in a row; set the event to stop looking.

    Looks are counted, not seconds, so that a process that was frozen as a whole is not blamed.
    """
    done = threading.Event()

    def look() -> None:
        before, missed = health.ticks, 0
        while not done.wait(every_s):
            missed, before = (missed + 1 if health.ticks == before else 0), health.ticks
            if missed >= most:
                faulthandler.dump_traceback(sys.stderr)
                os._exit(1)

    threading.Thread(target=look, name="loop-watch", daemon=True).start()
    return done
