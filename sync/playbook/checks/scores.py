"""Whether the scores of lifecycle.yaml add up: caps that let a touch through, lines and categories that count, fields that give a score."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean

FILE = "lifecycle.yaml"
WRITTEN = ("fit_score", "engagement_score", "lead_score")
"""Shared fields that Truce itself fills in with a score."""

LOOKED = 300
"""A line is held against so many at the top: more are no list that people wrote."""


def run(files: Files, form: forms.LifecycleFile) -> None:
    """Note every problem of the scores."""
    for index, line in enumerate(form.engagement):
        path: Path = ("engagement", index)
        _cap(files, path, line)
        if line.category is not None and line.category not in form.categories:
            hint = did_you_mean(line.category, form.categories) or f"add it under categories: {line.category}: {{cap: …}}"
            files.problem(FILE, (*path, "category"), f"unknown category {line.category}", hint)
        _taken(files, form, index)
    most: dict[str, int] = {}
    for index, line in enumerate(form.engagement):
        if line.category and (line.category not in most or line.points > form.engagement[most[line.category]].points):
            most[line.category] = index
    for name, category in form.categories.items():
        _category(files, form, name, category.cap, most.get(name))
    _scanners(files, form)
    _given(files, form)


def _cap(files: Files, path: Path, line: forms.EngagementForm) -> None:
    if line.cap is None:
        return
    if line.points >= 0 >= line.cap and line.points != line.cap:
        files.problem(FILE, (*path, "cap"), f"a cap of {line.cap:g}: the line would never give a point", f"write {line.points:g} or more")
    elif line.points < 0 <= line.cap:
        said = f"a cap of {line.cap:g} for points that are taken away: it would give points instead"
        files.problem(FILE, (*path, "cap"), said, f"the cap is the most that is taken away: write {min(-line.cap, line.points):g}")
    elif abs(line.cap) < abs(line.points):
        said = f"one touch gives {line.points:g} points, and the cap lets no more than {line.cap:g} through"
        files.problem(FILE, (*path, "cap"), said, f"write points: {line.cap:g}, or a cap of {line.points:g} or beyond")


def _taken(files: Files, form: forms.LifecycleFile, index: int) -> None:
    """Note a line of engagement all of whose touches an earlier one counts."""
    line = form.engagement[index]
    for number, other in enumerate(form.engagement[: min(index, LOOKED)]):
        kind = other.touch is None or other.touch == line.touch
        if kind and (other.name is None or (line.name is not None and other.name.casefold() in line.name.casefold())):
            where = files.where(FILE, ("engagement", number))
            hint = f"the first line that fits a touch counts, and {where} takes all of these; move this one above it"
            files.problem(FILE, ("engagement", index), "never reached", hint)
            return


def _category(files: Files, form: forms.LifecycleFile, name: str, limit: float, most: int | None) -> None:
    """Note a cap that no line shares, or that one touch goes beyond; `most`: the line of the category with the most points."""
    if most is None:
        said = f"no line of engagement is in the category {name}, so that its cap caps nothing"
        files.problem(FILE, ("categories", name), said, f"add category: {name} to the lines that share the cap, or delete it", key=True)
    elif (points := form.engagement[most].points) > limit:
        where = files.where(FILE, ("engagement", most))
        said = f"one touch of {where} gives {points:g} points, and {name} lets no more than {limit:g} through"
        files.problem(FILE, ("categories", name, "cap"), said, f"write {points:g} or more, or give that line fewer points")


def _scanners(files: Files, form: forms.LifecycleFile) -> None:
    """Note scanners that are named and of whose touches nothing counts one."""
    if "scanners" not in form.model_fields_set or not form.scanners.touches:
        return
    counted = {line.touch for line in form.engagement}
    asked = any("touched(" in line for document in files.documents.values() for line in document.lines)
    if None not in counted and not asked and counted.isdisjoint(form.scanners.touches):
        kinds = " or ".join(form.scanners.touches)
        said = f"no line of engagement counts a touch of the kind {kinds}, so that there is nothing of a machine's to leave out"
        hint = "add a line of engagement with touch: " + form.scanners.touches[-1] + ", or delete scanners"
        path: Path = ("scanners", "touches") if "touches" in form.scanners.model_fields_set else ("scanners",)
        files.problem(FILE, path, said, hint, key=True)


def _given(files: Files, form: forms.LifecycleFile) -> None:
    """Note scores that are taken from no number of a system, and what is summed up in vain beside them."""
    for score in ("fit", "engagement", "score"):
        field = getattr(form.score, score)
        if field is None:
            continue
        name = field.removeprefix("lead.")
        known = files.fields.fields if files.fields else {}
        if files.fields and name not in known:
            numbers = [f"lead.{one}" for one, shared in known.items() if shared.type == "number"]
            files.problem(FILE, ("score", score), f"unknown field {field}", did_you_mean(field, numbers) or "add it to fields.yaml")
        elif name in WRITTEN:
            said = f"{field} is what Truce writes the score into: it would be taken from itself"
            files.problem(FILE, ("score", score), said, "name the field in which the other system keeps a score of its own")
        elif files.fields and known[name].type != "number":
            said = f"{field} is a {known[name].type}, and a score is a number"
            files.problem(FILE, ("score", score), said, "name a field with type: number")
        elif score != "score" and score in form.model_fields_set and getattr(form, score):
            said = f"these lines count nothing: lead.{score} is taken from {field} ({files.where(FILE, ('score', score))})"
            files.problem(FILE, (score,), said, f"delete them, or delete score.{score}", key=True)
