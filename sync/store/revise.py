"""Makes a migration from what `tables.py` has and the newest migration has not: `python -m sync.store.revise DSN "what changed"`."""

from __future__ import annotations

import asyncio
import sys

from alembic import command
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from sync.store.connect import _config, _upgrade, sqlalchemy_url


def _revise(connection: Connection, message: str) -> None:
    _upgrade(connection, "revise")
    connection.execute(text("SET search_path TO revise"))
    command.revision(_config(connection), message=message, autogenerate=True)
    connection.execute(text("DROP SCHEMA revise CASCADE"))


async def main(dsn: str, message: str) -> None:
    """Write the migration file into `migrations/versions`."""
    engine = create_async_engine(sqlalchemy_url(dsn))
    async with engine.begin() as connection:
        await connection.run_sync(_revise, message)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
