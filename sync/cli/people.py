"""Commands about leads and what is set aside: explain, parked, replay, duplicates."""

from __future__ import annotations

import asyncio
import getpass
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from schemas import envelope
from schemas.command import Command
from schemas.keys import keyed, normal_email
from sync.sources.publisher import make_producer
from sync.store.connect import connect
from sync.store.parked import unpack_headers
from sync.topology import changes_name

_PARKED = """
SELECT p.id, p.kind, p.reason, p.code, p.system, p.ref, p.lead_id, p.field, p.parked_at, l.key
FROM parked p LEFT JOIN leads l ON l.id = p.lead_id WHERE p.settled_at IS NULL ORDER BY p.parked_at
"""


def whoami() -> str:
    """Name the person at the terminal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


async def lead_of(connection: Any, who: str, secret: bytes) -> dict[str, Any] | None:
    """Find a lead by WHO: e-mail, record ref, or lead id; follows to the survivor. None when there is none."""
    if "@" in who:
        ident = await connection.fetchval(
            "SELECT lead_id FROM identities WHERE kind = 'email' AND key = $1", keyed(secret, normal_email(who) or who)
        )
    elif ":" in who:
        ident = await connection.fetchval("SELECT lead_id FROM identities WHERE kind = 'ref' AND key = $1", who)
    else:
        try:
            ident = str(uuid.UUID(who))
        except ValueError:
            return None
    row = await connection.fetchrow("SELECT * FROM leads WHERE id::text = $1", str(ident))
    while row and row["survivor"]:
        row = await connection.fetchrow("SELECT * FROM leads WHERE id::text = $1", row["survivor"])
    return dict(row) if row else None


async def parked(connection: Any) -> list[dict[str, Any]]:
    """Give what is parked and not settled, oldest first."""
    return [dict(row) for row in await connection.fetch(_PARKED)]


async def send(bootstrap: str, installation: str, connection: Any, commands: Sequence[tuple[str, Command]]) -> None:
    """Put commands on `changes`, each with its lead's key; returns when Kafka has them."""
    row = await connection.fetchval("SELECT value FROM meta WHERE key = 'incarnation'")
    topic = changes_name(installation, int(row or 1))
    producer = await make_producer(bootstrap)
    try:
        for key, command in commands:
            message = envelope.new(f"truce.command.{command.name}", command, source="cli", ident=str(uuid.uuid4()), time=command.at)
            value, headers = envelope.write(message)
            await producer.send_and_wait(topic, value, key=key.encode(), headers=headers)
    finally:
        await producer.stop()


async def _resend(bootstrap: str, connection: Any, row: dict[str, Any]) -> None:
    """Put a parked message back on the topic that it came from, and settle it."""
    found = await connection.fetchrow("SELECT topic, key, body, headers FROM parked WHERE id = $1", row["id"])
    producer = await make_producer(bootstrap)
    try:
        headers = unpack_headers(found["headers"] or [])
        await producer.send_and_wait(found["topic"], found["body"], key=found["key"], headers=headers)
    finally:
        await producer.stop()
    await connection.execute("UPDATE parked SET settled_at = now(), settled_how = 'replayed' WHERE id = $1", row["id"])


async def replay(dsn: str, installation: str, bootstrap: str, only: Sequence[str] = ()) -> int:
    """Order everything parked (or only these ids) to be tried again from now; gives how many."""
    connection = await connect(dsn, installation)
    try:
        rows = [row for row in await parked(connection) if not only or row["id"] in only]
        orders = []
        for row in rows:
            if row["kind"] == "message":
                await _resend(bootstrap, connection, row)
            else:
                command = Command(name="replay", lead_id=row["lead_id"], parked_id=row["id"], by=whoami(), at=datetime.now(UTC))
                orders.append((row["key"] or row["id"], command))
        await send(bootstrap, installation, connection, orders)
        return len(rows)
    finally:
        await connection.close()


def replay_all(dsn: str, installation: str, bootstrap: str) -> int:
    """The same for callers without a loop."""
    return asyncio.run(replay(dsn, installation, bootstrap))
