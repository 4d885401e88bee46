"""Working copies: one that was made from an older version undoes nobody's change unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from sync.cli import apply as command
from sync.cli import versions
from sync.cli.copies import NOTE, get
from sync.cli.output import CannotRun
from sync.playbook.loader import read
from tests.integration.store.installed import EXAMPLE, put


def edit(folder: Path, file: str, before: str, after: str) -> None:
    text = (folder / file).read_text()
    assert before in text
    (folder / file).write_text(text.replace(before, after))


def applied(capsys: pytest.CaptureFixture[str], folder: Path, **options: Any) -> dict[str, Any]:
    """Apply a folder and give what the command said of it."""
    capsys.readouterr()
    code = 0
    try:
        command.apply(folder, yes=True, json=True, **options)
    except typer.Exit as end:
        code = end.exit_code
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == (1 if told["refused"] else 0)
    return told


def test_a_copy_is_the_version_in_force(store: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    get(copy)
    assert read(copy) == read(EXAMPLE)
    assert (copy / NOTE).read_text().startswith("v1 ")
    told = applied(capsys, copy)
    assert (told["applied"], told["version"], told["refused"]) == (False, 1, None)


def test_a_folder_with_something_in_it_is_written_over_when_it_is_meant_only(store: tuple[str, str], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "notes.txt").write_text("mine")
    (copy / "old.yaml").write_text("x")
    with pytest.raises(CannotRun, match="is not empty"):
        get(copy)
    get(copy, force=True)
    assert read(copy) == read(EXAMPLE)
    assert (copy / "notes.txt").read_text() == "mine"
    with pytest.raises(CannotRun, match="no version v9"):
        get(tmp_path / "other", version="v9")
    assert not (tmp_path / "other").exists()


def test_an_older_copy_undoes_nothing_unasked(store: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    get(copy)
    put(store, ("team.yaml", b"Maria Lund", b"Mia Sand"))
    edit(copy, "routing.yaml", "lead.employees >= 500", "lead.employees >= 400")
    told = applied(capsys, copy)
    assert not told["applied"]
    assert (
        "this copy was made from v1; v2 changed team.yaml since. Applying it undoes:\n  team.yaml:9  rep maria@acme.example · name"
        in told["refused"]
    )
    assert told["refused"].endswith(f"truce apply {copy} --over v2")
    assert "Refused" not in told["refused"]
    assert "--over v1, and v2 is in force" in applied(capsys, copy, over="v1")["refused"]
    assert applied(capsys, copy, over="v2")["version"] == 3
    assert (copy / NOTE).read_text().startswith("v3 ")
    edit(copy, "routing.yaml", "lead.employees >= 400", "lead.employees >= 300")
    assert applied(capsys, copy)["version"] == 4, "the note moved on"


def test_a_copy_that_has_their_change_too_is_applied(store: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    get(copy)
    put(store, ("team.yaml", b"Maria Lund", b"Mia Sand"))
    edit(copy, "team.yaml", "Maria Lund", "Mia Sand")
    edit(copy, "routing.yaml", "lead.employees >= 500", "lead.employees >= 400")
    assert applied(capsys, copy)["version"] == 3


def test_who_changed_the_same_file_is_told_so(store: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    get(copy)
    put(store, ("team.yaml", b"Maria Lund", b"Mia Sand"))
    put(store, ("team.yaml", b"Maria Lund", b"Mia Sand"), ("team.yaml", b"Ben Roth", b"Bo Roth"))
    edit(copy, "team.yaml", "Sue Kim", "Su Kim")
    refused = applied(capsys, copy)["refused"]
    assert "v2 to v3 changed team.yaml since (of these you changed team.yaml too)" in refused


def test_without_a_note_nothing_is_asked(store: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    get(copy)
    (copy / NOTE).unlink()
    put(store, ("team.yaml", b"Maria Lund", b"Mia Sand"))
    assert applied(capsys, copy)["version"] == 3
    assert not (copy / NOTE).exists()


def test_the_log_says_what_changed_and_why(store: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "copy"
    get(copy)
    edit(copy, "routing.yaml", "lead.employees >= 500", "lead.employees >= 400")
    edit(copy, "team.yaml", "Sue Kim", "Su Kim")
    assert applied(capsys, copy, note=" smaller firms, too ")["version"] == 2
    versions.rollback("v1", note="a mistake", yes=True, json=True)
    capsys.readouterr()
    versions.log(json=True)
    third, second, first = json.loads(capsys.readouterr().out)
    assert (second["moved"]["files"], second["moved"]["note"], third["moved"]["note"]) == (2, "smaller firms, too", "a mistake")
    assert second["moved"]["differences"] == third["moved"]["differences"] >= 2
    assert first["moved"] is None
    versions.log()
    said = capsys.readouterr().out.split()
    assert said.count("files") == 2
    assert {"note", "smaller", "mistake"} <= set(said)
