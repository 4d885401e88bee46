"""`truce up --watch`: what is saved is applied once it stays the same; what is half written, wrong, or made from an older version changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sync.cli.copies import base, get
from sync.cli.place import Place
from sync.cli.watch import Watch
from sync.settings import Settings
from sync.store import playbooks
from sync.store.connect import connect
from tests.integration.store.installed import put
from tests.integration.store.test_copies import edit


def in_force(where: tuple[str, str]) -> int:
    async def ask() -> int:
        connection = await connect(*where)
        try:
            now = await playbooks.active(connection)
            return now.version if now is not None else 0
        finally:
            await connection.close()

    return asyncio.run(ask())


@pytest.fixture
def watch(store: tuple[str, str], tmp_path: Path) -> Watch:
    """Someone watches a copy of the version in force."""
    get(tmp_path / "copy")
    made = Watch(Settings(playbook=tmp_path / "copy"), Place(*store, None, "s"))
    made.look()
    made.look()
    return made


def test_what_is_saved_is_applied_at_the_second_look(watch: Watch, store: tuple[str, str], tmp_path: Path) -> None:
    edit(tmp_path / "copy", "team.yaml", "name: Ben Roth", "name: Benjamin Roth")
    watch.look()
    assert in_force(store) == 1, "it may still be being written"
    watch.look()
    assert in_force(store) == 2
    noted = base(tmp_path / "copy")
    assert noted is not None
    assert noted.version == 2
    watch.look()
    assert in_force(store) == 2


def test_what_is_half_written_changes_nothing_and_is_told(
    watch: Watch,
    store: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "copy" / "routing.yaml"
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    watch.look()
    watch.look()
    assert in_force(store) == 1
    assert "routing.yaml" in capsys.readouterr().out
    path.write_text(whole.replace("memory: 3", "memory: 2"))
    watch.look()
    watch.look()
    assert in_force(store) == 2


def test_a_copy_of_an_older_version_undoes_nobodys_change(
    watch: Watch,
    store: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put(store, ("team.yaml", b"name: Ben Roth", b"name: Benjamin Roth"))
    edit(tmp_path / "copy", "team.yaml", "name: Tom Reed", "name: Thomas Reed")
    watch.look()
    watch.look()
    assert in_force(store) == 2
    assert "this copy was made from v1" in capsys.readouterr().out
