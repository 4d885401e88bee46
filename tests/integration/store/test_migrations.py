"""The migrations, one after the other, make exactly what tables.py says."""

from __future__ import annotations

import uuid
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from sync.store.connect import _config, migrate, open_pool, sqlalchemy_url
from sync.store.tables import metadata
from tests.tables import copied, dumped


def _differences(connection: Connection, installation: str) -> list[Any]:
    connection.execute(text(f'SET search_path TO "{installation}"'))
    days = "seen_inputs_2"  # partitions come and go with the days
    told = {"compare_type": True, "include_name": lambda name, kind, _: not (kind in ("table", "index") and (name or "").startswith(days))}
    return list(compare_metadata(MigrationContext.configure(connection, opts=told), metadata))


async def test_what_was_migrated_is_what_the_tables_say(postgres: str, installation: str) -> None:
    engine = create_async_engine(sqlalchemy_url(postgres))
    try:
        async with engine.connect() as connection:
            assert await connection.run_sync(_differences, installation) == []
    finally:
        await engine.dispose()


def _until(connection: Connection, installation: str, revision: str) -> None:
    connection.execute(text(f'CREATE SCHEMA "{installation}"'))
    connection.execute(text(f'SET LOCAL search_path TO "{installation}"'))
    command.upgrade(_config(connection), revision)


async def test_a_refusal_kept_under_a_name_without_its_system_can_be_closed_again(postgres: str) -> None:
    name = f"t{uuid.uuid4().hex[:10]}"
    engine = create_async_engine(sqlalchemy_url(postgres))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_until, name, "0017")
    finally:
        await engine.dispose()
    pool = await open_pool(postgres, name, size=1)
    one, two = "crm:Opportunity:1", "crm:Account:2"
    try:
        await pool.executemany(
            "INSERT INTO problems (kind, key, text, system, ref) VALUES ($1, $2, '', 'map', $3)",
            [
                ("write_refused", f"opportunity:{one}", one),
                ("write_refused", f"account:{two}", two),
                ("write_refused", f"map:account:{two}", two),
                ("write_refused", "map:phone:TOO_LONG", "crm:Lead:3"),
            ],
        )
        await migrate(postgres, name)
        rows = await pool.fetch("SELECT key FROM problems WHERE closed_at IS NULL ORDER BY key")
        assert [row["key"] for row in rows] == [f"map:account:{two}", f"map:opportunity:{one}", "map:phone:TOO_LONG"]
    finally:
        await pool.close()


async def test_what_other_tests_copy_is_what_was_migrated(postgres: str, pattern: tuple[str, str]) -> None:
    copy = await copied(postgres, pattern)
    assert dumped(postgres, copy).replace(copy, pattern[0]) == pattern[1]
