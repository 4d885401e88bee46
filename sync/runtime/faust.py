"""The few overrides by which Faust only delivers: what was applied stands in PostgreSQL alone.

Each relies on something that faust-streaming 0.15.3 does; tests/unit/test_faust_overrides.py fails when upstream changes it.
Import this module only when the signal handlers stand: importing faust takes most of a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import faust
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.structs import OffsetAndMetadata
from faust import tables
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from sync.runtime import log

T = TypeVar("T")
FAUST_VERSION = "0.15.3"
BUFFERED = 6
"""How many fetches may lie in the agent's queue before no more are asked for."""
_LOG = log.get("worker")


@dataclass(frozen=True, slots=True)
class Tuning:
    """What may differ between a laptop and production."""

    session_s: float = 6.0
    heartbeat_s: float = 2.0
    request_s: float = 10.0
    fetch_wait_ms: int = 100
    fetch_records: int = 500


@dataclass(frozen=True, slots=True)
class Fetch:
    """What one fetch brought, by partition, in order of offset."""

    generation: int
    records: Mapping[int, Sequence[Any]]


class Listener(Protocol):
    """What the app tells whoever it delivers to."""

    async def assigned(self, generation: int, partitions: frozenset[int]) -> None:
        """These partitions are ours in this generation: seek them to what was not applied yet. Must not raise; may be cancelled."""
        ...

    async def trouble(self, error: Exception) -> None:
        """A fetch failed; the next one waits for this. Must not raise."""
        ...


class _AlwaysNone(dict[Any, Any]):
    """Faust drops messages below the highest offset it handed out; after a rewind that would lose the re-read."""

    def __getitem__(self, key: Any) -> None:
        return None

    def __setitem__(self, key: Any, value: Any) -> None:
        return

    def update(self, *args: Any, **kwargs: Any) -> None:
        return


class _Thread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = self.app.tuning.fetch_wait_ms  # upstream's 1500 is hard-coded
        return consumer


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Seeks to what was not applied, hands over whole fetches, and never acknowledges."""

    def _new_consumer_thread(self) -> _Thread:
        return _Thread(self, loop=self.loop, beacon=self.beacon)

    def _reset_state(self) -> None:
        super()._reset_state()
        self._read_offset = _AlwaysNone()

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Upstream logs guesses here; whether work is stuck is known by `applied`."""

    async def perform_seek(self) -> None:
        """Called after every rebalance, before the flow is resumed."""
        partitions = frozenset(tp.partition for tp in self.assignment() if tp.topic == self.app.topic_name)
        with contextlib.suppress(TimeoutError):  # it goes on by itself; until then the fetched messages are passed over
            await asyncio.wait_for(self.app.listener.assigned(self.app.consumer_generation_id, partitions), self.app.tuning.request_s / 2)

    async def rewind(self, wanted: Mapping[int, int]) -> None:
        """Read on from these offsets."""
        tps = {TP(self.app.topic_name, partition): offset for partition, offset in wanted.items()}
        await self._in_thread(self._thread._seek_wait(self._thread._ensure_consumer(), tps))

    async def ends(self, partitions: frozenset[int]) -> dict[int, tuple[int, int]]:
        """Give the log's first offset and the one after its last, by partition."""
        tps = [TP(self.app.topic_name, p) for p in partitions]
        consumer = self._thread._ensure_consumer()
        first, last = await self._in_thread(consumer.beginning_offsets(tps)), await self._in_thread(consumer.end_offsets(tps))
        return {tp.partition: (first[tp], last[tp]) for tp in tps}

    def seen_end(self, partition: int) -> int | None:
        """Give the offset after the log's last as the newest fetch said, without asking."""
        with contextlib.suppress(Exception):  # not assigned just now
            return int(self.highwater(TP(self.app.topic_name, partition)))
        return None

    async def show_progress(self, done: Mapping[int, int]) -> None:
        """Commit group offsets for the eyes of lag monitors; nothing depends on them, so no failure matters."""
        offsets = {TopicPartition(self.app.topic_name, p): OffsetAndMetadata(offset, "") for p, offset in done.items()}
        if not offsets:  # between two assignments
            return
        with contextlib.suppress(KafkaError, RuntimeError):
            await self._in_thread(self._thread._ensure_consumer().commit(offsets))

    async def _in_thread(self, call: Coroutine[Any, Any, T]) -> T:
        """Run in the consumer's thread, not behind what else waits there; at most as long as a request may take."""
        running = asyncio.run_coroutine_threadsafe(call, self._thread.thread_loop)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(running), self.app.tuning.request_s)
        except TimeoutError as error:
            raise KafkaTimeoutError from error

    async def _drain_messages(self, fetcher: Any) -> None:
        """Hand over whole fetches, one event each, instead of two tasks a message."""
        while not (self.should_stop or fetcher.should_stop):
            if not self.flow_active:
                await self.wait(self.can_resume_flow)
                continue
            active = self._get_active_partitions()
            if not active or self.app.inbox is None or self.app.inbox.qsize() >= BUFFERED:
                await asyncio.sleep(0.01)
                continue
            try:
                records = await self._getmany(active, 1.0)
            except self.consumer_stopped_errors:
                return
            except (KafkaError, TimeoutError) as error:
                await self.app.listener.trouble(error)
                continue
            if records and self.flow_active:
                self._hand_over(records)

    def _hand_over(self, records: Mapping[Any, Sequence[Any]]) -> None:
        generation = self.app.consumer_generation_id
        fetch = Fetch(generation, {tp.partition: rows for tp, rows in records.items()})
        first = next(iter(records))
        tp = TP(first.topic, first.partition)
        offset = records[first][0].offset
        message = ConsumerMessage(
            *(tp.topic, tp.partition, offset, time.time(), 0, None, None), fetch, None, 0, 0, tp, generation_id=generation
        )
        self.app.inbox.force_put_nowait(self.app.create_event(None, fetch, None, message))


class _Recovery(tables.recovery.Recovery):  # type: ignore[misc]
    async def _wait(self, coro: Any, timeout: Any = None) -> None:
        """Wait without a limit: what is waited for has limits of its own.

        Upstream takes a wait that ran out of time for a stopped service and ends the task: a process that was frozen for longer than a
        request may take, in the middle of an assignment, would hold its partitions for ever and read none of them.
        """
        await super()._wait(coro)


class _Tables(tables.TableManager):  # type: ignore[misc]
    _recovery: _Recovery | None

    @property
    def recovery(self) -> _Recovery:
        if self._recovery is None:
            self._recovery = _Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


class Producer(driver.Producer):  # type: ignore[misc]
    """Idempotent: a retry inside the client writes once and in order."""

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"enable_idempotence": True, "acks": "all"}


class Transport(driver.Transport):  # type: ignore[misc]
    """Faust's own with our consumer and producer."""

    Consumer = Consumer
    Producer = Producer


class App(faust.App):  # type: ignore[misc]
    """A Faust app that reads one topic."""

    topic_name: str
    tuning: Tuning
    listener: Listener
    inbox: Any = None
    """The agent's own queue, once it reads."""

    def _create_directories(self) -> None:
        """No table, no directory: where we run may be read-only."""

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> Transport:
        return Transport(self.conf.broker_producer, self)


def build(group: str, bootstrap: str, topic: str, partitions: int, listener: Listener, tuning: Tuning) -> App:
    """Make the app; call it inside the running loop, because Faust binds to it."""
    app = App(
        group,
        broker=[f"kafka://{address}" for address in bootstrap.split(",")],
        store="memory://",
        TableManager=_Tables,
        autodiscover=False,
        web_enabled=False,
        web_tables_enabled=False,
        web_router_enabled=False,
        worker_redirect_stdouts=False,
        key_serializer="raw",
        value_serializer="raw",
        topic_disable_leader=True,
        topic_allow_declare=False,
        topic_partitions=partitions,
        broker_session_timeout=tuning.session_s,
        broker_heartbeat_interval=tuning.heartbeat_s,
        broker_request_timeout=tuning.request_s,
        broker_max_poll_interval=86_400.0,  # an outage of the database must not cost the membership: liveness is ours (health.py)
        broker_max_poll_records=tuning.fetch_records,
        producer_request_timeout=tuning.request_s,
        producer_linger=0.0,
        producer_acks=-1,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
        consumer_auto_offset_reset="none",  # a log that ends before `applied` must stop us, not start us anew
    )
    app.topic_name, app.tuning, app.listener = topic, tuning, listener
    return app


def agent(app: App, body: Callable[[Fetch], Awaitable[None]]) -> Any:
    """Let `body(fetch)` have each fetch, unacknowledged: Faust's offsets are for the eyes only. It must not raise."""
    topic = app.topic(app.topic_name, acks=False, value_type=bytes, key_type=bytes, partitions=app.conf.topic_partitions)

    async def lead(stream: Any) -> None:
        app.inbox = stream.channel.queue
        async for event in stream.noack().events():
            await body(event.value)

    return app.agent(topic, name="lead")(lead)


def waiting_now(app: App, most: int) -> list[Fetch]:
    """Give what lies in the agent's queue now, up to about `most` messages, without waiting: nothing when idle."""
    found, count = list[Fetch](), 0
    while count < most and not app.inbox.empty():
        fetch = app.inbox.get_nowait().value
        if fetch.generation == app.consumer_generation_id and app.flow_control.is_active():
            found.append(fetch)
            count += sum(map(len, fetch.records.values()))
    return found
