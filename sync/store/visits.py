"""Visits of companies of which no person is known: kept by domain, told to whom the account is. The time is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sync.store.statement import Connection, clean

KEPT = "90 days"
Told = Literal["owner", "list"]
"""`list`: the domain is nobody's account, or the account has no owner."""
WAITS = "waits"
"""The owner is told of it with the next digest."""
MOST = 5_000
_PUT = """
INSERT INTO visits (door, delivery, domain, company, at, pages, seconds, source) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (door, delivery) DO NOTHING
"""
_UNTOLD = """
SELECT * FROM visits WHERE told_at IS NULL AND ($1 OR told IS NULL) ORDER BY at, door, delivery LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_WAIT = """
UPDATE visits v SET told = $1 FROM unnest($2::text[], $3::text[]) w(door, delivery) WHERE v.door = w.door AND v.delivery = w.delivery
"""
_TOLD = """
UPDATE visits v SET told_at = $1, told = $2 FROM unnest($3::text[], $4::text[]) w(door, delivery)
WHERE v.door = w.door AND v.delivery = w.delivery
"""
_LAST = """
SELECT domain, max(told_at) AS at FROM visits WHERE domain = ANY($1::text[]) AND told = 'owner' GROUP BY domain
"""
_LIST = """
SELECT domain, (array_agg(company ORDER BY at DESC) FILTER (WHERE company <> ''))[1] AS company, count(*)::int AS visits, sum(pages)::bigint AS pages,
  sum(seconds) AS seconds, max(at) AS last, (array_agg(source ORDER BY at DESC) FILTER (WHERE source <> ''))[1] AS source
FROM visits WHERE at >= $1 AND ($2 OR told IS NULL OR told = 'list') GROUP BY domain ORDER BY max(at) DESC, domain
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit as it is kept."""

    door: str
    delivery: str
    domain: str
    company: str
    at: datetime
    pages: int | None
    seconds: float | None
    source: str


async def put(connection: Connection, visit: Visit) -> None:
    """Keep a visit, once by its delivery."""
    rest = (visit.at, visit.pages, visit.seconds, clean(visit.source))
    await connection.execute(_PUT, visit.door, visit.delivery, clean(visit.domain), clean(visit.company), *rest)


async def untold(connection: Connection, *, waiting: bool) -> list[Visit]:
    """Give and lock visits that nobody was told of, the oldest first; those that wait for the digest only if asked for."""
    rows = await connection.fetch(_UNTOLD, waiting, MOST)
    return [Visit(*(row[name] for name in Visit.__slots__)) for row in rows]


async def told(connection: Connection, some: Iterable[Visit], how: Told, now: datetime) -> None:
    """Note that visits were told to the owner, or put on the list."""
    rows = list(some)
    await connection.execute(_TOLD, now, how, [one.door for one in rows], [one.delivery for one in rows])


async def wait(connection: Connection, some: Iterable[Visit]) -> None:
    """Note that the owner is told of visits with the next digest."""
    rows = list(some)
    await connection.execute(_WAIT, WAITS, [one.door for one in rows], [one.delivery for one in rows])


async def last_told(connection: Connection, domains: Iterable[str]) -> dict[str, datetime]:
    """Give when the owner was told of a domain last."""
    return {row["domain"]: row["at"] for row in await connection.fetch(_LAST, sorted(domains))}


async def listed(connection: Connection, since: datetime, *, known: bool = False) -> Sequence[Any]:
    """Give the companies that visited since then, one row per domain, the last one first; those whose owner was told only if asked for."""
    rows: Sequence[Any] = await connection.fetch(_LIST, since, known)
    return rows


async def forget(connection: Connection, now: datetime) -> None:
    """Let old visits go."""
    await connection.execute(f"DELETE FROM visits WHERE at < $1::timestamptz - interval '{KEPT}'", now)
