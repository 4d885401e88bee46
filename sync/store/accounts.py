"""Accounts and opportunities: entered by the batch that decided them, looked up by the batches that decide leads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from schemas.base import Ref
from sync.lead.asking import asked
from sync.lead.ledger import BLOCK, Asked, Entry, Kind, Ledger, Shown
from sync.lead.state import Lead
from sync.playbook.models import Playbook
from sync.store.statement import Connection, Statement, columns

_LOOK = f"""
WITH RECURSIVE roles AS MATERIALIZED (
  SELECT ref, account_ref FROM opportunities WHERE there AND people && $5::text[]
  UNION SELECT ref, account_ref FROM opportunities WHERE ref = ANY($1::text[])),
named AS (
  SELECT a.ref FROM unnest($3::text[], $4::text[]) w(key, domains) CROSS JOIN LATERAL (
    SELECT a.ref FROM accounts a
    WHERE a.there AND left(a.name_key, {BLOCK}) = left(w.key, {BLOCK}) AND a.name_key <> ''
      AND length(a.name_key) BETWEEN length(w.key) * 0.8 - 1 AND length(w.key) * 1.25 + 1
    ORDER BY a.name_key = w.key DESC, abs(length(a.name_key) - length(w.key)), a.ref LIMIT 100) a
  WHERE NOT EXISTS (SELECT FROM accounts d WHERE d.there AND d.domains && string_to_array(w.domains, ' '))),
hit AS (
  SELECT ref FROM accounts WHERE ref = ANY($1::text[]) UNION SELECT ref FROM accounts WHERE there AND domains && $2::text[]
  UNION SELECT ref FROM named UNION SELECT account_ref FROM roles WHERE account_ref IS NOT NULL),
family(ref, became) AS (
  SELECT a.ref, a.became FROM accounts a JOIN hit USING (ref)
  UNION SELECT a.ref, a.became FROM family f JOIN accounts a ON a.ref = f.became OR a.became = f.ref),
company AS (
  SELECT ref FROM family UNION SELECT d.ref FROM accounts a JOIN family USING (ref) JOIN accounts d ON d.there AND d.domains && a.domains),
deals AS (
  SELECT ref FROM roles UNION SELECT o.ref FROM opportunities o JOIN company c ON o.account_ref = c.ref WHERE o.there AND o.outcome <> 'lost')
SELECT 'account' AS kind, ref, fields, (extract(epoch FROM at) * 1000)::bigint AS at, gone,
  (extract(epoch FROM gone_at) * 1000)::bigint AS gone_at, became, 'open' AS outcome FROM accounts JOIN company USING (ref)
UNION ALL SELECT 'opportunity', ref, fields, (extract(epoch FROM at) * 1000)::bigint, gone,
  (extract(epoch FROM gone_at) * 1000)::bigint, became, outcome FROM opportunities JOIN deals USING (ref)
"""
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


async def look(connection: Connection, asked: Asked) -> Ledger:
    """Look up, in one round trip, every account and opportunity that may matter (of lost ones only those that are named)."""
    names = sorted((key, " ".join(domains)) for key, domains in asked.names)
    given = (sorted(asked.refs), sorted(asked.domains), *columns(names, 2), sorted(asked.people))
    return Ledger(_entry(row) for row in await connection.fetch(_LOOK, *given))


async def known(connection: Connection, leads: Iterable[Lead], playbook: Playbook, secret: bytes) -> Ledger:
    """Look up what these leads' decisions would see: for commands, which judge outside a batch."""
    wanted = asked((), leads, playbook, secret)
    return Ledger() if wanted is None else await look(connection, wanted)


def _entry(row: Any) -> Entry:
    fields = {name: Shown(*shown) for name, shown in row["fields"].items()}
    gone_at = -1 if row["gone_at"] is None else row["gone_at"]
    return Entry(row["kind"], row["ref"], fields, row["at"], row["gone"], gone_at, row["became"], row["outcome"])


def _common(entry: Entry) -> tuple[object, ...]:
    ref = Ref.parse(entry.ref)
    fields = orjson.dumps({name: [shown.value, shown.at] for name, shown in sorted(entry.fields.items())}).decode()
    gone_at = None if entry.gone is None else entry.gone_at
    return (entry.ref, ref.system, ref.object, entry.owner, fields, entry.at, entry.there, entry.gone, gone_at, entry.became)


def _account(entry: Entry) -> tuple[object, ...]:
    return (*_common(entry), " ".join(entry.domains), entry.text("name"), entry.name_key)


def _opportunity(entry: Entry) -> tuple[object, ...]:
    amount = entry.value("amount")
    number = float(amount) if isinstance(amount, int | float) and not isinstance(amount, bool) else None
    known = (entry.text("account"), " ".join(entry.people), entry.text("stage"), entry.outcome, number)
    return (*_common(entry), *known)


def write(entries: Iterable[Entry]) -> list[Statement]:
    """Keep accounts and opportunities as they are now; of several states of one record the last counts."""
    latest: dict[str, Entry] = {entry.ref: entry for entry in entries}
    of: dict[Kind, list[Entry]] = {"account": [], "opportunity": []}
    for ref in sorted(latest):
        of[latest[ref].kind].append(latest[ref])
    made = []
    if of["account"]:
        made.append(Statement(_ACCOUNTS, columns([_account(entry) for entry in of["account"]], 13)))
    if of["opportunity"]:
        made.append(Statement(_OPPORTUNITIES, columns([_opportunity(entry) for entry in of["opportunity"]], 15)))
    return made
