"""Whether fields.yaml adds up: owners that exist, picklists spelled fully in every system, consent that only gets stricter."""

from __future__ import annotations

from typing import NamedTuple

from connectors.registry import manifests
from sync.playbook import forms
from sync.playbook.build import picklists
from sync.playbook.build.files import Files
from sync.playbook.conditions import DERIVED
from sync.playbook.document import Path
from sync.playbook.forms import SECTIONS, Section
from sync.playbook.models import About, FieldKind
from sync.playbook.problems import did_you_mean

FILE = "fields.yaml"
SIDES = ("sales", "marketing")
POLICIES = (*SIDES, "latest", "first", "most_advanced", "stricter")
NEEDED: dict[str, FieldKind] = {"email": "email", "stage": "picklist", "owner": "user"}
"""Shared fields of leads that every playbook must have, with their type."""
KINDS: dict[Section, dict[str, FieldKind]] = {
    "fields": NEEDED,
    "accounts": {"name": "text", "owner": "user"},
    "opportunities": {"stage": "picklist", "owner": "user", "amount": "number", "account": "ref"},
}
"""Shared fields that have a meaning, with their type."""
RESERVED: dict[Section, set[str]] = {
    "fields": {*DERIVED, "now"},
    "accounts": {"open_opportunities", "won_opportunities"},
    "opportunities": set(),
}
"""What conditions know without any system."""


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
            hint = f"add object: {_object(system, 'lead')}"
            files.problem(FILE, ("systems", name, "create"), f"{name} creates records, of which object?", hint)
    for section, about in SECTIONS.items():
        for name, field in getattr(form, section).items():
            _field(files, form, Place(section, about, name), field)
        _twice(files, form, section)
        _objects(files, form, section, about)


def _object(system: forms.SystemForm, about: About) -> str:
    """Give the vendor's object for one person, account or opportunity, as its connector names it."""
    manifest = manifests().get(system.vendor)
    kind: dict[About, str] = {"lead": "person_object", "account": "account_object", "opportunity": "opportunity_object"}
    return getattr(manifest, kind[about], "") or "…"


def _objects(files: Files, form: forms.FieldsFile, section: Section, about: About) -> None:
    """Note a system that has fields of accounts or opportunities and no object that holds them, once."""
    if about == "lead":
        return
    for name, system in form.systems.items():
        first = next((one for one, field in getattr(form, section).items() if name in field.systems), None)
        if first is not None and not getattr(system, about):
            text = f"{name} names no object that holds {section}"
            hint = f"add {about}: {_object(system, about)} to systems.{name}"
            files.problem(FILE, (section, first, "systems", name), text, hint, key=True)


class Place(NamedTuple):
    """A shared field: where it stands, and whose it is."""

    section: Section
    about: About
    name: str

    @property
    def path(self) -> Path:
        """Its place in the file."""
        return (self.section, self.name)


def _field(files: Files, form: forms.FieldsFile, place: Place, field: forms.FieldForm) -> None:
    path, name, kinds = place.path, place.name, KINDS[place.section]
    if name in RESERVED[place.section]:
        files.problem(FILE, path, f"{place.about}.{name} is Truce's own", "give the field another name", key=True)
    if field.type != kinds.get(name, field.type):
        files.problem(FILE, (*path, "type"), f"{name} has type {kinds[name]}, not {field.type}")
    elif field.type == "ref" and name not in kinds:
        files.problem(FILE, (*path, "type"), "only an opportunity's account is a ref", "type: text")
    if not field.systems:
        files.problem(FILE, (*path, "systems"), f"no system has {name}", "name the systems' fields, or delete it", key=True)
    for system in field.systems:
        if system not in form.systems:
            files.problem(FILE, (*path, "systems", system), f"unknown system {system}", did_you_mean(system, form.systems), key=True)
    _policy(files, form, path, field)
    _consent(files, place, field)
    values = _values(files, place, field)
    if field.type == "picklist":
        _spelled(files, place, field, values)
    elif field.values:
        files.problem(FILE, (*path, "values"), f"values are for picklists, and {name} is a {field.type}", "type: picklist", key=True)
    _ordered(files, place, field, values)


def _policy(files: Files, form: forms.FieldsFile, field_path: Path, field: forms.FieldForm) -> None:
    path, name = (*field_path, "policy"), field_path[-1]
    known = [system for system in field.systems if system in form.systems]
    if field.policy not in POLICIES and field.policy not in form.systems:
        hint = did_you_mean(field.policy, [*POLICIES, *form.systems])
        files.problem(FILE, path, f"unknown policy {field.policy}", hint)
    elif field.policy in form.systems and field.policy not in known:
        files.problem(FILE, path, f"{field.policy} owns {name} and does not have it", "name its field under systems")
    elif field.systems and field.policy in SIDES and not any(form.systems[system].side == field.policy for system in known):
        files.problem(FILE, path, f"{field.policy} owns {name}, and no system of that side has it", "name its field under systems")


def _consent(files: Files, place: Place, field: forms.FieldForm) -> None:
    path = place.path
    if field.consent and place.about != "lead":
        files.problem(FILE, (*path, "consent"), "only a person opts out", "delete consent", key=True)
    if field.consent and field.type != "flag":
        files.problem(FILE, (*path, "type"), f"an opt-out is a flag, not a {field.type}", "type: flag")
    if field.consent and field.policy != "stricter":
        files.problem(FILE, (*path, "policy"), "an opt-out anywhere wins everywhere", "policy: stricter")


def _values(files: Files, place: Place, field: forms.FieldForm) -> list[str]:
    """Give the values that it may have; those of a machine of lifecycle.yaml stand there."""
    path, key = place.path, picklists.machine(place.section, place.name, field)
    ours = list(picklists.named(files, key)) if key else []
    if ours and field.values and field.values != ours:
        text = f"the values of {place.name} are the {key} of lifecycle.yaml"
        files.problem(FILE, (*path, "values"), text, "delete values", key=True)
    if field.type == "picklist" and not (field.values or ours) and (key is None or files.lifecycle):
        hint = f"add values: […], or {key} to lifecycle.yaml" if key else "add values: […]"
        files.problem(FILE, path, f"the values of {place.name} are missing", hint, key=True)
    for index, value in enumerate(field.values):
        if value in field.values[:index]:
            files.problem(FILE, (*path, "values", index), f"{value} stands here twice", "delete one")
    return ours or list(field.values)


def _spelled(files: Files, place: Place, field: forms.FieldForm, values: list[str]) -> None:
    if not values:
        return
    for system, mapping in field.systems.items():
        if isinstance(mapping, forms.MappingForm) and (mapping.values or mapping.reads):
            _total(files, (*place.path, "systems", system), mapping, values)


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


def _ordered(files: Files, place: Place, field: forms.FieldForm, values: list[str]) -> None:
    path = place.path
    if field.order and values and sorted(field.order) != sorted(values):
        odd = sorted(set(field.order) ^ set(values)) or sorted({v for v in field.order if field.order.count(v) > 1})
        files.problem(
            FILE, (*path, "order"), f"order and values differ: {', '.join(odd)}", "every value once, from least to most", key=True
        )
    if field.policy == "most_advanced" and not field.order and not values and field.type != "picklist":
        files.problem(FILE, (*path, "policy"), "most_advanced: in which order?", "add order: [least, …, most]")
    if field.policy == "stricter" and field.type != "flag" and not (field.order or field.consent):
        files.problem(FILE, (*path, "policy"), "stricter: in which order?", "add order: [loosest, …, strictest]")


def _twice(files: Files, form: forms.FieldsFile, section: Section) -> None:
    taken: dict[tuple[str, str], str] = {}
    for name, field in getattr(form, section).items():
        for system, mapping in field.systems.items():
            vendor = mapping if isinstance(mapping, str) else mapping.name
            other = taken.setdefault((system, vendor), name)
            if other != name:
                path = (section, name, "systems", system)
                files.problem(
                    FILE, path, f"{vendor} of {system} is {other} already", f"see {files.where(FILE, (section, other), key=True)}"
                )
