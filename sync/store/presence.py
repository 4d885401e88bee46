"""When people are there and how much they want, as they say it while Truce runs: dated, with who said so and from where; nothing is overwritten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from sync.lead.presence import Away, Presence, PresenceNote, Source
from sync.lead.state import from_ms, to_ms
from sync.playbook.models import Caps
from sync.store.statement import Connection, Statement, clean, columns

STAMP = "presence"
"""The number in `meta` that goes up with every change."""
_BUMP = f"""
INSERT INTO meta (key, value) VALUES ('{STAMP}', '1') ON CONFLICT (key) DO UPDATE SET value = to_jsonb((meta.value #>> '{{}}')::bigint + 1)
"""
_ADD = """
INSERT INTO presence (person, kind, since, until, cover, weight, caps, why, by, source)
VALUES ($1, $2, coalesce($3, now()), $4, $5, $6, $7, $8, $9, $10) RETURNING id
"""
_END = "UPDATE presence SET ended_at = now(), ended_by = $3 WHERE person = $1 AND kind = ANY($2::text[]) AND ended_at IS NULL"
_NOTES = """
INSERT INTO presence (person, kind, since, until, cover, why, by, source)
SELECT w.person, 'away', to_timestamp(w.since / 1000.0), to_timestamp(w.until / 1000.0), w.cover, w.why, w.by, w.source
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::text[])
  w(person, since, until, cover, why, by, source, misses, leg)
CROSS JOIN LATERAL (SELECT coalesce(max(p.ended_at), '-infinity') AS since FROM presence p WHERE p.person = w.person AND p.kind = 'away') back
WHERE NOT EXISTS (
    SELECT FROM presence p WHERE p.person = w.person AND p.kind = 'away' AND p.ended_at IS NULL AND (p.until IS NULL OR p.until > now()))
  AND (w.misses IS NULL OR w.misses - 1 <= (
    SELECT count(*) FILTER (WHERE missed) FROM (
      SELECT missed FROM (
        SELECT ended = 'expired' AS missed, ended_at AS at FROM offers
          WHERE w.leg = 'accept' AND owner = w.person AND ended IN ('expired', 'rejected')
        UNION ALL SELECT false, h.accepted_at FROM handoffs h WHERE w.leg = 'accept' AND h.owner = w.person AND h.accepted_at IS NOT NULL
        UNION ALL SELECT breached_at IS NOT NULL, coalesce(done_at, breached_at) FROM legs
          WHERE w.leg <> 'accept' AND leg = w.leg AND owner = w.person AND coalesce(done_at, breached_at) IS NOT NULL) every_
      WHERE every_.at > back.since ORDER BY every_.at DESC LIMIT greatest(coalesce(w.misses, 1) - 1, 0)) last_))
"""
"""The one that is missed just now is not among those that are counted: it is written by the same statement. What ran out before they came back
is past."""
_CURRENT = """
SELECT person, kind, since, until, cover, weight, caps FROM presence
WHERE ended_at IS NULL AND (until IS NULL OR until > now() - interval '1 day') ORDER BY id DESC
"""


def write(notes: Iterable[PresenceNote]) -> list[Statement]:
    """Keep whom decisions take for away, each person once."""
    rows = {n.person: (n.person, n.since, n.until, n.cover, clean(n.why), n.by, n.source, n.misses, n.leg) for n in notes}
    if not rows:
        return []
    return [Statement(_NOTES, columns([rows[person] for person in sorted(rows)], 9)), Statement(_BUMP, ())]


async def current(connection: Connection) -> dict[str, Presence]:
    """Give what counts now or will, by person's e-mail, the newest first."""
    found: dict[str, Presence] = {}
    for row in await connection.fetch(_CURRENT):
        one, span = found.get(row["person"], Presence()), Away(to_ms(row["since"]), row["until"] and to_ms(row["until"]), row["cover"])
        away = (*one.away, span) if row["kind"] == "away" else one.away
        back = (*one.back, span) if row["kind"] == "back" else one.back
        weight = row["weight"] if row["kind"] == "weight" and one.weight is None else one.weight
        found[row["person"]] = Presence(away, back, weight, _caps(row["caps"]) if row["kind"] == "caps" else one.caps)
    return found


def _caps(kept: Mapping[str, Any]) -> Caps:
    window = kept.get("window")
    return Caps(kept.get("day"), kept.get("week"), (window[0], window[1]) if window else None, kept.get("open"))


async def _say(
    connection: Connection,
    person: str,
    kind: str,
    by: str,
    source: Source,
    since: int | None = None,
    until: int | None = None,
    cover: str | None = None,
    weight: float | None = None,
    caps: Mapping[str, Any] | None = None,
    why: str = "",
) -> int:
    span = (from_ms(since) if since is not None else None, from_ms(until) if until is not None else None)
    ident = await connection.fetchval(_ADD, person, kind, *span, cover, weight, caps, clean(why), by, source)
    await connection.execute(_BUMP)
    return int(ident)


async def away(
    connection: Connection,
    person: str,
    *,
    since: int,
    until: int | None,
    cover: str | None = None,
    by: str,
    source: Source,
    why: str = "",
) -> int:
    """Keep that somebody is away from a moment on, until another (None: until they say that they are back); gives the row's id.

    What people said before of the same time counts no more; what a calendar says stays, and yields to it.
    """
    async with connection.transaction():
        await connection.execute(
            f"{_END} AND source <> 'calendar' AND coalesce(until > $4, true) AND ($5::timestamptz IS NULL OR since < $5)",
            *(person, ["away", "back"], by, from_ms(since), from_ms(until) if until is not None else None),
        )
        return await _say(connection, person, "away", by, source, since, until, cover, why=why)


async def back(connection: Connection, person: str, *, at: int, by: str, source: Source, until: int | None = None) -> int:
    """Keep that somebody is back; `until`: to when, where team.yaml says that they are away. Gives how many absences that ended."""
    async with connection.transaction():
        ended = await connection.execute(f"{_END} AND since <= $4", person, ["away"], by, from_ms(at))
        if until is not None:
            await _say(connection, person, "back", by, source, at, until)
        await connection.execute(_BUMP)
        return int(ended.split()[-1])


async def weigh(connection: Connection, person: str, weight: float | None, *, by: str, source: Source) -> None:
    """Keep with which weight somebody takes turns; None: as the playbook says."""
    async with connection.transaction():
        await connection.execute(_END, person, ["weight"], by)
        await connection.execute(_BUMP)
        if weight is not None:
            await _say(connection, person, "weight", by, source, weight=weight)


async def cap(connection: Connection, person: str, caps: Caps | None, *, by: str, source: Source) -> None:
    """Keep how much somebody may be given, over the playbook's caps; None: as the playbook says."""
    async with connection.transaction():
        await connection.execute(_END, person, ["caps"], by)
        await connection.execute(_BUMP)
        if caps is not None:
            await _say(
                connection, person, "caps", by, source, caps={name: value for name, value in asdict(caps).items() if value is not None}
            )


async def keep_calendar(pool: Any, person: str, spans: Iterable[Away], now: int) -> None:
    """Keep the absences of somebody's calendar as they are there now; one that a person ended is not begun again."""
    wanted = {(one.since, one.until) for one in spans if one.until is not None and one.until > now}
    async with pool.acquire() as connection, connection.transaction():
        rows = await connection.fetch(
            "SELECT id, since, until, ended_at, ended_by FROM presence WHERE person = $1 AND source = 'calendar' AND kind = 'away' AND until > $2",
            *(person, from_ms(now)),
        )
        known = {row["id"]: (to_ms(row["since"]), to_ms(row["until"])) for row in rows if row["ended_at"] is None}
        refused = {
            (to_ms(row["since"]), to_ms(row["until"])) for row in rows if row["ended_at"] is not None and row["ended_by"] != "calendar"
        }
        gone = [ident for ident, span in known.items() if span not in wanted]
        if gone:
            await connection.execute("UPDATE presence SET ended_at = now(), ended_by = 'calendar' WHERE id = ANY($1::bigint[])", gone)
            await connection.execute(_BUMP)
        for since, until in sorted(wanted - set(known.values()) - refused):
            await _say(connection, person, "away", "calendar", "calendar", since, until)


async def history(connection: Connection, person: str, most: int = 50) -> list[dict[str, Any]]:
    """Give what was said of somebody, the newest first: what, who said so, when and from where."""
    return [dict(row) for row in await connection.fetch("SELECT * FROM presence WHERE person = $1 ORDER BY id DESC LIMIT $2", person, most)]


async def open_leads(connection: Connection) -> dict[str, tuple[int, int]]:
    """Give per owner how many leads are open with them, and how many hand-offs."""
    rows = await connection.fetch(
        """SELECT owner, sum(leads)::int AS leads, sum(handoffs)::int AS handoffs FROM (
             SELECT owner, count(*) AS leads, 0 AS handoffs FROM leads
             WHERE owner IS NOT NULL AND survivor IS NULL AND in_scope AND coalesce(stage, '') NOT IN ('customer', 'recycled', 'disqualified')
             GROUP BY owner
             UNION ALL SELECT owner, 0, count(*) FROM handoffs WHERE closed_at IS NULL GROUP BY owner) both_ GROUP BY owner"""
    )
    return {row["owner"]: (row["leads"], row["handoffs"]) for row in rows}
