"""Imports point down: the contracts of pyproject.toml hold, and each of them notices when it is broken."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.project import PACKAGES, ROOT, imports, modules, pyproject, short, vendors

LINT = "from importlinter.cli import lint_imports_command as lint; lint(['--no-logo', '--no-cache'])"
PLANTED = [
    ("ground", "schemas", "import connectors.errors"),
    ("ground", "connectors", "import sync.topology"),
    ("down", "sync/store", "import sync.agents"),
    ("down", "sync/playbook", "from sync.lead import state"),
    ("down", "sync/trial", "import sync.store.leads"),
    ("down", "sync/writer", "import sync.sources.runner"),
    ("down", "sync/agents", "def later() -> None:\n    import sync.cli"),
    ("down", "sync", "a_part_that_no_layer_names = True"),
    ("pure", "sync/lead", "import asyncio"),
    ("pure", "sync/lead", "from time import time"),
    ("pure", "sync/trial", "import random"),
    ("pure", "sync/lead", "import connectors.dialect, connectors.http"),
    ("one-http", "sync/writer", "import httpx"),
    ("one-http", "connectors/salesforce", "from httpx import AsyncClient"),
    ("one-cel", "sync/lead", "import cel_expr_python"),
    ("emulators", "sync/writer", "from connectors.emulator import faults"),
    ("emulators", "connectors/salesforce", "import connectors.emulator.salesforce.org"),
    ("served", "sync/sources", "import pytest"),
    ("served", "sync/agents", "import connectors.contract"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", LINT], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each contract that is broken when every line is planted, each in a module of its own that nothing imports."""
    folder = tmp_path_factory.mktemp("house")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for number, (_, place, line) in enumerate(PLANTED):
        (folder / place / f"planted_{number}.py").write_text(line + "\n", encoding="utf-8")
    done = lint(folder)
    assert done.returncode == 1, done.stdout
    names = {contract["name"]: contract["id"] for contract in contracts()}
    found, at = dict[str, str](), ""
    for said in done.stdout.partition("Broken contracts")[2].splitlines():
        at = names.get(said, at)
        found[at] = found.get(at, "") + said + "\n"
    return found


def test_every_contract_is_kept() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("number", "contract"), [(n, one[0]) for n, one in enumerate(PLANTED)], ids=["-".join(one) for one in PLANTED])
def test_a_planted_violation_is_found(broken: dict[str, str], number: int, contract: str) -> None:
    assert re.search(rf"\bplanted_{number}\b", broken[contract]), broken[contract]


def contracts() -> list[dict[str, str]]:
    found: list[dict[str, str]] = pyproject()["tool"]["importlinter"]["contracts"]
    return found


def test_every_contract_is_tried() -> None:
    assert {contract["id"] for contract in contracts()} == {contract for contract, _, _ in PLANTED}


SHARED = ("base", "errors", "http", "bearer", "called", "dialect", "each", "entering", "fit", "onward", "scan")
"""What of `connectors` every vendor's folder may import."""


def beneath(vendor: str) -> set[str]:
    """Name what a vendor's folder may import of ours; a new vendor needs no list."""
    return {
        "schemas",
        *(f"connectors.{name}" for name in (*SHARED, vendor)),
    }


def test_contributing_names_what_a_vendor_folder_may_import() -> None:
    said = re.search(r"of `connectors`, only (.+?) \(", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.S)
    assert said
    assert re.findall(r"`(\w+)`", said[1]) == [*SHARED]


def strays(path: Path, vendor: str) -> list[str]:
    alone = {"connectors", *(("connectors.registry", "connectors.registry.read_manifest") if path.name == "__init__.py" else ())}
    ours = [name for name in imports(path) if name.split(".")[0] in PACKAGES and name not in alone]
    return [name for name in ours if not any(name == one or name.startswith(one + ".") for one in beneath(vendor))]


@pytest.mark.parametrize("vendor", vendors())
def test_a_vendor_folder_knows_only_what_all_vendors_share(vendor: str) -> None:
    folder = [path for path in modules("connectors") if path.parent == ROOT / "connectors" / vendor]
    assert folder
    assert {short(path): found for path in folder if (found := strays(path, vendor))} == {}


@pytest.mark.parametrize(
    "line",
    ["from connectors.hubspot import mapping", "import sync.settings", "from connectors import registry", "import connectors.contract"],
)
def test_a_stray_import_of_a_vendor_folder_is_found(tmp_path: Path, line: str) -> None:
    planted = tmp_path / "client.py"
    planted.write_text(line + "\n", encoding="utf-8")
    assert strays(planted, "salesforce")
