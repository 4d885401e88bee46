"""What must stand before a lead agent starts: the installation's numbers, its topics, and a group that the broker still knows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from sync.agents.halt import Halt
from sync.runtime import log
from sync.store import applied, meta
from sync.store.applied import Position
from sync.store.statement import Connection
from sync.topology import Topic, changes_name, group_name, topics

_LOG = log.get("worker")


class Ground(NamedTuple):
    """What the agent reads, and as whom."""

    topic: str
    partitions: int
    number: int
    """The consumer group's number."""


async def prepare(connection: Connection, bootstrap: str, installation: str, systems: Iterable[str], partitions: int) -> Ground:
    """Make what is missing and give what to read; raises Halt(2) when Kafka no longer has what was applied, KafkaError when it is away."""
    incarnation = int(await meta.begin(connection, "incarnation", 1))
    number = int(await meta.begin(connection, "group_number", 1))
    topic = changes_name(installation, incarnation)
    positions = await applied.positions(connection, topic)
    admin = await _admin(bootstrap)
    try:
        known = set(await admin.list_topics())
        _there(bootstrap, topic, known, positions)
        await _make(admin, [t for t in topics(installation, incarnation, tuple(systems), partitions) if t.name not in known])
        if any(p.epoch.number == number for p in positions.values()) and not await _known(admin, group_name(installation, number)):
            number = int(await meta.change(connection, "group_number", number, number + 1))
            _LOG.warning("the broker no longer knows the consumer group, a new one begins", group=str(number))
        count = await _partitions(admin, topic)
    finally:
        await admin.close()
    return Ground(topic, count, number)


async def still_there(connection: Connection, bootstrap: str, topic: str) -> None:
    """Raise Halt(2) when Kafka answers but no longer has the topic of which messages were applied; KafkaError when it is away."""
    positions = await applied.positions(connection, topic)
    admin = await _admin(bootstrap)
    try:
        _there(bootstrap, topic, set(await admin.list_topics()), positions)
    finally:
        await admin.close()


def _there(bootstrap: str, topic: str, known: set[str], positions: Mapping[int, Position]) -> None:
    done = sum(position.next_offset for position in positions.values())
    if topic not in known and done:
        raise Halt(
            2,
            f"Kafka at {bootstrap} has no topic {topic}, but {done} of its messages were applied: it lost its data, or it is another one. "
            "`truce topics --new-incarnation` begins anew and orders a sweep.",
        )


async def _admin(bootstrap: str) -> AIOKafkaAdminClient:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    try:
        await admin.start()
    except BaseException:
        await admin.close()
        raise
    return admin


async def _make(admin: AIOKafkaAdminClient, missing: list[Topic]) -> None:
    if not missing:
        return
    wanted = [NewTopic(t.name, t.partitions, -1, {}, _configs(t)) for t in missing]
    answer = await admin.create_topics(wanted)
    for name, code, *_ in answer.topic_errors:
        if code and for_code(code) is not TopicAlreadyExistsError:
            raise Halt(
                2, f"the topic {name} could not be made: {for_code(code).__name__}. Make it yourself, or give this user the right to."
            )


def _configs(topic: Topic) -> dict[str, str]:
    return {"retention.ms": str(topic.retention_ms), "cleanup.policy": "delete", "message.timestamp.type": "LogAppendTime"}


async def _known(admin: AIOKafkaAdminClient, group: str) -> bool:
    answers = await admin.describe_consumer_groups([group])
    return any(found[2] != "Dead" for answer in answers for found in answer.groups)


async def _partitions(admin: AIOKafkaAdminClient, topic: str) -> int:
    for _ in range(100):
        found = [t for t in await admin.describe_topics([topic]) if not t["error_code"]]
        if found and found[0]["partitions"]:
            return len(found[0]["partitions"])
        await asyncio.sleep(0.1)
    raise Halt(1, f"the topic {topic} was made, but the broker does not show it")
