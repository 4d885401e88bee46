"""One system's writer in one process: joins the group, pumps, sweeps, and ends in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiokafka import TopicPartition

from connectors.base import Sink
from connectors.errors import ConnectorError, RateLimited, Unavailable
from connectors.registry import load
from sync.runtime import log as logs
from sync.runtime.breaker import SqlBreaker
from sync.runtime.budget import SqlBudget
from sync.runtime.guard import OUTAGES, passing
from sync.runtime.health import here
from sync.runtime.metrics import metrics
from sync.runtime.producer import make_producer
from sync.runtime.rest import rest
from sync.settings import Settings
from sync.store import intents as store
from sync.store import meta, pauses
from sync.store.connect import open_pool
from sync.topology import changes_name
from sync.writer.accounts import Accounts
from sync.writer.carry import Carrier
from sync.writer.control import Knowledge
from sync.writer.guard import Guard
from sync.writer.intents import GRACE_S, Desk
from sync.writer.lanes import Lanes, Offsets
from sync.writer.opportunities import Opportunities
from sync.writer.pump import Pump
from sync.writer.queue import Mark
from sync.writer.results import Results
from sync.writer.settle import Settler
from sync.writer.sweep import WATCH_S, Sweep
from sync.writer.tasks import Tasks

POOL = 6
FINISH_S = 10.0
COMMIT_S = 0.25
LOOK_AGAIN_S = 600.0
TASKS_S = 1.0


class Writer:
    """The parts of one writer; `run` makes and ends them."""

    def __init__(
        self,
        settings: Settings,
        pump: Pump,
        sweep: Sweep,
        knowledge: Knowledge,
        beside: tuple[Tasks, Accounts, Opportunities],
        stop: asyncio.Event,
    ) -> None:
        self.pump, self.sweep, self.knowledge, self.stop = pump, sweep, knowledge, stop
        self.tasks, self.accounts, self.opportunities = beside
        self.system, self.log = sweep.system, pump.log
        self.timeout_s = settings.systems[sweep.system].timeout_s
        self.offsets = Offsets()
        self.lanes = Lanes(str(settings.kafka), settings.installation, self.system, self)
        pump.release = self._release
        pump.begin_anew()

    def _release(self, mark: Mark) -> None:
        place, offset = cast(tuple[TopicPartition, int], mark)
        self.offsets.release(place, offset)

    async def revoked(self) -> None:
        """Partitions go: finish what is on the wire, commit, forget the rest."""
        self.pump.paused = True
        await self.pump.drain(self.timeout_s if self.timeout_s < FINISH_S else FINISH_S)
        await self._commit()
        self.pump.begin_anew()
        self.offsets = Offsets()

    async def assigned(self) -> None:
        """Partitions came."""
        self.pump.paused = False
        self.pump.wake.set()

    async def _commit(self) -> None:
        movable = self.offsets.movable()
        try:
            await self.lanes.commit(movable)
        except Exception as error:  # a lost commit only means that doorbells are looked at again
            self.log.warning("offsets were not committed", system=self.system, error=type(error).__name__)

    async def read(self) -> None:
        """Take doorbells, for ever."""
        while True:
            for place, offset, key, lane in await self.lanes.read():
                self._take(place, offset, key, lane)
            self.lanes.hold_back(len(self.pump.queue))

    def _take(self, place: TopicPartition, offset: int, key: bytes | None, lane: Any) -> None:
        self.offsets.taken(place, offset)
        lead = _lead_id(key)
        if lead is None:
            metrics.count("truce_doorbells_total", system=self.system, lane="unreadable")
            self.offsets.release(place, offset)
            return
        self.pump.ring(lead, lane, (place, offset))

    async def keep(self) -> None:
        """Commit offsets and keep the intents of calls under way from being read back, for ever."""
        due = 0.0
        while True:
            await asyncio.sleep(COMMIT_S)
            await self._commit()
            now = asyncio.get_running_loop().time()
            if self.pump.carrier.in_flight and now >= due:
                due = now + self.timeout_s / 4
                await store.extend(self.sweep.pool, list(self.pump.carrier.in_flight), self.timeout_s + GRACE_S)

    async def watch(self) -> None:
        """Sweep, for ever."""
        while True:
            await self.sweep.watch()
            await asyncio.sleep(WATCH_S)

    async def tell_tasks(self) -> None:
        """Make and close tasks, for ever."""
        while True:
            if not await self.tasks.step():
                await asyncio.sleep(TASKS_S)

    async def tell_accounts(self) -> None:
        """Write accounts, for ever."""
        while True:
            if not await self.accounts.step():
                await asyncio.sleep(TASKS_S)

    async def tell_opportunities(self) -> None:
        """Make and keep copies of opportunities, for ever."""
        while True:
            if not await self.opportunities.step():
                await asyncio.sleep(TASKS_S)

    async def read_back(self) -> None:
        """Read back what has no outcome, for ever."""
        while True:
            if not await self.sweep.read_back():
                await asyncio.sleep(WATCH_S)

    async def look_again(self) -> None:
        """Read the live schema, for ever; what cannot be read is a pause."""
        while True:
            await self.learn()
            await asyncio.sleep(LOOK_AGAIN_S)

    async def learn(self) -> None:
        """Read the live schema until it is there or we are told to stop; a refusal pauses the system and is tried again."""
        wait = 0.5
        while not self.stop.is_set():
            try:
                return await self.knowledge.look_again()
            except (Unavailable, RateLimited) as error:
                self.log.warning("the live schema cannot be read", system=self.system, waiting=type(error).__name__)
            except ConnectorError as error:
                await pauses.halt(self.sweep.pool, self.system, f"{self.system}: {error.words}")
            with here().waiting(self.system):
                await rest(wait, self.stop)
            wait = min(30.0, wait * 2)

    async def run(self) -> None:
        """Work until told to stop, then end in order."""
        await self.learn()
        if self.stop.is_set():
            return
        await self.lanes.start()
        pump = asyncio.create_task(self.pump.run())
        others = [
            asyncio.create_task(self._always(job))
            for job in (
                *(self.read, self.keep, self.watch, self.read_back, self.look_again),
                *(self.tell_tasks, self.tell_accounts, self.tell_opportunities),
            )
        ]
        ended = asyncio.create_task(self.stop.wait())
        try:
            await asyncio.wait([pump, ended, *others], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.pump.stopping = True
            self.pump.wake.set()
            await asyncio.wait([pump], timeout=FINISH_S)
            for task in (ended, *others, pump):
                task.cancel()
            outcomes = await asyncio.gather(pump, *others, ended, return_exceptions=True)
            await self._commit()
            await self.lanes.stop()
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
                raise outcome

    async def _always(self, job: Callable[[], Awaitable[None]]) -> None:
        """Do it again after an outage."""
        while True:
            try:
                await job()
            except OUTAGES as error:
                self.log.warning("the writer waits", system=self.system, waiting=type(error).__name__)
                with here().waiting(passing(error) or "database"):
                    await asyncio.sleep(1.0)


def _lead_id(key: bytes | None) -> str | None:
    import uuid

    try:
        return str(uuid.UUID((key or b"").decode()))
    except ValueError:
        return None


def put_together(
    settings: Settings, system: str, pool: Any, producer: Any, topic: str, sink: Sink, breaker: SqlBreaker, stop: asyncio.Event
) -> Writer:
    """Make a writer of its parts."""
    timeout_s = settings.systems[system].timeout_s
    knowledge = Knowledge(pool, system, sink)
    settler = Settler(pool, system, sink, knowledge)
    results = Results(producer, topic, system)
    log = logs.get("writer")
    guard = Guard(pool, system)
    carrier = Carrier(pool, system, sink, knowledge, Desk(pool, system, knowledge, timeout_s), settler, results, guard, log)
    sweep = Sweep(pool, settings.installation, system, sink, knowledge, settler, results, timeout_s, settings.sweep_s)
    tasks = Tasks(pool, system, sink, knowledge, guard, timeout_s)
    firms = Accounts(pool, system, sink, knowledge, results, guard, timeout_s, settings.secret_bytes)
    deals = Opportunities(pool, system, sink, knowledge, results, guard, timeout_s, settings.secret_bytes)
    return Writer(settings, Pump(carrier, log, breaker.wait_s), sweep, knowledge, (tasks, firms, deals), stop)


async def run(settings: Settings, system: str, *, stop: asyncio.Event) -> None:
    """Write one system until `stop` is set; several processes share the work. Needs Kafka, PostgreSQL and their topics and tables."""
    if settings.kafka is None or settings.database is None or system not in settings.systems:
        raise ValueError(f"the writer of {system} needs KAFKA_BOOTSTRAP_SERVERS, TRUCE_DATABASE and TRUCE_SYSTEMS__{system.upper()}__URL")
    connector = load(settings.systems[system].vendor)
    pool = await open_pool(settings.database.get_secret_value(), settings.installation, size=POOL)
    producer = await make_producer(settings.kafka)
    budget, breaker = SqlBudget(pool, system, connector.manifest.quotas), SqlBreaker(pool, system)
    sink = connector.sink(settings.systems[system].connection(system), budget, breaker)
    try:
        topic = changes_name(settings.installation, int(await meta.begin(pool, "incarnation", 1)))
        await put_together(settings, system, pool, producer, topic, sink, breaker, stop).run()
    finally:
        await sink.close()
        await budget.close()
        await producer.stop()
        await pool.close()
