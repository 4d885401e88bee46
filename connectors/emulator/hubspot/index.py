"""What search sees: copies of the records of one object that become visible only some time after a change, sorted by their time of change."""

from __future__ import annotations

import bisect
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

Snapshot = Mapping[str, str]


class Index:
    """Visible snapshots by id, and by (time of change, id); `lag_s` may be changed at any time."""

    def __init__(self, clock: Callable[[], datetime], lag_s: float, names: Sequence[str] = ()) -> None:
        self._clock, self.lag_s = clock, lag_s
        self.seen: dict[int, Snapshot] = {}
        self.by_time: list[tuple[int, int]] = []
        self.by: dict[str, dict[str, set[int]]] = {name: {} for name in names}
        self.version = 0
        """Goes up with everything that becomes visible."""
        self.last: tuple[object, list[int]] | None = None
        """The last query with its hits in order, for its next page."""
        self.times: dict[int, int] = {}
        self._waiting: deque[tuple[float, int, int, Snapshot | None]] = deque()

    def note(self, ident: int, modified: int, properties: Snapshot | None, *, at_once: bool = False) -> None:
        """Take a change (None: gone); it becomes visible after the lag."""
        if at_once:
            self._show(ident, modified, properties)
        else:
            self._waiting.append((self._clock().timestamp() + self.lag_s, ident, modified, properties))

    def refresh(self) -> None:
        """Show what is due."""
        now = self._clock().timestamp()
        while self._waiting and self._waiting[0][0] <= now:
            _, ident, modified, properties = self._waiting.popleft()
            self._show(ident, modified, properties)

    def _show(self, ident: int, modified: int, properties: Snapshot | None) -> None:
        self.version += 1
        old = self.seen.pop(ident, None)
        if old is not None:
            del self.by_time[bisect.bisect_left(self.by_time, (self.times[ident], ident))]
            for name, values in self.by.items():
                values.get(old.get(name, ""), set()).discard(ident)
        if properties is None:
            return
        self.seen[ident] = properties
        self.times[ident] = modified
        bisect.insort(self.by_time, (modified, ident))
        for name, values in self.by.items():
            if value := properties.get(name):
                values.setdefault(value, set()).add(ident)

    def between(self, low: float, high: float) -> list[int]:
        """Give the ids changed from `low` to `high` milliseconds, both included, oldest first."""
        start = bisect.bisect_left(self.by_time, (low, 0))
        end = bisect.bisect_right(self.by_time, (high, float("inf")))
        return [ident for _, ident in self.by_time[start:end]]
