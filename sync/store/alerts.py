"""Groups of problems that are said together: which are due, what is in them, what of it was told. The time is passed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from sync.store.statement import Connection, columns

_UNGROUPED = """
SELECT id, kind, system, owner, labels FROM problems WHERE alert_group IS NULL AND closed_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_JOIN = "UPDATE problems p SET alert_group = w.group_id FROM unnest($1::bigint[], $2::text[]) w(id, group_id) WHERE p.id = w.id"
# A group that nothing is due of is a new one when something joins it; one that was told waits for its interval.
_GROUPS = """
INSERT INTO alert_groups AS g (id, route, labels, interval_s, opened_at, due_at)
SELECT w.id, w.route, w.labels::jsonb, w.interval_s, $6::timestamptz, $6::timestamptz + make_interval(secs => w.wait_s)
FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[]) w(id, route, labels, wait_s, interval_s)
ON CONFLICT (id) DO UPDATE SET route = excluded.route, interval_s = excluded.interval_s,
  opened_at = CASE WHEN g.due_at IS NULL THEN excluded.opened_at ELSE g.opened_at END,
  last_at = CASE WHEN g.due_at IS NULL THEN NULL ELSE g.last_at END,
  held_until = CASE WHEN g.due_at IS NULL THEN NULL ELSE g.held_until END,
  due_at = CASE WHEN g.due_at IS NULL THEN excluded.due_at WHEN g.last_at IS NULL THEN g.due_at
    ELSE least(g.due_at, greatest($6::timestamptz, g.held_until, g.last_at + make_interval(secs => excluded.interval_s))) END
"""
# A snooze holds no end of everything back: who reads the message sees then that nothing is open any more.
_ENDED = """
UPDATE alert_groups g SET due_at = w.due, held_until = w.held FROM (
  SELECT g.id, g.held AS held, greatest($1::timestamptz, g.held, g.last_at + make_interval(secs => g.interval_s)) AS due FROM (
    SELECT g.*, CASE WHEN g.held_until = g.snoozed_until AND NOT EXISTS (SELECT FROM problems o WHERE o.alert_group = g.id AND o.closed_at IS NULL)
      THEN NULL ELSE g.held_until END AS held FROM alert_groups g WHERE g.id IN (
        SELECT DISTINCT alert_group FROM problems WHERE closed_at IS NOT NULL AND told_at IS NOT NULL AND end_told_at IS NULL)) g) w
WHERE g.id = w.id AND (g.due_at IS NULL OR g.due_at > w.due)
"""
_DUE = """
SELECT id, token, route, labels, opened_at, last_at, snoozed_until, snoozed_by, snooze_shown, said FROM alert_groups WHERE due_at <= $1
ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_NEW = "SELECT id FROM problems WHERE alert_group = $1 AND closed_at IS NULL AND told_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED"
_GONE = """
SELECT id FROM problems WHERE alert_group = $1 AND closed_at IS NOT NULL AND told_at IS NOT NULL AND end_told_at IS NULL ORDER BY id
FOR UPDATE SKIP LOCKED
"""
_OPEN = """
SELECT count(*) AS open, min(opened_at) AS oldest, array_agg(DISTINCT field) FILTER (WHERE field IS NOT NULL) AS fields,
  (array_agg(DISTINCT owner) FILTER (WHERE owner IS NOT NULL))[1:20] AS owners FROM problems WHERE alert_group = $1 AND closed_at IS NULL
"""
_TEXTS = """
SELECT text, sum(count)::int AS count FROM problems WHERE alert_group = $1 AND closed_at IS NULL GROUP BY text ORDER BY count(*) DESC, min(id) LIMIT 5
"""
# With whom the hand-offs are by now that were not accepted or worked in time; `stays`: nobody else has it since.
_WITH = """
SELECT h.owner AS person, h.owner = p.owner AS stays, count(*)::int AS count
FROM problems p JOIN handoffs h ON h.id = CASE WHEN p.key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN p.key::uuid END
WHERE p.alert_group = $1 AND p.closed_at IS NULL AND p.kind IN ('not_accepted', 'not_worked') AND h.closed_at IS NULL
GROUP BY 1, 2 ORDER BY 2, 3 DESC, 1 LIMIT 5
"""
_SAID = "UPDATE alert_groups SET last_at = $2, due_at = $3, held_until = NULL, said = said + 1 WHERE id = $1"
_LOOK = "UPDATE alert_groups SET due_at = $2, held_until = $3 WHERE id = $1"
# It is due at once, so that whoever reads the message sees who keeps it quiet, and until when.
_SNOOZE = """
UPDATE alert_groups SET snoozed_until = $2::timestamptz, snoozed_by = $3, snooze_shown = false, held_until = greatest(held_until, $2::timestamptz),
  due_at = $4::timestamptz WHERE id = $1
"""
# The companies of the leads whose problems have waited longest, the longest first.
_COMPANIES = """
SELECT company, count(*)::int AS count FROM (
  SELECT p.n, nullif(btrim(l.doc #>> '{desired,company,value}'), '') AS company FROM (
    SELECT lead_id, row_number() OVER (ORDER BY opened_at, id) AS n FROM problems
    WHERE alert_group = $1 AND closed_at IS NULL AND lead_id IS NOT NULL ORDER BY opened_at, id LIMIT 2000) p JOIN leads l ON l.id = p.lead_id) named
WHERE company IS NOT NULL GROUP BY company ORDER BY min(n) LIMIT $2
"""
_TICK = """
INSERT INTO alert_ticks AS t (name, at) VALUES ($1, $2::timestamptz)
ON CONFLICT (name) DO UPDATE SET at = excluded.at WHERE t.at <= excluded.at - make_interval(secs => $3) RETURNING name
"""


class Joined(NamedTuple):
    """One problem and the group that it joins."""

    problem: int
    group: str
    route: str
    labels: Mapping[str, str]
    wait_s: int
    interval_s: int


@dataclass(frozen=True, slots=True)
class Held:
    """A group that is due, locked, with what is in it."""

    id: str
    token: str
    route: str
    labels: Mapping[str, str]
    opened_at: datetime
    last_at: datetime | None
    snoozed_until: datetime | None
    snoozed_by: str | None
    snooze_shown: bool
    said: int
    open: int
    new: tuple[int, ...]
    gone: tuple[int, ...]
    oldest: datetime | None
    owners: tuple[str, ...]
    texts: tuple[tuple[str, int], ...]
    fields: tuple[str, ...]
    now_with: tuple[tuple[str, bool, int], ...] = ()
    """(person, whether it is still whose it was, how many): with whom hand-offs are by now that were missed."""


async def ungrouped(connection: Connection, most: int) -> list[Any]:
    """Give and lock open problems that are in no group yet."""
    rows: list[Any] = await connection.fetch(_UNGROUPED, most)
    return rows


async def join(connection: Connection, rows: Sequence[Joined], now: datetime) -> None:
    """Put problems into their groups; each group's next look comes as soon as its times allow."""
    await connection.execute(_JOIN, *columns([(row.problem, row.group) for row in rows], 2))
    groups = {row.group: row for row in rows}
    made = [(g.group, g.route, orjson.dumps(dict(g.labels)).decode(), g.wait_s, g.interval_s) for _, g in sorted(groups.items())]
    await connection.execute(_GROUPS, *columns(made, 5), now)


async def ended(connection: Connection, now: datetime) -> None:
    """Let groups be looked at, as soon as their times allow, in which something is over that was told."""
    await connection.execute(_ENDED, now)


async def due(connection: Connection, now: datetime, most: int = 20) -> list[Held]:
    """Give and lock the groups whose time has come; others are left to who has locked them."""
    return [await _held(connection, row) for row in await connection.fetch(_DUE, now, most)]


async def _held(connection: Connection, row: Any) -> Held:
    new, gone = await connection.fetch(_NEW, row["id"]), await connection.fetch(_GONE, row["id"])
    open_, texts = await connection.fetchrow(_OPEN, row["id"]), await connection.fetch(_TEXTS, row["id"])
    return Held(
        *(row["id"], row["token"], row["route"], row["labels"], row["opened_at"], row["last_at"]),
        *(row["snoozed_until"], row["snoozed_by"], row["snooze_shown"], row["said"]),
        *(open_["open"], tuple(one["id"] for one in new), tuple(one["id"] for one in gone), open_["oldest"]),
        *(tuple(open_["owners"] or ()), tuple((one["text"], one["count"]) for one in texts), tuple(open_["fields"] or ())),
        tuple((one["person"], one["stays"], one["count"]) for one in await connection.fetch(_WITH, row["id"])),
    )


async def said(connection: Connection, group: Held, now: datetime, next_due: datetime | None) -> None:
    """Note that a group was told as it is now."""
    await told(connection, group.new, group.gone, now)
    await connection.execute(_SAID, group.id, now, next_due)


async def told(connection: Connection, new: Iterable[int], gone: Iterable[int], now: datetime) -> None:
    """Note that problems were told, and of others that they are over."""
    await connection.execute("UPDATE problems SET told_at = $2 WHERE id = ANY($1::bigint[])", list(new), now)
    await connection.execute("UPDATE problems SET end_told_at = $2 WHERE id = ANY($1::bigint[])", list(gone), now)


async def look_again(connection: Connection, group: str, at: datetime | None, *, held: bool) -> None:
    """Look at a group again at a time; `held`: and not before, whatever joins it."""
    await connection.execute(_LOOK, group, at, at if held else None)


async def companies(connection: Connection, group: str, most: int) -> tuple[tuple[str, int], ...]:
    """Give the companies of the leads that a group's open problems are about, each with how many, the one that waits longest first."""
    return tuple((row["company"], row["count"]) for row in await connection.fetch(_COMPANIES, group, most))


async def snooze(connection: Connection, group: str, until: datetime, by: str, now: datetime) -> None:
    """Say nothing of a group until then, because somebody wants it so; the notifier shows it in what was said already."""
    await connection.execute(_SNOOZE, group, until, by, now)


async def snooze_shown(connection: Connection, group: str, next_due: datetime | None) -> None:
    """Note that readers see who keeps a group quiet; what is new or over stays to be told when that ends."""
    await connection.execute(
        "UPDATE alert_groups SET snooze_shown = true, due_at = $2, held_until = snoozed_until WHERE id = $1", group, next_due
    )


async def tick(connection: Connection, name: str, now: datetime, seconds: float) -> bool:
    """Say whether something that is done every so many seconds, by one process for all, is due now, and take it."""
    return await connection.fetchval(_TICK, name, now, seconds) is not None


async def next_due(connection: Connection) -> datetime | None:
    """Give when the next group or message is due."""
    found: datetime | None = await connection.fetchval(
        "SELECT least((SELECT min(due_at) FROM alert_groups WHERE due_at IS NOT NULL), "
        "(SELECT min(coalesce(claimed_until, ready_at)) FROM alert_messages WHERE state = 'waiting'))"
    )
    return found
