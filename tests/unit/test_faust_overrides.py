"""What the overrides of Faust rely on: each of these fails when upstream changes it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any

import faust
import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import TopicPartition
from faust.tables import TableManager
from faust.tables.recovery import Recovery
from faust.transport import consumer as upstream
from faust.transport.drivers import aiokafka as driver

from sync.runtime.faust import FAUST_VERSION, App, Fetch, Tuning, agent, build, waiting_now


class Listening:
    def __init__(self) -> None:
        self.assignments: list[tuple[int, frozenset[int]]] = []
        self.troubles: list[str] = []

    async def assigned(self, generation: int, partitions: frozenset[int]) -> None:
        self.assignments.append((generation, partitions))

    async def trouble(self, error: Exception) -> None:
        self.troubles.append(type(error).__name__)


@pytest.fixture
async def app() -> App:
    return build("group", "127.0.0.1:1", "changes", 4, Listening(), Tuning(fetch_wait_ms=77))


def source(thing: Any) -> str:
    return inspect.getsource(thing)


def test_the_pinned_version_is_the_one_that_was_read() -> None:
    assert faust.__version__ == FAUST_VERSION


def test_upstream_still_calls_what_is_overridden() -> None:
    assert "consumer.perform_seek()" in source(Recovery._resume_streams)
    assert source(Recovery._resume_streams).index("perform_seek") < source(Recovery._resume_streams).index("resume_flow")
    assert "_recovery = Recovery(" in source(TableManager.recovery.fget)
    assert "raise ServiceStopped()" in source(Recovery._wait), "a wait that ran out of time ends the task that takes partitions"
    assert "consumer._drain_messages(self)" in source(upstream.Fetcher)
    assert "self._new_consumer_thread()" in source(upstream.ThreadDelegateConsumer.__init__)
    assert "_read_offset" in source(driver.AIOKafkaConsumerThread._seek_wait)
    assert "fetch_max_wait_ms=1500" in source(driver.AIOKafkaConsumerThread._create_worker_consumer)
    assert "self.consumer.flow_active" in source(driver.AIOKafkaConsumerThread._fetch_records)
    assert "_settings_extra()" in source(driver.Producer._new_producer)
    assert "self._new_transport()" in source(faust.App)
    assert "self._create_directories()" in source(faust.App.on_first_start)
    assert "self._new_producer_transport()" in source(faust.App)


async def test_the_apps_transports_are_ours(app: App) -> None:
    consumer = app._new_consumer()
    assert type(consumer).__module__ == type(app.producer).__module__ == "sync.runtime.faust"
    assert consumer._thread._create_worker_consumer(app.transport)._fetch_max_wait_ms == 77


async def test_waiting_for_an_assignment_has_no_limit_of_fausts(app: App) -> None:
    """A process that wakes after the limit has passed goes on with the next assignment."""
    recovery = app.tables.recovery
    await recovery._wait(asyncio.sleep(0.05), timeout=0.001)


async def test_the_producer_is_idempotent(app: App) -> None:
    made = app.producer._new_producer()
    assert made._txn_manager is not None
    assert made._sender._acks == -1


async def test_read_offsets_are_never_remembered(app: App) -> None:
    consumer = app._new_consumer()
    consumer._read_offset["x"] = 5
    consumer._read_offset.update({"x": 6})
    assert consumer._read_offset["x"] is None


async def test_nothing_is_acknowledged_by_faust(app: App) -> None:
    async def body(fetch: Fetch) -> None:
        return

    agent(app, body)
    assert not app.agents["lead"].channel.acks
    assert app.conf.stream_wait_empty is False
    assert app.conf.web_enabled is False
    assert app.conf.consumer_auto_offset_reset == "none"


class Record:
    def __init__(self, offset: int) -> None:
        self.offset = offset


class Queue:
    """As much of the agent's queue as the drain needs."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def qsize(self) -> int:
        return len(self.events)

    def empty(self) -> bool:
        return not self.events

    def force_put_nowait(self, event: Any) -> None:
        self.events.append(event)

    def get_nowait(self) -> Any:
        return self.events.pop(0)


async def test_fetches_are_handed_over_whole_and_trouble_is_told(app: App) -> None:
    consumer = app._new_consumer()
    app.inbox, app.consumer_generation_id = Queue(), 3
    consumer._active_partitions = {TopicPartition("changes", 0)}
    answers: list[Any] = [
        {TopicPartition("changes", 0): [Record(5), Record(6)]},
        {},
        KafkaConnectionError("away"),
        {TopicPartition("changes", 2): [Record(1)]},
    ]

    async def getmany(active: Any, timeout: float) -> Mapping[Any, Any]:
        answer = answers.pop(0)
        if not answers:
            consumer._stopped.set()
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    consumer._getmany = getmany
    consumer._get_active_partitions = lambda: {1}
    await consumer._drain_messages(consumer)
    app.flow_control.resume()
    fetches = waiting_now(app, 100)
    assert [{p: [r.offset for r in rows] for p, rows in fetch.records.items()} for fetch in fetches] == [{0: [5, 6]}, {2: [1]}]
    assert app.listener.troubles == ["KafkaConnectionError"]  # type: ignore[attr-defined]


async def test_what_lies_in_the_queue_from_an_older_generation_is_left_out(app: App) -> None:
    consumer = app._new_consumer()
    app.inbox, app.consumer_generation_id = Queue(), 3
    app.flow_control.resume()
    consumer._hand_over({TopicPartition("changes", 0): [Record(5)]})
    app.consumer_generation_id = 4
    consumer._hand_over({TopicPartition("changes", 0): [Record(6)]})
    assert [row.offset for fetch in waiting_now(app, 100) for row in fetch.records[0]] == [6]


async def test_every_seek_asks_the_listener(app: App) -> None:
    consumer = app._new_consumer()
    app.consumer_generation_id = 9
    consumer.assignment = lambda: {TopicPartition("changes", 1), TopicPartition("other", 2)}
    await consumer.perform_seek()
    assert app.listener.assignments == [(9, frozenset({1}))]  # type: ignore[attr-defined]
