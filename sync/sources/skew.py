"""A vendor's clock against ours: the largest lead that was seen of late, because a change cannot be received before it happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.base import Item
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded

LARGEST_S = 300.0
"""No clock is off by more: what shows more is a change of long ago, or no time at all."""
SPAN, ENOUGH = timedelta(hours=1), 20
"""The lead is smaller than it was once so many changes, in so long a time, showed none that is as large: each shows it less its own delay."""


def leads(items: Iterable[Item]) -> Iterator[tuple[datetime, float]]:
    """Give when each item was received, and by how many seconds the vendor's clock is ahead at least, judged by it.

    Touches and responses do not count: a form's time may be the visitor's own, a call's what the rep wrote down, and neither must set the
    clock of all others.
    """
    for item in items:
        seconds = (item.at - item.received_at).total_seconds()
        if not isinstance(item, TouchRecorded | ResponseRecorded) and abs(seconds) <= LARGEST_S:
            yield item.received_at, seconds


@dataclass(slots=True)
class Skew:
    """How far one vendor's clock is ahead: larger at once, smaller with time."""

    seconds: float = 0.0
    _since: datetime | None = None
    _most: float = 0.0
    """The largest lead since then, and by how many changes."""
    _seen: int = 0

    def settle(self, items: Iterable[Item]) -> float:
        """Take in what these items show; gives the skew to use from now on."""
        for at, lead in leads(items):
            if self._since is None:
                self._since, self._most, self._seen = at, 0.0, 0
            self._most, self._seen = max(self._most, lead), self._seen + 1
            self.seconds = max(self.seconds, lead)
            if self._seen >= ENOUGH and at - self._since >= SPAN:
                self.seconds, self._since = self._most, None
        return self.seconds
