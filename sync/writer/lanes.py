"""The doorbells on Kafka: both lanes of a partition in one process, offsets released in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor

from sync.topology import LANES, Lane, writer_group, writes_name

FULL = 20_000
"""With so many leads waiting, bulk is not read on; with twice as many, nothing is."""


@dataclass(slots=True)
class Offsets:
    """Which doorbells of each partition are done; only what is contiguous is committed."""

    _next: dict[TopicPartition, int] = field(default_factory=dict)
    _done: dict[TopicPartition, set[int]] = field(default_factory=dict)
    _moved: set[TopicPartition] = field(default_factory=set)

    def taken(self, place: TopicPartition, offset: int) -> None:
        """Note a doorbell that was read."""
        self._next.setdefault(place, offset)
        self._done.setdefault(place, set())

    def release(self, place: TopicPartition, offset: int) -> None:
        """Note that a doorbell is done."""
        done = self._done.get(place)
        if done is None:
            return
        done.add(offset)
        while self._next[place] in done:
            done.remove(self._next[place])
            self._next[place] += 1
            self._moved.add(place)

    def movable(self) -> dict[TopicPartition, int]:
        """Give what can be committed and was not yet, and count it as committed."""
        found = {place: self._next[place] for place in self._moved}
        self._moved.clear()
        return found


class Lanes(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """A system's two doorbell topics. `owner` is told when partitions go (it finishes what is on the wire) and when they come."""

    def __init__(self, bootstrap: str, installation: str, system: str, owner: Any) -> None:
        self._topics: dict[str, Lane] = {writes_name(installation, system, lane): lane for lane in LANES}
        self._owner = owner
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            group_id=writer_group(installation, system),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=6_000,
            heartbeat_interval_ms=2_000,
            max_poll_interval_ms=60_000,
            fetch_max_wait_ms=100,
            request_timeout_ms=10_000,
        )

    async def start(self) -> None:
        """Join the group."""
        await self._consumer.start()
        self._consumer.subscribe(topics=list(self._topics), listener=self)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let the owner finish and commit before somebody else begins."""
        await self._owner.revoked()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Let the owner begin."""
        await self._owner.assigned()

    async def read(self, timeout_ms: int = 200) -> list[tuple[TopicPartition, int, bytes | None, Lane]]:
        """Give the doorbells that came: (partition, offset, key, lane)."""
        found = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=2_000)
        return [(place, one.offset, one.key, self._topics[place.topic]) for place, some in found.items() for one in some]

    def hold_back(self, waiting: int) -> None:
        """Read on or not, by how many leads wait."""
        for place in self._consumer.assignment():
            full = waiting > (FULL if self._topics[place.topic] == "bulk" else 2 * FULL)
            if full and place not in self._consumer.paused():
                self._consumer.pause(place)
            elif not full and place in self._consumer.paused():
                self._consumer.resume(place)

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        """Commit next offsets; raises KafkaError."""
        if offsets:
            await self._consumer.commit(offsets)

    async def stop(self) -> None:
        """Leave the group."""
        await self._consumer.stop()
