"""How to reach PostgreSQL: a pool whose connections see the installation's schema, and the migrations."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import orjson

if TYPE_CHECKING:  # alembic and SQLAlchemy take most of a second to import: only who migrates pays
    from alembic.config import Config
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).with_name("migrations")
type_codecs = ("json", "jsonb")
Pool = Any
"""An asyncpg pool (the driver has no types)."""


def _dumps(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


async def _prepare(connection: Any) -> None:
    for name in type_codecs:
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_dumps, decoder=orjson.loads, format="text")
    await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=str, format="text")


def _server_settings(installation: str) -> dict[str, str]:
    return {"search_path": installation, "idle_in_transaction_session_timeout": "5000", "jit": "off", "timezone": "UTC"}


async def _as_it_is(connection: Any) -> None:
    """Nothing of ours outlives a transaction (no SET, no LISTEN, no session lock): the pool need not ask the server to forget it."""


async def open_pool(dsn: str, installation: str, *, size: int = 4) -> Pool:
    """Open a pool of at most `size` connections: schema found by search_path, jsonb as Python data, uuid as text."""
    return await asyncpg.create_pool(
        dsn, min_size=1, max_size=size, init=_prepare, reset=_as_it_is, server_settings=_server_settings(installation),
        command_timeout=30,
    )  # fmt: skip


async def connect(dsn: str, installation: str) -> Any:
    """Open one connection, set up like the pool's."""
    connection = await asyncpg.connect(dsn, server_settings=_server_settings(installation), command_timeout=30)
    await _prepare(connection)
    return connection


def sqlalchemy_url(dsn: str) -> str:
    """Give the DSN as SQLAlchemy's asyncpg dialect wants it."""
    parts = urlsplit(dsn)
    return urlunsplit(("postgresql+asyncpg", parts.netloc.replace(":@", "@"), parts.path, parts.query, "")).replace(
        "postgresql+asyncpg:/postgres", "postgresql+asyncpg:///postgres"
    )


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, installation: str) -> None:
    from alembic import command
    from sqlalchemy import text

    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"truce-migrate-{installation}"})
    connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{installation}"'))
    connection.execute(text(f'SET LOCAL search_path TO "{installation}"'))
    command.upgrade(_config(connection), "head")


async def migrate(dsn: str, installation: str) -> None:
    """Bring the installation's schema to the newest version; safe when several processes do it at once."""
    if not await _current(dsn, installation):
        from sqlalchemy.ext.asyncio import create_async_engine
        from sqlalchemy.pool import NullPool

        engine = create_async_engine(sqlalchemy_url(dsn), poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_upgrade, installation)
        finally:
            await engine.dispose()
    await ensure_days(dsn, installation)


async def _current(dsn: str, installation: str) -> bool:
    """Say whether the schema is at the newest migration (their files begin with their number)."""
    newest = max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    connection = await connect(dsn, installation)
    try:
        return bool(await connection.fetchval("SELECT version_num FROM alembic_version") == newest)
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()


async def ensure_days(dsn: str, installation: str, *, today: datetime | None = None) -> None:
    """Make the partitions of `seen_inputs` for the coming days and drop those older than 8 days."""
    connection = await connect(dsn, installation)
    try:
        await connection.execute(_DAYS)
    finally:
        await connection.close()


_DAYS = """
DO $$
DECLARE d date; old text;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('truce-days-' || current_schema()));
  FOR d IN SELECT generate_series(current_date - 8, current_date + 8, interval '1 day')::date LOOP
    EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF seen_inputs FOR VALUES FROM (%L) TO (%L)',
                   'seen_inputs_' || to_char(d, 'YYYYMMDD'), d, d + 1);
  END LOOP;
  FOR old IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
             JOIN pg_namespace n ON n.oid = p.relnamespace
             WHERE p.relname = 'seen_inputs' AND n.nspname = current_schema()
               AND c.relname < 'seen_inputs_' || to_char(current_date - 8, 'YYYYMMDD') LOOP
    EXECUTE format('DROP TABLE %I', old);
  END LOOP;
END $$
"""


def migrate_sync(dsn: str, installation: str) -> None:
    """The same for callers without a loop."""
    asyncio.run(migrate(dsn, installation))
