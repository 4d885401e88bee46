"""The lead agent's shell: Faust delivers, the worker applies, the watches see that both go on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sync.agents import ground
from sync.agents.batch import Batch
from sync.agents.clocks import Clocks
from sync.agents.delivery import Delivery
from sync.agents.halt import Halt
from sync.agents.outbox import Headers, Publisher
from sync.agents.rules import Rules, real
from sync.agents.worker import Connect, Worker
from sync.runtime import log
from sync.runtime.clock import Clock
from sync.runtime.guard import waits_for
from sync.runtime.health import Health, watch_loop
from sync.runtime.metrics import metrics
from sync.settings import Settings
from sync.store import clocks, problems
from sync.store.connect import Pool, connect, ensure_days, open_pool
from sync.topology import group_name

if TYPE_CHECKING:
    from sync.runtime.faust import App, Fetch, Tuning

T = TypeVar("T")
STOP_S = 8.0
LOST_S = 10.0
_LOG = log.get("worker")
WorkerClass = Callable[[Pool, Connect, Batch, Publisher, Clock, Health], Worker]


class LeadAgent:
    """One process's lead agent; build it and run it inside the running loop."""

    def __init__(
        self, settings: Settings, *, rules: Rules | None = None, tuning: Tuning | None = None, health: Health | None = None,
        worker: WorkerClass = Worker,
    ) -> None:  # fmt: skip
        self.settings, self.rules, self.clock = settings, rules or real(), Clock()
        self.health = health or Health(self.clock)
        self._tuning, self._make_worker = tuning, worker
        self.app: App
        self.worker: Worker
        self.clocks: Clocks
        self._stopping = False

    async def run(self, stop: asyncio.Event) -> int:
        """Work until `stop` is set or nothing can go on; gives the exit code: 0 stopped, 1 restart me, 2 a person must look."""
        dsn, kafka = self.settings.database, self.settings.kafka
        if dsn is None or kafka is None:
            return _say(Halt(2, "a lead agent needs both TRUCE_DATABASE and KAFKA_BOOTSTRAP_SERVERS"))
        loop_watch, stopping = watch_loop(self.health), asyncio.create_task(stop.wait())
        life = asyncio.create_task(self._live(dsn.get_secret_value(), kafka, stop))
        try:
            await asyncio.wait([life, stopping], return_when=asyncio.FIRST_COMPLETED)
            if self.health.state == "starting" and not life.done():  # servers may be away; nothing is under way yet
                return 0
            return await life
        except Halt as halt:
            return _say(halt)
        finally:
            loop_watch.set()
            await _ended([life, stopping])

    async def _live(self, dsn: str, kafka: str, stop: asyncio.Event) -> int:
        pool = await self._patiently(lambda: open_pool(dsn, self.settings.installation, size=4))
        try:
            found = await self._patiently(lambda: self._ground(pool, kafka))
            self._build(pool, lambda: connect(dsn, self.settings.installation), kafka, found)
            return await self._run(stop)
        finally:
            await _within(pool.close(), 2.0) or pool.terminate()

    async def _ground(self, pool: Pool, kafka: str) -> ground.Ground:
        settings = self.settings
        async with pool.acquire() as connection:
            return await ground.prepare(connection, kafka, settings.installation, settings.systems, settings.partitions)

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Do a first step as soon as the servers are there."""
        while True:
            try:
                return await step()
            except Exception as error:
                reason = waits_for(error)
                if reason is None:
                    raise
                _LOG.warning("waiting", waiting=reason, reason=type(error).__name__)
                with self.health.waiting(reason):
                    self.health.tick()
                    await asyncio.sleep(0.5)

    async def _run(self, stop: asyncio.Event) -> int:
        watches = [asyncio.create_task(watch) for watch in self._watches()]
        ends: list[asyncio.Future[Any]] = [asyncio.create_task(stop.wait()), self.worker.halted]
        try:
            await self.app.start()
            self.health.state = "running"
            ends.append(asyncio.create_task(self.app._crashed.wait()))  # start() does not say when it crashes later
            await asyncio.wait([*ends, *watches], return_when=asyncio.FIRST_COMPLETED)
            return await self._end(stop, watches)
        finally:
            await _ended([*ends, *watches])

    def _build(self, pool: Pool, connected: Connect, kafka: str, found: ground.Ground) -> None:
        from sync.runtime import faust  # not before the signal handlers stand

        settings = self.settings
        batch = Batch(found.topic, self.rules, settings.secret_bytes, self.clock, budget_ms=settings.batch_ms)
        self.worker = worker = self._make_worker(
            pool, connected, batch, Publisher(settings.installation, self._send), self.clock, self.health
        )
        self.delivery = worker.delivery = Delivery(
            lambda: self.app.consumer, worker.take_over, found.number, self.clock, self.health, worker.halt
        )
        self.clocks = Clocks(pool, found.topic, self._send, self.health, self.delivery.behind)
        worker.clock_set = self.clocks.sooner
        group = group_name(settings.installation, found.number)
        self.app = faust.build(group, kafka, found.topic, found.partitions, self.delivery, self._tuning or faust.Tuning())
        self._waiting_now = faust.waiting_now
        faust.agent(self.app, self._body)
        _LOG.info("starting", group=group, topic=found.topic, count=found.partitions)

    async def _send(self, topic: str, key: bytes, value: bytes, headers: Headers) -> asyncio.Future[object]:
        future: asyncio.Future[object] = await self.app.producer.send(topic, key, value, None, None, headers)
        return future

    async def _body(self, first: Fetch) -> None:
        """Take what is there now as one batch: 1 when idle, without a timer."""
        records: dict[int, list[Any]] = {}
        for fetch in [first, *self._waiting_now(self.app, self.settings.batch_size - sum(map(len, first.records.values())))]:
            for partition, rows in fetch.records.items():
                records.setdefault(partition, []).extend(rows)
        if self._stopping:
            return
        turn, gaps = self.delivery.accept(records)
        for at in range(0, len(turn), self.settings.batch_size):
            await self.worker.work(turn[at : at + self.settings.batch_size])
        await self.delivery.read_again(gaps)

    def _watches(self) -> list[Coroutine[Any, Any, None]]:
        return [
            self._every(0.5, self._tick),
            self._every(0.02, self._clocks),
            self._every(1.0, self._look),
            self._every(5.0, self.delivery.verify),
            self._every(LOST_S, self._still_there),
            self._every(10.0, self._held),
            self._every(10.0, self._overdue),
            self._every(3600.0, self._days),
        ]

    async def _every(self, seconds: float, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with contextlib.ExitStack() as wait:  # as long as a step fails because a server is away, that is the named reason
            while True:
                await asyncio.sleep(seconds)
                try:
                    await step()
                    wait.close()
                except Exception as error:
                    reason = waits_for(error)
                    if reason is None:
                        raise
                    wait.close()
                    wait.enter_context(self.health.waiting(reason))
                    _LOG.warning("waiting", waiting=reason, reason=type(error).__name__)

    async def _tick(self) -> None:
        self.health.tick()
        if self.health.stalled():
            self.worker.halt(Halt(1, "nothing was done for 60 s and no wait says why"))

    async def _clocks(self) -> None:
        if self.health.state != "running":
            return await asyncio.sleep(0.1)
        try:
            await self.clocks.step()
        except Exception:
            await asyncio.sleep(0.5)  # a server is away; what was claimed is given back, or comes back by itself
            raise

    async def _look(self) -> None:
        lag = self.delivery.lag()
        for partition, count in lag.items():
            metrics.set("truce_lag_messages", count, partition=str(partition))
        if not any(lag.values()) and self.delivery.epoch is not None:
            self.health.progress()
        await self.delivery.watch(not self.worker.busy and self.app.inbox is not None and self.app.inbox.empty())
        await self.worker.forget_published()
        if self.delivery.shut_out():
            await self.worker.new_group()
            self.worker.halt(Halt(1, "the broker forgot how often the consumer group changed hands: a new group begins at the next start"))
        if self.delivery.next:
            await self.app.consumer.show_progress(dict(self.delivery.next))

    async def _still_there(self) -> None:
        """While Kafka is waited for: a broker that came back empty never answers what is asked of the topic."""
        if "kafka" not in self.health.waits or self.settings.kafka is None:
            return
        try:
            async with self.worker.pool.acquire() as connection:
                await ground.still_there(connection, self.settings.kafka, self.worker.batch.topic)
        except Halt as halt:
            self.worker.halt(halt)

    async def _held(self) -> None:
        async with self.worker.pool.acquire() as connection:
            await problems.close_over(connection)

    async def _overdue(self) -> None:
        metrics.set("truce_clocks_overdue_seconds", (await clocks.overdue(self.worker.pool)).seconds)

    async def _days(self) -> None:
        if self.settings.database is not None:
            await ensure_days(self.settings.database.get_secret_value(), self.settings.installation)

    async def _end(self, stop: asyncio.Event, watches: list[asyncio.Task[None]]) -> int:
        self._stopping, self.health.state = True, "stopping"
        broken = [w.exception() for w in watches if w.done() and not w.cancelled()]
        await _within(self.worker.finish(), 4.0)
        await _within(self.app.stop(), STOP_S - 4.0)
        if self.worker.halted.done():
            return _say(self.worker.halted.result())
        if stop.is_set():
            _LOG.info("stopped")
            return 0
        return _say(Halt(1, f"Faust or a watch ended: {self.app.crash_reason or broken!r}"))


async def _ended(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _within(what: Coroutine[Any, Any, Any], seconds: float) -> bool:
    """Say whether it ended in time."""
    try:
        await asyncio.wait_for(what, seconds)
    except TimeoutError:
        return False
    return True


def _say(halt: Halt) -> int:
    _LOG.error("stopped", reason=str(halt), code=halt.code)
    return halt.code


async def run(
    settings: Settings, *, stop: asyncio.Event, rules: Rules | None = None, tuning: Tuning | None = None, health: Health | None = None
) -> int:
    """Run a lead agent until `stop` is set; gives the exit code (0 stopped, 1 restart, 2 a person must look)."""
    return await LeadAgent(settings, rules=rules, tuning=tuning, health=health).run(stop)


def serve(settings: Settings, **options: Any) -> int:
    """Run a lead agent as this process's work: SIGTERM and SIGINT stop it within 10 s."""
    import uvloop

    async def main() -> int:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, stop.set)
        agent = LeadAgent(settings, **options)
        return await agent.run(stop)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())
