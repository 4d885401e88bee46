"""How engagement goes on by itself: touches fade, and leave their windows. When will it have come to a value? Times are ms.

What fades is a sum of falling powers, and such a sum falls no faster than the power that touches it now: so a time that is never too late
can be written down, and is exact where all fades alike. Caps and windows only cut time into pieces.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.lead.index import index
from sync.lead.score import DAY_MS, capped, line_of, total, worth
from sync.lead.state import TouchNote
from sync.playbook.models import Playbook

PIECES = 24
"""So many pieces of time are looked at; what has not come by then is looked for again at the end of the last."""
SOON_MS = DAY_MS
"""What is farther away than this need not be exact: an earlier time costs one more look, which most leads are given anyway by then."""
NEVER = math.inf
_TINY = 1e-9
"""What the last digit of a sum may be wrong by."""
_Rule = tuple[float, float | None, str]
"""Of a line: what part of it is lost in a ms, its cap, its category where that has a cap."""


def _rules(playbook: Playbook) -> tuple[_Rule, ...]:
    """Give what matters here of each line; worked out once per playbook."""
    kept = index(playbook).kept
    if "fading" not in kept:
        kept["fading"] = tuple(
            (
                math.log(2) / (one.half_life_days * DAY_MS) if one.half_life_days else 0.0,
                one.cap,
                one.category if one.category in playbook.categories else "",
            )
            for one in playbook.engagement
        )
    return kept["fading"]  # type: ignore[return-value]


@dataclass(slots=True)
class Fading:
    """Engagement as a function of time from `now` on, if nothing else happens: a few sums, however many touches they are made of."""

    playbook: Playbook
    now: int
    sums: Mapping[int, float]
    """Line → what its touches are worth now that have no window, before any cap."""
    loose: list[tuple[int, int]] = field(default_factory=list)
    """(line, time) of touches that have a window."""
    ahead: float = NEVER
    """When the first of the touches happens that are dated later than now."""

    @classmethod
    def of(cls, notes: list[TouchNote], playbook: Playbook, now: int, sums: Mapping[int, float]) -> Fading:
        """Take what the touches come to now, line by line; those with a window one by one."""
        ahead = min((touch.at for touch in notes if touch.at > now), default=NEVER)
        windowed = {i for i in sums if playbook.engagement[i].window_days is not None}
        if not windowed:
            return cls(playbook, now, sums, ahead=ahead)
        loose = [(i, touch.at) for touch in notes if (i := line_of(touch, playbook)) in windowed and i is not None]
        return cls(playbook, now, {i: raw for i, raw in sums.items() if i not in windowed}, loose, ahead)

    def reaches(self, goal: float, *, down: bool) -> float:
        """Give when engagement is at most `goal` (or with `down=False` at least), never later than it is; NEVER: never."""
        at = float(self.now)
        for _ in range(PIECES):
            piece = _Piece(self, at, down=down)
            gap = (piece.total - goal) * (1 if down else -1) - _TINY
            if gap <= 0:
                break
            crossing, end = at + piece.after(gap), piece.end()
            done = crossing <= end and (piece.exact or crossing - at < 1)
            at = min(crossing, end)
            if done or at - self.now >= SOON_MS:
                break
        return at if down else min(at, self.ahead)


class _Piece:
    """Engagement from one moment on, as long as no cap lets go and no window ends."""

    def __init__(self, fading: Fading, at: float, *, down: bool) -> None:
        self.fading, self.at, self.down = fading, at, down
        self.rules, past = _rules(fading.playbook), at - fading.now
        self.lines = dict(fading.sums)
        if past:
            for i, raw in fading.sums.items():
                self.lines[i] = raw * math.exp(-past * self.rules[i][0])
        for i, done in fading.loose:
            self.lines[i] = self.lines.get(i, 0.0) + worth(fading.playbook.engagement[i], done, math.floor(at))
        self.total = 0.0
        self.ends: list[float] = []
        self.sum = self.rate = 0.0
        """What moves the way that counts, and its loss in a ms."""
        self.exact = True
        self._look()

    def _look(self) -> None:
        """Sum up what moves, and note when a cap lets go; a category at its cap stands still on the way down."""
        full = self._full() if self.down and self.fading.playbook.categories else {}
        rates: dict[str, list[float]] = {}
        for i, raw in self.lines.items():
            rate, cap, category = self.rules[i]
            held = cap is not None and (raw > cap if raw > 0 else raw < min(cap, 0))
            self.total += cap if held and cap is not None else raw
            if (raw > 0) is not self.down:
                self.exact = self.exact and not raw
            elif held:
                if rate and cap:
                    self.ends.append(self.at + math.log(raw / cap) / rate)
            elif category in full:
                moving = rates.setdefault(category, [0.0, 0.0])
                moving[0] += abs(raw) if rate else 0.0
                moving[1] += abs(raw) * rate
            elif rate:
                self.exact = self.exact and (not self.sum or self.rate == self.sum * rate)
                self.sum += abs(raw)
                self.rate += abs(raw) * rate
        if self.fading.playbook.categories:
            self.total = total(self.lines, self.fading.playbook)
        for name, (moved, loss) in rates.items():
            self.ends.append(self.at + _after(full[name], moved, loss))

    def _full(self) -> dict[str, float]:
        """Give by how much each category is above its cap."""
        given: dict[str, float] = {}
        for i, raw in self.lines.items():
            points = self.fading.playbook.engagement[i]
            given[points.category] = given.get(points.category, 0.0) + capped(points, raw)
        caps = self.fading.playbook.categories
        return {name: got - caps[name].cap for name, got in given.items() if name in caps and got > caps[name].cap}

    def after(self, gap: float) -> float:
        """Give the ms after which what moves has made so much of a difference."""
        return _after(gap, self.sum, self.rate)

    def end(self) -> float:
        """Give when this piece of time ends: a cap lets go, or a touch that counts the way we look leaves its window."""
        rules = self.fading.playbook.engagement
        for i, done in self.fading.loose:
            over = done + math.floor((rules[i].window_days or 0) * DAY_MS) + 1
            if over > self.at and (rules[i].points > 0) is self.down:
                self.ends.append(over)
        return max(min(self.ends), self.at + 0.25) if self.ends else NEVER


def _after(gap: float, moving: float, loss: float) -> float:
    """Give the time in which a sum that now loses `loss` in a ms has lost `gap`: at least; NEVER when it is less than that in all."""
    if gap <= 0:
        return 0.0
    return math.log(moving / (moving - gap)) * moving / loss if moving > gap and loss > 0 else NEVER
