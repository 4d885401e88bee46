"""`truce connector new`: what it writes is good code at once, and its tests say what is still to be said."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sync.cli.connector import write
from sync.cli.output import CannotRun
from tests.house.project import ROOT
from tests.house.test_grain import SIX
from tests.house.test_imports import strays

NAME = "zyx"
"""Sorted behind every module that it imports beside: nobody looked at that order when the templates were written."""

CACHE = str(ROOT / ".mypy_cache" / "written")
"""What mypy knows of what the templates import, kept from one run to the next."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checkout")
    for part in ("schemas", "connectors", "tests/contract"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("__pycache__", "emulator", "test_*", *KEPT_OUT))
    for part in ("pyproject.toml", "tests/__init__.py"):
        shutil.copy(ROOT / part, root / part)
    write(NAME, root)
    return root


KEPT_OUT = ("salesforce*", "hubspot*", "espocrm*", "marketo*", "mautic*", "served.py", "tryton*")


def run(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *words], cwd=checkout, capture_output=True, text=True, timeout=300, check=False)


def written(checkout: Path) -> list[str]:
    folders = (checkout / "connectors" / NAME, checkout / "tests" / "contract" / NAME)
    found = [path for folder in folders for path in folder.iterdir() if path.is_file()]
    return [path.relative_to(checkout).as_posix() for path in (*found, *(checkout / "tests" / "contract").glob(f"*{NAME}*.py"))]


def test_it_writes_the_six_files_their_tests_and_one_recorded_answer(checkout: Path) -> None:
    assert {path.name for path in (checkout / "connectors" / NAME).iterdir() if path.is_file()} == SIX
    assert {one for one in written(checkout) if one.startswith("tests/")} == {
        f"tests/contract/{NAME}/call_unauthorised.json", f"tests/contract/test_{NAME}.py", f"tests/contract/{NAME}_world.py",
    }  # fmt: skip
    assert {path.name: found for path in (checkout / "connectors" / NAME).glob("*.py") if (found := strays(path, NAME))} == {}


@pytest.mark.parametrize(
    "words", [("ruff", "format", "--check"), ("ruff", "check"), ("mypy", "--cache-dir", CACHE)], ids=["format", "lint", "types"]
)
def test_it_is_good_code_at_once(checkout: Path, words: tuple[str, ...]) -> None:
    python = [one for one in written(checkout) if one.endswith(".py")]
    done = run(checkout, *words, *python)
    assert done.returncode == 0, done.stdout + done.stderr


def test_its_tests_fail_only_with_what_is_to_be_said(checkout: Path) -> None:
    done = run(checkout, "pytest", "-p", "no:cacheprovider", "--tb=line", f"tests/contract/test_{NAME}.py")
    said = re.findall(r"^E +(\w+): (.*)$", done.stdout, re.M) or re.findall(r": (\w+): (.*)$", done.stdout, re.M)
    assert done.returncode == 1, done.stdout + done.stderr
    assert said
    assert {kind for kind, words in said} == {"NotImplemented" + "Error"}, done.stdout
    assert all("say here" in words for _, words in said)


@pytest.mark.parametrize("name", ["Acme", "a b", "class", "salesforce", "http", "emulator", "../x", ""])
def test_a_name_that_is_none_or_taken_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "tests" / "contract").mkdir(parents=True)
    for one in ("salesforce", "emulator"):
        (tmp_path / "connectors" / one).mkdir(parents=True)
    (tmp_path / "connectors" / "http.py").touch()
    with pytest.raises(CannotRun):
        write(name, tmp_path)
