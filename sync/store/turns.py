"""Pools under their locks, and every hand-off that was given to somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import fields
from typing import Any

import orjson

from sync.lead.basis import Basis, Standing
from sync.lead.caps import CLOSED, QUARTER_MS
from sync.lead.hours import DAY_MS
from sync.lead.state import from_ms
from sync.lead.turns import PoolState, Turn
from sync.store.statement import Connection, Statement, columns

_LOCK = "SELECT name, number, state FROM pools WHERE name = ANY($1::text[]) ORDER BY name FOR UPDATE"
_MAKE = "INSERT INTO pools (name) SELECT n FROM unnest($1::text[]) n ORDER BY n ON CONFLICT DO NOTHING"
_GIVEN = """
WITH given AS (
  SELECT owner AS name, owner, at FROM turns WHERE owner = ANY($1::text[]) AND at >= $2
  UNION ALL SELECT pool, owner, at FROM turns WHERE pool = ANY($1::text[]) AND at >= $2)
SELECT name, owner, floor(extract(epoch FROM at) / $3::int)::bigint AS quarter, count(*) AS given FROM given GROUP BY 1, 2, 3
"""
_OPEN = f"""
SELECT owner, count(*) AS open FROM leads
WHERE owner = ANY($1::text[]) AND in_scope AND survivor IS NULL AND coalesce(stage, '') NOT IN ({", ".join(f"'{stage}'" for stage in CLOSED)})
GROUP BY owner
"""
_KEEP = """
UPDATE pools SET number = w.number, state = w.state::json FROM unnest($1::text[], $2::bigint[], $3::text[]) w(name, number, state)
WHERE pools.name = w.name
"""
_WRITE = """
INSERT INTO turns (lead_id, at, owner, how, rule, playbook_version, passed_over, pool, number, member, by, eligible)
SELECT w.lead_id::uuid, to_timestamp(w.at / 1000.0), w.owner, w.how, w.rule, w.playbook_version, w.passed_over::json, w.pool, w.number, w.member,
  w.by, w.eligible::json
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[],
  $12::text[]) WITH ORDINALITY w(lead_id, at, owner, how, rule, playbook_version, passed_over, pool, number, member, by, eligible, n) ORDER BY w.n
"""
_STATE = tuple(f.name for f in fields(PoolState) if f.name != "number")


def _state(number: int, doc: Mapping[str, Any]) -> PoolState:
    return PoolState(number, **{name: doc[name] for name in _STATE if name in doc})


async def lock(connection: Connection, basis: Basis, now: int) -> Standing:
    """Lock pools and people with caps in one order for all workers, and say how they stand; `now` (ms): of the first message concerned.

    What is counted is read by statements of their own once the locks are held, so that they see what was committed under them before.
    """
    wanted = sorted(basis.locked)
    rows = await connection.fetch(_LOCK, wanted)
    if len(rows) < len(wanted):
        await connection.execute(_MAKE, sorted(set(wanted) - {row["name"] for row in rows}))
        rows = await connection.fetch(_LOCK, wanted)
    given: dict[str, dict[str, dict[int, int]]] = {name: {} for name in basis.counted}
    open_ = dict.fromkeys(basis.open, 0)
    if basis.counted:
        since = from_ms((now - basis.days * DAY_MS) // QUARTER_MS * QUARTER_MS)
        for row in await connection.fetch(_GIVEN, sorted(basis.counted), since, QUARTER_MS // 1000):
            given[row["name"]].setdefault(row["owner"], {})[row["quarter"]] = row["given"]
    if basis.open:
        open_ |= {row["owner"]: row["open"] for row in await connection.fetch(_OPEN, sorted(basis.open))}
    return Standing({row["name"]: _state(row["number"], row["state"]) for row in rows}, given, open_)


def keep(pools: Mapping[str, PoolState]) -> Statement:
    """Keep what pools remember; they are locked."""
    rows = [
        (name, pool.number, orjson.dumps({part: getattr(pool, part) for part in _STATE}).decode()) for name, pool in sorted(pools.items())
    ]
    return Statement(_KEEP, columns(rows, 3))


def write(turns: Iterable[Turn]) -> Statement:
    """Keep hand-offs, in order."""
    rows = [
        (
            *(t.lead_id, t.at, t.owner, t.how, t.rule, t.version, orjson.dumps(t.passed_over).decode()),
            *(t.pool, t.number, t.member, t.by, orjson.dumps(dict(t.eligible)).decode()),
        )
        for t in turns
    ]
    return Statement(_WRITE, columns(rows, 12))


_READ = """
SELECT lead_id::text AS lead_id, (extract(epoch FROM at) * 1000)::bigint AS at, owner, how, rule, playbook_version AS version, passed_over, pool, number,
  member, by, eligible
FROM turns WHERE pool IS NOT NULL AND ($1::text IS NULL OR pool = $1) ORDER BY pool, number
"""


async def read(connection: Connection, pool: str | None = None) -> AsyncIterator[Turn]:
    """Give every turn of all pools, or of one, by pool and number; a few at a time, however many there are."""
    async with connection.transaction():
        async for row in connection.cursor(_READ, pool, prefetch=1000):
            yield Turn(**{**row, "passed_over": tuple((who, why) for who, why in row["passed_over"])})
