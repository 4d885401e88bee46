"""Whether the shared fields of fields.yaml add up: owners that exist, names that lead somewhere, consent that only gets stricter."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks import filled, systems, values
from sync.playbook.conditions import DERIVED
from sync.playbook.document import Path
from sync.playbook.forms import SECTIONS, Section
from sync.playbook.models import FieldKind
from sync.playbook.problems import did_you_mean

FILE = "fields.yaml"
SIDES = ("sales", "marketing")
POLICIES = (*SIDES, "latest", "first", "most_advanced", "stricter")
NEEDED: dict[str, FieldKind] = {"email": "email", "stage": "picklist", "owner": "user"}
"""Shared fields of leads that every playbook must have, with their type."""
KINDS: dict[Section, dict[str, FieldKind]] = {
    "fields": NEEDED | {"status": "picklist"},
    "accounts": {"name": "text", "owner": "user"},
    "opportunities": {
        "stage": "picklist",
        "owner": "user",
        "amount": "number",
        "account": "ref",
        "close_date": "date",
        "currency": "text",
        "copy_of": "text",
    },
}
"""Shared fields that have a meaning, with their type."""
REFS: frozenset[tuple[Section, str]] = frozenset({("fields", "account"), ("opportunities", "account")})
"""What may be a reference: the account of a contact, and that of an opportunity."""
RESERVED: dict[Section, set[str]] = {
    "fields": {*DERIVED, "now"},
    "accounts": {"open_opportunities", "won_opportunities"},
    "opportunities": set(),
}
"""What conditions know without any system."""


def run(files: Files, form: forms.FieldsFile) -> None:
    """Note every problem of fields.yaml."""
    systems.run(files, form)
    for name, kind in NEEDED.items():
        if name not in form.fields:
            files.problem(FILE, ("fields",), f"the shared field {name} is missing", f"add {name}: {{type: {kind}, …}}", key=True)
    for section in SECTIONS:
        for name, field in getattr(form, section).items():
            _field(files, form, section, name, field)
        _twice(files, form, section)


def _field(files: Files, form: forms.FieldsFile, section: Section, name: str, field: forms.FieldForm) -> None:
    path: Path = (section, name)
    kind = KINDS[section].get(name, field.type)
    if name in RESERVED[section]:
        files.problem(FILE, path, f"{SECTIONS[section]}.{name} is Truce's own", "give the field another name", key=True)
    if field.type != kind:
        files.problem(FILE, (*path, "type"), f"{name} has type {kind}, not {field.type}")
    elif field.type == "ref" and (section, name) not in REFS:
        files.problem(FILE, (*path, "type"), "only account is a ref", "type: text")
    if field.normalise and field.type != "text":
        text = f"normalise is for texts, and {name} is a {field.type}"
        files.problem(FILE, (*path, "normalise"), text, "delete it: what is compared of it is normal already", key=True)
    _mapped(files, form, path, section, field)
    if section == "fields":
        filled.run(files, name, field)
    _policy(files, form, path, field)
    _consent(files, path, section, field)
    values.run(files, section, name, field)


def _mapped(files: Files, form: forms.FieldsFile, path: Path, section: Section, field: forms.FieldForm) -> None:
    if not field.systems:
        files.problem(FILE, (*path, "systems"), f"no system has {path[1]}", "name the systems' fields, or delete it", key=True)
    for system, mapping in field.systems.items():
        here = (*path, "systems", system)
        if system not in form.systems:
            files.problem(FILE, here, f"unknown system {system}", did_you_mean(system, form.systems), key=True)
            continue
        if isinstance(mapping, str):
            continue
        known = systems.objects(form, system, section)
        for object_, called in mapping.objects.items():
            if known is not None and object_ not in known:
                files.problem(FILE, (*here, "objects", object_), f"unknown object {object_}", did_you_mean(object_, known), key=True)
            elif called == mapping.name:
                hint = "delete it: an object that is not named has the field by that name"
                files.problem(FILE, (*here, "objects", object_), f"{object_} calls it {called} like all", hint)


def _policy(files: Files, form: forms.FieldsFile, field_path: Path, field: forms.FieldForm) -> None:
    path, name = (*field_path, "policy"), field_path[1]
    known = [system for system in field.systems if system in form.systems]
    if (door := files.shape(f"inbound/{field.policy}.yaml", forms.InboundFile)) is not None:
        if not any(rule.person is not None and name in rule.person.fields for rule in door.rules):
            files.problem(FILE, path, f"{field.policy} owns {name} and does not have it", f"name it in inbound/{field.policy}.yaml")
    elif field.policy not in POLICIES and field.policy not in form.systems:
        hint = did_you_mean(field.policy, [*POLICIES, *form.systems])
        files.problem(FILE, path, f"unknown policy {field.policy}", hint)
    elif field.policy in form.systems and field.policy not in known:
        files.problem(FILE, path, f"{field.policy} owns {name} and does not have it", "name its field under systems")
    elif field.systems and field.policy in SIDES and not any(form.systems[system].side == field.policy for system in known):
        files.problem(FILE, path, f"{field.policy} owns {name}, and no system of that side has it", "name its field under systems")


def _consent(files: Files, path: Path, section: Section, field: forms.FieldForm) -> None:
    if field.consent and section != "fields":
        files.problem(FILE, (*path, "consent"), "only a person opts out", "delete consent", key=True)
    if field.consent and field.type != "flag":
        files.problem(FILE, (*path, "type"), f"an opt-out is a flag, not a {field.type}", "type: flag")
    if field.consent and field.policy != "stricter":
        files.problem(FILE, (*path, "policy"), "an opt-out anywhere wins everywhere", "policy: stricter")


def _names(form: forms.FieldsFile, section: Section, system: str, mapping: str | forms.MappingForm) -> set[tuple[str, str]]:
    """Give (object, name there) of a mapping, for every object of its section; "" stands for all that are not named."""
    if isinstance(mapping, str):
        mapping = forms.MappingForm(name=mapping)
    every = {"", *(systems.objects(form, system, section) or ()), *mapping.objects}
    return {(object_, called) for object_ in every if (called := mapping.objects.get(object_, mapping.name))}


def _twice(files: Files, form: forms.FieldsFile, section: Section) -> None:
    """Note a vendor field that two shared fields claim in one object."""
    taken: dict[tuple[str, str, str], str] = {}
    for name, field in getattr(form, section).items():
        for system, mapping in field.systems.items():
            for object_, called in sorted(_names(form, section, system, mapping)):
                other = taken.setdefault((system, object_, called), name)
                if other != name:
                    seen = files.where(FILE, (section, other), key=True)
                    files.problem(FILE, (section, name, "systems", system), f"{called} of {system} is {other} already", f"see {seen}")
                    break
