"""What those who bought have in common against those who did not, beside what the fit score gives for it; and the lines that follow. Pure.

Weights are read as evidence: the logarithm of how much more often something is true of those who bought, smoothed by half a lead on each
side, so that few leads say little. They are scaled so that the lines together are worth as many points as they are now.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import log
from typing import Any

from sync.playbook.models import Playbook, Points, Values

FEW = 5
"""What is true of fewer leads says nothing yet."""
MANY = 25
"""A field with more values than this is no attribute that people have in common."""
_POINTS = re.compile(r"(points:\s*)(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Trait:
    """Something that is true of some leads: a line of fit, or a field's value."""

    what: str
    where: str
    """file:line of a line of fit; '' for a value that no line asks for."""
    when: str
    """As a condition."""
    won: int
    lost: int
    of_won: int
    of_lost: int
    points: float
    """As the playbook gives it now."""
    suggested: float | None
    """As these leads say; None: too few have it."""

    @property
    def lift(self) -> float:
        """How many times as often it is true of those who bought."""
        return _rate(self.won, self.of_won) / _rate(self.lost, self.of_lost)

    def plain(self) -> dict[str, Any]:
        """Give it as JSON shows it."""
        return asdict(self) | {"lift": round(self.lift, 3)}


def _rate(count: int, of: int) -> float:
    return (count + 0.5) / (of + 1)


def traits(playbook: Playbook, won: Sequence[Values], lost: Sequence[Values]) -> list[Trait]:
    """Give what is more often true of one side than of the other: every line of fit, and values that no line asks for, the strongest first."""
    found, pairs = list[Trait](), list[tuple[Points, int, int, float | None]]()
    for points in playbook.fit:
        have, lack = (sum(points.when is None or points.when.holds(one) for one in some) for some in (won, lost))
        pairs.append((points, have, lack, _evidence(have, lack, len(won), len(lost)) if have + lack >= FEW else None))
    scale = _scale((points.points, weight) for points, _, _, weight in pairs if weight is not None)
    for points, have, lack, weight in pairs:
        text = " && ".join(line.text for line in points.when.lines) if points.when is not None else "true"
        suggested = None if weight is None else float(round(weight * scale))
        found.append(Trait(points.label or text, str(points.where), text, have, lack, len(won), len(lost), points.points, suggested))
    asked = {name for points in playbook.fit if points.when is not None for name in points.when.names}
    found += _values(playbook, won, lost, asked, scale)
    return sorted(found, key=lambda one: (-abs(log(one.lift)), one.when))


def _evidence(won: int, lost: int, of_won: int, of_lost: int) -> float:
    return log(_rate(won, of_won) / _rate(lost, of_lost))


def _scale(pairs: Iterable[tuple[float, float]]) -> float:
    """Give points per unit of evidence, so that the good lines are worth together what they are worth now."""
    some = list(pairs)
    now, says = sum(points for points, _ in some if points > 0), sum(weight for _, weight in some if weight > 0)
    return now / says if now > 0 and says > 0 else 20.0


def _values(playbook: Playbook, won: Sequence[Values], lost: Sequence[Values], asked: set[str], scale: float) -> list[Trait]:
    found = []
    for name, shared in playbook.fields.items():
        if (
            name in asked
            or name in ("stage", "status", "owner")
            or shared.personal
            or shared.kind not in ("picklist", "text", "country", "flag")
        ):
            continue
        counts = [_tally(name, some) for some in (won, lost)]
        values = {*counts[0], *counts[1]}
        if len(values) > MANY:
            continue
        for value in values:
            have, lack = counts[0].get(value, 0), counts[1].get(value, 0)
            if have + lack >= FEW and (weight := _evidence(have, lack, len(won), len(lost))) > log(1.5):
                when = f"lead.{name} == {_quoted(value)}"
                found.append(Trait(f"{name} {value}", "", when, have, lack, len(won), len(lost), 0.0, float(round(weight * scale))))
    return found


def _quoted(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def _tally(name: str, some: Iterable[Values]) -> dict[object, int]:
    counts: dict[object, int] = {}
    for one in some:
        value = one.get(name)
        if value not in (None, ""):
            counts[value] = counts.get(value, 0) + 1
    return counts


def candidate(files: Mapping[str, bytes], found: Iterable[Trait]) -> tuple[dict[str, bytes], list[str]]:
    """Give the playbook's files with the suggested points of the lines of fit, and each changed line as people read it."""
    made, told = dict(files), list[str]()
    for one in found:
        file, _, number = one.where.partition(":")
        if one.suggested is None or one.suggested == one.points or file not in made or not number.isdigit():
            continue
        lines = made[file].decode().split("\n")
        at = _line(lines, int(number) - 1, one.points)
        if at is not None:
            before = lines[at].strip()
            lines[at] = _POINTS.sub(lambda found, to=one.suggested: f"{found[1]}{to:g}", lines[at], count=1)  # type: ignore[misc]
            made[file] = "\n".join(lines).encode()
            told.append(f"{file}:{at + 1}  {before}  →  {lines[at].strip()}")
    return made, told


def _line(lines: Sequence[str], begins: int, points: float) -> int | None:
    """Give where the points of a rule that begins there stand: on its line, or one of the next four."""
    for at in range(begins, min(begins + 5, len(lines))):
        found = _POINTS.search(lines[at])
        if found is not None:
            return at if float(found[2]) == points else None
    return None
