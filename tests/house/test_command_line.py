"""`truce` as a person or a script meets it: exit codes, one sentence for what cannot run, an example in every help text."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from sync.cli import app
from sync.cli.commands import COMMANDS
from tests import commands
from tests.house.project import ROOT
from tests.house.truce_names import command_line


def truce(*words: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TRUCE_", "KAFKA_"))}
    environment = {**clean, "TRUCE_HOME": str(home), **more}
    command = [sys.executable, "-m", "sync.cli", *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_done_is_0(tmp_path: Path) -> None:
    done = truce("check", "deploy/playbook", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_problem_found_is_1(tmp_path: Path) -> None:
    (tmp_path / "fields.yaml").write_text("nothing: of the kind\n", encoding="utf-8")
    assert truce("check", str(tmp_path), home=tmp_path).returncode == 1
    assert commands.truce("check", str(tmp_path), "--json", home=tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (("explian", "kim"), {}),
        (("parked",), {}),
        (("topics",), {"TRUCE_PARTITIONS": "many"}),
    ],
)
def test_what_cannot_run_is_2_and_said_without_a_traceback(tmp_path: Path, words: tuple[str, ...], more: dict[str, str]) -> None:
    done = truce(*words, home=tmp_path, **more)
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "more"),
    [
        (("pause",), {}),
        (("playbook", "doc", "nowhere"), {}),
        (("case", "kim@nordwind.example", "--id", "Kim Larsen"), {}),
        (("check", "--nonsense"), {}),
        (("worker",), {}),
        (("source", "nowhere"), {}),
        (("topics",), {"TRUCE_SECRETS_DIR": "no-such-folder"}),
    ],
)
def test_so_it_is_whatever_cannot_run(tmp_path: Path, words: tuple[str, ...], more: dict[str, str]) -> None:
    done = commands.truce(*words, home=tmp_path, **more)
    assert done.returncode == 2, done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def leaves(group: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from leaves(found, (*above, name))
        else:
            yield " ".join((*above, name)), found


@pytest.mark.parametrize(("name", "found"), [pytest.param(name, found, id=name) for name, found in leaves(command_line())])
def test_every_help_text_has_an_example(name: str, found: Any) -> None:
    if not found.hidden:
        assert f"truce {name}" in found.help, f"truce {name} --help shows no example"


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_said_of_a_command_is_what_its_own_help_begins_with(name: str) -> None:
    said, found = COMMANDS[name].help, command_line().commands[name]
    assert found.hidden == (not said)
    assert found.hidden or said == " ".join(found.help.partition("\n\n")[0].split())


def test_every_command_has_its_line_in_the_help_and_no_module_is_imported_for_it() -> None:
    look = "import sys, typer; from sync.cli import app; app(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, env={**os.environ, "COLUMNS": "300"}, check=True)
    *shown, modules = done.stdout.strip().splitlines()
    words = " ".join(shown)
    assert [name for name, one in COMMANDS.items() if one.help and one.help.replace("`", "") not in words] == []
    assert {one for one in modules.split() if one.startswith("sync.")} == {"sync.cli", "sync.cli.commands", "sync.cli.output"}
    assert not {"pydantic", "sqlalchemy", "aiokafka", "ruamel.yaml"} & set(modules.split())


def test_a_command_is_offered_by_the_beginning_of_its_name() -> None:
    group: Any = typer.main.get_command(app)
    found = group.shell_complete(typer.Context(group), "ex")
    assert [(one.value, one.help) for one in found] == [("explain", group.commands["explain"].get_short_help_str())]
