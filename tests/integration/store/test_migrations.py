"""The migrations, one after the other, make exactly what tables.py says."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from sync.store.connect import sqlalchemy_url
from sync.store.tables import metadata


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
