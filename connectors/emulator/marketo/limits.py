"""Marketo's limits: 100 calls in 20 seconds, 50,000 a day until midnight in Chicago, ten at once. No header tells of any."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from connectors.emulator.marketo.refusals import Refused, crowded, day_is_over, rate

_CENTRAL = ZoneInfo("America/Chicago")
WINDOW_S = 20.0


@dataclass
class Limits:
    """The limits of one subscription, over all its API users; `peak` is the most that was ever seen in one window."""

    clock: Callable[[], datetime]
    calls: int = 100
    daily: int = 50_000
    at_once: int = 10
    peak: int = 0
    under_way: int = 0
    crowd: int = 0
    """The most calls that were ever under way at once."""
    used: Counter[str] = field(default_factory=Counter)
    """Calls of today by API user."""
    refused: Counter[str] = field(default_factory=Counter)
    """Calls that were one too many, by the code that said so."""
    _taken: deque[float] = field(default_factory=deque)
    _day: str = ""

    def today(self) -> str:
        """Give the day by which calls are counted, and begin it."""
        day = f"{self.clock().astimezone(_CENTRAL):%Y-%m-%d}"
        if day != self._day:
            self._day = day
            self.used.clear()
        return day

    def take(self, user: str) -> None:
        """Count a call; raises Refused with 615, 606 or 607, which do not count."""
        now = self.clock().timestamp()
        self.today()
        self.crowd = max(self.crowd, self.under_way)
        while self._taken and self._taken[0] <= now - WINDOW_S:
            self._taken.popleft()
        if refused := self._too_many():
            self.refused[refused.code] += 1
            raise refused
        self._taken.append(now)
        self.peak = max(self.peak, len(self._taken))
        self.used[user] += 1

    def _too_many(self) -> Refused | None:
        if self.under_way > self.at_once:
            return crowded(self.at_once)
        if len(self._taken) >= self.calls:
            return rate(self.calls)
        return day_is_over() if self.used.total() >= self.daily else None
