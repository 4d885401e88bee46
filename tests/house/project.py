"""The project's own files as data: what is kept in the repository, and its code as trees."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from connectors.registry import manifests

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "connectors", "sync")


@cache
def kept() -> tuple[Path, ...]:
    """Give every file that is or is about to be kept in the repository; without git, whatever lies in the folders that are."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"], capture_output=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        found = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        folders = (*PACKAGES, "deploy", "tests", ".ci")
        found = [path for folder in folders for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
        found += [path for path in ROOT.iterdir() if path.is_file()]
    return tuple(sorted(path for path in found if path.is_file()))


def modules(*folders: str) -> tuple[Path, ...]:
    """Give the Python files under these folders of the project."""
    return tuple(path for path in kept() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders)


def tree(path: Path) -> ast.Module:
    """Parse a Python file."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Give every module that a file imports anywhere, `from a import b` as both `a` and `a.b`."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{short(path)}:{node.lineno} imports relatively"
            yield str(node.module)
            yield from (f"{node.module}.{name.name}" for name in node.names)


def short(path: Path) -> str:
    """Give a path as the project speaks of it."""
    return path.relative_to(ROOT).as_posix()


def vendors() -> tuple[str, ...]:
    """Name every connector that there is."""
    return tuple(manifests())


@cache
def pyproject() -> dict[str, Any]:
    """Read pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
