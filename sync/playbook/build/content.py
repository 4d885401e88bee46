"""From content.yaml to messages and material as the core sees them."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.models import Content, KeyMessage, Material

FILE = "content.yaml"


def content(files: Files, form: forms.ContentFile) -> Content:
    """Build messages and material."""
    return Content(
        tuple(_material(files, index, one) for index, one in enumerate(form.material)),
        tuple(_message(files, index, one) for index, one in enumerate(form.messages)),
    )


def _material(files: Files, index: int, form: forms.MaterialForm) -> Material:
    return Material(
        form.id, form.title, form.kind, form.version, form.owner, form.review_by, files.where(FILE, ("material", index)), form.url or "",
        tuple(form.stages), tuple(form.segments), tuple(form.languages),
    )  # fmt: skip


def _message(files: Files, index: int, form: forms.KeyMessageForm) -> KeyMessage:
    where = files.where(FILE, ("messages", index))
    return KeyMessage(form.say, form.stage, form.approved_by, form.review_by, where, form.segment, tuple(form.material))
