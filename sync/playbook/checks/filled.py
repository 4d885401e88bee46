"""Whether shared fields that Truce fills in can hold what it writes there, and those of a no the reasons of sla.yaml."""

from __future__ import annotations

from collections.abc import Sequence

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.document import Path
from sync.playbook.models import COMPUTED
from sync.playbook.problems import did_you_mean

FILE = "fields.yaml"
ANEW = ("latest", "sales")
"""Policies under which what is said later counts."""


def run(files: Files, name: str, field: forms.FieldForm) -> None:
    """Note a field by the name of one that Truce fills in, which cannot hold it."""
    computed = COMPUTED.get(name)
    if computed is None:
        return
    path: Path = ("fields", name)
    if field.type not in computed.kinds:
        kinds = " or ".join(computed.kinds)
        said = f"Truce writes into {name} {computed.text}: a {kinds}, not a {field.type}"
        files.problem(FILE, (*path, "type"), said, f"type: {computed.kinds[0]}, or give the field another name")
    elif field.type == "picklist" and field.values and (lacking := [one for one in computed.values if one not in field.values]):
        said = f"Truce writes into {name} {computed.text}, and {', '.join(lacking)} {_is(lacking)} not among its values"
        files.problem(FILE, (*path, "values"), said, f"values: [{', '.join(computed.values)}]", key=True)


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def given_back(files: Files, form: forms.SlaFile) -> None:
    """Note where sla.yaml names for a no and its sentence what is no shared field, or one that cannot hold them."""
    for key, name in (("reason_field", form.reason_field), ("comment_field", form.comment_field)):
        if name is None or not files.fields:
            continue
        known = files.fields.fields
        field = known.get(name)
        if field is None:
            files.problem("sla.yaml", (key,), f"unknown field {name}", did_you_mean(name, known) or "add it to fields.yaml")
        elif name in COMPUTED:
            files.problem("sla.yaml", (key,), f"{name} is what Truce fills in itself", "name a field that reps fill in")
        elif field.type not in ("picklist", "text") or (key == "comment_field" and field.type != "text"):
            kind = "text" if key == "comment_field" else "picklist"
            files.problem("sla.yaml", (key,), f"{name} is a {field.type}", f"name a field with type: {kind}")
        elif field.policy not in ANEW:
            said = f"{name} does not show what is said last (policy {field.policy})"
            files.problem("sla.yaml", (key,), said, "policy: sales")
        elif key == "reason_field" and field.type == "picklist":
            _reasons(files, name, field, form)


def _reasons(files: Files, name: str, field: forms.FieldForm, form: forms.SlaFile) -> None:
    lacking = [one for one in form.reasons if one not in field.values]
    more = [one for one in field.values if one not in form.reasons]
    if lacking:
        said = f"the reason{'s' if len(lacking) > 1 else ''} {', '.join(lacking)} {_is(lacking)} not among the values of {name}"
        files.problem("sla.yaml", ("reason_field",), said, f"write in fields.yaml values: [{', '.join(form.reasons)}]")
    elif more:
        said = f"{', '.join(more)} {_is(more)} among the values of {name} and no reason: who picks it would give nothing back"
        files.problem("sla.yaml", ("reason_field",), said, "add it under reasons, or take it out of fields.yaml")
