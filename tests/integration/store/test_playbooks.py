"""Versions of the playbook in PostgreSQL: kept for ever, one in force, none put in force over another that nobody has seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sync import app
from sync.agents.rules import real
from sync.settings import Settings
from sync.store import playbooks

EXAMPLE = Path(__file__).parents[3] / "deploy" / "playbook"


async def test_versions_are_kept_with_who_when_and_how(pool: Any) -> None:
    async with pool.acquire() as connection:
        assert await playbooks.active(connection) is None
        first = await playbooks.add(connection, {"a.yaml": b"a"}, "aa", "ana")
        second = await playbooks.add(
            connection, {"a.yaml": b"b"}, "bb", "ben", how="apply", moved={"moved": 4, "looked": 9}, expected=first
        )
        back = await playbooks.add(connection, {"a.yaml": b"a"}, "aa", "ana", how=f"rollback to v{first}", expected=second)
        log = await playbooks.history(connection)
        now = await playbooks.active(connection)
    assert [(e.version, e.author, e.how, e.in_force) for e in log] == [
        (back, "ana", f"rollback to v{first}", True),
        (second, "ben", "apply", False),
        (first, "ana", "start", False),
    ]
    assert log[1].moved == {"moved": 4, "looked": 9}
    assert now is not None
    assert (now.version, now.files) == (back, {"a.yaml": b"a"})


async def test_a_version_that_nobody_compared_with_the_one_in_force_is_refused(pool: Any) -> None:
    async with pool.acquire() as connection:
        first = await playbooks.add(connection, {"a.yaml": b"a"}, "aa", "ana")
        await playbooks.add(connection, {"a.yaml": b"b"}, "bb", "ben", expected=first)
        with pytest.raises(playbooks.Overtaken, match="of ben came into force meanwhile"):
            await playbooks.add(connection, {"a.yaml": b"c"}, "cc", "ana", expected=first)
        assert await playbooks.add(connection, {"a.yaml": b"b"}, "bb", "ana", expected=first) == first + 1, "the same is in force already"


async def test_a_version_means_the_same_to_a_process_whose_environment_is_another(pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Settings(playbook=EXAMPLE, environment="staging")
    async with pool.acquire() as connection:
        first = await app.activate(connection, made)
        assert (first.environment, first.systems["salesforce"].mode) == ("staging", "observe")
        monkeypatch.setenv("TRUCE_ENVIRONMENT", "production")
        here = await app.active_playbook(pool)()
        rules = await real().playbook(connection, first.version)
        again = await app.activate(connection, Settings(playbook=EXAMPLE, environment="production"))
        assert {(one.version, one.environment) for one in (here, rules, again)} == {(first.version, "staging")}
        other = await app.activate(connection, Settings(playbook=EXAMPLE, environment="production"), take=True)
    assert (other.version, other.environment, other.systems["salesforce"].mode) == (first.version + 1, "production", "write")
