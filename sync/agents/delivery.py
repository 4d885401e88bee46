"""Which message is next: what Faust skipped is read again, what it gives twice is passed over, what is not ours is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from sync.agents.halt import Halt
from sync.runtime import log
from sync.runtime.clock import Clock
from sync.runtime.guard import judge, waits_for
from sync.runtime.health import Health
from sync.runtime.metrics import metrics
from sync.store.applied import Epoch

PATIENCE_S = 3.0
"""How long a partition may stand still with messages to read before they are asked for again."""
SHUT_OUT_S = 30.0
_LOG = log.get("worker")


class Reader(Protocol):
    """What reads Kafka for us: Faust's consumer with our overrides."""

    async def rewind(self, wanted: Mapping[int, int]) -> None:
        """Read on from these offsets."""
        ...

    async def ends(self, partitions: frozenset[int]) -> dict[int, tuple[int, int]]:
        """Give the log's first offset and the one after its last."""
        ...

    def seen_end(self, partition: int) -> int | None:
        """Give the offset after the log's last, as far as it is known without asking."""
        ...


TakeOver = Callable[[Epoch, frozenset[int]], Awaitable[dict[int, int]]]
"""Take the epoch, publish what was left, give partition → next offset of what is ours."""


class Delivery:
    """Keeps, per owned partition, the offset that comes next."""

    def __init__(
        self, reader: Callable[[], Reader], take_over: TakeOver, number: int, clock: Clock, health: Health, halt: Callable[[Halt], None]
    ) -> None:
        self._reader, self._take_over, self.number = reader, take_over, number
        self.clock, self.health, self._halt = clock, health, halt
        self.epoch: Epoch | None = None
        self.next: dict[int, int] = {}
        self.assignment: frozenset[int] = frozenset()
        self._moved_at: dict[int, float] = {}
        self._asked_at: dict[int, float] = {}
        self._settling: asyncio.Task[None] | None = None
        self._settled_at = 0.0

    async def assigned(self, generation: int, partitions: frozenset[int]) -> None:
        """Take over these partitions; goes on in the background when the caller gives up."""
        if self._settling is not None:
            self._settling.cancel()
        self.epoch, self.next, self.assignment = None, {}, partitions
        self._settling = asyncio.create_task(self._settle(Epoch(self.number, generation), partitions))
        await asyncio.shield(self._settling)

    async def trouble(self, error: Exception) -> None:
        """A fetch failed: look whether Kafka still has what we need, then go on from there."""
        with self.health.waiting("kafka"):
            await asyncio.sleep(0.2)
        if self.next:
            await self._again(dict(self.next), "gap")

    async def _settle(self, epoch: Epoch, partitions: frozenset[int]) -> None:
        for tries in range(1, 1_000_000):
            try:
                mine = await self._take_over(epoch, partitions)
                await self._verify(mine)
                self.epoch, self.next = epoch, mine
                self._settled_at = self.clock.monotonic()
                self._moved_at, self._asked_at = dict.fromkeys(mine, self.clock.monotonic()), {}
                await self._reader().rewind(mine)
                _LOG.info(
                    "partitions taken", generation=epoch.generation, group=str(epoch.number), count=len(mine), expected=len(partitions)
                )
                self.health.progress()
                return
            except Exception as error:
                if isinstance(error, Halt) or judge(error) == "poison":
                    self._halt(error if isinstance(error, Halt) else Halt(1, f"taking over failed: {type(error).__name__}: {error}"))
                    return
                _LOG.warning("waiting", waiting=waits_for(error) or "locks", reason=type(error).__name__, attempt=tries)
                with self.health.waiting(waits_for(error) or "locks"):
                    await asyncio.sleep(min(0.05 * 2**tries, 1.0))

    async def _verify(self, mine: Mapping[int, int]) -> None:
        if not mine:
            return
        for p, (first, last) in (await self._reader().ends(frozenset(mine))).items():
            if last < mine[p]:
                raise Halt(
                    2,
                    f"Kafka lost data: partition {p} ends at {last}, but messages up to {mine[p]} were applied. "
                    "Look at the broker first; `truce topics --new-incarnation` begins anew and orders a sweep.",
                )
            if first > mine[p]:
                raise Halt(
                    2,
                    f"Kafka no longer has messages {mine[p]} to {first - 1} of partition {p}: its retention passed before they were "
                    "applied. `truce topics --new-incarnation` begins anew and orders a sweep.",
                )

    async def verify(self) -> None:
        """Halt when Kafka no longer has what comes next; raises KafkaError when it cannot be asked."""
        try:
            await self._verify(dict(self.next))
        except Halt as halt:
            self._halt(halt)

    def accept(self, records: Mapping[int, Sequence[Any]]) -> tuple[list[Any], dict[int, int]]:
        """Give the messages whose turn it is, and where to read again because something was skipped."""
        turn, gaps = list[Any](), dict[int, int]()
        now = self.clock.monotonic()
        for partition, rows in records.items():
            if partition not in self.next:
                continue
            expected = self.next[partition]
            for row in rows:
                if row.offset == expected:
                    turn.append(row)
                    expected += 1
                elif row.offset > expected:
                    gaps[partition] = expected
                    break
        for partition in [p for p in gaps if now - self._asked_at.get(p, -PATIENCE_S) < PATIENCE_S]:
            del gaps[partition]
        return turn, gaps

    async def read_again(self, gaps: Mapping[int, int]) -> None:
        """Go back to what was skipped, and count it."""
        if gaps:
            await self._again(gaps, "gap")

    async def _again(self, wanted: Mapping[int, int], why: str) -> None:
        metrics.count("truce_rewinds_total", len(wanted), why=why)
        now = self.clock.monotonic()
        self._asked_at.update(dict.fromkeys(wanted, now))
        self._moved_at.update(dict.fromkeys(wanted, now))
        _LOG.info("reading again", reason=why, count=len(wanted))
        try:
            await self._verify(wanted)
            await self._reader().rewind(wanted)
        except Halt as halt:
            self._halt(halt)
        except Exception as error:  # the watchdog asks again
            _LOG.warning("reading again failed", reason=type(error).__name__)

    def advance(self, epoch: Epoch, next_: Mapping[int, int], lost: set[int]) -> None:
        """Note what was applied under this epoch, and what is no longer ours."""
        if epoch != self.epoch:
            return
        now = self.clock.monotonic()
        for partition, offset in next_.items():
            if partition in self.next and self.next[partition] != offset:
                self.next[partition] = offset
                self._moved_at[partition] = now
                self._asked_at.pop(partition, None)
        for partition in lost:
            self.next.pop(partition, None)

    def lag(self) -> dict[int, int]:
        """Give how many messages of each owned partition wait, as far as it is known."""
        ends = {p: self._reader().seen_end(p) for p in self.next}
        return {p: max(0, end - self.next[p]) for p, end in ends.items() if end is not None}

    def behind(self, reach: Mapping[int, int]) -> int | None:
        """Give how many messages wait in all, where partitions are known to reach so far; None while no partition is ours."""
        if not self.next:
            return None
        return sum(max(0, max(self._reader().seen_end(p) or 0, reach.get(p, 0)) - next_) for p, next_ in self.next.items())

    def shut_out(self) -> bool:
        """True when partitions were assigned to us long ago, and yet SQL knows a newer owner: the broker's count began anew."""
        return (
            self.epoch is not None and bool(self.assignment - self.next.keys()) and self.clock.monotonic() - self._settled_at > SHUT_OUT_S
        )

    async def watch(self, idle: bool) -> None:
        """Read again what waits in Kafka although nothing of it was delivered for a while: skipped last messages show no gap."""
        now = self.clock.monotonic()
        still = {p: self.next[p] for p, lag in self.lag().items() if lag and now - self._moved_at.get(p, now) > PATIENCE_S}
        if still and idle:
            await self._again(still, "tail")
