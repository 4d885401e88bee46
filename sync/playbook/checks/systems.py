"""Whether the systems of fields.yaml add up: connectors that exist, objects that they know, people made as something."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.base import Manifest
from connectors.registry import manifests
from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.cells import READERS, Wrong
from sync.playbook.document import Path
from sync.playbook.forms import SECTIONS, Section
from sync.playbook.models import About
from sync.playbook.problems import did_you_mean

FILE = "fields.yaml"
_OBJECT: dict[About, str] = {"lead": "person_object", "account": "account_object", "opportunity": "opportunity_object"}
"""What a manifest calls the vendor's object for one of these."""


def run(files: Files, form: forms.FieldsFile) -> None:
    """Note every problem of the systems."""
    for name, system in form.systems.items():
        path: Path = ("systems", name)
        manifest = manifests().get(system.vendor)
        if manifest is None:
            hint = did_you_mean(system.vendor, manifests())
            files.problem(FILE, (*path, "vendor"), f"there is no connector {system.vendor}", hint)
        _creates(files, path, system, manifest)
        _numbered(files, (*path, "country"), system.country)
        if manifest is not None:
            _objects(files, path, system, manifest)
    for section, about in SECTIONS.items():
        _holders(files, form, section, about)


def objects(form: forms.FieldsFile, system: str, section: Section = "fields") -> frozenset[str] | None:
    """Give the objects that may hold records of a section in a system; None where anything may."""
    rules = form.systems.get(system)
    manifest = manifests().get(rules.vendor) if rules else None
    if rules is None or manifest is None:
        return None
    return frozenset(manifest.people) if section == "fields" else frozenset({getattr(rules, SECTIONS[section])} - {""})


def usual(system: forms.SystemForm, about: About) -> str:
    """Give the vendor's object for one person, account or opportunity, as its connector names it."""
    return getattr(manifests().get(system.vendor), _OBJECT[about], "") or "…"


def _numbered(files: Files, path: Path, country: str | None) -> None:
    """Note a country by which no telephone number is read: each would stay as it is written, and differ from the same one elsewhere."""
    if country is None:
        return
    from phonenumbers import SUPPORTED_REGIONS  # takes a moment; only who names a country pays

    if country not in SUPPORTED_REGIONS:
        near = READERS["country"](country)
        files.problem(FILE, path, f"{country} is no country with telephone numbers", near.suggestion if isinstance(near, Wrong) else "")


def _holders(files: Files, form: forms.FieldsFile, section: Section, about: About) -> None:
    """Note a system that has fields of accounts or opportunities and no object that holds them, once."""
    if about == "lead":
        return
    for name, system in form.systems.items():
        first = next((one for one, field in getattr(form, section).items() if name in field.systems), None)
        if first is not None and not getattr(system, about):
            hint = f"add {about}: {usual(system, about)} to systems.{name}"
            files.problem(FILE, (section, first, "systems", name), f"{name} names no object that holds {section}", hint, key=True)


def _creates(files: Files, path: Path, system: forms.SystemForm, manifest: Manifest | None) -> None:
    if not isinstance(system.create, list):
        if system.create != "never" and not system.object:
            hint = f"add object: {usual(system, 'lead')}"
            files.problem(FILE, (*path, "create"), f"{path[1]} creates records, of which object?", hint)
        return
    if not system.create:
        files.problem(FILE, (*path, "create"), "no rule: nobody would be created", "write create: never", key=True)
    always: int | None = None
    for index, rule in enumerate(system.create):
        here = (*path, "create", index)
        if always is not None:
            where = files.where(FILE, (*path, "create", always))
            files.problem(FILE, here, "never reached", f"everyone is created by the rule above ({where}), which has no when")
        elif manifest is not None:
            _known(files, (*here, "as"), rule.as_, manifest.people)
        if always is None and rule.when is None:
            always = index


def _objects(files: Files, path: Path, system: forms.SystemForm, manifest: Manifest) -> None:
    people = manifest.people
    if system.object:
        _known(files, (*path, "object"), system.object, people)
    for index, name in enumerate(system.primary):
        if _known(files, (*path, "primary", index), name, people) and name in system.primary[:index]:
            files.problem(FILE, (*path, "primary", index), f"{name} stands here twice", "delete one")
    every = {*people, system.account, system.opportunity} - {""}
    for name in system.objects:
        _known(files, (*path, "objects", name), name, every, key=True)


def _known(files: Files, path: Path, name: str, known: Iterable[str], *, key: bool = False) -> bool:
    """Note an object that the connector does not know."""
    some = sorted(known)
    if name not in some:
        files.problem(FILE, path, f"unknown object {name}", did_you_mean(name, some), key=key)
    return name in some
