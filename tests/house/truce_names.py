"""What Truce really answers to: its variables, its commands, its options, its secrets."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import Any

import typer

from sync.cli import app
from sync.cli.commands import COMMANDS, imported
from sync.settings import SECRETS_DIR, ChannelSettings, Settings, SystemSettings
from tests.house.project import PACKAGES, ROOT, modules, pyproject, tree, vendors

_SYSTEM = re.compile(r"^TRUCE_SYSTEMS__([A-Z0-9]+)__([A-Z_]+?)(?:__([A-Z0-9_]+))?$")
_CHANNEL = re.compile(r"^TRUCE_CHANNELS__[A-Z0-9]+(?:_[A-Z0-9]+)*__([A-Z]+)(?:__([A-Z0-9_]+))?$")

_DOOR = re.compile(r"^TRUCE_DOORS__[A-Z0-9]+(?:_[A-Z0-9]+)*$")
_LOGIN = re.compile(r"^TRUCE_DEMO_LOGINS__[A-Z0-9]+(?:_[A-Z0-9]+)*$")


@cache
def command_line() -> Any:
    """Give `truce` with every command imported (typer's own classes, which it does not name)."""
    found: Any = typer.main.get_command(app)
    found.commands = {name: imported(name) for name in COMMANDS}
    return found


def command(words: list[str]) -> Any:
    """Find the command that a line of words calls; raises AssertionError where there is none, or an option that it does not have."""
    found, rest = command_line(), list(words)
    while hasattr(found, "commands") and rest and not rest[0].startswith("-"):
        assert rest[0] in found.commands, f"truce {' '.join(words)}: there is no {rest[0]!r}, but {', '.join(sorted(found.commands))}"
        found = found.commands[rest.pop(0)]
    options = {name for parameter in found.params for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "-h"}
    for word in rest:
        assert not word.startswith("-") or word in options, f"truce {' '.join(words)}: there is no {word}"
    return found


@cache
def texts(folder: str) -> frozenset[str]:
    """Give every string that stands by itself in the code of a folder."""
    files = [path for path in modules(*PACKAGES) if (ROOT / folder) in path.parents]
    return frozenset(
        node.value for path in files for node in ast.walk(tree(path)) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def variable(name: str) -> bool:
    """Say whether Truce reads an environment variable of this name."""
    if name in {SECRETS_DIR, *(str(one.validation_alias) for one in Settings.model_fields.values() if one.validation_alias)}:
        return True
    if _DOOR.match(name) or _LOGIN.match(name):
        return True
    if found := _SYSTEM.match(name):
        return _of_a_system(*found.groups())
    if found := _CHANNEL.match(name):
        return _of_a_channel(*found.groups())
    return name.removeprefix("TRUCE_").lower() in {one for one, how in Settings.model_fields.items() if not how.validation_alias}


def _of_a_system(system: str, name: str, inner: str | None) -> bool:
    vendor = system.lower()
    if name.lower() not in SystemSettings.model_fields or (inner is not None) != (name in {"SECRETS", "OPTIONS"}):
        return False
    if inner is None or vendor not in vendors():  # a second system of a vendor may have any name
        return True
    return inner.lower() in texts(f"connectors/{vendor}") | texts("sync/sources")


def _of_a_channel(name: str, inner: str | None) -> bool:
    if name.lower() not in ChannelSettings.model_fields or (inner is not None) != (name in {"SECRETS", "OPTIONS"}):
        return False
    return inner is None or inner.lower() in texts("sync")


def scripts() -> dict[str, str]:
    """Give the commands that the package installs."""
    found: dict[str, str] = pyproject()["project"]["scripts"]
    return found
