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
# The domains of what changed, before and now, and of all that share one with it, and so on.
_DOMAINS = """WITH RECURSIVE d(one) AS (
    SELECT unnest($2::text[]) UNION SELECT unnest(domains) FROM accounts WHERE ref = ANY($1::text[])
    UNION SELECT unnest(a.domains) FROM d
      CROSS JOIN LATERAL (SELECT domains FROM accounts WHERE there AND domains @> ARRAY[d.one] OFFSET 0) a)"""
# What changed, and everything that has one of those domains.
_FIRMS = """SELECT unnest($1::text[]) AS ref
  UNION SELECT a.ref FROM d CROSS JOIN LATERAL (SELECT ref FROM accounts WHERE there AND domains @> ARRAY[d.one] OFFSET 0) a"""
# What two transactions enter at once neither of them sees: those of one domain go one after the other. A few locks are enough for all domains,
# taken in one order.
_ALONE = f"""
{_DOMAINS}
SELECT pg_advisory_xact_lock(k.key) FROM (
  SELECT DISTINCT hashtextextended(current_schema() || '/domain/' || abs(hashtext(one) % 64), 0) AS key FROM d ORDER BY key OFFSET 0) k
"""
# All of their records are due.
_ASK = f"""
INSERT INTO account_writes (ref, system)
SELECT w.ref, split_part(w.ref, ':', 1) FROM (
  {_DOMAINS}
  {_FIRMS}) w
ORDER BY w.ref
ON CONFLICT (ref, system) DO UPDATE SET {ANEW.format(settled="$3::text[]")}
"""
# Copies of the company's opportunities that wait, or are being looked at by what was known before.
_WAKE = f"""
{_DOMAINS},
firm AS (
  {_FIRMS}),
k AS (
  SELECT ref, system FROM account_writes WHERE about = 'opportunity' AND (again_at IS NOT NULL OR claimed_until IS NOT NULL) AND ref IN (
    SELECT o.ref FROM firm CROSS JOIN LATERAL (SELECT ref FROM opportunities WHERE there AND account_ref = firm.ref OFFSET 0) o)
  ORDER BY ref, system FOR UPDATE)
UPDATE account_writes SET {ANEW.format(settled="'{}'::text[]")} FROM k WHERE account_writes.ref = k.ref AND account_writes.system = k.system
"""
# The time of the statement, not of the row (`clock_timestamp()`): else no index knows where to stop, and every look reads every row.
# Until all accounts were read once nobody knows that a company has a second record somewhere: only what was begun before is gone on with.
_CLAIM = """
UPDATE account_writes SET claimed_until = statement_timestamp() + make_interval(secs => $4)
WHERE system = $1 AND ref IN (
  SELECT ref FROM account_writes WHERE system = $1 AND about = $5 AND (told_rev < rev OR playbook < $2 OR again_at < statement_timestamp())
    AND coalesce(claimed_until, '-infinity') < statement_timestamp()
    AND (intent IS NOT NULL OR NOT EXISTS (SELECT FROM unnest($6::text[]) s(name) WHERE NOT EXISTS (
      SELECT FROM cursors c WHERE c.system = s.name AND c.name = 'everything' AND c.done_at IS NOT NULL)))
  LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING ref, rev, attempts, intent, outcome, refused, record, flips, frozen
"""
# Again in one statement: neither paused since, nor is anything to be said otherwise.
_BEGIN = """
UPDATE account_writes a SET intent = w.intent, outcome = NULL, attempts = a.attempts + 1,
  claimed_until = statement_timestamp() + make_interval(secs => $6)
FROM unnest($2::text[], $3::bigint[], $4::jsonb[]) w(ref, rev, intent)
WHERE a.ref = w.ref AND a.rev = w.rev AND a.system = $1 AND a.intent IS NULL
  AND NOT EXISTS (SELECT 1 FROM pauses WHERE scope IN ('all', 'system:' || $1::text))
  AND (SELECT value FROM meta WHERE key = 'active_playbook') = to_jsonb($5::int)
RETURNING a.ref
"""
# What was asked for since is somebody else's by now, who may be writing it.
_QUIET = """
UPDATE account_writes a SET told_rev = w.rev, playbook = $7, claimed_until = NULL, refused = w.refused,
  again_at = statement_timestamp() + make_interval(secs => w.again), lacks = string_to_array(w.lacks, E'\\n')
FROM unnest($2::text[], $3::bigint[], $4::jsonb[], $5::float8[], $6::text[]) w(ref, rev, refused, again, lacks)
WHERE a.ref = w.ref AND a.system = $1 AND a.rev = w.rev AND a.intent IS NULL
"""
_RETRY = """
UPDATE account_writes SET rev = rev + 1, attempts = 0, claimed_until = NULL, refused = '{}' WHERE refused <> '{}' AND intent IS NULL RETURNING ref
"""
# What was left because somebody or something was not there is asked for again once it is: an active user, a field that can be written.
_REVIVE = f"""
UPDATE account_writes SET {ANEW.format(settled="'{}'::text[]")}, lacks = DEFAULT
WHERE system = $1 AND lacks <> '{{}}' AND (lacks && $2::text[] OR lacks && ARRAY(SELECT 'user:' || email FROM vendor_users WHERE system = $1 AND active))
"""
_THAW = """
UPDATE account_writes SET frozen = (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(frozen) WHERE value::bigint > $3)
WHERE system = $1 AND ref = ANY($2::text[])
"""
_UNDER_WAY = "SELECT ref, intent FROM account_writes WHERE ref = ANY($1::text[]) AND about = 'account' AND intent IS NOT NULL"
_END = """
UPDATE account_writes a SET outcome = w.outcome, refused = a.refused || w.refused, record = coalesce(w.record, a.record),
  flips = a.flips || w.flips, frozen = a.frozen || w.frozen,
  intent = CASE WHEN w.outcome IS NULL AND w.known THEN NULL ELSE a.intent END,
  claimed_until = statement_timestamp() + make_interval(secs => w.wait)
FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::jsonb[], $5::bool[], $6::float8[], $7::text[], $8::jsonb[], $9::jsonb[])
  w(ref, intent, outcome, refused, known, wait, record, flips, frozen)
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
    flips: Mapping[str, Sequence[int]] = {}
    """When fields were told lately (ms)."""
    frozen: Mapping[str, int] = {}
    """Until when fields are left alone that went to and fro too often (ms)."""


class Quiet(NamedTuple):
    """A record that shows what it should as far as it can."""

    ref: str
    rev: int
    refused: Mapping[str, Scalar] = {}
    """What is refused still."""
    again: float | None = None
    """Seconds after which more may be known, or may be told again."""
    lacks: Sequence[str] = ()
    """What must be there before the rest can be told, as `Left.lacks` says it."""


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
    flips: Mapping[str, Sequence[int]] = {}
    frozen: Mapping[str, int] = {}


def _firms(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.kind == "account"]


def _reach(entries: Sequence[Entry]) -> tuple[list[str], list[str]]:
    return sorted(entry.ref for entry in entries), sorted({domain for entry in entries for domain in entry.domains})


async def alone(connection: Any, entries: Iterable[Entry]) -> None:
    """Wait until nobody else enters accounts with domains of these; until the transaction ends nobody does."""
    if firms := _firms(entries):
        await connection.execute(_ALONE, *_reach(firms))


async def wake(connection: Any, entries: Iterable[Entry]) -> None:
    """Let copies that wait for the company of their opportunities be looked at, once accounts were entered that may be it."""
    if firms := _firms(entries):
        await connection.execute(_WAKE, *_reach(firms))


def ask(entries: Sequence[Entry], settled: Iterable[str] = ()) -> Statement:
    """Ask for a look at these accounts and all that share a domain with one; `settled`: intents whose results are in them now."""
    return Statement(_ASK, (*_reach(entries), sorted(settled)))


async def claim(
    pool: Any, system: str, playbook: int, most: int, seconds: float, about: Kind = "account", reads: Iterable[str] = ()
) -> list[Claimed]:
    """Claim records that may show something else than they should, by what is agreed now; they come back unless they are settled by then.

    Only those whose write was begun, until these systems were read in full (`reads`).
    """
    return [Claimed(*row) for row in await pool.fetch(_CLAIM, system, playbook, most, seconds, about, sorted(reads))]


async def begin(
    pool: Any, system: str, intents: Sequence[tuple[str, int, Mapping[str, Any]]], playbook: int, seconds: float
) -> frozenset[str]:
    """Keep (ref, rev, intent) before the call; gives the refs that may be told: nothing moved since they were looked at."""
    rows = await pool.fetch(_BEGIN, system, *columns(intents, 3), playbook, seconds)
    return frozenset(row["ref"] for row in rows)


async def quiet(pool: Any, system: str, rows: Sequence[Quiet], playbook: int) -> None:
    """Be done with records until something happens."""
    if rows:
        kept = [row._replace(lacks="\n".join(row.lacks)) for row in rows]
        await pool.execute(_QUIET, system, *columns(kept, 5), playbook)


async def thaw(pool: Any, system: str, refs: Sequence[str], now: int) -> None:
    """Let fields be told again that were left alone until now (ms)."""
    if refs:
        await pool.execute(_THAW, system, list(refs), now)


async def revive(pool: Any, system: str, writable: Iterable[str]) -> None:
    """Ask again for what was left because an owner was no user there who is one now, or a field that can be written now (`field:OBJECT.NAME`)."""
    await pool.execute(_REVIVE, system, sorted(writable))


async def under_way(pool: Any, refs: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Give the intents, by account's record, whose result is no part of the account yet."""
    return {row["ref"]: row["intent"] for row in await pool.fetch(_UNDER_WAY, sorted(refs))}


async def end(pool: Any, ended: Sequence[Ended]) -> None:
    """Keep how writes ended."""
    if ended:
        await pool.execute(_END, *columns(ended, 9))


async def retry(connection: Any) -> int:
    """Let what was refused be told once more; gives of how many records."""
    return len(await connection.fetch(_RETRY))
