"""The few numbers of an installation: which incarnation of `changes`, which consumer group, which playbook."""

from __future__ import annotations

from typing import Any

from sync.store.statement import Connection


async def read(connection: Connection, key: str) -> Any:
    """Give a value, None when it was never set."""
    return await connection.fetchval("SELECT value FROM meta WHERE key = $1", key)


async def begin(connection: Connection, key: str, value: Any) -> Any:
    """Set a value if there is none yet; gives the one that stands."""
    await connection.execute("INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", key, value)
    return await read(connection, key)


async def change(connection: Connection, key: str, before: Any, after: Any) -> Any:
    """Set a value if it is still `before`; gives the one that stands."""
    await connection.execute("UPDATE meta SET value = $3 WHERE key = $1 AND value = $2", key, before, after)
    return await read(connection, key)


async def swap(connection: Connection, key: str, before: Any, after: Any) -> bool:
    """Set a value if it is still `before` (None: never set), and say whether it was; whoever else does so waits for the transaction's end."""
    sql = "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true"
    if before is not None:
        sql = "UPDATE meta SET value = $2 WHERE key = $1 AND value = $3 RETURNING true"
    return bool(await connection.fetchval(sql, key, after, *(() if before is None else (before,))))


async def drop(connection: Connection, key: str) -> None:
    """Let a value go."""
    await connection.execute("DELETE FROM meta WHERE key = $1", key)


async def put(connection: Connection, key: str, value: Any) -> None:
    """Set a value, whatever stood there."""
    await connection.execute(
        "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", key, value
    )
