"""From lifecycle.yaml to scores and stages as the core sees them."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.lines import Lines
from sync.playbook.document import Path
from sync.playbook.models import Points, Stage

FILE = "lifecycle.yaml"


def stages(lines: Lines, form: forms.LifecycleFile) -> tuple[Stage, ...]:
    """Build the stages, in their order."""
    return tuple(_stage(lines, name, one) for name, one in form.stages.items())


def _stage(lines: Lines, name: str, form: forms.StageForm) -> Stage:
    path = ("stages", name)
    when = None if form.when is None else lines.when(FILE, (*path, "when"), form.when)
    return Stage(name, lines.files.where(FILE, path, key=True), when, form.accountable, form.handoff)


def fit(lines: Lines, form: forms.LifecycleFile) -> tuple[Points, ...]:
    """Build the points of fit."""
    return tuple(_fit(lines, ("fit", i), one) for i, one in enumerate(form.fit))


def _fit(lines: Lines, path: Path, form: forms.FitForm) -> Points:
    when = lines.when(FILE, (*path, "when"), form.when)
    for name in sorted(when.names & {"fit", "engagement", "score"}):
        lines.files.problem(FILE, (*path, "when"), f"fit is summed before lead.{name} is known", "ask for a shared field")
    return Points(form.points, lines.files.where(FILE, path), when, label=form.label)


def engagement(lines: Lines, form: forms.LifecycleFile) -> tuple[Points, ...]:
    """Build the points of engagement."""
    return tuple(
        Points(
            one.points,
            lines.files.where(FILE, ("engagement", i)),
            None,
            one.touch,
            one.name,
            one.half_life_days,
            one.cap,
            one.label,
        )
        for i, one in enumerate(form.engagement)
    )
