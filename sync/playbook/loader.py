"""Loads a playbook: every problem of every file at once, or one frozen version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path as Folder

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sync.playbook import checks, forms, levels, tables, traps, words, yaml
from sync.playbook.build import Files, build
from sync.playbook.document import Document, Path, Spot
from sync.playbook.models import Playbook
from sync.playbook.problems import PlaybookError, Problem, did_you_mean, ordered

SUFFIXES = (".yaml", ".yml", ".csv")
SUBFOLDERS = ("tables", "env", "cases", "inbound")
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
        details = error.errors(include_url=False)
        texts = [path for one in details if one["type"] == "string_type" and (path := document.place(one["loc"]))]
        looks = words.patterns(document, form, texts)
        for detail in details:
            _explain(document, detail, form, looks)
        return None


def _explain(document: Document, error: ErrorDetails, form: type[forms.Form], looks: Mapping[Path, str]) -> None:
    """Say one of pydantic's errors in the playbook's words, at the closest place in the file."""
    path = document.place(error["loc"])
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
        text, hint = words.words(error, Spot(1, 1, str(error["input"])))
        document.problem(path, text, hint, at=document.key(path))
    else:
        text, hint = words.words(error, spot, looks.get(path, ""))
        document.problem(path, text, hint)


def _in_when(loc: tuple[int | str, ...]) -> bool:
    return any(part in ("all", "any", "none") for part in loc)
