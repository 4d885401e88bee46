"""What `truce check` finds in a store that is there: the version in force, and whom the systems know."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.base import User
from sync.cli import check as command
from sync.cli.standing import Standing, standing
from sync.playbook.loader import load, read
from sync.settings import Settings
from sync.store import playbooks, users
from sync.store.connect import open_pool

EXAMPLE = Path(__file__).parents[3] / "deploy" / "playbook"


async def _put(dsn: str, installation: str) -> int:
    pool: Any = await open_pool(dsn, installation, size=1)
    try:
        async with pool.acquire() as connection:
            version = await playbooks.add(connection, read(EXAMPLE), load(EXAMPLE).checksum, "a test")
        people = [("1", "ana@acme.example", True), ("2", "ben@acme.example", False)]
        await users.put(pool, "salesforce", [User(id=one, email=email, name=email, active=active) for one, email, active in people])
        return version
    finally:
        await pool.close()


async def test_the_version_in_force_and_the_users_are_found(
    postgres: str, installation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = standing(Settings(database=postgres, installation=installation, home=tmp_path))
    assert (empty.version, empty.users) == (None, {})
    version = await _put(postgres, installation)
    found = standing(Settings(database=postgres, installation=installation, home=tmp_path))
    assert found == Standing(version, load(EXAMPLE).checksum, {"salesforce": frozenset({"ana@acme.example"})})
    monkeypatch.setenv("TRUCE_DATABASE", postgres)
    monkeypatch.setenv("TRUCE_INSTALLATION", installation)
    command.check(EXAMPLE)
    told = capsys.readouterr().out
    assert "ben@acme.example is no active user of salesforce" in told
    assert "ana@acme.example" not in "".join(line for line in told.splitlines() if "warning" in line)
    assert told.endswith(f"The version in force (v{version}) is the same.\n")


def test_an_installation_that_was_never_made_says_nothing(postgres: str, tmp_path: Path) -> None:
    assert standing(Settings(database=postgres, installation="never_made", home=tmp_path)) == Standing()
