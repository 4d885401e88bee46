"""How engagement goes on by itself: touches fade, leave their windows, and no more is known. When will a comparison of it turn? Times are ms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sync.lead.atoms import Op, compare
from sync.lead.score import DAY_MS, line_of, total, worth
from sync.lead.state import TouchNote
from sync.playbook.models import Playbook

HORIZON_MS = 400 * DAY_MS
MOST_LOOKS = 2_000
"""So many pieces of time are looked at; a change that is not found by then is looked for again a second later at the earliest."""
_FOREVER = 40_000 * DAY_MS


@dataclass(slots=True)
class Fading:
    """Engagement as a function of time from `now` on, if nothing else happens: a few sums, however many touches they are made of."""

    playbook: Playbook
    now: int
    sums: dict[int, float] = field(default_factory=dict)
    """Line → what its touches are worth now, that only fade."""
    loose: list[tuple[int, int]] = field(default_factory=list)
    """(line, time) of touches that have a window, or are dated later than now."""
    mixed: bool = False
    """Some points count for and some against: it may rise by time alone."""

    @classmethod
    def of(cls, notes: Iterable[TouchNote], playbook: Playbook, now: int) -> Fading:
        """Sum up what the person did."""
        made, rules, signs = cls(playbook, now), playbook.engagement, set[bool]()
        for touch in notes:
            i = line_of(touch, playbook)
            if i is None:
                continue
            points = rules[i]
            if points.window_days is not None or touch.at > now:
                made.loose.append((i, touch.at))
            else:
                made.sums[i] = made.sums.get(i, 0.0) + worth(points, touch.at, now)
            signs.add(points.points >= 0)
        made.mixed = False in signs
        return made

    def lines(self, at: int) -> dict[int, float]:
        """Give what each line's touches are worth at a time, before any cap: further from 0 never again."""
        rules, past = self.playbook.engagement, at - self.now
        found = {}
        for i, raw in self.sums.items():
            half = rules[i].half_life_days
            found[i] = raw * 0.5 ** (past / (half * DAY_MS)) if half else raw
        for i, done in self.loose:
            found[i] = found.get(i, 0.0) + worth(rules[i], done, at)
        return found

    def at(self, at: int) -> float:
        """Give engagement at a time, as conditions see it."""
        return round(total(self.lines(at), self.playbook), 2)

    def between(self, start: int, end: int) -> tuple[float, float]:
        """Give bounds of engagement from one time to another, both included."""
        first, last = self.lines(start), self.lines(end)
        low = {i: min(raw, last.get(i, 0.0)) for i, raw in first.items()}
        high = {i: max(raw, last.get(i, 0.0)) for i, raw in first.items()}
        return round(total(low, self.playbook), 2), round(total(high, self.playbook), 2)


def _possible(op: Op, low: float, high: float, number: float) -> bool:
    match op:
        case "<" | "<=":
            return compare(op, low, number)
        case ">" | ">=":
            return compare(op, high, number)
        case "==":
            return low <= number <= high
        case _:
            return not low == high == number


_OPPOSITE: dict[Op, Op] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def turns(fading: Fading, op: Op, number: float, want: bool, more: float | None) -> int | None:
    """Give when a comparison that is not `want` now becomes it, never later than it does; None: never. `more` is added to engagement."""
    wanted = op if want else _OPPOSITE[op]

    def shown(value: float) -> float:
        return value if more is None else round(more + value, 2)

    def possible(start: int, end: int) -> bool:
        low, high = fading.between(start, end)
        return _possible(wanted, shown(low), shown(high), number)

    now, end = fading.now, fading.now + HORIZON_MS
    if possible(now, end):
        if not fading.mixed and wanted in ("<", "<="):
            return _falls(lambda at: compare(wanted, shown(fading.at(at)), number), now, end)
        found = _first(lambda at: compare(wanted, shown(fading.at(at)), number), possible, now, end)
        if found is not None:
            return found
    return end if possible(end, now + _FOREVER) else None


def _falls(holds: Callable[[int], bool], start: int, end: int) -> int:
    """What only falls crosses a bound once: halve the time between. It holds at the end, and not at the start."""
    while end - start > 1:
        middle = (start + end) // 2
        if holds(middle):
            end = middle
        else:
            start = middle
    return max(end - 1, start) if end - 1 > start else end


def _first(holds: Callable[[int], bool], possible: Callable[[int, int], bool], start: int, end: int) -> int | None:
    """Look at ever shorter pieces of time, the earliest first, and leave out those in which it cannot hold."""
    begin, pieces, looks = start, [(start, end)], 0
    while pieces:
        start, end = pieces.pop()
        if not possible(start, end):
            continue
        looks += 1
        if looks > MOST_LOOKS:
            return max(start, begin + 1_000)
        if end - start <= 1:
            if start > begin and holds(start):
                return start
            if holds(end):
                return end
            continue
        middle = (start + end) // 2
        pieces += [(middle, end), (start, middle)]
    return None
