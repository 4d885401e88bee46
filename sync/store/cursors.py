"""How far each system was read, and who is allowed to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

READ_SINCE = "read_since"
BACKFILL = "backfill"
"""The name of what notes how far a person's own first read came: as long as it stands, no source does it by itself."""
SWEEP = "sweep"
"""The name of what notes when a sweep came to its end."""
ACCOUNTS = "accounts"
"""The name of what notes that a first read came to its people: all accounts were told before."""
PROGRESS_S = 60.0
"""A first read that got no further for so long is not waited for."""
READ = "read:"
"""How the name begins of what notes that an object was read in full; its cursor names the fields, one a line."""


FIRST = "first:"
"""How the name begins of the lease of whoever reads all of a system for the first time."""
READING = f"""ARRAY(
  SELECT substr(name, {len(FIRST) + 1}) FROM leases l WHERE name LIKE '{FIRST}%' AND until > now() AND NOT EXISTS (
    SELECT FROM cursors c WHERE c.name = 'everything' AND c.done_at IS NOT NULL AND '{FIRST}' || c.system = l.name) ORDER BY 1)"""
"""SQL: the systems that somebody reads for the first time at this moment."""


class Cursor(NamedTuple):
    """Where to go on, and when the read that it belongs to first came to its end."""

    cursor: str
    done_at: datetime | None


async def get(pool: Any, system: str, name: str) -> Cursor | None:
    """Give the cursor of a system's `changes` or `everything`, None before the first."""
    row = await pool.fetchrow("SELECT cursor, done_at FROM cursors WHERE system = $1 AND name = $2", system, name)
    return Cursor(row["cursor"], row["done_at"]) if row else None


async def put(pool: Any, system: str, name: str, cursor: str, *, done: bool = False) -> None:
    """Store a cursor; call it only when Kafka has everything before it. `done` notes the first time that its read ended."""
    await pool.execute(
        """INSERT INTO cursors (system, name, cursor, done_at) VALUES ($1, $2, $3, CASE WHEN $4 THEN now() END)
           ON CONFLICT (system, name) DO UPDATE SET cursor = $3, changed_at = now(),
             done_at = coalesce(cursors.done_at, CASE WHEN $4 THEN now() END)""",
        system,
        name,
        cursor,
        done,
    )


async def drop(pool: Any, system: str, name: str) -> None:
    """Forget a cursor."""
    await pool.execute("DELETE FROM cursors WHERE system = $1 AND name = $2", system, name)


def people(text: str) -> tuple[int, int]:
    """Give how many people stand before the place of a `backfill`, and how many were told."""
    before, told = text.split()
    return int(before), int(told)


async def sweep_due(pool: Any, system: str, seconds: float) -> bool:
    """Say whether its first full read is done, and all of it was read last so long ago, by whichever process."""
    return bool(
        await pool.fetchval(
            """SELECT greatest(e.done_at, s.changed_at) <= now() - make_interval(secs => $3) FROM cursors e
               LEFT JOIN cursors s ON s.system = e.system AND s.name = $2 WHERE e.system = $1 AND e.name = 'everything' AND e.done_at IS NOT NULL""",
            system,
            SWEEP,
            seconds,
        )
    )


async def begun(pool: Any) -> dict[str, int]:
    """Give system → people told, of each first read that a person began and did not end."""
    rows = await pool.fetch("SELECT system, cursor FROM cursors WHERE name = $1 ORDER BY system", BACKFILL)
    return {row["system"]: people(row["cursor"])[1] for row in rows}


async def note_seen(pool: Any, system: str, until: datetime) -> None:
    """Note that what changed in a system before a moment stands on `changes` by now."""
    await pool.execute("UPDATE cursors SET seen_until = greatest(seen_until, $2) WHERE system = $1 AND name = 'changes'", system, until)


async def seen(pool: Any) -> dict[str, datetime]:
    """Give until when what changed in each system stands on `changes`."""
    rows = await pool.fetch("SELECT system, seen_until FROM cursors WHERE name = 'changes' AND seen_until IS NOT NULL")
    return {row["system"]: row["seen_until"] for row in rows}


async def read_fully(pool: Any) -> frozenset[str]:
    """Name the systems whose first full read is done."""
    return frozenset(await read_at(pool))


async def read_at(pool: Any) -> dict[str, datetime]:
    """Give when each system's first full read was done."""
    return {
        row["system"]: row["done_at"]
        for row in await pool.fetch("SELECT system, done_at FROM cursors WHERE name = 'everything' AND done_at IS NOT NULL")
    }


async def announce(pool: Any, systems: Sequence[str]) -> None:
    """Note that these systems are about to be read for the first time, where none of it is done and no person does it."""
    await pool.execute(
        """INSERT INTO cursors (system, name, cursor) SELECT s, 'everything', '' FROM unnest($1::text[]) s
           WHERE NOT EXISTS (SELECT FROM cursors WHERE system = s AND name = $2)
           ON CONFLICT (system, name) DO UPDATE SET changed_at = now() WHERE cursors.done_at IS NULL""",
        list(systems),
        BACKFILL,
    )


async def accounts_left(pool: Any, systems: Sequence[str]) -> list[str]:
    """Name those of these systems whose first read has begun, goes on, and did not come to its people yet."""
    rows = await pool.fetch(
        """SELECT DISTINCT c.system FROM cursors c
           WHERE c.system = ANY($1) AND c.name = ANY($2) AND c.changed_at > now() - make_interval(secs => $4)
             AND NOT EXISTS (SELECT FROM cursors d WHERE d.system = c.system AND d.name = ANY($3) AND d.done_at IS NOT NULL)
           ORDER BY c.system""",
        list(systems),
        ["everything", BACKFILL],
        ["everything", ACCOUNTS],
        PROGRESS_S,
    )
    return [row["system"] for row in rows]


async def mark_read(pool: Any, system: str, wanted: Mapping[str, Sequence[str]]) -> None:
    """Note that all records of these objects were read once, with which fields."""
    for name, fields in wanted.items():
        await put(pool, system, f"{READ}{name}", "\n".join(sorted(fields)), done=True)


async def read_objects(pool: Any, system: str, person: str) -> dict[str, frozenset[str]]:
    """Give the objects that were read in full, each with the fields that it was read with, none where that is not noted.

    Where nothing is noted, it was done when people alone were read.
    """
    rows = await pool.fetch("SELECT name, cursor FROM cursors WHERE system = $1 AND name LIKE $2", system, f"{READ}%")
    return {row["name"].removeprefix(READ): frozenset(row["cursor"].split("\n")) - {""} for row in rows} or {person: frozenset()}


def first_read(system: str) -> str:
    """Name the lease of whoever reads all of a system for the first time."""
    return f"{FIRST}{system}"


async def hold_lease(pool: Any, name: str, holder: str, seconds: float) -> bool:
    """Take or keep a lease for so long; False while somebody else has it."""
    row = await pool.fetchrow(
        """INSERT INTO leases (name, holder, until) VALUES ($1, $2, now() + make_interval(secs => $3))
           ON CONFLICT (name) DO UPDATE SET holder = $2, until = now() + make_interval(secs => $3)
             WHERE leases.holder = $2 OR leases.until < now()
           RETURNING holder""",
        name,
        holder,
        seconds,
    )
    return row is not None


async def drop_lease(pool: Any, name: str, holder: str) -> None:
    """Give a lease back."""
    await pool.execute("DELETE FROM leases WHERE name = $1 AND holder = $2", name, holder)


class StillHeld(RuntimeError):
    """Somebody still reads a system; the text says which."""


async def begin_anew(pool: Any, *, lost: timedelta) -> None:
    """Order every system to be read in full again, and what changed in the time that was `lost` once more; raises StillHeld while one is read."""
    held = [row["name"] for row in await pool.fetch("SELECT name FROM leases WHERE until > now() ORDER BY name")]
    if held:
        raise StillHeld(
            f"{', '.join(held)} is still running: stop every source, writer and worker first (a killed one is let go after 10 s)."
        )
    await pool.execute("UPDATE cursors SET cursor = '', done_at = NULL, changed_at = now() WHERE name = 'everything'")
    await pool.execute("DELETE FROM cursors WHERE name IN ('changes', $2) OR name LIKE $1", f"{BACKFILL}%", ACCOUNTS)
    since = datetime.now(UTC) - lost
    await pool.execute(
        "INSERT INTO meta (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        READ_SINCE,
        since.isoformat(),
    )


async def read_since(pool: Any) -> datetime | None:
    """Give from when on changes are to be read where no cursor stands, if a new incarnation ordered it."""
    found = await pool.fetchval("SELECT value FROM meta WHERE key = $1", READ_SINCE)
    return datetime.fromisoformat(found) if found else None
