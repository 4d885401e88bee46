"""Writes what came out of cases into their files: only what was expected otherwise, comments and the order of keys kept."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.util import load_yaml_guess_indent

from schemas.base import Scalar
from sync.trial.cases import Got, Played


def write(folder: Path, failed: Iterable[Played]) -> list[str]:
    """Write the got values of these cases; gives the names of the files that changed."""
    by_file: dict[str, list[Played]] = {}
    for played in failed:
        by_file.setdefault(played.case.where.file, []).append(played)
    for name, some in by_file.items():
        path = folder / name
        path.write_text(updated(path.read_text(encoding="utf-8"), some), encoding="utf-8")
    return sorted(by_file)


def updated(text: str, played: Iterable[Played]) -> str:
    """Give a file's text with what came out of these of its cases."""
    _, step, offset = load_yaml_guess_indent(text)
    yaml: Any = YAML()
    yaml.preserve_quotes, yaml.width = True, 10_000
    yaml.indent(mapping=2, sequence=step or 2, offset=offset or 0)
    document = yaml.load(text)
    for one in played:
        _put(document["cases"][one.case.place]["expect"], one)
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _put(expect: Any, played: Played) -> None:
    got = played.got
    for difference in played.differences:
        first, _, rest = difference.what.partition(".")
        if first == "scores":
            expect["scores"][rest] = _points(got, rest)
        elif first == "problems":
            expect["problems"] = list(got.problems)
        elif first == "writes":
            _tell(expect["writes"], rest, got)
        else:
            expect[first] = getattr(got, first)


def _points(got: Got, name: str) -> Scalar:
    points = round(got.scores[name], 1)
    return int(points) if points == int(points) else points


def _tell(writes: Any, what: str, got: Got) -> None:
    system, _, field = what.partition(".")
    if not field:
        writes[system] = dict(got.writes[system])
    elif field in got.writes[system]:
        writes[system][field] = got.writes[system][field]
    else:
        del writes[system][field]
