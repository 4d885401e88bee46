"""The statements behind the budget: exact sliding windows over all processes, by PostgreSQL's clock.

Taking is two statements in one round trip (the simple protocol, so that the second sees what happened before the lock was ours);
they have no arguments, hence the quoting.
What is looked for is held against the time at which the statement came (an index knows where to stop then), which may be before the lock was
ours: at most too much counts as held still. What is noted is the time of the moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

HELD_S = 180.0
"""A slot whose process died counts as answered so long after it was taken; longer than any call lasts."""
SLACK_S = 360.0
"""How much longer than its window a minute counts: the minute itself, leases and calls that last."""
_KEEP = 2


class Window(NamedTuple):
    """One quota of one system."""

    system: str
    quota: str
    calls: int
    seconds: float


def _text(value: str) -> str:
    return "'" + value.replace("'", "''").replace("\\", "") + "'"


def _lock(w: Window) -> str:
    return f"SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || {_text(f'/slots/{w.system}/{w.quota}')}, 0))"


def _free(w: Window, *, despite: bool) -> str:
    """Ask that the vendor does not want to be left alone; `despite`: one call goes out in spite of that."""
    if despite:
        return "true"
    return f"NOT EXISTS (SELECT 1 FROM quota_seen WHERE system = {_text(w.system)} AND quota = {_text(w.quota)} AND blocked_until > statement_timestamp())"


async def fresh_ids(pool: Any, count: int) -> list[int]:
    """Reserve ids for slots."""
    rows = await pool.fetch("SELECT nextval(pg_get_serial_sequence('slots', 'id')) AS id FROM generate_series(1, $1)", count)
    return [row["id"] for row in rows]


async def take(pool: Any, w: Window, ids: Sequence[int], share: float, *, despite: bool = False) -> int:
    """Take slots of a short window, the first of `ids`, as far as `share` of the quota allows, `despite` a block; gives how many."""
    mine = f"system = {_text(w.system)} AND quota = {_text(w.quota)}"
    held = f"(answered_at > statement_timestamp() - interval '{w.seconds} s' OR (answered_at IS NULL AND sent_at > statement_timestamp() - interval '{w.seconds + HELD_S} s'))"
    then = f"(sent_at <= v.at AND (answered_at IS NULL OR answered_at > v.at - interval '{w.seconds} s'))"
    done: str = await pool.execute(
        f"""{_lock(w)};
INSERT INTO slots (id, system, quota, sent_at)
SELECT n.id, {_text(w.system)}, {_text(w.quota)}, clock_timestamp()
FROM unnest(ARRAY[{", ".join(map(str, ids))}]::bigint[]) WITH ORDINALITY AS n(id, place),
  (SELECT least({w.calls}, coalesce((SELECT v."limit" FROM quota_seen v WHERE {mine}), {w.calls})) AS most,
    (SELECT count(*) FROM slots WHERE {mine} AND {held}) AS ours,
    coalesce((SELECT greatest(0, v.used - (SELECT count(*) FROM slots WHERE {mine} AND {then})) FROM quota_seen v
      WHERE {mine} AND v.at > clock_timestamp() - interval '{w.seconds} s'), 0) AS others) AS s
WHERE n.place <= greatest(1, floor(s.most * {share})) - s.ours - s.others AND {_free(w, despite=despite)}"""
    )
    return int(done.rsplit(" ", 1)[-1])


async def give_back(pool: Any, ids: Sequence[int]) -> None:
    """The calls of these slots were answered now: each is free again a window later."""
    await pool.execute("UPDATE slots SET answered_at = clock_timestamp() WHERE id = ANY($1::bigint[])", list(ids))


async def lease(pool: Any, w: Window, calls: int, share: float, *, despite: bool = False) -> bool:
    """Count calls of a long window ahead, all of them or none, `despite` a block."""
    mine = f"system = {_text(w.system)} AND quota = {_text(w.quota)}"
    since = f"statement_timestamp() - interval '{w.seconds + SLACK_S} s'"
    done: str = await pool.execute(
        f"""{_lock(w)};
INSERT INTO quota_minutes (system, quota, minute, calls)
SELECT {_text(w.system)}, {_text(w.quota)}, date_trunc('minute', clock_timestamp()), {calls}
FROM (SELECT coalesce((SELECT v."limit" FROM quota_seen v WHERE {mine}), {w.calls}) AS most,
    coalesce((SELECT sum(calls) FROM quota_minutes WHERE {mine} AND minute > {since}), 0) AS ours,
    coalesce((SELECT greatest(0, v.used - (SELECT coalesce(sum(m.calls), 0) FROM quota_minutes m
        WHERE m.system = v.system AND m.quota = v.quota AND m.minute > {since} AND m.minute <= v.at)) FROM quota_seen v
      WHERE {mine} AND v.at > clock_timestamp() - interval '{w.seconds} s'), 0) AS others) AS s
WHERE {calls} <= greatest(1, floor(s.most * {share})) - s.ours - s.others AND {_free(w, despite=despite)}
ON CONFLICT (system, quota, minute) DO UPDATE SET calls = quota_minutes.calls + excluded.calls"""
    )
    return not done.endswith(" 0")


async def note(pool: Any, system: str, quota: str, used: int | None, limit: int | None, blocked_until: datetime | None) -> None:
    """Keep what the vendor said; a block is only ever prolonged, and other words leave what they do not speak of."""
    await pool.execute(
        """INSERT INTO quota_seen (system, quota, used, "limit", blocked_until, at) VALUES ($1, $2, $3, $4, $5, clock_timestamp())
           ON CONFLICT (system, quota) DO UPDATE SET used = coalesce(excluded.used, quota_seen.used),
             "limit" = coalesce(excluded."limit", quota_seen."limit"),
             blocked_until = greatest(quota_seen.blocked_until, excluded.blocked_until),
             at = CASE WHEN excluded.used IS NULL THEN quota_seen.at ELSE excluded.at END""",
        system,
        quota,
        used,
        limit,
        blocked_until,
    )


async def blocked(pool: Any, w: Window) -> bool:
    """Say whether the vendor asked that nothing of this quota is sent at this moment."""
    return not await pool.fetchval(f"SELECT {_free(w, despite=False)}")


async def lift(pool: Any, w: Window) -> None:
    """Forget that the vendor asked to be left alone: it answered."""
    await pool.execute("UPDATE quota_seen SET blocked_until = NULL WHERE system = $1 AND quota = $2", w.system, w.quota)


async def blocks(pool: Any, longer_s: float) -> dict[str, datetime]:
    """Give system → until when its vendor asked to be left alone, where that is for longer than so many seconds yet."""
    rows = await pool.fetch(
        """SELECT system, max(blocked_until) AS until FROM quota_seen
           WHERE blocked_until > clock_timestamp() + make_interval(secs => $1) GROUP BY system ORDER BY system""",
        longer_s,
    )
    return {row["system"]: row["until"] for row in rows}


async def prune(pool: Any, w: Window) -> None:
    """Forget what no window reaches any more."""
    keep = _KEEP * w.seconds + HELD_S
    await pool.execute(
        """DELETE FROM slots WHERE system = $1 AND quota = $2
           AND (answered_at < statement_timestamp() - make_interval(secs => $3) OR sent_at < statement_timestamp() - make_interval(secs => $3 + 600))""",
        w.system,
        w.quota,
        keep,
    )
    await pool.execute(
        "DELETE FROM quota_minutes WHERE system = $1 AND minute < statement_timestamp() - interval '3 days'",
        w.system,
    )


async def spent(pool: Any, share: float) -> dict[str, tuple[int, int]]:
    """Give system → (used, of how many) of each day's quota of which at least this share was used when it was told last."""
    rows = await pool.fetch(
        """SELECT system, used, "limit" FROM quota_seen
           WHERE quota = 'daily' AND used >= $1 * "limit" AND at > clock_timestamp() - interval '1 day'""",
        share,
    )
    return {row["system"]: (row["used"], row["limit"]) for row in rows}
