"""From inbound/*.yaml to doors, and to the systems that they are for the core: read, and never told anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.lines import compiled
from sync.playbook.conditions import Picked
from sync.playbook.document import Path
from sync.playbook.models import (
    DOOR,
    PERSON,
    Door,
    DoorCase,
    DoorRule,
    PersonRule,
    Pick,
    SharedField,
    System,
    SystemField,
    TouchRule,
    VisitRule,
)

FOLDER = "inbound"
EMAIL = "email"


def name_of(file: str) -> str:
    """Give the door's name, which is its file's."""
    return file.removeprefix(f"{FOLDER}/").removesuffix(".yaml")


def doors(files: Files) -> dict[str, Door]:
    """Build the doors, in the order of their names; a line that is none becomes a problem, and its rule is left out."""
    found = files.within(FOLDER, forms.InboundFile)
    return {name_of(file): _door(files, file, found[file]) for file in sorted(found)}


def systems(found: Mapping[str, Door]) -> dict[str, System]:
    """Give each door as a system of marketing."""
    return {name: System(name, DOOR, "marketing", person=PERSON, door=True) for name in found}


def mapped(fields: Mapping[str, SharedField], found: Mapping[str, Door]) -> dict[str, SharedField]:
    """Give the shared fields with the doors that set them."""
    return {name: replace(one, systems={**one.systems, **_spelled(one, found)}) for name, one in fields.items()}


def _spelled(shared: SharedField, found: Mapping[str, Door]) -> dict[str, SystemField]:
    same = {value: value for spelled in shared.systems.values() for value in spelled.to_vendor}
    spelled = SystemField(shared.name, "observe", same, same, read_only=True)
    return {name: spelled for name, door in found.items() if shared.name == EMAIL or shared.name in door.fields}


def _door(files: Files, file: str, form: forms.InboundFile) -> Door:
    rules = [_rule(files, file, ("rules", i), one) for i, one in enumerate(form.rules)]
    cases = tuple(_case(files, file, ("cases", i), one) for i, one in enumerate(form.cases))
    return Door(name_of(file), tuple(rule for rule in rules if rule is not None), cases)


def _case(files: Files, file: str, path: Path, form: forms.DoorCaseForm) -> DoorCase:
    places = {name: files.where(file, (*path, "expect", name), key=True) for name in form.expect.model_fields_set}
    return DoorCase(form.id, files.where(file, (*path, "id")), form.payload, form.expect.model_dump(exclude_unset=True), places)


def _rule(files: Files, file: str, path: Path, form: forms.DoorRuleForm) -> DoorRule | None:
    picks = _Picks(files, file)
    when, at = picks.one((*path, "when"), form.when), picks.one((*path, "at"), form.at)
    says: PersonRule | VisitRule | None = None
    if form.person is not None:
        says = _person(picks, (*path, "person"), form.person)
    elif form.visit is not None:
        says = _visit(picks, (*path, "visit"), form.visit)
    return DoorRule(form.id, files.where(file, (*path, "id")), says, when, at) if says is not None and not picks.wrong else None


def _person(picks: _Picks, path: Path, form: forms.DoorPersonForm) -> PersonRule | None:
    email = picks.one((*path, "email"), form.email)
    touch = None
    if form.touch is not None:
        here = (*path, "touch")
        touch = TouchRule(form.touch.kind, picks.one((*here, "name"), form.touch.name), picks.one((*here, "id"), form.touch.id))
    truce_id = picks.one((*path, "truce_id"), form.truce_id)
    fields, consent = picks.all((*path, "fields"), form.fields), picks.all((*path, "consent"), form.consent)
    return PersonRule(email, form.unknown, truce_id, fields, touch, consent) if email is not None else None


def _visit(picks: _Picks, path: Path, form: forms.DoorVisitForm) -> VisitRule | None:
    domain = picks.one((*path, "domain"), form.domain)
    rest = {name: picks.one((*path, name), getattr(form, name)) for name in ("company", "pages", "seconds", "source")}
    return VisitRule(domain, **rest) if domain is not None else None


class _Picks:
    """The lines of one rule; `wrong` once one of them is none."""

    def __init__(self, files: Files, file: str) -> None:
        self.files, self.file, self.wrong = files, file, False

    def one(self, path: Path, text: str | None) -> Pick | None:
        """Give a line, None for one that is not there or is none."""
        if text is None:
            return None
        found = compiled(self.files, self.file, path, text, Picked)
        self.wrong |= found is None
        return found

    def all(self, path: Path, written: Mapping[str, str]) -> dict[str, Pick]:
        """Give the lines of a mapping by their keys."""
        return {name: found for name, text in written.items() if (found := self.one((*path, name), text)) is not None}
