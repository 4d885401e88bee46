"""A case as YAML, and a file of cases with one more: all that stands in it stays as it is, comments too."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from datetime import datetime, tzinfo
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from schemas.base import Scalar
from sync.cli.output import CannotRun
from sync.playbook import yaml
from sync.playbook.models import Given
from sync.trial.making import Made
from sync.trial.real import written

WIDTH = 130
SCHEMA = "# yaml-language-server: $schema="
"""So begins the line by which editors find a file's schema."""
_LIST = re.compile(r"^cases:[ \t]*(?:#.*)?\n(?:[ \t]*(?:#.*)?\n)*(?P<indent> *)- ", re.M)
_EMPTY = re.compile(r"^cases:[ \t]*(?:\[[ \t]*\])?[ \t]*(?=#|$)", re.M)


def text_of(made: Made, head: str, zone: tzinfo) -> str:
    """Give a file with the one case in it, its notes as comments."""
    given, expect = made.case.given, made.case.expect
    entry = CommentedMap(id=made.case.id, given=_given(given, zone), expect=_flow({
        name: value for name, value in (
            ("stage", expect.stage), ("scores", _flow({name: _number(points) for name, points in (expect.scores or {}).items()})),
            ("owner", expect.owner), ("rule", expect.rule), ("handoff", expect.handoff),
            ("problems", _flow_list(expect.problems or ())),
        ) if value is not None
    }))  # fmt: skip
    out = StringIO()
    dumper: Any = YAML()
    dumper.width = WIDTH
    dumper.indent(mapping=2, sequence=4, offset=2)
    dumper.dump({"cases": [entry]}, out)
    lines = out.getvalue().splitlines()
    notes = [line for note in (head, *made.notes) for line in textwrap.wrap(note, WIDTH - 6, break_on_hyphens=False)]
    return "\n".join([lines[0], lines[1], *(f"    # {note}" for note in notes), *(line.rstrip() for line in lines[2:]), ""])


def _given(given: Given, zone: tzinfo) -> CommentedMap:
    at = datetime.fromtimestamp(given.at / 1000, zone).isoformat(timespec="seconds")
    found = CommentedMap(at=at, lead=_flow(given.lead))
    if given.systems:
        found["in"] = _flow_list(given.systems)
    if given.since is not None:
        found["since"] = written(given.since)
    if given.touches:
        found["touches"] = [_flow({"touch": one.kind, "name": one.name, "ago": written(one.ago)}) for one in given.touches]
    for name, values in (("account", given.account), ("opportunity", given.opportunity)):
        if values:
            found[name] = _flow(values)
    if given.had:
        found["had"] = _flow_list(given.had)
    return found


def _flow(values: Mapping[str, Any]) -> CommentedMap:
    made = CommentedMap({name: _number(value) if isinstance(value, float) else value for name, value in values.items()})
    made.fa.set_flow_style()
    return made


def _flow_list(values: tuple[str, ...]) -> Any:
    made = CommentedSeq(values)
    made.fa.set_flow_style()
    return made


def _number(value: float) -> Scalar:
    return int(value) if value == int(value) else value


def first_line(folder: Path) -> str:
    """Give the line that names the schema, as another file of the folder has it; empty where none has."""
    firsts = (path.read_text(encoding="utf-8").partition("\n")[0] for path in sorted(folder.glob("*.yaml")))
    return next((f"{line}\n" for line in firsts if line.startswith(SCHEMA)), "")


def appended(before: str, made: str, name: str, first: str = "") -> str:
    """Give a file's text with one more case at its end, a new file's with this first line; raises CannotRun where nothing can be appended."""
    if not before.strip():
        return f"{first}{made}"
    entry = made.partition("\n")[2]
    found = _LIST.search(before)
    if found is not None:
        entry = textwrap.indent(textwrap.dedent(entry), found["indent"])
        text = f"{before.rstrip()}\n\n{entry}"
    else:
        text = f"{_EMPTY.sub('cases: ', before, count=1).rstrip()}\n{entry}" if _EMPTY.search(before) else before
        text = re.sub(r"^cases: $", "cases:", text, flags=re.M)
    if not _one_more(before, text, name):
        raise CannotRun(f"{name}: its cases are written in a way that nothing can be appended to: without --to the case is printed.")
    return text


def _one_more(before: str, after: str, name: str) -> bool:
    """Say whether the text after has the cases before, and one more."""
    old, new = (yaml.parse(name, text.encode()).data for text in (before, after))
    if not isinstance(old, dict) or not isinstance(new, dict):
        return False
    held = list(old.get("cases") or [])
    cases = list(new.get("cases") or [])
    return len(cases) == len(held) + 1 and cases[:-1] == held and {**new, "cases": None} == {**old, "cases": None}
