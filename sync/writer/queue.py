"""The keyed queue: one write at a time per lead, hot before bulk, and doorbells of a waiting lead become one."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import islice

from sync.topology import Lane

Mark = Hashable
"""What stands behind a ring: it is released once the lead was looked at after the ring."""


@dataclass(slots=True)
class KeyedQueue:
    """Leads that are to be looked at. `clock` gives monotonic seconds; `release` is told each mark that is done."""

    clock: Callable[[], float]
    release: Callable[[Mark], None] = lambda mark: None
    _ready: dict[Lane, dict[str, float]] = field(default_factory=lambda: {"hot": {}, "bulk": {}})
    _marks: dict[str, list[Mark]] = field(default_factory=lambda: defaultdict(list))
    _busy: dict[str, list[Mark]] = field(default_factory=dict)
    _again: dict[str, Lane] = field(default_factory=dict)
    """Busy leads that were rung for meanwhile."""
    _later: list[tuple[float, str, Lane]] = field(default_factory=list)
    _held: dict[str, Lane] = field(default_factory=dict)
    """Leads that wait for their time."""

    def __len__(self) -> int:
        """Count the leads that are known, busy ones included."""
        return len(self._ready["hot"]) + len(self._ready["bulk"]) + len(self._busy) + len(self._held)

    @property
    def ready(self) -> int:
        """Count the leads that could be taken now."""
        return len(self._ready["hot"]) + len(self._ready["bulk"])

    @property
    def hot(self) -> bool:
        """Say whether a hot lead could be taken now."""
        return bool(self._ready["hot"])

    @property
    def busy(self) -> int:
        """Count the leads that are being looked at."""
        return len(self._busy)

    def ring(self, lead: str, lane: Lane, mark: Mark | None = None) -> None:
        """Put a lead in, or let one that waits or is busy answer for this ring too."""
        if mark is not None:
            self._marks[lead].append(mark)
        if lead in self._busy:
            self._again[lead] = _hotter(lane, self._again.get(lead))
        elif lead in self._held:
            self._held[lead] = _hotter(lane, self._held[lead])
        elif lane == "hot" and (since := self._ready["bulk"].pop(lead, None)) is not None:
            self._ready["hot"][lead] = since
        elif lead not in self._ready["hot"]:
            self._ready[lane].setdefault(lead, self.clock())

    def take(self, most: int) -> list[tuple[str, Lane]]:
        """Take leads to look at, in the order in which they came: while any is hot, hot ones alone. They are busy until `done` or `retry`."""
        self._due()
        lane: Lane = "hot" if self._ready["hot"] else "bulk"
        taken = list(islice(self._ready[lane], most))
        for lead in taken:
            del self._ready[lane][lead]
            self._busy[lead] = self._marks.pop(lead, [])
        return [(lead, lane) for lead in taken]

    def done(self, lead: str) -> None:
        """The lead was looked at, and whatever followed is safe: release its marks; if it was rung for meanwhile, it is ready again."""
        for mark in self._busy.pop(lead, ()):
            self.release(mark)
        if (lane := self._again.pop(lead, None)) is not None:
            self._ready[lane].setdefault(lead, self.clock())

    def retry(self, lead: str, lane: Lane, after_s: float = 0.0) -> None:
        """Nothing came of it: look again after so long; its marks stay."""
        if lead not in self._busy:
            return
        self._marks[lead] = self._busy.pop(lead) + self._marks.pop(lead, [])
        lane = _hotter(lane, self._again.pop(lead, None))
        if after_s <= 0:
            self._ready[lane].setdefault(lead, self.clock())
            return
        self._held[lead] = lane
        heapq.heappush(self._later, (self.clock() + after_s, lead, lane))

    def urgent(self, lead: str) -> bool:
        """Say whether a hot bell rang for a lead while it is being looked at."""
        return self._again.get(lead) == "hot"

    def next_due(self) -> float | None:
        """Give when the next waiting lead's time comes, None when none waits."""
        return self._later[0][0] if self._later else None

    def _due(self) -> None:
        while self._later and self._later[0][0] <= self.clock():
            _, lead, _ = heapq.heappop(self._later)
            if (lane := self._held.pop(lead, None)) is not None:
                self._ready[lane].setdefault(lead, self.clock())


def _hotter(one: Lane, other: Lane | None) -> Lane:
    return "hot" if "hot" in {one, other} else "bulk"
