"""HubSpot's limits: calls per ten seconds and per day for each client, searches per second for the account."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from connectors.emulator.hubspot.errors import throttled

Kind = Literal["calls", "search", "forms", "open"]
"""Which limit a path counts against; `open` paths count against none."""


@dataclass
class Window:
    """An exact sliding window; `peak` is the most that was ever seen in one, refused calls included."""

    limit: int | None
    seconds: float
    peak: int = 0
    refused: int = 0
    _taken: deque[float] = field(default_factory=deque)
    _seen: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> bool:
        """Count one arrival; False when the window is full."""
        self._forget(now)
        self._seen.append(now)
        self.peak = max(self.peak, len(self._seen))
        if self.limit is not None and len(self._taken) >= self.limit:
            self.refused += 1
            return False
        self._taken.append(now)
        return True

    def left(self, now: float) -> int:
        """Give how many calls the window still takes."""
        self._forget(now)
        return max(0, (self.limit or 0) - len(self._taken))

    def _forget(self, now: float) -> None:
        for times in (self._taken, self._seen):
            while times and times[0] <= now - self.seconds:
                times.popleft()


class Limits:
    """All limits of one account."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        *,
        calls_per_10s: int | None,
        daily: int,
        searches_per_s: int | None,
        forms_per_10s: int | None,
        unlimited: Collection[str] = (),
    ) -> None:
        self._clock, self.daily, self._unlimited = clock, daily, frozenset(unlimited)
        self._calls_per_10s = calls_per_10s
        self._calls: dict[str, Window] = {}
        self.search = Window(searches_per_s, 1.0)
        self.forms = Window(forms_per_10s, 10.0)
        self._search_seen: dict[str, Window] = defaultdict(lambda: Window(None, 1.0))
        self._day = ""
        self._used = 0

    def calls(self, client: str) -> Window:
        """Give the ten-second window of a client, with its `peak` and `refused`."""
        if client not in self._calls:
            self._calls[client] = Window(None if client in self._unlimited else self._calls_per_10s, 10.0)
        return self._calls[client]

    def searches(self, client: str) -> Window:
        """Give what a client searched; the limit itself is the account's (`search`)."""
        return self._search_seen[client]

    def take(self, client: str, kind: Kind) -> None:
        """Count a call; raises Refused (429) when a limit is reached."""
        now = self._clock().timestamp()
        if kind == "search":
            self._search_seen[client].take(now)
            if client not in self._unlimited and not self.search.take(now):
                raise throttled("SECONDLY")
        elif kind == "forms":
            if not self.forms.take(now):
                raise throttled("TEN_SECONDLY_ROLLING")
        elif kind == "calls":
            self._take_call(client, now)

    def _take_call(self, client: str, now: float) -> None:
        if not self.calls(client).take(now):
            raise throttled("TEN_SECONDLY_ROLLING")
        if self.used() >= self.daily:
            raise throttled("DAILY")
        self._used += 1

    def used(self) -> int:
        """Give the calls of today (UTC)."""
        today = f"{self._clock().astimezone(UTC):%Y-%m-%d}"
        if today != self._day:
            self._day, self._used = today, 0
        return self._used

    def use_up_the_day(self) -> None:
        """Behave as if the day's calls were gone, as when another tool took them."""
        self.used()
        self._used = self.daily

    def headers(self, client: str, kind: Kind, *, daily: bool) -> dict[str, str]:
        """Give the limit headers, those of the day where `daily`; searches and forms have none."""
        if kind != "calls":
            return {}
        window = self.calls(client)
        if window.limit is None:
            return {}
        day = {"X-HubSpot-RateLimit-Daily": str(self.daily), "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.daily - self.used()))}
        return {
            "X-HubSpot-RateLimit-Max": str(window.limit),
            "X-HubSpot-RateLimit-Remaining": str(window.left(self._clock().timestamp())),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            **(day if daily else {}),
        }

    def report(self) -> dict[str, object]:
        """Give what was seen: peak and refusals by client, and today's use."""
        clients = {name: {"peak": one.peak, "refused": one.refused, "limit": one.limit} for name, one in self._calls.items()}
        searches = {name: one.peak for name, one in self._search_seen.items()}
        return {
            "calls": clients,
            "search": {"peak": self.search.peak, "refused": self.search.refused, "by": searches},
            "today": self.used(),
        }
