"""Whether the doors of inbound/*.yaml add up: names of their own, shared fields that there are, one thing said by each rule."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.inbound import EMAIL, FOLDER, name_of
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean

NONE = "none"
"""What is expected where no rule is for a payload."""
GIVEN = ("stage", "owner")
"""What Truce itself gives, by the rules of the playbook."""


def run(files: Files) -> None:
    """Note every problem of the doors."""
    for file, form in sorted(files.within(FOLDER, forms.InboundFile).items()):
        name = name_of(file)
        if files.fields and name in files.fields.systems:
            files.problem(file, ("rules",), f"{name} is a system of fields.yaml already", "give the file another name", key=True)
        seen: dict[str, str] = {}
        open_ = ""
        for index, rule in enumerate(form.rules):
            path: Path = ("rules", index)
            if rule.id in seen:
                files.problem(file, (*path, "id"), f"a second rule {rule.id}", f"the first is at {seen[rule.id]}; an id is used once")
            seen.setdefault(rule.id, str(files.where(file, (*path, "id"))))
            if open_:
                files.problem(
                    file, (*path, "id"), "never reached", f"every payload is taken by the rule above ({open_}), which has no when"
                )
            elif rule.when is None:
                open_ = seen[rule.id]
            _rule(files, file, path, rule)
        _cases(files, file, form, [rule.id for rule in form.rules])


def _rule(files: Files, file: str, path: Path, rule: forms.DoorRuleForm) -> None:
    if (rule.person is None) == (rule.visit is None):
        text = "it says something of a person and of a visit" if rule.person else "it says nothing"
        files.problem(file, (*path, "id"), text, "write person: or visit:, one of them")
    known = files.fields.fields if files.fields else None
    if rule.person is None or known is None:
        return
    for name in rule.person.fields:
        here = (*path, "person", "fields", name)
        field = known.get(name)
        if field is None:
            files.problem(file, here, f"unknown field {name}", did_you_mean(name, known), key=True)
        elif name in GIVEN or field.type in ("user", "ref"):
            files.problem(file, here, f"{name} is not a sender's to give", "delete it: lifecycle.yaml and routing.yaml say it", key=True)
        elif field.consent:
            files.problem(file, here, f"{name} is an opt-out", f"write consent: {{{field.consent}: …}}, true for a yes", key=True)
        elif name == EMAIL:
            files.problem(file, here, "the e-mail stands above", "delete it: person.email says it", key=True)


def _cases(files: Files, file: str, form: forms.InboundFile, rules: list[str]) -> None:
    seen: dict[str, str] = {}
    for index, case in enumerate(form.cases):
        path: Path = ("cases", index)
        if case.id in seen:
            files.problem(file, (*path, "id"), f"a second case {case.id}", f"the first is at {seen[case.id]}; an id is used once")
        seen.setdefault(case.id, str(files.where(file, (*path, "id"))))
        if case.expect.rule not in (None, NONE, *rules):
            files.problem(file, (*path, "expect", "rule"), f"unknown rule {case.expect.rule}", did_you_mean(str(case.expect.rule), rules))
