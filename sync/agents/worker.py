"""One lead agent at work: from a fetch of Kafka to committed decisions and published doorbells."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from sync.agents.batch import Batch, Done
from sync.agents.delivery import Delivery
from sync.agents.halt import Halt
from sync.agents.input import Delivered, Input, prepare
from sync.agents.outbox import Publisher
from sync.runtime import log
from sync.runtime.clock import Clock
from sync.runtime.guard import CannotPark, Failure, Flood, Guard, TooMuchParked, waits_for
from sync.runtime.health import Health
from sync.runtime.metrics import metrics
from sync.store import applied, meta, outbox
from sync.store.applied import Epoch
from sync.store.connect import Pool
from sync.store.outbox import Unpublished
from sync.store.statement import Connection, run

STALE_S = 1.0
"""A batch that was committed longer ago is published only if its partitions are still ours: we may have been frozen."""
PUBLISHING = 4
"""How many batches may be on their way to Kafka while the next one is decided."""
Connect = Callable[[], Awaitable[Connection]]
MOST_TRIES = 90
_LOG = log.get("worker")


class Worker:
    """Applies what is delivered; never raises to whoever delivers."""

    def __init__(self, pool: Pool, connect: Connect, batch: Batch, publisher: Publisher, clock: Clock, health: Health) -> None:
        self.pool, self._connect, self.batch, self.publisher, self.clock, self.health = pool, connect, batch, publisher, clock, health
        self.delivery: Delivery
        self.halted: asyncio.Future[Halt] = asyncio.get_running_loop().create_future()
        self.busy = False
        self.clock_set: Callable[[int | None], None] = lambda due_ms: None
        """Told when the first of the clocks is due that a batch set."""
        self.flood = Flood()
        self._guard = Guard[Input](health, self._apply)
        self._connection: Connection = None
        self._published: list[int] = []
        self._publishing: list[asyncio.Task[None]] = []
        self._free = asyncio.Lock()

    def halt(self, why: Halt) -> None:
        """Stop: what is committed stays, the rest is read again after the next start."""
        if not self.halted.done():
            self.halted.set_result(why)

    async def take_over(self, epoch: Epoch, partitions: frozenset[int]) -> dict[int, int]:
        """Take the epoch, publish what an earlier owner left, and give the next offsets of what is ours."""
        if self._publishing:  # else they would be published twice, by us
            await asyncio.wait(self._publishing, timeout=2.0)
        async with self.pool.acquire() as connection:
            mine = await applied.take(connection, self.batch.topic, partitions, epoch)
            left = await outbox.left(connection, mine)
            own = set(self._published)
            await self.publisher.publish([row.payload for row in left if row.id not in own])
            if left:
                await run(connection, [outbox.published([row.id for row in left])])
        return mine

    async def new_group(self) -> None:
        """Begin a new consumer group at the next start: the broker counts generations lower than those that we remember."""
        async with self.pool.acquire() as connection:
            await meta.change(connection, "group_number", self.delivery.number, self.delivery.number + 1)

    async def work(self, records: Sequence[Delivered]) -> None:
        """Apply these messages, each or parked; stops the role instead of raising."""
        self.busy = True
        try:
            async with self._free:
                await self._guard.run([prepare(r, self.batch.rules.wanted, self.batch.secret) for r in records])
        except TooMuchParked as error:
            self.halt(
                Halt(
                    2, f"{error}: most likely Truce or its playbook is wrong, not the messages. `truce parked` shows why; then start again."
                )
            )
        except CannotPark as error:
            self.halt(Halt(1, str(error)))
        finally:
            self.busy = False
        if self.halted.done():
            await asyncio.Event().wait()  # what follows is not ours to take any more; stopping ends this

    async def _apply(self, part: Sequence[Input], why: Failure | None) -> int:
        epoch = self.delivery.epoch
        part_now = [m for m in part if m.partition in self.delivery.next]
        if epoch is None or not part_now:
            return len(part)  # no longer ours: the next owner reads them
        start, forget = self.clock.monotonic(), list(self._published)
        connection = await self._connected()
        try:
            done = await self.batch.apply(connection, part_now, epoch, forget, why)
        except TimeoutError:  # whatever it waits for on that connection will not come
            connection.terminate()
            raise
        self._published = [ident for ident in self._published if ident not in set(forget)]
        metrics.observe("truce_batch_seconds", self.clock.monotonic() - start)
        await self._after(epoch, done)
        return len(part) if len(part_now) < len(part) else done.count

    async def _after(self, epoch: Epoch, done: Done) -> None:
        self.delivery.advance(epoch, done.next, done.lost)
        self.health.progress()
        metrics.count("truce_batches_total", result="committed")
        metrics.observe("truce_batch_messages", len(done.outcomes))
        for kind in set(done.outcomes):
            metrics.count("truce_inputs_total", done.outcomes.count(kind), outcome=kind)
        self.clock_set(done.next_due)
        if done.unpublished:
            await self._publish_soon(epoch, done.unpublished)
        self.flood.note(zip(done.sources, done.outcomes, strict=True), self.clock.monotonic())

    async def _publish_soon(self, epoch: Epoch, rows: Sequence[Unpublished]) -> None:
        while len(self._publishing) >= PUBLISHING:
            await asyncio.wait(self._publishing, return_when=asyncio.FIRST_COMPLETED)
        before = self._publishing[-1] if self._publishing else None
        task = asyncio.create_task(self._publish(epoch, rows, self.clock.monotonic(), before))
        self._publishing.append(task)
        task.add_done_callback(self._publishing.remove)

    async def _publish(self, epoch: Epoch, rows: Sequence[Unpublished], committed_at: float, before: asyncio.Task[None] | None) -> None:
        """Publish in the order of commits; try again until Kafka has it."""
        if before is not None:
            await asyncio.wait([before])
        tries = 0
        while True:
            try:
                if tries or self.clock.monotonic() - committed_at > STALE_S:
                    rows = await self._still_ours(epoch, rows)
                await self.publisher.publish([row.payload for row in rows])
                break
            except Exception as error:
                tries += 1
                if waits_for(error) is None or tries > MOST_TRIES:  # a producer may be broken for good, although Kafka is not
                    self.halt(Halt(1, f"publishing failed, what is left is published after a restart: {type(error).__name__}"))
                    return
                await self._guard.wait(error, tries)
        self._published += [row.id for row in rows]

    async def _still_ours(self, epoch: Epoch, rows: Sequence[Unpublished]) -> list[Unpublished]:
        async with self.pool.acquire() as connection:
            now = await applied.positions(connection, self.batch.topic)
        return [row for row in rows if now[row.partition].epoch == epoch]

    async def _connected(self) -> Connection:
        """Give the connection that the batches use, a new one when it is gone."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        return self._connection

    async def forget_published(self) -> None:
        """Remove outbox rows that Kafka has, when no batch does it by the way."""
        ids = list(self._published)
        if ids and not self.busy:
            async with self.pool.acquire() as connection:
                await run(connection, [outbox.published(ids)])
            self._published = [ident for ident in self._published if ident not in set(ids)]

    async def finish(self) -> None:
        """Let the batch under way end, and what it has to publish."""
        async with self._free:
            if self._publishing:
                await asyncio.wait(self._publishing)
        await self.forget_published()
        if self._connection is not None:
            await self._connection.close(timeout=1)
