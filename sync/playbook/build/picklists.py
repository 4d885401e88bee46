"""The values of picklists: three of them are machines of lifecycle.yaml, which names their values."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.forms import Section

MACHINES: dict[tuple[Section, str], str] = {
    ("fields", "stage"): "stages",
    ("fields", "status"): "statuses",
    ("opportunities", "stage"): "opportunity_stages",
}
"""Which key of lifecycle.yaml names the values of a field."""


def machine(section: Section, name: str, form: forms.FieldForm) -> str | None:
    """Give the key of lifecycle.yaml that names the values of a picklist, None when it has values of its own."""
    return MACHINES.get((section, name)) if form.type == "picklist" else None


def named(files: Files, key: str) -> tuple[str, ...]:
    """Give the values that a key of lifecycle.yaml names, in their order; none when it could not be read."""
    return tuple(getattr(files.lifecycle, key, None) or ())


def values(files: Files, section: Section, name: str, form: forms.FieldForm) -> tuple[str, ...]:
    """Give the values that a picklist may have, in their order."""
    key = machine(section, name, form)
    return tuple(form.values) or (named(files, key) if key else ())
