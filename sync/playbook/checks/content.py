"""Whether content.yaml adds up: material that exists, one message per segment and stage, and dates that have not passed."""

from __future__ import annotations

from datetime import date

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks import names
from sync.playbook.checks.people import person
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean

FILE = "content.yaml"


def run(files: Files, form: forms.ContentFile) -> None:
    """Note every problem of content.yaml."""
    names.once(files, FILE, [(("material", index), one.id) for index, one in enumerate(form.material)], "material")
    for index, one in enumerate(form.material):
        path: Path = ("material", index)
        person(files, FILE, (*path, "owner"), one.owner)
        names.day(files, FILE, (*path, "review_by"), one.review_by)
        for place, stage in enumerate(one.stages):
            _stage(files, (*path, "stages", place), stage)
        for place, segment in enumerate(one.segments):
            names.segment(files, FILE, (*path, "segments", place), segment)
    seen: dict[tuple[str, str | None], int] = {}
    for index, message in enumerate(form.messages):
        path = ("messages", index)
        _message(files, path, message, [one.id for one in form.material])
        first = seen.setdefault((message.stage, message.segment), index)
        if first != index:
            said = f"a second message for {message.segment or 'every segment'} at {message.stage}"
            files.problem(FILE, path, said, f"the first is at {files.where(FILE, ('messages', first))}; one of them is approved")
    _silent(files, form)


def _message(files: Files, path: Path, form: forms.KeyMessageForm, material: list[str]) -> None:
    person(files, FILE, (*path, "approved_by"), form.approved_by)
    names.day(files, FILE, (*path, "review_by"), form.review_by)
    names.segment(files, FILE, (*path, "segment"), form.segment)
    _stage(files, (*path, "stage"), form.stage)
    for index, name in enumerate(form.material):
        if name not in material:
            files.problem(
                FILE, (*path, "material", index), f"unknown material {name}", did_you_mean(name, material) or "add it under material"
            )


def _stage(files: Files, path: Path, name: str) -> None:
    if files.lifecycle and name not in files.lifecycle.stages:
        files.problem(FILE, path, f"lifecycle.yaml has no stage {name}", did_you_mean(name, files.lifecycle.stages))


def _silent(files: Files, form: forms.ContentFile) -> None:
    """Warn of segments that are handed over without anything approved to say."""
    if not (files.lifecycle and form.messages):
        return
    for stage in (name for name, one in files.lifecycle.stages.items() if one.handoff):
        said = {message.segment for message in form.messages if message.stage == stage}
        segments = [one.id for one in getattr(files.lifecycle, "segments", ())] or [None]
        missing = [segment for segment in segments if segment not in said and None not in said]
        if missing:
            whom = f"the segment {missing[0]}" if missing[0] else "anyone"
            text = f"no message is approved for {whom} at {stage}, where leads are handed over"
            files.problem(FILE, ("messages",), text, f"add one with stage: {stage}", key=True, warning=True)


def dated(files: Files, form: forms.ContentFile, today: date) -> None:
    """Warn of what should have been looked at again by now."""
    rows: list[tuple[Path, str, str, str]] = [
        (("material", index), one.review_by, one.owner, one.title) for index, one in enumerate(form.material)
    ]
    rows += [(("messages", index), one.review_by, one.approved_by, f'"{one.say}"') for index, one in enumerate(form.messages)]
    for path, text, who, what in rows:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            continue
        if day < today:
            late = (today - day).days
            said = f"{what} should have been looked at {late} day{'s' * (late != 1)} ago"
            files.problem(FILE, (*path, "review_by"), said, f"{who} says whether it still holds, and until when", warning=True)
