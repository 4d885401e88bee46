"""Accounts and opportunities: entered by the batch that decided them, looked up by the batches that decide leads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any

import orjson

from schemas.base import Ref
from sync.lead.account import SAME_NAME
from sync.lead.asking import asked
from sync.lead.ledger import BLANK, BLOCK, Asked, Entry, Kind, Ledger, Shown
from sync.lead.naming import alike
from sync.lead.state import Lead
from sync.playbook.models import Playbook
from sync.store import account_writes
from sync.store.statement import Connection, Statement, columns

_LOOK = """
WITH RECURSIVE roles AS MATERIALIZED (
  SELECT o.ref, o.account_ref FROM unnest($3::text[]) p(one)
    CROSS JOIN LATERAL (SELECT ref, account_ref FROM opportunities WHERE there AND people @> ARRAY[p.one] OFFSET 0) o
  UNION SELECT ref, account_ref FROM opportunities WHERE ref = ANY($1::text[])),
hit AS (
  SELECT unnest($1::text[]) AS ref UNION SELECT account_ref FROM roles
  UNION SELECT a.ref FROM unnest($2::text[]) d(one)
    CROSS JOIN LATERAL (SELECT ref FROM accounts WHERE there AND domains @> ARRAY[d.one] OFFSET 0) a),
family(ref, became) AS (
  SELECT a.ref, a.became FROM hit CROSS JOIN LATERAL (SELECT ref, became FROM accounts WHERE ref = hit.ref OFFSET 0) a
  UNION SELECT a.ref, a.became FROM family f CROSS JOIN LATERAL (
    SELECT ref, became FROM accounts WHERE ref = f.became UNION ALL SELECT ref, became FROM accounts WHERE became = f.ref) a),
kept AS MATERIALIZED (
  SELECT a.* FROM (SELECT DISTINCT ref FROM family) f CROSS JOIN LATERAL (SELECT * FROM accounts WHERE ref = f.ref OFFSET 0) a),
twins AS MATERIALIZED (
  SELECT DISTINCT ON (t.ref) t.* FROM (SELECT DISTINCT unnest(domains) AS one FROM kept) d
    CROSS JOIN LATERAL (SELECT * FROM accounts WHERE there AND domains @> ARRAY[d.one] OFFSET 0) t
  WHERE NOT t.ref IN (SELECT ref FROM kept)),
company AS MATERIALIZED (SELECT * FROM kept UNION ALL SELECT * FROM twins),
deals AS (
  SELECT ref FROM roles UNION SELECT o.ref FROM company c
    CROSS JOIN LATERAL (SELECT ref FROM opportunities WHERE there AND account_ref = c.ref AND outcome <> 'lost' OFFSET 0) o)
SELECT 'account' AS kind, ref, fields, (extract(epoch FROM at) * 1000)::bigint AS at, gone,
  (extract(epoch FROM gone_at) * 1000)::bigint AS gone_at, became, 'open' AS outcome FROM company
UNION ALL SELECT 'opportunity', o.ref, fields, (extract(epoch FROM at) * 1000)::bigint, gone,
  (extract(epoch FROM gone_at) * 1000)::bigint, became, outcome
FROM deals CROSS JOIN LATERAL (SELECT * FROM opportunities WHERE ref = deals.ref OFFSET 0) o
"""
_SOLID = "replace(name_key, ' ', '')"
_NAMES = f"""
WITH w AS MATERIALIZED (SELECT key, replace(key, ' ', '') AS solid FROM unnest($1::text[]) k(key)),
same AS MATERIALIZED (
  SELECT w.key, a.ref, a.name_key FROM w CROSS JOIN LATERAL (
    SELECT ref, name_key FROM accounts WHERE there AND left({_SOLID}, {BLOCK}) = left(w.solid, {BLOCK}) AND {_SOLID} = w.solid OFFSET 0) a)
SELECT * FROM same UNION ALL SELECT w.key, a.ref, a.name_key FROM w CROSS JOIN LATERAL (
  SELECT ref, name_key FROM accounts WHERE there AND left({_SOLID}, {BLOCK}) = left(w.solid, {BLOCK})
    AND length({_SOLID}) BETWEEN length(w.solid) * 0.8 AND length(w.solid) * 1.25
  ORDER BY abs(length({_SOLID}) - length(w.solid)), ref LIMIT 200) a
WHERE length(w.solid) >= {BLOCK} AND NOT w.key IN (SELECT key FROM same)
"""
"""The same name, spaces apart; where there is none, names that begin alike and have nearly the same length."""
_PUT = """
INSERT INTO {table} (ref, system, object, owner, fields, at, there, gone, gone_at, became, {more})
SELECT w.ref, w.system, w.object, w.owner, w.fields::jsonb, to_timestamp(w.at / 1000.0), w.there, w.gone, to_timestamp(w.gone_at / 1000.0),
  w.became, {given}
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::bool[], $8::text[], $9::bigint[], $10::text[], {types})
  w(ref, system, object, owner, fields, at, there, gone, gone_at, became, {more})
ON CONFLICT (ref) DO UPDATE SET owner = excluded.owner, fields = excluded.fields, at = excluded.at, there = excluded.there,
  gone = excluded.gone, gone_at = excluded.gone_at, became = excluded.became, {sets}
"""
_ACCOUNTS = _PUT.format(
    table="accounts",
    more="domains, name, name_key",
    given="string_to_array(w.domains, ' '), w.name, w.name_key",
    types="$11::text[], $12::text[], $13::text[]",
    sets="domains = excluded.domains, name = excluded.name, name_key = excluded.name_key",
)
_OPPORTUNITIES = _PUT.format(
    table="opportunities",
    more="account_ref, people, stage, outcome, amount",
    given="w.account_ref, string_to_array(w.people, ' '), w.stage, w.outcome, w.amount",
    types="$11::text[], $12::text[], $13::text[], $14::text[], $15::float8[]",
    sets="account_ref = excluded.account_ref, people = excluded.people, stage = excluded.stage, outcome = excluded.outcome, amount = excluded.amount",
)

PAGE = 500


async def look(connection: Connection, asked: Asked) -> Ledger:
    """Look up every account and opportunity that may matter (of lost ones only those that are named), by name what no domain finds."""
    found = Ledger(await _rows(connection, asked.refs, asked.domains, asked.people))
    names = {key for key, domains in asked.names if not any(found.with_domain(domain) for domain in domains)}
    if names:
        rows = await connection.fetch(_NAMES, sorted(names))
        refs = {row["ref"] for row in rows if alike(row["key"], row["name_key"]) >= SAME_NAME} - found.entries.keys()
        for entry in await _rows(connection, refs) if refs else ():
            found.put(entry)
    return found


async def companies(connection: Connection, refs: frozenset[str]) -> Ledger:
    """Look up accounts with all that share a domain with them, or with one of those: who has one domain alone leads no further."""
    domains = frozenset[str]()
    while True:
        found = await look(connection, Asked(refs, domains))
        several = [one.domains for one in found.entries.values() if one.kind == "account" and one.there and len(one.domains) > 1]
        if (more := domains.union(*several)) == domains:
            return found
        domains = more


async def stream(connection: Connection) -> AsyncGenerator[tuple[list[str], Ledger], None]:
    """Give the accounts that are there, page by page in the order of their refs, each page with all that share a domain with one of it."""
    last = ""
    while rows := await connection.fetch("SELECT ref FROM accounts WHERE there AND ref > $1 ORDER BY ref LIMIT $2", last, PAGE):
        refs = [row["ref"] for row in rows]
        yield refs, await companies(connection, frozenset(refs))
        last = refs[-1]


async def _rows(connection: Connection, refs: Iterable[str], domains: Iterable[str] = (), people: Iterable[str] = ()) -> list[Entry]:
    return [_entry(row) for row in await connection.fetch(_LOOK, sorted(refs), sorted(domains), sorted(people))]


async def known(connection: Connection, leads: Iterable[Lead], playbook: Playbook, secret: bytes) -> Ledger:
    """Look up what these leads' decisions would see: for commands, which judge outside a batch."""
    wanted = asked((), leads, playbook, secret)
    return Ledger() if wanted is None else await look(connection, wanted)


def _entry(row: Any) -> Entry:
    fields = {name: Shown(*shown[:2]) for name, shown in row["fields"].items()}
    acts = {name: Shown(shown[0], shown[-1]) for name, shown in row["fields"].items() if len(shown) > 2 or shown[0] not in BLANK}
    gone_at = -1 if row["gone_at"] is None else row["gone_at"]
    return Entry(row["kind"], row["ref"], fields, row["at"], row["gone"], gone_at, row["became"], row["outcome"], acts)


def _common(entry: Entry) -> tuple[object, ...]:
    ref = Ref.parse(entry.ref)
    fields = orjson.dumps({name: [*shown, *_act(entry, name)] for name, shown in sorted(entry.fields.items())}).decode()
    gone_at = None if entry.gone is None else entry.gone_at
    return (entry.ref, ref.system, ref.object, entry.owner, fields, entry.at, entry.there, entry.gone, gone_at, entry.became)


def _act(entry: Entry, name: str) -> list[int]:
    """Give when somebody said so, where the rest does not say it."""
    known, shown = entry.acts.get(name), entry.fields[name]
    stands = known is not None and known.value == shown.value and (known.at != shown.at or shown.value in BLANK)
    return [known.at] if known is not None and stands else []


def _account(entry: Entry) -> tuple[object, ...]:
    return (*_common(entry), " ".join(entry.domains), entry.text("name"), entry.name_key)


def _opportunity(entry: Entry) -> tuple[object, ...]:
    amount = entry.value("amount")
    number = float(amount) if isinstance(amount, int | float) and not isinstance(amount, bool) else None
    known = (entry.text("account"), " ".join(entry.people), entry.text("stage"), entry.outcome, number)
    return (*_common(entry), *known)


def write(entries: Iterable[Entry], settled: Iterable[str] = ()) -> list[Statement]:
    """Keep accounts and opportunities as they are now; of several states of one record the last counts.

    What stands beside a changed account is to be looked at again; `settled`: intents whose result is part of what is kept.
    """
    latest: dict[str, Entry] = {entry.ref: entry for entry in entries}
    of: dict[Kind, list[Entry]] = {"account": [], "opportunity": []}
    for ref in sorted(latest):
        of[latest[ref].kind].append(latest[ref])
    made = []
    if of["account"]:
        made.append(Statement(_ACCOUNTS, columns([_account(entry) for entry in of["account"]], 13)))
        made.append(account_writes.ask(of["account"], settled))
    if of["opportunity"]:
        made.append(Statement(_OPPORTUNITIES, columns([_opportunity(entry) for entry in of["opportunity"]], 15)))
    return made
