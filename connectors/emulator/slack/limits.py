"""Slack's rate limits: tiers per method and minute, one message per second and channel, `Retry-After` in whole seconds."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

TIERS: Mapping[int, int] = {1: 5, 2: 20, 3: 50, 4: 100}
"""Calls per minute (the first tier says "1 and more")."""
METHODS: Mapping[str, int] = {
    "apps.connections.open": 1,
    "chat.update": 3,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "conversations.open": 3,
    "conversations.history": 3,
    "conversations.replies": 3,
    "users.lookupByEmail": 3,
    "users.info": 4,
    "views.open": 4,
    "views.update": 4,
}
"""Method → tier; what is not named has a limit of hundreds a minute."""
SPECIAL = 600
BURST = 3
"""How many messages at once a channel takes before one per second is held to; short bursts are allowed."""


@dataclass
class Window:
    """A sliding window of `seconds`; `refused` counts what did not fit."""

    limit: int
    seconds: float
    refused: int = 0
    _taken: deque[float] = field(default_factory=deque)

    def take(self, now: float) -> float:
        """Count a call: 0.0, or in how many seconds there is room again."""
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.limit:
            self.refused += 1
            return self._taken[0] + self.seconds - now
        self._taken.append(now)
        return 0.0


class Limits:
    """All limits of one workspace; `strict` allows no burst in a channel, `off` counts and refuses nothing."""

    def __init__(self, clock: Callable[[], float], *, strict: bool = False, off: bool = False) -> None:
        self._clock, self.off, self._burst = clock, off, 1 if strict else BURST
        self._methods: dict[str, Window] = {}
        self._channels: dict[str, Window] = defaultdict(lambda: Window(self._burst, float(self._burst)))
        self.posted: list[tuple[float, str]] = []
        """When a message was taken, and in which channel."""

    def take(self, method: str) -> int:
        """Count a call of a method: 0, or the seconds of Retry-After."""
        tier = METHODS.get(method)
        window = self._methods.setdefault(method, Window(TIERS[tier] if tier else SPECIAL, 60.0))
        return self._seconds(window)

    def post(self, channel: str) -> int:
        """Count a message to a channel: 0, or the seconds of Retry-After."""
        if wait := self._seconds(self._channels[channel]):
            return wait
        self.posted.append((self._clock(), channel))
        return 0

    def refused(self) -> int:
        """Give how many calls were answered 429."""
        return sum(one.refused for one in (*self._methods.values(), *self._channels.values()))

    def _seconds(self, window: Window) -> int:
        wait = window.take(self._clock())
        return 0 if self.off or not wait else max(1, math.ceil(wait))
