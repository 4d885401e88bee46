"""What stands in a store that may not be there: the version in force, and whom the systems know. Never hangs and never fails."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sync.cli import place
from sync.settings import Settings

PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Standing:
    """The version in force, its checksum, and system → e-mails of its active users."""

    version: int | None = None
    checksum: str = ""
    users: dict[str, frozenset[str]] | None = None


def standing(settings: Settings, patience_s: float = PATIENCE_S) -> Standing:
    """Look into the store if it answers in time; an empty answer otherwise.

    In a thread that may be left behind: a name that no server resolves can be waited for in no other way.
    """
    found: list[Standing] = []

    def look() -> None:
        try:
            with place.find(settings, start=False) as here:
                if _answers(here.dsn, patience_s):
                    import asyncio

                    found.append(asyncio.run(asyncio.wait_for(_read(here), patience_s)))
        except Exception:  # whatever is wrong with the store, the files can be checked
            return

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    thread.join(2 * patience_s)
    return found[0] if found else Standing()


def _answers(dsn: str, patience_s: float) -> bool:
    parts = urlsplit(dsn)
    folder = parse_qs(parts.query).get("host", [""])[0] or unquote(parts.hostname or "")
    port = parts.port or 5432
    if folder.startswith("/"):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(patience_s)
            line.connect(f"{folder}/.s.PGSQL.{port}")
    else:
        socket.create_connection((folder or "localhost", port), timeout=patience_s).close()
    return True


async def _read(here: place.Place) -> Standing:
    from sync.store import users  # the store only where one answers
    from sync.store.connect import connect
    from sync.store.playbooks import ACTIVE

    connection: Any = await connect(here.dsn, here.installation)
    try:
        row = await connection.fetchrow(
            "SELECT version, checksum FROM playbooks JOIN meta ON key = $1 AND value = to_jsonb(version)", ACTIVE
        )
        known = await users.every(connection)
    finally:
        await connection.close()
    active = {system: frozenset(one.email for one in some.values() if one.active) for system, some in known.items()}
    return Standing(row["version"], row["checksum"], active) if row else Standing(users=active)
