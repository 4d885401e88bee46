"""Which parts of Truce stand still: something has waited for one of them for so long that it cannot be at its work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.base import Finding
from sync.alerts.alive import ASK_S, LATE_S
from sync.lead.danger import PATIENCE_MS
from sync.runtime.budget import PROBE_S, SHARE
from sync.runtime.guard import OUTAGES
from sync.sources.lag import LagGate
from sync.store import cursors, quota, telling

_UNRUNG = """
SELECT system, min(rung_at) AS since FROM dirty
WHERE rung_at > '-infinity' AND rung_at < $1 AND NOT EXISTS (SELECT FROM pauses WHERE scope IN ('all', 'system:' || dirty.system))
GROUP BY system ORDER BY system
"""
"""A writer that is at its work rings again for whatever stays dirty, also where it may not write it yet."""
BLOCKED_S = 60.0
"""What a vendor asks for that is over sooner is no news: a short window's end."""
LOOK = "is it running, and does its log name a wait? One that is frozen goes on when it is ended and started again"


async def still(
    connection: Any,
    gate: LagGate,
    systems: Iterable[str],
    *,
    told: bool,
    late_s: float = LATE_S,
    now: datetime | None = None,
    ask_s: float = ASK_S,
) -> list[Finding]:
    """Name the parts that stand still; `systems` are those that are set up, `told`: a channel is set up, so that a notifier has work to do.

    Kafka has `ask_s` to say something: what the store knows is told all the same.
    """
    at, systems = now or datetime.now(UTC), frozenset(systems)
    late = at - timedelta(seconds=late_s)
    worker = await _worker(gate, late, ask_s)
    found = [*(worker or ())]
    if told and await telling.stuck(connection, at, late_s):
        what = f"the notifier stands still: something that is to be told has waited for more than {late_s / 60:g} min"
        found.append(
            Finding(ok=False, what=what, todo=f"truce notifier (truce up has one): {LOOK}; a channel that refuses is an open problem")
        )
    for row in await connection.fetch(_UNRUNG, late):
        what = f"the writer of {row['system']} stands still: something was to be written at {_clock(row['since'])}"
        found.append(Finding(ok=False, what=what, todo=f"truce writer {row['system']}: {LOOK}"))
    seen, spent = await cursors.seen(connection), await quota.spent(connection, SHARE["normal"])
    blocks = {name: until for name, until in (await quota.blocks(connection, BLOCKED_S)).items() if name in systems}
    found += [_alone(name, _clock(until)) for name, until in blocks.items()]
    for name in sorted((set(systems) & set(seen)) - set(blocks)):
        if at - seen[name] > max(timedelta(seconds=late_s), timedelta(milliseconds=PATIENCE_MS)):
            found.append(_unread(name, _clock(seen[name]), spent.get(name)))
    if worker is None:
        return [
            *found,
            Finding(ok=True, what="whether a worker stands still is not known without Kafka", todo="look again once it answers"),
        ]
    return found or [Finding(ok=True, what="worker, notifier, writers and sources: none stands still")]


def _unread(system: str, last: str, spent: tuple[int, int] | None) -> Finding:
    """Say that a system is not read; `spent`: so many calls of the day, of how many, where what is left is no poll's."""
    if spent is None:
        what = f"the source of {system} stands still: {system} was read last at {last}"
        return Finding(ok=False, what=what, todo=f"truce source {system}: {LOOK}; a system that does not answer is an open problem")
    used, most = spent
    what = f"the source of {system} waits for calls: {used:,} of the day's {most:,} were used, and the rest is kept for hot hand-offs; {system} was read last at {last}"
    return Finding(
        ok=False, what=what, todo="find out who else uses them, or have more of them; it goes on by itself once fewer are counted"
    )


def _alone(system: str, until: str) -> Finding:
    """Say that a vendor asked that nothing is sent, which nobody else says: no call fails meanwhile."""
    what = f"{system} asked to be left alone until {until} (too many calls, or Retry-After of an answer): nothing is read or written there, but for a call every {PROBE_S / 60:g} min"
    todo = f"find out who makes so many calls in {system}; it goes on by itself as soon as one is answered"
    return Finding(ok=False, what=what, todo=todo)


async def _worker(gate: LagGate, late: datetime, ask_s: float) -> list[Finding] | None:
    """Say whether something waits to be decided; None where Kafka, which knows it, does not answer: that is a finding of its own."""
    try:
        async with asyncio.timeout(ask_s):
            since = await gate.since()
    except OUTAGES:
        return None
    stand = {partition: came for partition, came in since.items() if came < late}
    if not stand:
        return []
    many = f"{len(stand)} partition{'s' * (len(stand) > 1)} of changes"
    what = f"a worker stands still: what came on {many} at {_clock(min(stand.values()))} is not decided"
    return [Finding(ok=False, what=what, todo=f"truce worker (truce up has one): {LOOK}")]


def _clock(at: datetime) -> str:
    return f"{at.astimezone():%a %d %b %H:%M %Z}"
