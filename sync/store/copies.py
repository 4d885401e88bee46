"""Opportunities that are copied to other systems: which are to be looked at, what their copies are, and who of their people is known there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Any

from sync.store.account_writes import ANEW
from sync.store.statement import Statement, columns

_ASK = f"""
INSERT INTO account_writes (ref, system, about)
SELECT DISTINCT w.ref, w.system, 'opportunity' FROM unnest($1::text[], $2::text[]) w(ref, system) ORDER BY w.ref, w.system
ON CONFLICT (ref, system) DO UPDATE SET {ANEW.format(settled="$3::text[]")}
"""
# What was there before a version of the playbook said that copies are made.
_SPREAD = """
INSERT INTO account_writes (ref, system, about)
SELECT ref, $1, 'opportunity' FROM opportunities WHERE there AND system = ANY($2::text[]) ORDER BY ref ON CONFLICT (ref, system) DO NOTHING
"""
_FOUND = """
UPDATE account_writes a SET record = w.record, claimed_until = statement_timestamp() + make_interval(secs => $4)
FROM unnest($2::text[], $3::text[]) w(ref, record) WHERE a.ref = w.ref AND a.system = $1
"""
_KNOWN = """
SELECT p.one, r.ref FROM unnest($3::text[]) p(one)
JOIN identities i ON i.kind = CASE WHEN p.one LIKE 'email:%' THEN 'email' ELSE 'ref' END
  AND i.key = CASE WHEN p.one LIKE 'email:%' THEN substr(p.one, 7) ELSE p.one END
CROSS JOIN LATERAL (
  SELECT ref FROM records WHERE lead_id = i.lead_id AND system = $1 AND object = $2 AND gone IS NULL ORDER BY seen_at DESC, ref LIMIT 1) r
"""

_PAGE = "SELECT ref, record FROM account_writes WHERE system = $1 AND about = 'opportunity' AND ref > $2 ORDER BY ref LIMIT 500"


def ask(pairs: Iterable[tuple[str, str]], settled: Iterable[str] = ()) -> Statement:
    """Ask for a look at (opportunity, system to which it is copied); `settled`: intents whose results are in the copy now."""
    return Statement(_ASK, (*columns(sorted(set(pairs)), 2), sorted(settled)))


async def spread(pool: Any, system: str, sales: Sequence[str]) -> None:
    """Ask for a look at every opportunity of these systems that was never copied to this one."""
    await pool.execute(_SPREAD, system, list(sales))


async def found(pool: Any, system: str, pairs: Mapping[str, str], wait: float) -> None:
    """Keep which records opportunities' copies are; they rest until these are known."""
    if pairs:
        await pool.execute(_FOUND, system, list(pairs), list(pairs.values()), wait)


async def stream(connection: Any, system: str) -> AsyncGenerator[dict[str, str | None], None]:
    """Give opportunities that are copied to a system, each with its copy as far as there is one, page by page in the order of their refs."""
    last = ""
    while rows := await connection.fetch(_PAGE, system, last):
        yield {row["ref"]: row["record"] for row in rows}
        last = rows[-1]["ref"]


async def people(pool: Any, system: str, object_: str, named: Iterable[str]) -> dict[str, str]:
    """Give the records of people in a system, by what an opportunity calls them."""
    rows = await pool.fetch(_KNOWN, system, object_, sorted(named))
    return {row["one"]: row["ref"] for row in rows}
