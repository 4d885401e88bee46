"""Commands about leads and what is set aside: explain, parked, replay, duplicates."""

from __future__ import annotations

import asyncio
import getpass
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from schemas import envelope
from schemas.command import Command
from schemas.envelope import Envelope
from sync.playbook.loader import load_files
from sync.playbook.models import Playbook
from sync.runtime.producer import make_producer
from sync.store import account_writes, find, meta, playbooks
from sync.store.connect import connect
from sync.store.parked import unpack_headers
from sync.topology import changes_name

lead_of = find.lead_of
_PARKED = """
SELECT p.id, p.kind, p.reason, p.code, p.system, p.ref, p.lead_id, p.field, p.value, p.parked_at, l.key
FROM parked p LEFT JOIN leads l ON l.id = p.lead_id WHERE p.settled_at IS NULL ORDER BY p.parked_at
"""


def whoami() -> str:
    """Name the person at the terminal."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@dataclass(frozen=True)
class Around:
    """What stands around a lead: people's names by e-mail, open questions, problems, what is to be written, what is paused."""

    names: dict[str, str] = field(default_factory=dict)
    duplicates: list[dict[str, Any]] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    dirty: list[str] = field(default_factory=list)
    pauses: list[dict[str, Any]] = field(default_factory=list)
    would: list[dict[str, Any]] = field(default_factory=list)
    playbook: Playbook | None = None
    account: dict[str, Any] = field(default_factory=dict)
    """The lead's account as it is known now: its ref, why it is this one, and what conditions see of it."""


async def around(connection: Any, lead: Mapping[str, Any]) -> Around:
    """Look up what stands around a lead."""
    ident = str(lead["id"])

    async def rows(statement: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await connection.fetch(statement, *values)]

    names = await rows("SELECT DISTINCT ON (email) email, name FROM vendor_users WHERE name <> '' ORDER BY email, active DESC, system")
    open_problems = "SELECT kind, text, opened_at FROM problems WHERE closed_at IS NULL AND (lead_id::text = $1 OR ($2 AND kind = 'held'))"
    return Around(
        {row["email"]: row["name"] for row in names},
        await duplicates(connection, ident),
        await rows(f"{open_problems} ORDER BY id", ident, bool(lead["held"])),
        [row["system"] for row in await rows("SELECT system FROM dirty WHERE lead_id::text = $1 ORDER BY system", ident)],
        await rows("SELECT scope, reason, by FROM pauses ORDER BY scope"),
        await rows("SELECT system, record_id, field, before, after FROM would_write WHERE lead_id::text = $1 ORDER BY 1, 2, 3", ident),
        await in_force(connection),
    )


_DUPLICATES = """
SELECT id, ref, leads, reason, opened_at FROM duplicates
WHERE settled_at IS NULL AND ($1::text IS NULL OR leads @> to_jsonb($1::text)) ORDER BY opened_at
"""


async def duplicates(connection: Any, lead_id: str | None = None) -> list[dict[str, Any]]:
    """Give the open questions (of one lead), oldest first, each with the people whom it names."""
    rows = [dict(row) for row in await connection.fetch(_DUPLICATES, lead_id)]
    people = await known(connection, (one for row in rows for one in row["leads"]))
    for row in rows:
        row["people"] = [people[one] for one in row["leads"] if one in people]
    return rows


async def known(connection: Any, leads: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Give of these leads that there are who they are, for a person at the terminal."""
    found = await connection.fetch("SELECT id::text AS id, doc FROM leads WHERE id::text = ANY($1::text[])", sorted(set(leads)))
    return {row["id"]: _person(row["id"], row["doc"]) for row in found}


def _person(ident: str, doc: Mapping[str, Any]) -> dict[str, Any]:
    desired = {name: held.get("value") for name, held in doc["desired"].items()}
    name = " ".join(str(desired[part]) for part in ("first_name", "last_name") if desired.get(part))
    refs = sorted(ref for ref, record in doc["records"].items() if not record["gone"])
    return {"lead_id": ident, "name": name, "email": desired.get("email") or "", "refs": refs}


async def in_force(connection: Any) -> Playbook | None:
    """Give the playbook in force, compiled; None when there is none yet."""
    kept = await playbooks.active(connection)
    return load_files(kept.files, kept.version) if kept else None


async def parked(connection: Any) -> list[dict[str, Any]]:
    """Give what is parked and not settled, oldest first."""
    return [dict(row) for row in await connection.fetch(_PARKED)]


async def incarnation(connection: Any) -> int:
    """Give the number of the `changes` that is read now."""
    return int(await meta.read(connection, "incarnation") or 1)


async def _changes(connection: Any, installation: str) -> str:
    return changes_name(installation, await incarnation(connection))


async def send(bootstrap: str, installation: str, connection: Any, commands: Sequence[tuple[str, Command]]) -> None:
    """Put commands on `changes`, each with its lead's key; returns when Kafka has them."""
    messages = [
        (key, envelope.new(f"truce.command.{command.name}", command, source="cli", ident=str(uuid.uuid4()), time=command.at))
        for key, command in commands
    ]
    await publish(bootstrap, installation, connection, messages)


async def publish(bootstrap: str, installation: str, connection: Any, messages: Sequence[tuple[str, Envelope]]) -> None:
    """Put messages on `changes`, each with its key; returns when Kafka has them."""
    topic = await _changes(connection, installation)
    producer = await make_producer(bootstrap)
    try:
        sent = []
        for key, message in messages:
            value, headers = envelope.write(message)
            sent.append(await producer.send(topic, value, key=key.encode(), headers=headers))
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def _resend(bootstrap: str, installation: str, connection: Any, row: dict[str, Any]) -> None:
    """Put a parked message back on the topic that it came from (of `changes`: on the incarnation that is read now), and settle it."""
    found = await connection.fetchrow("SELECT topic, key, body, headers FROM parked WHERE id = $1", row["id"])
    of_changes = found["topic"].startswith(changes_name(installation, 1)[:-1])
    topic = await _changes(connection, installation) if of_changes else found["topic"]
    producer = await make_producer(bootstrap)
    try:
        headers = unpack_headers(found["headers"] or [])
        await producer.send_and_wait(topic, found["body"], key=found["key"], headers=headers)
    finally:
        await producer.stop()
    await connection.execute("UPDATE parked SET settled_at = now(), settled_how = 'replayed' WHERE id = $1", row["id"])


async def replay(dsn: str, installation: str, bootstrap: str, only: Sequence[str] = ()) -> int:
    """Order everything parked, and what accounts' records refused (or only these ids), to be tried again from now; gives how many."""
    connection = await connect(dsn, installation)
    try:
        rows = [row for row in await parked(connection) if not only or row["id"] in only]
        orders = []
        for row in rows:
            if row["kind"] == "message":
                await _resend(bootstrap, installation, connection, row)
            else:
                command = Command(name="replay", lead_id=row["lead_id"], parked_id=row["id"], by=whoami(), at=datetime.now(UTC))
                orders.append((row["key"] or row["id"], command))
        await send(bootstrap, installation, connection, orders)
        return len(rows) + (0 if only else await account_writes.retry(connection))
    finally:
        await connection.close()


def replay_all(dsn: str, installation: str, bootstrap: str) -> int:
    """The same for callers without a loop."""
    return asyncio.run(replay(dsn, installation, bootstrap))
