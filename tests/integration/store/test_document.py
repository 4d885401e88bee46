"""`truce playbook doc` of a version that is kept: who put it in force, when and how."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sync.cli.document import Format, doc
from sync.cli.output import CannotRun
from sync.playbook.loader import load_files, read
from sync.store import playbooks
from sync.store.connect import connect

EXAMPLE = Path(__file__).parents[3] / "deploy" / "playbook"


@pytest.fixture
def versions(postgres: str, installation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Two versions, the second in force."""
    for name, value in {"DATABASE": postgres, "INSTALLATION": installation, "HOME": str(tmp_path), "PLAYBOOK": str(EXAMPLE)}.items():
        monkeypatch.setenv(f"TRUCE_{name}", value)
    files = read(EXAMPLE)
    other = files | {"team.yaml": files["team.yaml"].replace(b"Maria Lund", b"Mia Sand")}

    async def put() -> tuple[int, int]:
        connection = await connect(postgres, installation)
        try:
            first = await playbooks.add(connection, files, load_files(files).checksum, "ana")
            return first, await playbooks.add(connection, other, load_files(other).checksum, "ben", how="apply", expected=first)
        finally:
            await connection.close()

    return asyncio.run(put())


def test_without_a_word_it_is_the_version_in_force(versions: tuple[int, int], capsys: pytest.CaptureFixture[str]) -> None:
    doc()
    said = capsys.readouterr().out
    assert f"- Version: v{versions[1]}, in force\n" in said
    assert " by ben (apply)\n" in said
    assert "Mia Sand" in said
    doc(version=f"v{versions[0]}")
    said = capsys.readouterr().out
    assert f"- Version: v{versions[0]}, not in force now\n" in said
    assert " as Truce first started\n" in said
    assert "Maria Lund" in said


def test_a_folder_is_no_version(versions: tuple[int, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doc(EXAMPLE, out=tmp_path / "agreement.html")
    assert capsys.readouterr().out.startswith("Wrote ")
    page = (tmp_path / "agreement.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "a proposal until it is put in force" in page
    doc(EXAMPLE, format_=Format.HTML)
    assert capsys.readouterr().out == page


def test_a_version_that_is_not_there_is_said(versions: tuple[int, int]) -> None:
    with pytest.raises(CannotRun, match="there is no version 99"):
        doc(version="99")
    with pytest.raises(CannotRun, match="is no version: write v12"):
        doc(version="newest")
