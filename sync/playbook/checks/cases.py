"""Whether the cases speak of what there is: fields, values, people, stages, routes, systems and their fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sync.playbook import forms
from sync.playbook.build.cases import FOLDER, moment
from sync.playbook.build.files import Files
from sync.playbook.checks.people import person
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean

NONE = "none"
"""What is expected where nothing is to come."""


def run(files: Files) -> None:
    """Note every problem of the cases."""
    seen: dict[str, str] = {}
    found = files.within(FOLDER, forms.CasesFile)
    for file in sorted(found):
        for index, case in enumerate(found[file].cases):
            path: Path = ("cases", index)
            place = str(files.where(file, (*path, "id")))
            if case.id in seen:
                files.problem(file, (*path, "id"), f"a second case {case.id}", f"the first is at {seen[case.id]}; an id is used once")
            seen.setdefault(case.id, place)
            _given(files, file, (*path, "given"), case.given)
            _expect(files, file, (*path, "expect"), case.expect)


def _among(files: Files, file: str, path: Path, text: str, word: str, known: Iterable[str] | None, *, key: bool = False) -> bool:
    """Note a word that is none of those known (None: not known here); says whether it is one."""
    names = None if known is None else list(known)
    if names is None or word in names:
        return names is not None
    files.problem(file, path, text, did_you_mean(word, names), key=key)
    return False


def _given(files: Files, file: str, path: Path, given: forms.GivenForm) -> None:
    if moment(given.at) is None:
        files.problem(file, (*path, "at"), f"there is no such moment: {given.at}", "look at the day and the hour")
    known = files.fields.fields if files.fields else None
    for name, value in given.lead.items():
        place = (*path, "lead", name)
        if _among(files, file, place, f"unknown field {name}", name, known, key=True) and known is not None and value is not None:
            _fits(files, file, place, name, known[name], value)
    _about(files, file, (*path, "account"), given.account, files.fields.accounts if files.fields else None)
    _about(files, file, (*path, "opportunity"), given.opportunity, files.fields.opportunities if files.fields else None)
    for index, email in enumerate(given.had):
        person(files, file, (*path, "had", index), email)
    for index, name in enumerate(given.in_):
        _among(files, file, (*path, "in", index), f"unknown system {name}", name, files.fields.systems if files.fields else None)
    for index, email in enumerate(given.away):
        person(files, file, (*path, "away", index), email)


def _about(
    files: Files, file: str, path: Path, given: Mapping[str, forms.Value | None], known: Mapping[str, forms.FieldForm] | None
) -> None:
    """Note what an account or opportunity of a case has that those of the playbook have not."""
    for name, value in given.items():
        place = (*path, name)
        if _among(files, file, place, f"unknown field {name}", name, known, key=True) and known is not None and value is not None:
            _fits(files, file, place, name, known[name], value)


_FLAG = "write true or false"


def _fits(files: Files, file: str, path: Path, name: str, field: forms.FieldForm, value: forms.Value) -> None:
    """Note a value that no field of this kind shows."""
    if field.type == "flag":
        wrong = not isinstance(value, bool)
        said, hint = f"{name} is a flag", _FLAG
    elif field.type == "number":
        wrong = isinstance(value, bool | str)
        said, hint = f"{name} is a number", "write it without quotes"
    else:
        wrong = not isinstance(value, str)
        said, hint = f"{name} is a text", f"write '{value}'"
    values = _values(files, name, field, str(path[-2])) if field.type == "picklist" else None
    if wrong:
        files.problem(file, path, said, hint)
    elif values and isinstance(value, str):
        _among(files, file, path, f"{value} is no value of {name}", value, values)
    elif field.type == "user" and isinstance(value, str) and "@" not in value:
        files.problem(file, path, f"{name} is a person", "write an e-mail")


def _values(files: Files, name: str, field: forms.FieldForm, about: str) -> list[str]:
    if files.lifecycle and name == "stage" and about in ("lead", "opportunity"):
        return list(files.lifecycle.stages if about == "lead" else files.lifecycle.opportunity_stages)
    if files.lifecycle and name == "status" and about == "lead" and not field.values:
        return list(files.lifecycle.statuses)
    return list(field.values)


def _routes(routes: Iterable[forms.RouteForm]) -> Iterator[str]:
    for route in routes:
        yield route.id
        yield from _routes(route.routes)


def _ruled(files: Files) -> list[str] | None:
    """Give whatever may choose an owner: routes, and hand-offs of kinds of their own."""
    if files.routing is None or files.lifecycle is None:
        return None
    return [*_routes(files.routing.routes), *files.lifecycle.handoffs]


def _expect(files: Files, file: str, path: Path, expect: forms.ExpectForm) -> None:
    if expect.stage not in (None, NONE):
        _among(
            files,
            file,
            (*path, "stage"),
            f"unknown stage {expect.stage}",
            str(expect.stage),
            files.lifecycle.stages if files.lifecycle else None,
        )
    if expect.owner != NONE:
        person(files, file, (*path, "owner"), expect.owner)
    if expect.rule not in (None, NONE):
        _among(
            files,
            file,
            (*path, "rule"),
            f"unknown route {expect.rule}",
            str(expect.rule),
            _ruled(files),
        )
    if expect.handoff is not None:
        kinds = ["mql", NONE, *files.lifecycle.handoffs] if files.lifecycle else None
        _among(files, file, (*path, "handoff"), f"unknown kind of hand-off {expect.handoff}", expect.handoff, kinds)
    for system, told in (expect.writes or {}).items():
        place = (*path, "writes", system)
        if not _among(files, file, place, f"unknown system {system}", system, files.fields.systems if files.fields else None, key=True):
            continue
        mapped = _mapped(files, system)
        for name in told:
            _among(files, file, (*place, name), f"{name} is no mapped field of {system}", name, mapped, key=True)


def _mapped(files: Files, system: str) -> set[str]:
    assert files.fields is not None
    spelled = (field.systems[system] for field in files.fields.fields.values() if system in field.systems)
    names = {one if isinstance(one, str) else one.name for one in spelled}
    return names | set(files.fields.systems[system].defaults)
