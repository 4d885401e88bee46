"""Versions of the playbook in PostgreSQL: kept for ever, one in force, none put in force over another that nobody has seen."""

from __future__ import annotations

from typing import Any

import pytest

from sync.store import playbooks


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
