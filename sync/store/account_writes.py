"""Accounts' records and copies that may have to be written: asked for by the batch that changed one, claimed by the writer, settled when told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.base import Scalar
from sync.lead.ledger import Entry, Kind
from sync.store.statement import Statement, columns

# How a row is asked for again: what was written is part of what is known now, so nothing holds it back any more.
ANEW = """rev = account_writes.rev + 1, attempts = 0,
  intent = CASE WHEN account_writes.intent ->> 'id' = ANY({settled}) THEN NULL ELSE account_writes.intent END,
  outcome = CASE WHEN account_writes.intent ->> 'id' = ANY({settled}) THEN NULL ELSE account_writes.outcome END,
  claimed_until = CASE WHEN account_writes.intent IS NULL OR account_writes.intent ->> 'id' = ANY({settled}) THEN NULL
    ELSE account_writes.claimed_until END"""
# Everything that shares a domain with what changed, before or now, or with what shares one: its record is due as well.
_ASK = f"""
INSERT INTO account_writes (ref, system)
SELECT w.ref, split_part(w.ref, ':', 1) FROM (
  WITH RECURSIVE d(one) AS (
    SELECT unnest($2::text[]) UNION SELECT unnest(domains) FROM accounts WHERE ref = ANY($1::text[])
    UNION SELECT unnest(a.domains) FROM d
      CROSS JOIN LATERAL (SELECT domains FROM accounts WHERE there AND domains @> ARRAY[d.one] OFFSET 0) a)
  SELECT unnest($1::text[]) AS ref
  UNION SELECT a.ref FROM d CROSS JOIN LATERAL (SELECT ref FROM accounts WHERE there AND domains @> ARRAY[d.one] OFFSET 0) a) w
ORDER BY w.ref
ON CONFLICT (ref, system) DO UPDATE SET {ANEW.format(settled="$3::text[]")}
"""
_CLAIM = """
UPDATE account_writes SET claimed_until = clock_timestamp() + make_interval(secs => $4)
WHERE system = $1 AND ref IN (
  SELECT ref FROM account_writes WHERE system = $1 AND about = $5 AND (told_rev < rev OR playbook < $2 OR again_at < clock_timestamp())
    AND coalesce(claimed_until, '-infinity') < clock_timestamp()
  LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING ref, rev, attempts, intent, outcome, refused, record
"""
# Again in one statement: neither paused since, nor is anything to be said otherwise.
_BEGIN = """
UPDATE account_writes a SET intent = w.intent, outcome = NULL, attempts = a.attempts + 1,
  claimed_until = clock_timestamp() + make_interval(secs => $6)
FROM unnest($2::text[], $3::bigint[], $4::jsonb[]) w(ref, rev, intent)
WHERE a.ref = w.ref AND a.rev = w.rev AND a.system = $1 AND a.intent IS NULL
  AND NOT EXISTS (SELECT 1 FROM pauses WHERE scope IN ('all', 'system:' || $1::text))
  AND (SELECT value FROM meta WHERE key = 'active_playbook') = to_jsonb($5::int)
RETURNING a.ref
"""
# What was asked for since is somebody else's by now, who may be writing it.
_QUIET = """
UPDATE account_writes a SET told_rev = w.rev, playbook = $6, claimed_until = NULL, refused = w.refused,
  again_at = clock_timestamp() + make_interval(secs => w.again)
FROM unnest($2::text[], $3::bigint[], $4::jsonb[], $5::float8[]) w(ref, rev, refused, again)
WHERE a.ref = w.ref AND a.system = $1 AND a.rev = w.rev AND a.intent IS NULL
"""
_RETRY = """
UPDATE account_writes SET rev = rev + 1, attempts = 0, claimed_until = NULL, refused = '{}' WHERE refused <> '{}' AND intent IS NULL RETURNING ref
"""
_UNDER_WAY = "SELECT ref, intent FROM account_writes WHERE ref = ANY($1::text[]) AND about = 'account' AND intent IS NOT NULL"
_END = """
UPDATE account_writes a SET outcome = w.outcome, refused = a.refused || w.refused, record = coalesce(w.record, a.record),
  intent = CASE WHEN w.outcome IS NULL AND w.known THEN NULL ELSE a.intent END,
  claimed_until = clock_timestamp() + make_interval(secs => w.wait)
FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::jsonb[], $5::bool[], $6::float8[], $7::text[])
  w(ref, intent, outcome, refused, known, wait, record)
WHERE a.ref = w.ref AND a.intent ->> 'id' = w.intent
"""


class Claimed(NamedTuple):
    """One account's record, or an opportunity that is copied, claimed for a while."""

    ref: str
    rev: int
    attempts: int
    intent: Mapping[str, Any] | None
    """A write without outcome, or whose outcome is no part of the account yet."""
    outcome: Mapping[str, Any] | None
    refused: Mapping[str, Scalar]
    record: str | None = None
    """An opportunity's copy, once there is one."""


class Ended(NamedTuple):
    """How a write ended: `outcome` is to become part of the account; without one it is over (`known`), or to be read back."""

    ref: str
    intent: str
    outcome: Mapping[str, Any] | None
    refused: Mapping[str, Scalar] = {}
    known: bool = True
    wait: float = 0.0
    """Seconds until it may be claimed again."""
    record: str | None = None
    """The copy that was made."""


def ask(entries: Sequence[Entry], settled: Iterable[str] = ()) -> Statement:
    """Ask for a look at these accounts and all that share a domain with one; `settled`: intents whose results are in them now."""
    domains = {domain for entry in entries for domain in entry.domains}
    return Statement(_ASK, (sorted(entry.ref for entry in entries), sorted(domains), sorted(settled)))


async def claim(pool: Any, system: str, playbook: int, most: int, seconds: float, about: Kind = "account") -> list[Claimed]:
    """Claim records that may show something else than they should, by what is agreed now; they come back unless they are settled by then."""
    return [Claimed(*row) for row in await pool.fetch(_CLAIM, system, playbook, most, seconds, about)]


async def begin(
    pool: Any, system: str, intents: Sequence[tuple[str, int, Mapping[str, Any]]], playbook: int, seconds: float
) -> frozenset[str]:
    """Keep (ref, rev, intent) before the call; gives the refs that may be told: nothing moved since they were looked at."""
    rows = await pool.fetch(_BEGIN, system, *columns(intents, 3), playbook, seconds)
    return frozenset(row["ref"] for row in rows)


async def quiet(pool: Any, system: str, rows: Sequence[tuple[str, int, Mapping[str, Scalar], float | None]], playbook: int) -> None:
    """Keep (ref, rev, what is refused still, seconds after which more may be known) of records that show what they should as far as they can."""
    if rows:
        await pool.execute(_QUIET, system, *columns(rows, 4), playbook)


async def under_way(pool: Any, refs: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Give the intents, by account's record, whose result is no part of the account yet."""
    return {row["ref"]: row["intent"] for row in await pool.fetch(_UNDER_WAY, sorted(refs))}


async def end(pool: Any, ended: Sequence[Ended]) -> None:
    """Keep how writes ended."""
    if ended:
        await pool.execute(_END, *columns(ended, 7))


async def retry(connection: Any) -> int:
    """Let what was refused be told once more; gives of how many records."""
    return len(await connection.fetch(_RETRY))
