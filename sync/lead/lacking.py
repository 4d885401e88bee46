"""Why not: what a lead lacks for the next stage, line by line as the rules in force see it. Pure; times are ms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sync.lead.qualify import definition, place_of, sent_back_at
from sync.lead.state import Lead
from sync.playbook.models import Condition, Kind, Playbook, Stage, Values, Verdict, When

Group = Literal["all", "any", "none"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One line of the next stage: in which list it stands, whether it is as it should be, and what it saw."""

    group: Group
    fine: bool
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A line of fit that gave no points and could not, or not yet: fields that it looks at are empty."""

    fields: tuple[str, ...]
    points: float
    label: str
    where: str


@dataclass(frozen=True, slots=True)
class Lacking:
    """The next stage, and what keeps a lead out of it."""

    stage: str
    segment: str
    """The lead's segment, where it has a definition of its own for this stage; else empty."""
    lines: tuple[Wanted, ...]
    unjudged: tuple[Unjudged, ...] = ()
    """Of fit, where one of the lines asks for it."""
    kind: Kind | None = None
    """The kind of hand-off that the person's acts are, because of which they are no MQL."""
    left: tuple[Verdict, ...] = ()
    """The lines of the stage's `exit`, where it would take the lead out again."""
    since: int | None = None
    """Somebody moved the lead back then: only what the person does later counts."""

    @property
    def met(self) -> bool:
        """Say whether the stage's lines let the lead in."""
        some = [line.fine for line in self.lines if line.group == "any"]
        return all(line.fine for line in self.lines if line.group != "any") and (not some or any(some))


def lacking(lead: Lead, values: Values, playbook: Playbook) -> Lacking | None:
    """Give what the lead lacks for the next stage that rules let it into; None from the stage on that hands over, and for side exits."""
    hands_over = next((place for place, stage in enumerate(playbook.stages) if stage.handoff), -1)
    here = place_of(playbook, lead.value("stage"))
    ahead = (
        (stage, when) for stage in playbook.stages[here + 1 : hands_over + 1] if (when := definition(stage, values, playbook)) is not None
    )
    found = next(ahead, None)
    if found is None or lead.erased:
        return None
    stage, when = found
    kind = next((kind for kind in playbook.handoffs if kind.when.holds(values)), None) if stage.handoff else None
    left = stage.exit.judge(values)[1] if stage.exit is not None and stage.exit.holds(values) else ()
    back = sent_back_at(lead, playbook)
    since = back if back is not None and not any(touch.at > back for touch in lead.touches) else None
    asks = "fit" not in playbook.scores and not when.names.isdisjoint({"fit", "score"})
    unjudged = tuple(_unjudged(values, playbook)) if asks else ()
    return Lacking(stage.id, _own(stage, values, playbook), tuple(_lines(when, values)), unjudged, kind, left, since)


def _own(stage: Stage, values: Values, playbook: Playbook) -> str:
    segment = values.get("segment")
    return next((one.id for one in playbook.segments if one.id == segment and stage.id in one.stages), "")


def _lines(when: When, values: Values) -> Iterator[Wanted]:
    """Give every line, those too that `judge` leaves out once an earlier one does not match."""
    groups: tuple[tuple[Group, tuple[Condition, ...]], ...] = (("all", when.all), ("any", when.any), ("none", when.none))
    for group, conditions in groups:
        for condition in conditions:
            verdict = condition.judge(values)
            yield Wanted(group, verdict.matched is not (group == "none"), verdict)


def _unjudged(values: Values, playbook: Playbook) -> Iterator[Unjudged]:
    for points in playbook.fit:
        if points.points <= 0 or points.when is None or points.when.holds(values):
            continue
        empty = tuple(sorted(name for name in points.when.names if values.get(name) in (None, "")))
        if empty:
            yield Unjudged(empty, points.points, points.label, str(points.where))
