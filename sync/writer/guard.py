"""Law 13's guard: more writes in an hour, or a larger share of the records, than the playbook allows waits for a person.

The person lets as much go on as the guard allows in an hour, or all that waits at that moment (`pauses.let_go`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, NamedTuple

from sync.playbook.models import Guards
from sync.store import pauses

_COUNT = """
WITH made AS (
  INSERT INTO quota_minutes (system, quota, minute, calls) SELECT $1, 'guard', date_trunc('minute', now()), $2
  WHERE NOT EXISTS (SELECT FROM pauses WHERE scope IN ('all', 'system:' || $1::text))
  ON CONFLICT (system, quota, minute) DO UPDATE SET calls = quota_minutes.calls + excluded.calls RETURNING 1)
SELECT EXISTS (SELECT FROM made) AS counted,
  $2 + coalesce((SELECT sum(calls) FROM quota_minutes WHERE system = $1 AND quota = 'guard' AND minute > now() - interval '1 hour'), 0)::bigint AS writes,
  (SELECT count(*) FROM records WHERE system = $1 AND gone IS NULL) AS records
"""
"""What is paused is not written, so it is not counted either."""
_UNCOUNT = """
UPDATE quota_minutes SET calls = calls - $2 WHERE system = $1 AND quota = 'guard'
AND minute = (SELECT max(minute) FROM quota_minutes WHERE system = $1 AND quota = 'guard')
"""
FRESH_S = 1.0
SMALL = 0.05
"""So small a part of what is allowed still is counted only once a second: several writers together stay within it."""
_DISTINCT = """
SELECT count(DISTINCT record_id) FROM intents WHERE system = $1 AND kind = 'update' AND opened_at > greatest(
  date_trunc('minute', now()) - interval '1 hour',
  (SELECT max(closed_at) FROM problems WHERE kind = 'paused' AND key = 'system:' || $1::text),
  (SELECT last_at + interval '1 second' FROM let_go WHERE system = $1))
"""
"""Since a person let all that waited go, and the last of it stands in intents, it counts anew."""


class Allowed(NamedTuple):
    """How many rows may be told now, as `give_back` takes it."""

    rows: int
    let: int = 0
    """So many of them because a person let all that waited go."""
    held: int = 0
    """How often the guard had held by then."""


@dataclass(slots=True)
class Guard:
    """Counts the rows of one system over all its writers; when a person resumes after it held, counting begins anew."""

    pool: Any
    system: str
    _uncounted: int = 0
    _room: int = 0
    """How many writes were allowed still when they were counted last."""
    _counted_at: float = float("-inf")
    _granted: int = 0
    """So many rows were allowed a moment ago: they may stand in no intent yet."""
    _granted_at: float = float("-inf")
    _held: int = 0
    """How often it has held: each time, counting began anew."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def allow(self, rows: int, guards: Guards) -> Allowed:
        """Say how many of so many rows may be told now; when it is none of them, the system is paused with a problem."""
        async with self._turn:  # two batches that are counted at once would each see the room that only one of them has
            let = await pauses.take(self.pool, self.system, rows) if rows else 0
            allowed, why = await self._allow(rows - let, guards)
            if why and not allowed + let:
                await self._hold(why)
            if allowed:
                self._granted, self._granted_at = allowed + self._just_granted(), monotonic()
            return Allowed(allowed + let, let, self._held)

    async def give_back(self, allowed: Allowed, told: int) -> None:
        """Count no more what was allowed and was not told after all, because a pause or a change came between: it is asked for again."""
        if (left := allowed.rows - told) <= 0:
            return
        async with self._turn:
            if let := min(left, allowed.let):
                await pauses.put_back(self.pool, self.system, let)
            if left > let and allowed.held == self._held:
                await self.pool.execute(_UNCOUNT, self.system, left - let)

    def _just_granted(self) -> int:
        return self._granted if monotonic() - self._granted_at < FRESH_S else 0

    async def _allow(self, rows: int, guards: Guards) -> tuple[int, str]:
        """Say how many may be told, and of none the reason."""
        asked, why = rows, ""
        self._uncounted += rows
        fresh = monotonic() - self._counted_at < FRESH_S and guards.share_of_records >= 1.0
        if rows == 0 or (fresh and self._uncounted < self._room * SMALL):
            return asked, ""
        rows, self._uncounted = self._uncounted, 0
        found = await self.pool.fetchrow(_COUNT, self.system, rows)
        if not found["counted"]:
            self._uncounted = rows - asked
            return 0, ""
        self._room, self._counted_at = guards.writes_per_hour - found["writes"], monotonic()
        over = int(found["writes"]) - guards.writes_per_hour
        if over >= asked:
            why = f"{found['writes']} writes within an hour, {guards.writes_per_hour} are allowed"
        elif guards.share_of_records < 1.0 and found["records"] and found["writes"] > guards.share_of_records * found["records"]:
            room, why = await self._room_of_share(asked, guards.share_of_records, found["records"])
            over = max(over, asked - room)
        if over > 0:  # the part of the batch for which there is room goes on; the next one finds none
            await self.pool.execute(_UNCOUNT, self.system, min(over, asked))
        return max(0, asked - max(over, 0)), why

    async def _room_of_share(self, asked: int, share: float, records: int) -> tuple[int, str]:
        """Say how many records more may be told; a batch larger than the whole share goes on in parts, and a share is one at the least."""
        most, told = max(1, int(share * records)), await self.pool.fetchval(_DISTINCT, self.system)
        if (just := self._just_granted()) and told + just + asked > most:
            await asyncio.sleep(FRESH_S)  # until what was just allowed stands in intents
            told = await self.pool.fetchval(_DISTINCT, self.system)
        why = f"{told} of {records} records within an hour, {share:.0%} are allowed" if told >= most else ""
        return max(0, most - int(told)), why

    async def _hold(self, reason: str) -> None:
        self._held += 1
        text = f"{self.system}: {reason}: `truce resume {self.system}` lets as many more go on, with `--waiting` all that wait now"
        if await pauses.halt(self.pool, self.system, text, by="guard"):
            await self.pool.execute("DELETE FROM quota_minutes WHERE system = $1 AND quota = 'guard'", self.system)
