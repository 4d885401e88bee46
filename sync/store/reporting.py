"""What reports read: hand-offs with their legs and offers, what was told of them, and how far their leads got. Times come as ms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sync.store.statement import Connection


def _ms(*columns: str) -> str:
    return ", ".join(f"(extract(epoch FROM {column}) * 1000)::bigint AS {column.rpartition('.')[2]}" for column in columns)


_HANDOFFS = f"""
SELECT h.id::text AS id, h.lead_id::text AS lead_id, h.cycle, h.kind, h.sla, h.pool, h.segment, h.route, h.rule, h.source, h.state, h.owner,
  h.closed_as, h.reason, h.playbook_version, l.stage, {_ms("h.opened_at", "h.accepted_at", "h.worked_at", "h.closed_at")}
FROM handoffs h LEFT JOIN leads l ON l.id = h.lead_id
WHERE h.opened_at >= to_timestamp($1 / 1000.0) AND h.opened_at < to_timestamp($2 / 1000.0) ORDER BY h.opened_at, h.id
"""
_LEGS = f"""
SELECT handoff_id::text AS handoff_id, leg, owner, cause, {_ms("started_at", "due_at", "done_at", "breached_at")}
FROM legs WHERE handoff_id = ANY($1::uuid[])
"""
_LINES = f"""
SELECT {_ms("at")}, data FROM timeline
WHERE lead_id = ANY($2::uuid[]) AND kind = 'handoff' AND data->>'handoff' = ANY($1::text[]) ORDER BY id
"""
_OFFERS = (
    "SELECT handoff_id::text AS handoff_id, n, owner, rule, ended, reason FROM offers WHERE handoff_id = ANY($1::uuid[]) ORDER BY 1, 2"
)
_REACHED = """
SELECT t.data->>'after' AS stage, h.segment, count(DISTINCT t.lead_id)::int AS leads FROM timeline t
LEFT JOIN LATERAL (SELECT segment FROM handoffs WHERE lead_id = t.lead_id AND opened_at <= t.at ORDER BY opened_at DESC LIMIT 1) h ON true
WHERE t.kind = 'stage' AND t.at >= to_timestamp($1 / 1000.0) AND t.at < to_timestamp($2 / 1000.0) AND t.data->>'after' IS NOT NULL
GROUP BY GROUPING SETS ((t.data->>'after'), (t.data->>'after', h.segment)) HAVING GROUPING(h.segment) = 1 OR h.segment <> ''
"""
"""A lead's segment is that of the hand-off that it had then."""
_CREDITED = """
won AS (SELECT ref, people, amount, (fields->'stage'->> -1)::bigint AS at, coalesce(nullif(upper(btrim(fields->'currency'->>0)), ''), $2) AS currency
  FROM opportunities WHERE there AND outcome = 'won' AND amount IS NOT NULL AND system = ANY($1::text[])),
credited AS (SELECT w.amount, w.at, w.currency, h.id, h.segment FROM won w LEFT JOIN LATERAL (
  SELECT h.id, h.segment FROM unnest(w.people) p(one)
    JOIN identities i ON i.kind = CASE WHEN p.one LIKE 'email:%' THEN 'email' ELSE 'ref' END AND i.key = regexp_replace(p.one, '^email:', '')
    JOIN handoffs h ON h.lead_id = i.lead_id AND h.opened_at <= to_timestamp(w.at / 1000.0)
  ORDER BY h.kind = 'mql' DESC, h.opened_at DESC, h.id LIMIT 1) h ON true)
"""
"""What was won when its stage came to say so, not when the record changed last; it is the merit of one hand-off, the last MQL before that of somebody who is in it.

An opportunity without a currency is in the company's ($2). Amounts of different currencies are never added.
"""
_WON = f"""
WITH {_CREDITED} SELECT currency, segment, sum(amount)::double precision AS amount FROM credited WHERE at >= $3 AND at < $4
GROUP BY GROUPING SETS ((currency), (currency, segment)) HAVING GROUPING(segment) = 1 OR segment <> ''
"""
_WON_BY = f"""
WITH {_CREDITED} SELECT id::text AS id, currency, sum(amount)::double precision AS amount FROM credited WHERE id = ANY($3::uuid[])
GROUP BY id, currency ORDER BY id, currency
"""
_LET_IN = """
SELECT DISTINCT ON (h.id) h.id::text AS id, t.data->'why'->'lines' AS lines FROM handoffs h
JOIN timeline t ON t.lead_id = h.lead_id AND t.kind = 'stage' AND t.data->>'after' = $2 AND t.at <= h.opened_at
WHERE h.id = ANY($1::uuid[]) ORDER BY h.id, t.id DESC
"""


async def handoffs(connection: Connection, start: int, end: int) -> list[dict[str, Any]]:
    """Give the hand-offs that were opened from `start` to `end` (ms, exclusive), each with where its lead stands now."""
    return [dict(row) for row in await connection.fetch(_HANDOFFS, start, end)]


async def legs(connection: Connection, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Give the legs of hand-offs."""
    return [dict(row) for row in await connection.fetch(_LEGS, sorted(ids))]


async def offers(connection: Connection, ids: Iterable[str]) -> list[dict[str, Any]]:
    """Give the offers of hand-offs, in order."""
    return [dict(row) for row in await connection.fetch(_OFFERS, sorted(ids))]


async def lines(connection: Connection, ids: Iterable[str], leads: Iterable[str]) -> list[dict[str, Any]]:
    """Give what the timelines of these leads tell of these hand-offs, in order."""
    return [dict(row) for row in await connection.fetch(_LINES, sorted(ids), sorted(set(leads)))]


async def reached(connection: Connection, start: int, end: int, systems: Iterable[str], home: str) -> dict[str, float]:
    """Give how many leads came to each stage from `start` to `end`, and `amount`, the money of opportunities won then in these systems.

    Of one segment it is `customer:enterprise`, `amount:enterprise`. Money is in the company's currency (`home`); in others it stands apart:
    `amount@USD`, `amount:enterprise@USD`.
    """
    rows = await connection.fetch(_REACHED, start, end)
    found = {row["stage"] + (f":{row['segment']}" if row["segment"] else ""): float(row["leads"]) for row in rows}
    for row in await connection.fetch(_WON, sorted(systems), home, start, end):
        whose = f":{row['segment']}" if row["segment"] else ""
        found[f"amount{whose}{'' if row['currency'] == home else '@' + row['currency']}"] = row["amount"]
    return {"amount": 0.0} | found


async def won(connection: Connection, ids: Iterable[str], systems: Iterable[str], home: str) -> dict[str, dict[str, float]]:
    """Give per hand-off the money, by currency, of opportunities in these systems that were won by it; each opportunity counts once."""
    found: dict[str, dict[str, float]] = {}
    for row in await connection.fetch(_WON_BY, sorted(systems), home, sorted(ids)):
        found.setdefault(row["id"], {})[row["currency"]] = row["amount"]
    return found


async def let_in(connection: Connection, ids: Iterable[str], stage: str) -> dict[str, list[dict[str, Any]]]:
    """Give per hand-off the lines, as they were judged, by which its lead came into the stage that hands over."""
    return {row["id"]: row["lines"] or [] for row in await connection.fetch(_LET_IN, sorted(ids), stage)}
