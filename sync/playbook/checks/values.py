"""Whether picklists add up: values that exist, spelled fully in every system and back, in an order where one is needed."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build import picklists
from sync.playbook.build.files import Files
from sync.playbook.document import Path
from sync.playbook.forms import Section
from sync.playbook.problems import did_you_mean

FILE = "fields.yaml"


def run(files: Files, section: Section, name: str, field: forms.FieldForm) -> None:
    """Note every problem of a field's values."""
    path: Path = (section, name)
    values = _values(files, section, name, field)
    if field.type == "picklist":
        _spelled(files, path, field, values)
    else:
        _none(files, path, field)
    _ordered(files, path, field, values)


def _values(files: Files, section: Section, name: str, field: forms.FieldForm) -> list[str]:
    """Give the values that it may have; those of a machine of lifecycle.yaml stand there."""
    path: Path = (section, name)
    key = picklists.machine(section, name, field)
    ours = list(picklists.named(files, key)) if key else []
    if ours and field.values and field.values != ours:
        text = f"the values of {name} are the {key} of lifecycle.yaml"
        files.problem(FILE, (*path, "values"), text, "delete values", key=True)
    if field.type == "picklist" and not (field.values or ours) and (key is None or files.lifecycle):
        hint = f"add values: […], or {key} to lifecycle.yaml" if key else "add values: […]"
        files.problem(FILE, path, f"the values of {name} are missing", hint, key=True)
    for index, value in enumerate(field.values):
        if value in field.values[:index]:
            files.problem(FILE, (*path, "values", index), f"{value} stands here twice", "delete one")
    return ours or list(field.values)


def _none(files: Files, path: Path, field: forms.FieldForm) -> None:
    """Values are for picklists."""
    said = f"values are for picklists, and {path[1]} is a {field.type}"
    if field.values:
        files.problem(FILE, (*path, "values"), said, "type: picklist", key=True)
    for system, mapping in field.systems.items():
        for key in ("values", "reads"):
            if isinstance(mapping, forms.MappingForm) and getattr(mapping, key):
                files.problem(FILE, (*path, "systems", system, key), said, f"type: picklist, or delete {key}", key=True)


def _spelled(files: Files, path: Path, field: forms.FieldForm, values: list[str]) -> None:
    if not values:
        return
    for system, mapping in field.systems.items():
        if isinstance(mapping, forms.MappingForm) and (mapping.values or mapping.reads):
            _total(files, (*path, "systems", system), mapping, values)


def _total(files: Files, path: Path, mapping: forms.MappingForm, values: list[str]) -> None:
    """Every value is spelled, and every spelling is one value."""
    system = path[3]
    missing = [value for value in values if value not in mapping.values] if mapping.values else []
    if missing:
        what = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not spelled in {system}"
        files.problem(FILE, (*path, "values"), what, f"add {missing[0]}: …", key=True)
    first: dict[str, str] = {}
    for ours, theirs in mapping.values.items():
        if ours not in values:
            files.problem(FILE, (*path, "values", ours), f"unknown value {ours}", did_you_mean(ours, values), key=True)
        elif theirs in first and theirs not in mapping.reads:
            hint = f"say which it is when {system} shows it: reads: {{{theirs}: {first[theirs]}}}"
            files.problem(FILE, (*path, "values", ours), f"{ours} and {first[theirs]} are both spelled {theirs}", hint)
        first.setdefault(theirs, ours)
    for theirs, ours in mapping.reads.items():
        written = [one for one, spelling in mapping.values.items() if spelling == theirs]
        if ours not in values:
            files.problem(FILE, (*path, "reads", theirs), f"unknown value {ours}", did_you_mean(ours, values))
        elif written and ours not in written:
            said = f"{written[0]} is written as {theirs}, and {theirs} is read as {ours}: they would never agree"
            files.problem(FILE, (*path, "reads", theirs), said, f"write {theirs}: {written[0]}, or spell {written[0]} otherwise")


def _ordered(files: Files, path: Path, field: forms.FieldForm, values: list[str]) -> None:
    if field.order and values and sorted(field.order) != sorted(values):
        odd = sorted(set(field.order) ^ set(values)) or sorted({v for v in field.order if field.order.count(v) > 1})
        files.problem(
            FILE, (*path, "order"), f"order and values differ: {', '.join(odd)}", "every value once, from least to most", key=True
        )
    if field.policy == "most_advanced" and not field.order and not values and field.type != "picklist":
        files.problem(FILE, (*path, "policy"), "most_advanced: in which order?", "add order: [least, …, most]")
    if field.policy == "stricter" and field.type != "flag" and not (field.order or field.consent):
        files.problem(FILE, (*path, "policy"), "stricter: in which order?", "add order: [loosest, …, strictest]")
