"""Whether fields.yaml adds up: owners that exist, picklists spelled fully in every system, consent that only gets stricter."""

from __future__ import annotations

from connectors.registry import manifests
from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.conditions import DERIVED
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean

FILE = "fields.yaml"
SIDES = ("sales", "marketing")
POLICIES = (*SIDES, "latest", "first", "most_advanced", "stricter")
NEEDED: dict[str, str] = {"email": "email", "stage": "picklist", "owner": "user"}
"""Shared fields that every playbook must have, with their type."""
RESERVED = {*DERIVED, "now"}


def run(files: Files, form: forms.FieldsFile) -> None:
    """Note every problem of fields.yaml."""
    for name, kind in NEEDED.items():
        if name not in form.fields:
            files.problem(FILE, ("fields",), f"the shared field {name} is missing", f"add {name}: {{type: {kind}, …}}", key=True)
    for name, system in form.systems.items():
        if system.vendor not in manifests():
            hint = did_you_mean(system.vendor, manifests())
            files.problem(FILE, ("systems", name, "vendor"), f"there is no connector {system.vendor}", hint)
        if system.create != "never" and not system.object:
            files.problem(FILE, ("systems", name, "create"), f"{name} creates records, of which object?", "add object: Lead")
    for name, field in form.fields.items():
        _field(files, form, name, field)
    _twice(files, form)


def _field(files: Files, form: forms.FieldsFile, name: str, field: forms.FieldForm) -> None:
    path: Path = ("fields", name)
    if name in RESERVED:
        files.problem(FILE, path, f"lead.{name} is Truce's own", "give the field another name", key=True)
    if name in NEEDED and field.type != NEEDED[name]:
        files.problem(FILE, (*path, "type"), f"{name} has type {NEEDED[name]}, not {field.type}")
    if not field.systems:
        files.problem(FILE, (*path, "systems"), f"no system has {name}", "name the systems' fields, or delete it", key=True)
    for system in field.systems:
        if system not in form.systems:
            files.problem(FILE, (*path, "systems", system), f"unknown system {system}", did_you_mean(system, form.systems), key=True)
    _policy(files, form, name, field)
    _consent(files, path, field)
    values = _values(files, name, field)
    if field.type == "picklist":
        _spelled(files, name, field, values)
    elif field.values:
        files.problem(FILE, (*path, "values"), f"values are for picklists, and {name} is a {field.type}", "type: picklist", key=True)
    _ordered(files, name, field, values)


def _policy(files: Files, form: forms.FieldsFile, name: str, field: forms.FieldForm) -> None:
    path: Path = ("fields", name, "policy")
    known = [system for system in field.systems if system in form.systems]
    if field.policy not in POLICIES and field.policy not in form.systems:
        hint = did_you_mean(field.policy, [*POLICIES, *form.systems])
        files.problem(FILE, path, f"unknown policy {field.policy}", hint)
    elif field.policy in form.systems and field.policy not in known:
        files.problem(FILE, path, f"{field.policy} owns {name} and does not have it", "name its field under systems")
    elif field.systems and field.policy in SIDES and not any(form.systems[system].side == field.policy for system in known):
        files.problem(FILE, path, f"{field.policy} owns {name}, and no system of that side has it", "name its field under systems")


def _consent(files: Files, path: Path, field: forms.FieldForm) -> None:
    if field.consent and field.type != "flag":
        files.problem(FILE, (*path, "type"), f"an opt-out is a flag, not a {field.type}", "type: flag")
    if field.consent and field.policy != "stricter":
        files.problem(FILE, (*path, "policy"), "an opt-out anywhere wins everywhere", "policy: stricter")


def _values(files: Files, name: str, field: forms.FieldForm) -> list[str]:
    stages: list[str] | None = [*files.lifecycle.stages] if files.lifecycle else None
    path: Path = ("fields", name)
    if name == "stage":
        if field.values and stages is not None and field.values != stages:
            files.problem(FILE, (*path, "values"), "the values of stage are the stages of lifecycle.yaml", "delete values", key=True)
        return stages or list(field.values)
    if field.type == "picklist" and not field.values:
        files.problem(FILE, path, f"the values of {name} are missing", "add values: […]", key=True)
    for index, value in enumerate(field.values):
        if value in field.values[:index]:
            files.problem(FILE, (*path, "values", index), f"{value} stands here twice", "delete one")
    return list(field.values)


def _spelled(files: Files, name: str, field: forms.FieldForm, values: list[str]) -> None:
    if name == "stage" and files.lifecycle is None:
        return
    for system, mapping in field.systems.items():
        if isinstance(mapping, forms.MappingForm) and (mapping.values or mapping.reads):
            _total(files, ("fields", name, "systems", system), mapping, values)


def _total(files: Files, path: Path, mapping: forms.MappingForm, values: list[str]) -> None:
    if mapping.values:
        missing = [value for value in values if value not in mapping.values]
        if missing:
            what = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not spelled in {path[3]}"
            files.problem(FILE, (*path, "values"), what, f"add {missing[0]}: …", key=True)
    first: dict[str, str] = {}
    for ours, theirs in mapping.values.items():
        if ours not in values:
            files.problem(FILE, (*path, "values", ours), f"unknown value {ours}", did_you_mean(ours, values), key=True)
        elif theirs in first and theirs not in mapping.reads:
            hint = f"say which it is when {path[3]} shows it: reads: {{{theirs}: {first[theirs]}}}"
            files.problem(FILE, (*path, "values", ours), f"{ours} and {first[theirs]} are both spelled {theirs}", hint)
        first.setdefault(theirs, ours)
    for theirs, ours in mapping.reads.items():
        if ours not in values:
            files.problem(FILE, (*path, "reads", theirs), f"unknown value {ours}", did_you_mean(ours, values))


def _ordered(files: Files, name: str, field: forms.FieldForm, values: list[str]) -> None:
    path: Path = ("fields", name)
    if field.order and values and sorted(field.order) != sorted(values):
        odd = sorted(set(field.order) ^ set(values)) or sorted({v for v in field.order if field.order.count(v) > 1})
        files.problem(
            FILE, (*path, "order"), f"order and values differ: {', '.join(odd)}", "every value once, from least to most", key=True
        )
    if field.policy == "most_advanced" and not field.order and not values and (name != "stage" or files.lifecycle):
        files.problem(FILE, (*path, "policy"), "most_advanced: in which order?", "add order: [least, …, most]")
    if field.policy == "stricter" and field.type != "flag" and not (field.order or field.consent):
        files.problem(FILE, (*path, "policy"), "stricter: in which order?", "add order: [loosest, …, strictest]")


def _twice(files: Files, form: forms.FieldsFile) -> None:
    taken: dict[tuple[str, str], str] = {}
    for name, field in form.fields.items():
        for system, mapping in field.systems.items():
            vendor = mapping if isinstance(mapping, str) else mapping.name
            other = taken.setdefault((system, vendor), name)
            if other != name:
                path = ("fields", name, "systems", system)
                files.problem(
                    FILE, path, f"{vendor} of {system} is {other} already", f"see {files.where(FILE, ('fields', other), key=True)}"
                )
