"""`truce check`: every problem of a playbook at once, for people, programs and pull requests."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from sync.cli.output import PROBLEM, CannotRun, as_json, console, plain
from sync.cli.standing import Standing, standing
from sync.playbook.checks import Outside
from sync.playbook.loader import Checked, checksum, read
from sync.playbook.loader import check as examine
from sync.playbook.problems import Problem, counted
from sync.settings import Settings

Format = Literal["text", "json", "github"]
MISSING = "name the folder that holds fields.yaml, lifecycle.yaml, routing.yaml and team.yaml."


def check(
    folder: Annotated[Path | None, typer.Argument(help="The playbook's folder; without it the one that TRUCE_PLAYBOOK names.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON: the same as --format json.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="How to say it; github: annotations for a pull request.")] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 1 for warnings too.")] = False,
) -> None:
    """Say every problem of a playbook at once, with file, line and column; exit 1 if there is one.

    A warning is worth a look and keeps nothing from being used: it may depend on today's date, or on whom the systems know.

    Example: `truce check deploy/playbook`
    """
    settings = Settings()
    where = folder or settings.playbook
    if not where.is_dir():
        raise CannotRun(f"there is no folder {where}: {MISSING}")
    files, stands = read(where, settings.environment), standing(settings)
    checked = examine(files, outside=Outside(datetime.now(UTC).date(), stands.users))
    tell: dict[str, Callable[[Checked, Path, Standing, str], None]] = {"text": _text, "json": _json, "github": _github}
    tell["json" if json else format_](checked, where, stands, checksum(files))
    if checked.playbook is None or (strict and checked.problems):
        raise typer.Exit(PROBLEM)


def _text(checked: Checked, where: Path, stands: Standing, digest: str) -> None:
    for problem in checked.problems:
        console.print(problem.render(), markup=False)
    console.print(_closing(checked, where, stands, digest), markup=False)


def _closing(checked: Checked, where: Path, stands: Standing, digest: str) -> str:
    """Say how many there are, and what stands in force meanwhile, if a store says so."""
    said = counted(checked.problems, checked.read)
    in_force = f"The version in force (v{stands.version})" if stands.version is not None else ""
    if checked.playbook is None:
        return f"{said} {in_force} is untouched." if in_force else said
    compared = f" {in_force} {'is the same' if digest == stands.checksum else 'is another'}." if in_force else ""
    return f"{said} {where} can be used; checksum {digest[:12]}.{compared}"


def _json(checked: Checked, where: Path, stands: Standing, digest: str) -> None:
    told = {
        "ok": checked.playbook is not None,
        "folder": where,
        "checksum": digest,
        "files": checked.read,
        "version_in_force": stands.version,
    }
    as_json(told | {"problems": [asdict(problem) for problem in checked.problems]})


def _github(checked: Checked, where: Path, stands: Standing, digest: str) -> None:
    """Print workflow commands; what follows them on the page is the same as for people, of which nothing can be taken for a command."""
    root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
    for problem in checked.problems:
        typer.echo(annotation(problem, Path(os.path.relpath(where.absolute() / problem.file, root)).as_posix()))
    console.print(_closing(checked, where, stands, digest), markup=False)


def annotation(problem: Problem, file: str) -> str:
    """Give the workflow command that puts a problem beside its line; `file` is relative to the repository."""
    where = {
        "file": file,
        "line": problem.line,
        "endLine": problem.line,
        "col": problem.column,
        "endColumn": problem.column + problem.width,
        "title": problem.path or "playbook",
    }
    words = plain(f"{problem.text}: {problem.suggestion}" if problem.suggestion else problem.text)
    said = ",".join(f"{name}={_property(plain(str(value)))}" for name, value in where.items())
    return f"::{'warning' if problem.warning else 'error'} {said}::{_data(words)}"


def _data(text: str) -> str:
    """Escape what would end a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape what would end one of its properties."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")
