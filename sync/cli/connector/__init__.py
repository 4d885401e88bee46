"""`truce connector new`: the files of a connector as CONTRIBUTING.md describes them, each place saying what is still to be said there."""

from __future__ import annotations

import keyword
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from sync.cli.house import ROOT
from sync.cli.output import CannotRun

TEMPLATES = Path(__file__).parent / "template"
app = typer.Typer(help="Add a system that Truce does not know yet; in a checkout.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Add a system that Truce does not know yet; in a checkout."""


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The folder's name: the vendor in small letters, as in `hubspot`.")],
) -> None:
    """Write a connector's six files, its tests and one recorded answer; each test says what to write next.

    What is written is formatted, typed and importable at once. CONTRIBUTING.md, "A connector in a page", leads through the rest.

    Example: `truce connector new acme`
    """
    written = write(name, ROOT)
    print("\n".join(path.relative_to(ROOT).as_posix() for path in written))
    print(f"Next: uv run pytest -x tests/contract/test_{name}.py — it stops at the first place that you are to fill.")


def write(name: str, root: Path) -> list[Path]:
    """Write the files of a connector into a checkout; raises CannotRun where the name is none or taken."""
    if not re.fullmatch(r"[a-z][a-z0-9]{1,30}", name) or keyword.iskeyword(name):
        raise CannotRun(f"{name!r} is no name of a folder: the vendor in small letters and figures, as in hubspot.")
    if not (root / "tests" / "contract").is_dir():
        raise CannotRun("a connector is added in a checkout of Truce, not where it is installed.")
    found = dict(files(name, root))
    taken = [path for path in (*found, root / "connectors" / name, root / "connectors" / f"{name}.py") if path.exists()]
    if taken:
        raise CannotRun(f"{taken[0].relative_to(root).as_posix()} is there already: remove it, or take another name.")
    for path, text in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _formatted([path for path in found if path.suffix == ".py"], root)
    return [*found]


def files(name: str, root: Path) -> Iterator[tuple[Path, str]]:
    """Give every file and its text; of templates, `acme` is the name."""
    tests = root / "tests" / "contract"
    places = {path: root / "connectors" / name / path.stem for path in sorted((TEMPLATES / "connectors").iterdir())}
    places |= {
        TEMPLATES / "tests" / "call_unauthorised.json.tmpl": tests / name / "call_unauthorised.json",
        TEMPLATES / "tests" / "world.py.tmpl": tests / f"{name}_world.py",
        TEMPLATES / "tests" / "test.py.tmpl": tests / f"test_{name}.py",
    }
    for template, place in places.items():
        yield place, template.read_text(encoding="utf-8").replace("acme", name).replace("Acme", name.capitalize())


def _formatted(paths: list[Path], root: Path) -> None:
    """Sort imports and break lines, which a name's first letter and length decide."""
    for words in (("check", "--select", "I", "--fix"), ("format",)):
        subprocess.run([sys.executable, "-m", "ruff", *words, "--quiet", *map(str, paths)], cwd=root, check=True)
