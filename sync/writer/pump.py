"""The pump: takes ready leads, plans them, fills batches, keeps several requests in flight, and lets go of a lead only when all is safe."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sync.lead.decision import ProblemNote
from sync.runtime.guard import OUTAGES, passing
from sync.runtime.health import here
from sync.runtime.rest import rest
from sync.store import dirty, read_orders
from sync.store import intents as store
from sync.topology import Lane
from sync.writer.carry import Carrier, Group
from sync.writer.control import NoPlaybook
from sync.writer.intents import Unit, kept
from sync.writer.queue import KeyedQueue, Mark
from sync.writer.settle import Sum, republished

PATIENCE_S = {"hot": 0.1, "bulk": 1.0}
"""How long planned leads wait for their batch to fill while a call of their kind is under way."""
LOAD, LOAD_S = 0.1, 1.0
"""There is load when the last call of a kind took so much of a full batch, not longer ago than this."""
LOADED_S = {"hot": 0.4, "bulk": 2.0}
"""How long they wait while there is load, whether or not a call is under way."""
FILLING_S = 30.0
"""How long bulk waits while a system is read for the first time, or backfilled: it comes for hours, and each call counts against the quota."""
SOME = 50
"""So many leads of bulk are planned before it is looked whether any is hot."""
TRIES = 6


@dataclass(slots=True)
class Pump:
    """One process's writer of one system, between its queue and its sink."""

    carrier: Carrier
    log: Any
    wait_breaker: Callable[[], Awaitable[float]]
    """Gives how many seconds the breaker lets nothing through."""
    release: Callable[[Mark], None] = lambda mark: None
    queue: KeyedQueue = field(init=False)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: bool = False
    paused: bool = False
    """True while no partition is ours."""
    _groups: dict[Group, list[Unit]] = field(default_factory=dict)
    _since: dict[Group, float] = field(default_factory=dict)
    _calls: dict[asyncio.Task[None], Group] = field(default_factory=dict)
    _last: dict[Group, tuple[float, int]] = field(default_factory=dict)
    """When the last call of a kind went out, and with how many rows."""
    _tries: dict[str, int] = field(default_factory=dict)
    _away: ExitStack = field(default_factory=ExitStack)
    """Names the wait for a system that does not answer."""

    def __post_init__(self) -> None:
        self.queue = KeyedQueue(monotonic, self.release)

    def ring(self, lead: str, lane: Lane, mark: Mark | None = None) -> None:
        """Take a doorbell; its lead leaves the bulk with which it waits, to be planned anew."""
        self.queue.ring(lead, lane, mark)
        self._take_out(lead, lane)
        self.wake.set()

    def _take_out(self, lead: str, lane: Lane) -> None:
        """Take a lead out of its bulk. Since when that waits stays: who is rung for again and again, as by the sweep, puts it off no longer."""
        for group, units in self._groups.items():
            if group[0] == "bulk" and len(left := [unit for unit in units if unit.lead.id != lead]) < len(units):
                self._put_back(group, left)
                return self.queue.retry(lead, lane)
        return None

    def _put_back(self, group: Group, left: list[Unit]) -> None:
        """Keep what is left of a group."""
        if left:
            self._groups[group] = left
        else:
            del self._groups[group]

    async def run(self) -> None:
        """Work until told to stop and nothing is in flight; outages of PostgreSQL and Kafka are waited out."""
        with ExitStack() as named:
            while not self.stopping or self._calls:
                self.wake.clear()
                try:
                    await self._turn()
                    named.close()
                except (*OUTAGES, NoPlaybook) as error:
                    named.close()
                    named.enter_context(here().waiting(passing(error) or "playbook"))
                    self.log.warning("the writer waits", system=self.system, waiting=type(error).__name__)
                    self.carrier.rest(1.0)
                await self._sleep()

    async def drain(self, patience_s: float) -> bool:
        """Finish what is on the wire and forget the rest; False when a call is still out after so long."""
        end = monotonic() + patience_s
        while self._calls and monotonic() < end:
            await asyncio.wait(list(self._calls), timeout=max(0.0, end - monotonic()))
        return not self._calls

    def begin_anew(self) -> None:
        """Forget everything that waits: the partitions are somebody else's now, or come again from where they were committed."""
        self._groups.clear()
        self._since.clear()
        self.queue = KeyedQueue(monotonic, self.release)

    @property
    def system(self) -> str:
        """Name the system."""
        return self.carrier.system

    async def _sleep(self) -> None:
        now = monotonic()
        times = [t for t in (self.queue.next_due(), self.carrier.rest_until if self.carrier.rest_until > now else None) if t is not None]
        for group, since in self._since.items():
            times += [at for patience in (PATIENCE_S[group[0]], LOADED_S[group[0]], FILLING_S) if (at := since + patience) > now]
        await rest(min([1.0, *[max(0.001, t - now) for t in times]]), self.wake)

    async def _turn(self) -> None:
        if self.stopping or self.paused or monotonic() < self.carrier.rest_until:
            return
        shut = await self.wait_breaker() if self.queue.ready or self._groups else 0.0
        self._away.close()
        if shut > 0:
            self._shut_out(shut)
            return
        full = self.carrier.sink.manifest.batch_write
        while len(self._calls) < self.carrier.sink.manifest.in_flight and not (self.stopping or self.paused):
            while not self._enough(full) and (taken := self.queue.take(full if self.queue.hot else min(full, SOME))):
                await self._plan(taken)
            group = self._next_group(full)
            if group is None:
                return
            self._send(group, full)

    def _shut_out(self, seconds: float) -> None:
        """Wait for a system that does not answer, and say so."""
        self._away.enter_context(here().waiting(self.system))
        self.log.warning("the system does not answer: what is to be written waits, and is tried again by itself", system=self.system)
        self.carrier.rest(seconds)

    def _enough(self, full: int) -> bool:
        """Say whether enough is planned for a call: hot ones that may go, or a full batch of bulk while nothing hot is to be planned."""
        if any(group[0] == "hot" and self._may_go(group, full) for group in self._groups):
            return True
        return not self.queue.hot and any(_rows(units) >= full for units in self._groups.values())

    def _next_group(self, full: int) -> Group | None:
        """Give the group to send: hot first, a full one first, of those that may go."""
        groups = sorted(self._groups, key=lambda group: (group[0] != "hot", _rows(self._groups[group]) < full, self._since[group]))
        return next((group for group in groups if self._may_go(group, full)), None)

    def _may_go(self, group: Group, full: int) -> bool:
        """Say whether a group is full or has waited long enough; half of the calls that may be under way are never bulk's."""
        most = max(1, self.carrier.sink.manifest.in_flight // 2)
        if group[0] == "bulk" and sum(one[0] == "bulk" for one in self._calls.values()) >= most:
            return False
        now = monotonic()
        return _rows(self._groups[group]) >= full or now - self._since[group] >= self._patience(group, full, now)

    def _patience(self, group: Group, full: int, now: float) -> float:
        if group[0] == "bulk" and self.carrier.knowledge.filling:
            return FILLING_S
        at, rows = self._last.get(group, (0.0, 0))
        if rows >= LOAD * full and now - at < LOAD_S:
            return LOADED_S[group[0]]
        return PATIENCE_S[group[0]] if group in self._calls.values() else 0.0

    async def _plan(self, taken: Sequence[tuple[str, Lane]]) -> None:
        """Plan leads: into the batches what is to be told, out of the queue what is not."""
        try:
            units, bad = await self.carrier.desk.look(taken)
            await self._aside(taken, units, bad)
        except BaseException:
            for lead, lane in taken:
                self.queue.retry(lead, lane, 0.2)
            raise
        for unit in units:
            if unit.sent and unit.lane == "bulk" and self.queue.urgent(unit.lead.id):
                self.queue.retry(unit.lead.id, "hot")
            elif unit.sent:
                self._groups.setdefault(unit.group, []).append(unit)
                self._since.setdefault(unit.group, monotonic())

    async def _aside(self, taken: Sequence[tuple[str, Lane]], units: Sequence[Unit], bad: dict[str, Exception]) -> None:
        """Settle the leads of which nothing is told now."""
        quiet = [unit for unit in units if not unit.sent]
        clean = [(u.lead.id, u.lead.dirty_rev) for u in quiet if u.lead.dirty_rev is not None and not u.plan.stays_dirty]
        note = kept([u for u in quiet if u.lead.dirty_rev is not None])  # of the others it is kept with what became of them
        if clean or note["would"] or note["lacks"]:
            await store.settle(self.carrier.pool, self.system, clean=clean, **note)
        await self._left_over(units, bad)
        known = {unit.lead.id for unit in units}
        for lead in [lead for lead, _ in taken if lead not in known] + [u.lead.id for u in quiet]:
            self.queue.done(lead)

    async def _left_over(self, units: Sequence[Unit], bad: dict[str, Exception]) -> None:
        """See to what a plan asks for besides rows: reads, survivors, problems, results that nobody published."""
        total = Sum(reads=sorted({ref for u in units for ref in u.plan.reads}), problems=self.carrier.desk.problems(units))
        for lead, error in bad.items():
            self.log.error("a lead cannot be planned", system=self.system, lead=lead, error=type(error).__name__)
            text = f"the writer cannot plan this lead: {type(error).__name__}"
            total.problems.append(ProblemNote("unplannable", f"{self.system}:{lead}", True, text, system=self.system, lead_id=lead))
        if total.problems:
            await self.carrier.settler.keep(Sum(problems=total.problems))
        if total.reads:
            await read_orders.order(self.carrier.pool, total.reads)
        survivors = [u.lead.survivor for u in units if u.lead.survivor is not None and u.lead.dirty_rev is not None]
        if survivors:
            await dirty.mark(self.carrier.pool, survivors, self.system, "hot")
            for lead in survivors:
                self.queue.ring(lead, "hot")
        lost = [(u.lead.key, one) for u in units for one in u.lead.intents if one.state == "done" and one.id not in self.carrier.published]
        await self.carrier.publish([republished(key, one.outcome) for key, one in lost if one.outcome])

    def _send(self, group: Group, full: int) -> None:
        """Begin one call with at most a full batch of a group."""
        units = self._groups[group]
        count = max(1, next((n for n in range(len(units), 0, -1) if _rows(units[:n]) <= full), 1))
        batch, left = units[:count], units[count:]
        self._put_back(group, left)
        if not left:
            del self._since[group]
        self._last[group] = (monotonic(), _rows(batch))
        task = asyncio.create_task(self._carry(group, batch, self.queue))
        self._calls[task] = group
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._calls[task]
        self.wake.set()
        if not task.cancelled() and (error := task.exception()):
            self.log.error("a batch failed", system=self.system, error=type(error).__name__)

    async def _carry(self, group: Group, batch: Sequence[Unit], queue: KeyedQueue) -> None:
        """Carry one batch through; leads that are not done with are looked at again, after some tries only when the sweep rings."""
        done: set[str] = set()
        try:
            done = await self.carrier.carry(group, batch)
        except OUTAGES as error:
            self.log.warning("a batch waits", system=self.system, waiting=type(error).__name__)
            self.carrier.rest(0.5)
        finally:
            for unit in batch:
                self._let_go(unit, queue, done=unit.lead.id in done)

    def _let_go(self, unit: Unit, queue: KeyedQueue, *, done: bool) -> None:
        lead = unit.lead.id
        tries = self._tries[lead] = self._tries.get(lead, 0) + 1
        if done or tries > TRIES:
            del self._tries[lead]
            queue.done(lead)
        else:
            queue.retry(lead, unit.lane, 0.005 if tries == 1 else min(5.0, 0.05 * 2**tries) * random.uniform(0.5, 1.0))


def _rows(units: Sequence[Unit]) -> int:
    return sum(len(unit.sent) for unit in units)
