"""The versions of the playbook, and which one is active."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sync.store.statement import Connection

ACTIVE = "active_playbook"


_UNWRITTEN = """
INSERT INTO dirty (lead_id, system, lane, rev, rung_at)
SELECT DISTINCT w.lead_id, w.system, 'bulk', l.rev, '-infinity'::timestamptz FROM would_write w JOIN leads l ON l.id = w.lead_id
WHERE l.survivor IS NULL ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
"""What observe mode kept back is planned anew under another version: it may be in write mode now."""


class Version(NamedTuple):
    """One version as it was stored."""

    version: int
    files: dict[str, bytes]


async def add(connection: Connection, files: Mapping[str, bytes], checksum: str, author: str) -> int:
    """Store a version and make it the active one; the same content as the active version's stays that version. Gives its number.

    What was not written because of a mode is planned anew under it.
    """
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('truce-playbooks-' || current_schema()))")
        same = await connection.fetchval(
            "SELECT version FROM playbooks JOIN meta ON key = $1 AND value = to_jsonb(version) WHERE checksum = $2", ACTIVE, checksum
        )
        if same is not None:
            return int(same)
        texts = {name: content.decode() for name, content in files.items()}
        version = await connection.fetchval(
            "INSERT INTO playbooks (checksum, files, author) VALUES ($1, $2, $3) RETURNING version", checksum, texts, author
        )
        await connection.execute(
            "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", ACTIVE, version
        )
        await connection.execute(_UNWRITTEN)
        return int(version)


async def get(connection: Connection, version: int) -> Version | None:
    """Give one version, None when there is none of that number."""
    row = await connection.fetchrow("SELECT version, files FROM playbooks WHERE version = $1", version)
    return _version(row["version"], row["files"]) if row else None


async def upto(connection: Connection, version: int) -> list[int]:
    """Number the versions up to this one, newest first."""
    return [
        row["version"] for row in await connection.fetch("SELECT version FROM playbooks WHERE version <= $1 ORDER BY version DESC", version)
    ]


def _version(version: int, files: Mapping[str, str]) -> Version:
    return Version(version, {name: text.encode() for name, text in files.items()})
