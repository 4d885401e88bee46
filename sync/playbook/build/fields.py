"""From fields.yaml to the systems and shared fields as the core sees them."""

from __future__ import annotations

from dataclasses import replace

from connectors.registry import manifests
from sync.playbook import forms
from sync.playbook.build import picklists
from sync.playbook.build.lines import Lines
from sync.playbook.forms import Section
from sync.playbook.models import CreateRule, Freeze, SharedField, System, SystemField, When

FILE = "fields.yaml"


def systems(lines: Lines, form: forms.FieldsFile) -> dict[str, System]:
    """Build the systems, in the order that settles ties."""
    return {name: _system(lines, name, one) for name, one in form.systems.items()}


def _system(lines: Lines, name: str, form: forms.SystemForm) -> System:
    manifest = manifests().get(form.vendor)
    return System(
        *(name, form.vendor, form.side, form.mode, _creates(lines, name, form), dict(form.defaults), form.bulk, form.country),
        objects=dict(form.objects),
        account=form.account,
        opportunity=form.opportunity,
        primary=tuple(form.primary) or (manifest.people if manifest else ()),
        person=form.object or (manifest.person_object if manifest else ""),
    )


def _creates(lines: Lines, name: str, form: forms.SystemForm) -> tuple[CreateRule, ...]:
    """Build the rules by which people are made in a system; a list says as what, else it is the system's object."""
    path = ("systems", name, "create")
    where = lines.files.where(FILE, path, key=True)
    match form.create:
        case "never":
            return ()
        case "always":
            return (CreateRule(form.object, When(), where),)
        case list(rules):
            return tuple(
                CreateRule(one.as_, lines.when(FILE, (*path, i, "when"), one.when), lines.files.where(FILE, (*path, i)))
                for i, one in enumerate(rules)
            )
        case when:
            return (CreateRule(form.object, lines.when(FILE, path, when), where),)


def shared(lines: Lines, form: forms.FieldsFile, section: Section = "fields") -> dict[str, SharedField]:
    """Build the shared fields of leads, or of another section of the file."""
    return {name: _field(lines, section, name, one) for name, one in getattr(form, section).items()}


def _field(lines: Lines, section: Section, name: str, form: forms.FieldForm) -> SharedField:
    values = picklists.values(lines.files, section, name, form)
    spelled = {system: _mapping(one, values) for system, one in form.systems.items()}
    if form.type == "ref":  # the id of a record means nothing in another system
        spelled = {system: replace(one, read_only=True) for system, one in spelled.items()}
    personal = form.type in ("email", "phone") if form.personal is None else form.personal
    order = tuple(form.order) or (values if form.policy == "most_advanced" else ())
    where = lines.files.where(FILE, (section, name), key=True)
    about, freeze = forms.SECTIONS[section], Freeze(**form.freeze.model_dump()) if form.freeze else None
    return SharedField(
        *(name, form.type, form.policy, spelled, where, personal, order, form.consent, about, freeze), normalise=form.normalise
    )


def _mapping(form: str | forms.MappingForm, values: tuple[str, ...]) -> SystemField:
    if isinstance(form, str):
        same = {value: value for value in values}
        return SystemField(form, to_vendor=same, from_vendor=same)
    to_vendor = dict(form.values) or {value: value for value in values}
    back: dict[str, str] = {}
    for ours, theirs in to_vendor.items():
        back.setdefault(theirs, ours)
    objects = {name: called or "" for name, called in form.objects.items()}
    return SystemField(form.name, form.mode, to_vendor, back | form.reads, form.read_only, objects)
