"""From lifecycle.yaml to scores, segments, stages and kinds of hand-off as the core sees them."""

from __future__ import annotations

from typing import Any

from sync.playbook import forms
from sync.playbook.build.lines import Lines
from sync.playbook.document import Path
from sync.playbook.models import Category, Kind, OpportunityStage, Points, Returns, Scanners, Score, Segment, Stage, Step, When

FILE = "lifecycle.yaml"
DAY_MS = 86_400_000
SCORES: tuple[Score, ...] = ("fit", "engagement", "score")


def parts(lines: Lines, form: forms.LifecycleFile) -> dict[str, Any]:
    """Build all that the file says, by the names of the playbook's parts."""
    fit_ = fit(lines, form)
    return {
        "fit": fit_,
        "engagement": engagement(lines, form),
        "categories": {name: Category(name, one.cap, _key(lines, "categories", name)) for name, one in form.categories.items()},
        "scanners": Scanners(round(form.scanners.within_s * 1000), frozenset(form.scanners.touches)),
        "scores": scores(form),
        "segments": segments(lines, form),
        "stages": stages(lines, form),
        "statuses": tuple(form.statuses),
        "status_labels": {name: one.label for name, one in form.statuses.items() if one.label},
        "statuses_where": _key(lines, "statuses") if form.statuses else None,
        "opportunity_stages": {
            name: OpportunityStage(name, _key(lines, "opportunity_stages", name), one.is_, one.stage)
            for name, one in form.opportunity_stages.items()
        },
        "handoffs": tuple(_kind(lines, name, one) for name, one in form.handoffs.items()),
    }


def _key(lines: Lines, *path: str | int) -> Any:
    return lines.files.where(FILE, path, key=True)


def scores(form: forms.LifecycleFile) -> dict[Score, str]:
    """Give the scores that a shared field gives, and which."""
    return {name: field.removeprefix("lead.") for name in SCORES if (field := getattr(form.score, name)) is not None}


def stages(lines: Lines, form: forms.LifecycleFile) -> tuple[Stage, ...]:
    """Build the stages, in their order."""
    return tuple(_stage(lines, name, one) for name, one in form.stages.items())


def _stage(lines: Lines, name: str, form: forms.StageForm) -> Stage:
    path = ("stages", name)
    when = None if form.when is None else lines.when(FILE, (*path, "when"), form.when)
    leave = None if form.exit is None else lines.when(FILE, (*path, "exit"), form.exit)
    back = None if form.back is None else frozenset(form.back)
    returns = None if form.returns is None else _returns(lines, (*path, "returns"), form.returns)
    return Stage(name, _key(lines, *path), when, form.accountable, form.handoff, leave, back, returns)


def _returns(lines: Lines, path: Path, form: forms.ReturnsForm) -> Returns:
    when = lines.when(FILE, (*path, "when"), form.when)
    return Returns(lines.files.where(FILE, path, key=True), round(form.after_days * DAY_MS), when, form.label)


def fit(lines: Lines, form: forms.LifecycleFile) -> tuple[Points, ...]:
    """Build the points of fit."""
    return tuple(_fit(lines, ("fit", i), one) for i, one in enumerate(form.fit))


def _fit(lines: Lines, path: Path, form: forms.FitForm) -> Points:
    when = lines.when(FILE, (*path, "when"), form.when)
    for name in sorted(when.names & {*SCORES, "segment"}):
        lines.files.problem(FILE, (*path, "when"), f"fit is summed before lead.{name} is known", "ask for a shared field")
    return Points(form.points, lines.files.where(FILE, path), when, label=form.label)


def engagement(lines: Lines, form: forms.LifecycleFile) -> tuple[Points, ...]:
    """Build the points of engagement."""
    return tuple(_points(lines, i, one) for i, one in enumerate(form.engagement))


def _points(lines: Lines, index: int, one: forms.EngagementForm) -> Points:
    return Points(
        one.points,
        lines.files.where(FILE, ("engagement", index)),
        None,
        one.touch,
        one.name,
        one.half_life_days,
        one.cap,
        one.label,
        one.window_days,
        one.category or "",
    )


def segments(lines: Lines, form: forms.LifecycleFile) -> tuple[Segment, ...]:
    """Build the segments, in their order."""
    return tuple(_segment(lines, ("segments", i), one) for i, one in enumerate(form.segments))


def _segment(lines: Lines, path: Path, form: forms.SegmentForm) -> Segment:
    when = lines.when(FILE, (*path, "when"), form.when)
    for name in sorted(when.names & {"segment", "stage"}):
        lines.files.problem(FILE, (*path, "when"), f"lead.{name} follows from the segment", "ask for a shared field")
    own: dict[str, When] = {stage: lines.when(FILE, (*path, "stages", stage), one) for stage, one in form.stages.items()}
    return Segment(form.id, lines.files.where(FILE, path), when, own)


def _kind(lines: Lines, name: str, form: forms.HandoffForm) -> Kind:
    path = ("handoffs", name)
    when = lines.when(FILE, (*path, "when"), form.when)
    fallback = (Step(owner=form.fallback.owner),)
    return Kind(name, _key(lines, *path), when, form.to, fallback, form.sla or "", frozenset(form.touches))
