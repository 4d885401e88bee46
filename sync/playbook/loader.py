"""Loads a playbook: every problem of every file at once, or one frozen version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path as Folder
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sync.playbook import checks, forms, levels, tables, traps, yaml
from sync.playbook.build import Files, build
from sync.playbook.document import Document, Path, Spot
from sync.playbook.models import Playbook
from sync.playbook.problems import PlaybookError, Problem, did_you_mean, ordered

SUFFIXES = (".yaml", ".yml", ".csv")
SUBFOLDERS = ("tables", "env", "cases")
ENVIRONMENT = "environment"
"""Under this name the chosen environment stands among a playbook's files, so that a version means the same to every process
that compiles it, whatever its own settings say. No file of a folder can have it."""


def load(folder: Folder, *, version: int = 0, environment: str | None = None) -> Playbook:
    """Load the playbook in a folder; raises PlaybookError with every problem in it."""
    return load_files(read(folder, environment), version)


def within(files: Mapping[str, bytes], environment: str | None) -> dict[str, bytes]:
    """Give a playbook's files as those of an environment (of env/<name>.yaml), None: of none."""
    plain = {name: content for name, content in files.items() if name != ENVIRONMENT}
    return plain | ({ENVIRONMENT: environment.encode()} if environment else {})


def environment_of(files: Mapping[str, bytes]) -> str | None:
    """Give the environment that is noted among a playbook's files, None when none is."""
    return files.get(ENVIRONMENT, b"").decode(errors="replace") or None


def read(folder: Folder, environment: str | None = None) -> dict[str, bytes]:
    """Read the playbook's files as they are, name → content, and note the environment; raises PlaybookError when there is no such folder."""
    if not folder.is_dir():
        raise PlaybookError([Problem(str(folder), 1, 1, "", "no such folder", "name the folder that holds fields.yaml, routing.yaml …")])
    files = {}
    for path in sorted([*folder.iterdir(), *(inner for name in SUBFOLDERS for inner in (folder / name).glob("*"))]):
        if path.suffix in SUFFIXES and path.is_file():
            with path.open("rb") as file:
                name = path.relative_to(folder).as_posix()
                # one byte more than may be: what is too large is refused, not cut
                files[name] = file.read((tables.MAX_BYTES if tables.is_table(name) else yaml.MAX_BYTES) + 1)
    return within(files, environment)


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of looking at a playbook: all its problems and warnings, and itself where it may be used."""

    playbook: Playbook | None
    problems: tuple[Problem, ...]
    read: int


def load_files(files: Mapping[str, bytes], version: int = 0, environment: str | None = None) -> Playbook:
    """Load a playbook from its files' contents (pure); raises PlaybookError with every problem in them.

    `environment` in place of the one that is noted among the files.
    """
    checked = check(within(files, environment) if environment else files, version)
    if checked.playbook is None:
        raise PlaybookError((problem for problem in checked.problems if not problem.warning), checked.read)
    return checked.playbook


def check(files: Mapping[str, bytes], version: int = 0, outside: checks.Outside | None = None) -> Checked:
    """Look at a playbook's files (pure) and, where it is given, at what is outside them."""
    environment, mark = environment_of(files) or "", checksum(files)
    files = within(files, None)
    documents = {name: yaml.parse(name, files[name]) for name in files if forms.shape(name) is not None}
    parsed = {name: tables.parse(name, files[name]) for name in files if tables.is_table(name)}
    documents |= {name: document for name, (document, _) in parsed.items()}
    strangers = _strangers(files)
    documents |= {name: _missing(name, hint) for name, hint in _wanted(files, environment).items() if name not in files}
    shapes = {name: read for name, document in documents.items() if (read := _shape(document)) is not None}
    known = Files(documents, shapes, {table.name: table for _, table in parsed.values() if table is not None}, environment)
    playbook = build(known, version, mark)
    checks.run(known)
    if outside is not None:
        checks.against(known, outside)
    problems = ordered([problem for document in documents.values() for problem in document.problems] + strangers)
    usable = playbook is not None and all(problem.warning for problem in problems)
    return Checked(playbook if usable else None, problems, len(files))


def checksum(files: Mapping[str, bytes]) -> str:
    """Give the SHA-256 over names and contents, as hex: two playbooks with the same one are the same."""
    digest = sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode(errors="surrogateescape") + files[name])
    return digest.hexdigest()


def _wanted(files: Mapping[str, bytes], environment: str) -> dict[str, str]:
    """Give each file that must be there with what to do when it is not."""
    wanted = dict.fromkeys(forms.FILES, "start from the example playbook's")
    if environment:
        known = [name.removeprefix("env/").removesuffix(".yaml") for name in files if name.startswith("env/")]
        hint = did_you_mean(environment, known) or "write it; it may be empty but for a comment"
        wanted[f"env/{environment}.yaml"] = f"TRUCE_ENVIRONMENT is {environment}: {hint}"
    return wanted


def _missing(name: str, hint: str) -> Document:
    document = Document(name, [])
    document.problem((), "this file is missing", hint)
    return document


def _strangers(files: Mapping[str, bytes]) -> list[Problem]:
    return [
        Problem(name, 1, 1, "", "not a file of the playbook", did_you_mean(name, (*forms.FILES, *forms.OPTIONAL)))
        for name in files
        if forms.shape(name) is None and not tables.is_table(name)
    ]


def _shape(document: Document) -> forms.Form | None:
    form = forms.shape(document.file)
    if document.problems or form is None:
        return None
    try:
        return form.model_validate(document.data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            _explain(document, detail, form)
        return None


def _explain(document: Document, error: ErrorDetails, form: type[forms.Form]) -> None:
    """Say one of pydantic's errors in the playbook's words, at the closest place in the file."""
    path = _path(document, error["loc"])
    kind = error["type"]
    spot = document.spot(path)
    if kind == "extra_forbidden":
        word = str(error["loc"][-1])
        hint = levels.elsewhere(form, error["loc"], word) or did_you_mean(word, sorted(levels.siblings(form, error["loc"])))
        document.problem(path, f"unknown key {word}", hint, at=document.key(path))
    elif kind == "missing":
        hint = "name the person of team.yaml who answers for it" if error["loc"][-1] == "accountable" else ""
        document.problem(path, f"{error['loc'][-1]} is missing here", hint, at=document.key(path))
    elif (
        kind in ("string_type", "union_tag_invalid")
        and isinstance(error["input"], dict)
        and len(error["input"]) == 1
        and _in_when(error["loc"])
    ):
        line = document.line(spot.line)
        answer = traps.mapping(line, spot.column - 1, str(next(iter(error["input"]))))
        document.problem(path, answer.text, answer.suggestion, at=Spot(spot.line, answer.column))
    elif error["loc"][-1:] == ("[key]",):
        text, hint = _words(error, Spot(1, 1, str(error["input"])))
        document.problem(path, text, hint, at=document.key(path))
    else:
        text, hint = _words(error, spot)
        document.problem(path, text, hint)


def _in_when(loc: tuple[int | str, ...]) -> bool:
    return any(part in ("all", "any", "none") for part in loc)


def _path(document: Document, loc: tuple[int | str, ...]) -> Path:
    """Give pydantic's place without its own words (union tags, `[key]`), as far as the document has it."""
    path: Path = ()
    for part in loc:
        if (*path, part) in document.values or (*path, part) in document.keys:
            path = (*path, part)
    return path


def _words(error: ErrorDetails, spot: Spot) -> tuple[str, str]:
    kind, given = error["type"], error["input"]
    shown = spot.raw if spot.raw else repr(given)[:60]
    context: dict[str, Any] = error.get("ctx") or {}
    if kind == "string_type" and isinstance(given, int | float | bool):
        zero = traps.lost_zero(spot.raw)
        return zero or f"{shown} is not a text", f"write '{spot.raw}'"
    if given is None or (kind == "string_too_short" and given == ""):
        return "nothing stands here", "write a value, or delete the key"
    if kind == "literal_error":
        options = str(context.get("expected", "")).replace("'", "").replace("False", "false").replace(" or ", ", ").split(", ")
        said = f"is none of {', '.join(options)}" if len(options) > 1 else f"is not {options[0]}, the only one there is"
        return f"{shown} {said}", did_you_mean(str(given), options, list_up_to=0)
    if kind == "too_short":
        return "nothing stands here", "at least one is needed"
    if kind == "string_pattern_mismatch":
        return f"{shown} is not written as it should be", _PATTERNS.get(str(context.get("pattern")), "")
    if kind in _LIMITS:
        said, name = _LIMITS[kind]
        return f"{shown} is not {said} {context[name]}", ""
    wanted = {"model_type": "keys", "dict_type": "keys", "list_type": "a list (lines that begin with -)", "string_type": "a text"}.get(kind)
    wanted = wanted or {"float_type": "a number", "int_type": "a whole number", "bool_type": "true or false"}.get(kind)
    return (f"{wanted} must stand here", "") if wanted else (error["msg"][:1].lower() + error["msg"][1:], "")


_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_PATTERNS = {
    r"^[1-9]\d{0,5}[smhdw]$": "a length of time as 90s, 15m, 2h, 3d or 1w",
    r"^[1-9]\d{0,3}[smhd]$": "one number of one unit: 30m, 4h or 2d",
    r"^([01]\d|2[0-3]):[0-5]\d$": "a time of the day as 08:30",
    r"^[A-Z]{3}$": "a currency as three capital letters: EUR",
    r"^https?://[^\s<>\"']+$": "an address that begins with https://",
    r"^[a-z][a-z0-9_]{0,62}$": "small letters, digits and _, a letter first",
    r"^[a-z][a-z0-9-]{0,62}$": "small letters, digits and -, a letter first",
    r"^[^@\sA-Z]+@[^@\sA-Z]+\.[^@\sA-Z]+$": "an e-mail address in small letters",
    r"^\d{4}-\d{2}-\d{2}$": "a day as 2026-12-21",
    r"^[A-Z]{2}$": "a country as two capital letters: DE",
    r"^[a-z]{2}$": "a language as two small letters: de",
    r"^(lead|account|opportunity)\.[a-z][a-z0-9_]{0,62}$": "a value as lead.language",
    r"^[a-z][a-z0-9_-]{0,62}$": "the file's name without tables/ and .csv: small letters, digits, _ and -",
    r"^([A-Z]{2,3}(-[A-Za-z0-9 ]{1,40})?|none)$": "a country as DE, with a state as DE-BY, or none",
    r"^([01]?\d|2[0-3]):[0-5]\d-(([01]?\d|2[0-3]):[0-5]\d|24:00)$": "a part of a day as 09:00-17:30",
    r"^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$": "mon, tue, wed, thu, fri, sat, sun, or several as mon-fri",
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})$": "a moment with its zone, as 2026-11-23T09:14:00+01:00",
    r"^\d{1,6}[smhdw]$": "a number and a unit: 90s, 2m, 3h, 14d, 2w",
}
