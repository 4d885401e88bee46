"""How good a lead is: fit from its values, engagement from what the person did, faded to the moment of asking. Times are ms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.lead.index import index
from sync.lead.state import TouchNote
from sync.playbook.models import Act, Playbook, Points, Values

DAY_MS = 86_400_000
Lines = list[dict[str, Any]]


def fit(values: Values, playbook: Playbook) -> tuple[float, Lines]:
    """Give the points of fit, and each line that gave some."""
    total, lines = 0.0, Lines()
    for points in playbook.fit:
        matched, verdicts = points.when.judge(values) if points.when else (True, ())
        if matched:
            total += points.points
            why = verdicts[0].why if verdicts else ""
            lines.append({"label": points.label, "points": points.points, "where": str(points.where), "why": why})
    return total, lines


def fitness(values: Values, playbook: Playbook) -> float:
    """Give the points of fit, and no more: `fit` without its lines, for the path that every lead takes."""
    total = 0.0
    for points, asked in index(playbook).fit:
        if asked is None or asked(values):
            total += points
    return total


def by_machine(touch: TouchNote, playbook: Playbook) -> bool:
    """Say whether a machine did it: it opened or clicked a message within seconds of its delivery, or the vendor says so."""
    scanners = playbook.scanners
    return touch.after_ms is not None and touch.kind in scanners.touches and touch.after_ms <= scanners.within_ms


def touches(notes: Iterable[TouchNote], playbook: Playbook) -> tuple[Act, ...]:
    """Give what the person did as conditions see it; what machines did is left out."""
    return tuple((t.kind, t.name, t.at) for t in notes if t.after_ms is None or not by_machine(t, playbook))


def _fits(points: Points, kind: str, name: str) -> bool:
    return (points.kind is None or points.kind == kind) and (points.name is None or points.name.casefold() in name)


def line_of(touch: TouchNote, playbook: Playbook) -> int | None:
    """Give the place of the first line of engagement that fits a touch; None when none does, or a machine did it."""
    if touch.after_ms is not None and by_machine(touch, playbook):
        return None
    known, name = index(playbook).lines, (touch.kind, touch.name)
    if name not in known:
        if len(known) > 4096:
            known.clear()
        folded = touch.name.casefold()
        known[name] = next((i for i, points in enumerate(playbook.engagement) if _fits(points, touch.kind, folded)), None)
    return known[name]


def worth(points: Points, at: int, now: int) -> float:
    """Give what one touch of a line is worth now: faded by its half-life, nothing once its window has passed."""
    age = now - at if now > at else 0
    if points.window_days is not None and age > points.window_days * DAY_MS:
        return 0.0
    return points.points * 0.5 ** (age / (points.half_life_days * DAY_MS)) if points.half_life_days else points.points


def capped(points: Points, raw: float) -> float:
    """Give the sum of a line within its cap: no more, or of points that are taken away no less."""
    if points.cap is None:
        return raw
    return min(raw, points.cap) if points.points >= 0 else max(raw, points.cap)


@dataclass(slots=True)
class Engagement:
    """What the touches come to: per line the sum of their points before any cap, and how many they are."""

    sums: dict[int, float] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)

    def total(self, playbook: Playbook) -> float:
        """Give the points of all lines, each line and each category within its cap."""
        return total(self.sums, playbook)

    def lines(self, playbook: Playbook) -> Lines:
        """Give what each line gave, and what the caps of categories took away again."""
        told, by_category = Lines(), dict[str, float]()
        for i, raw in sorted(self.sums.items()):
            points = playbook.engagement[i]
            given = capped(points, raw)
            by_category[points.category] = by_category.get(points.category, 0.0) + given
            told.append({"label": points.label, "points": round(given, 1), "touches": self.counts[i], "where": str(points.where)})
        for name, category in playbook.categories.items():
            over = by_category.get(name, 0.0) - category.cap
            if over > 0:
                label = f"no more than {category.cap:g} from {name}"
                told.append({"label": label, "points": round(-over, 1), "touches": 1, "where": str(category.where)})
        return told


def total(sums: Mapping[int, float], playbook: Playbook) -> float:
    """Give the points that these sums per line come to."""
    if not playbook.categories:
        return sum(capped(playbook.engagement[i], raw) for i, raw in sums.items())
    by_category: dict[str, float] = {}
    for i, raw in sums.items():
        points = playbook.engagement[i]
        by_category[points.category] = by_category.get(points.category, 0.0) + capped(points, raw)
    caps = playbook.categories
    return sum(min(given, caps[name].cap) if name in caps else given for name, given in by_category.items())


def engagement(notes: Iterable[TouchNote], playbook: Playbook, now: int) -> Engagement:
    """Sum up what the person did, as it counts at `now`; the first line that fits a touch counts."""
    found = Engagement()
    sums, counts, rules = found.sums, found.counts, playbook.engagement
    for touch in notes:
        i = line_of(touch, playbook)
        if i is not None and (given := worth(rules[i], touch.at, now)):
            sums[i] = sums.get(i, 0.0) + given
            counts[i] = counts.get(i, 0) + 1
    return found


def every_line(values: Values, notes: Iterable[TouchNote], playbook: Playbook, now: int) -> Lines:
    """Give each line of fit and engagement that counts at `now`, with its points; none of a score that a field gives."""
    fitting = [] if "fit" in playbook.scores else fit(values, playbook)[1]
    return fitting if "engagement" in playbook.scores else [*fitting, *engagement(notes, playbook, now).lines(playbook)]
