"""The versions of the playbook, kept for ever with who put them in force, when and how; and which one is in force."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sync.store.statement import Connection

ACTIVE = "active_playbook"

_UNWRITTEN = """
INSERT INTO dirty (lead_id, system, lane, rev, rung_at)
SELECT DISTINCT w.lead_id, w.system, 'bulk', l.rev, '-infinity'::timestamptz FROM would_write w JOIN leads l ON l.id = w.lead_id
WHERE l.survivor IS NULL ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
"""What observe mode kept back is planned anew under another version: it may be in write mode now."""
_IN_FORCE = "(SELECT value FROM meta WHERE key = 'active_playbook')"
_ENTRIES = f"SELECT version, checksum, author, at, how, moved, to_jsonb(version) = {_IN_FORCE} AS in_force FROM playbooks"


class Version(NamedTuple):
    """One version as it was stored."""

    version: int
    files: dict[str, bytes]
    checksum: str = ""


class Entry(NamedTuple):
    """One version in the log."""

    version: int
    checksum: str
    author: str
    at: datetime
    how: str
    """`start`, `apply`, `watch`, `rollback to v3` …"""
    moved: dict[str, Any] | None
    """What was said when it came: `moved` of `looked` open leads, `files` and `differences` that changed, and a `note` of who put it in force."""
    in_force: bool


class Overtaken(RuntimeError):
    """Another version came into force while this one was examined; the text says which."""


async def add(
    connection: Connection,
    files: Mapping[str, bytes],
    checksum: str,
    author: str,
    *,
    how: str = "start",
    moved: Mapping[str, Any] | None = None,
    expected: int | None = None,
) -> int:
    """Store a version and put it in force; the same content as the one in force stays that version. Gives its number.

    `expected` is the version that was in force when this one was examined: raises Overtaken when it is another one now.
    What was not written because of a mode is planned anew under the new version.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('truce-playbooks-' || current_schema()))")
        now = await connection.fetchrow(f"SELECT version, checksum, author FROM playbooks WHERE to_jsonb(version) = {_IN_FORCE}")
        if now is not None and now["checksum"] == checksum:
            return int(now["version"])
        if now is not None and expected is not None and now["version"] != expected:
            raise Overtaken(f"v{now['version']} of {now['author']} came into force meanwhile; look at the difference, and apply again.")
        texts = {name: content.decode() for name, content in files.items()}
        version = await connection.fetchval(
            "INSERT INTO playbooks (checksum, files, author, how, moved) VALUES ($1, $2, $3, $4, $5) RETURNING version",
            checksum,
            texts,
            author,
            how,
            None if moved is None else dict(moved),
        )
        await connection.execute(
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", ACTIVE, version
        )
        await connection.execute(_UNWRITTEN)
        return int(version)


async def active(connection: Connection) -> Version | None:
    """Give the version in force, None when there is none yet."""
    row = await connection.fetchrow(f"SELECT version, files, checksum FROM playbooks WHERE to_jsonb(version) = {_IN_FORCE}")
    return _version(row) if row else None


async def get(connection: Connection, version: int) -> Version | None:
    """Give one version, None when there is none of that number."""
    row = await connection.fetchrow("SELECT version, files, checksum FROM playbooks WHERE version = $1", version)
    return _version(row) if row else None


async def upto(connection: Connection, version: int) -> list[int]:
    """Number the versions up to this one, newest first."""
    return [
        row["version"] for row in await connection.fetch("SELECT version FROM playbooks WHERE version <= $1 ORDER BY version DESC", version)
    ]


async def history(connection: Connection, most: int = 50) -> list[Entry]:
    """Give the newest versions, newest first."""
    rows = await connection.fetch(f"{_ENTRIES} ORDER BY version DESC LIMIT $1", most)
    return [Entry(*row.values()) for row in rows]


async def entry(connection: Connection, version: int) -> Entry | None:
    """Give what is kept of one version, None when there is none of that number."""
    row = await connection.fetchrow(f"{_ENTRIES} WHERE version = $1", version)
    return Entry(*row.values()) if row else None


def _version(row: Any) -> Version:
    return Version(row["version"], {name: text.encode() for name, text in row["files"].items()}, row["checksum"])
