"""The one place that reads the clock, so that tests can set it."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Give the time as milliseconds since 1970 in UTC."""
        return time.time_ns() // 1_000_000

    def now(self) -> datetime:
        """Give the time as a moment in UTC."""
        return datetime.fromtimestamp(self.now_ms() / 1000, UTC)

    def monotonic(self) -> float:
        """Give seconds that never go back, for measuring how long something took."""
        return time.monotonic()


class SetClock(Clock):
    """A clock that stands where it was put."""

    def __init__(self, ms: int = 0) -> None:
        self.ms = ms

    def now_ms(self) -> int:
        """Give the time that was set."""
        return self.ms

    def monotonic(self) -> float:
        """Give the time that was set, in seconds."""
        return self.ms / 1000

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.ms += int(seconds * 1000)
