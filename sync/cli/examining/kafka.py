"""Kafka as `truce doctor` looks at it: whether it answers, and whether its topics are what Truce relies on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.base import Finding
from sync.topology import Topic

DAY_MS = 24 * 3600 * 1000
_MADE = "a worker makes them when it starts (truce worker, truce up)"


async def broker(bootstrap: str, wanted: Sequence[Topic]) -> list[Finding]:
    """Reach the broker and look at the topics of the installation."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5000)
    try:
        await admin.start()
        there = set(await admin.list_topics())
        named = [one.name for one in wanted if one.name in there]
        counts = {one["topic"]: len(one["partitions"]) for one in await admin.describe_topics(named)} if named else {}
        configs = await _configs(admin, named)
    except (KafkaError, OSError) as error:
        what = f"Kafka at {bootstrap}: {type(error).__name__}"
        return [Finding(ok=False, what=what, todo="is it up, and is KAFKA_BOOTSTRAP_SERVERS right?")]
    finally:
        await admin.close()
    return [Finding(ok=True, what=f"Kafka: reached, {len(there)} topics"), *topics(wanted, counts, configs)]


async def _configs(admin: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {one[3]: {entry[0]: str(entry[1]) for entry in one[4]} for answer in answers for one in answer.resources}


def topics(wanted: Sequence[Topic], counts: Mapping[str, int], configs: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    """Say what of the topics is otherwise than Truce needs it; `counts`: partitions by topic. Pure."""
    missing = [one.name for one in wanted if one.name not in counts]
    if wanted and len(missing) == len(wanted):
        yield Finding(ok=True, what=f"Kafka: no topic of this installation yet: {_MADE}")
        return
    if missing:
        yield Finding(ok=False, what=f"Kafka: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing", todo=_MADE)
    wrong = [found for one in wanted if one.name in configs for found in _configured(one, configs[one.name])]
    yield from wrong
    if uneven := [name for name in counts if name.endswith(".hot") and counts.get(name[:-3] + "bulk", counts[name]) != counts[name]]:
        what = f"Kafka: {', '.join(uneven)} and its bulk lane have different partitions: two processes would write one lead"
        yield Finding(ok=False, what=what, todo="make both the same")
    if wanted and not (missing or wrong):
        days = min((_days(configs.get(one.name, {})) for one in wanted), default=7)
        yield Finding(ok=True, what=f"Kafka: {len(wanted)} topics, kept {days:g} days, {counts[wanted[0].name]} partitions of changes")


def _days(config: Mapping[str, str]) -> float:
    kept = int(config.get("retention.ms", 7 * DAY_MS))
    return float("inf") if kept < 0 else round(kept / DAY_MS, 1)


def _configured(topic: Topic, config: Mapping[str, str]) -> Iterator[Finding]:
    if _days(config) < topic.retention_ms / DAY_MS:
        what = f"Kafka: {topic.name} is kept {_days(config):g} days: what is not read by then is lost, and a worker stops"
        yield Finding(ok=False, what=what, todo=f"set its retention.ms to {topic.retention_ms} or more")
    if "compact" in config.get("cleanup.policy", "delete"):
        what = f"Kafka: {topic.name} is compacted: what is left out counts as lost"
        yield Finding(ok=False, what=what, todo="set its cleanup.policy to delete")
    if config.get("message.timestamp.type", "LogAppendTime") != "LogAppendTime":
        what = f"Kafka: {topic.name} has the times of who writes: a clock that is wrong there decides"
        yield Finding(ok=False, what=what, todo="set its message.timestamp.type to LogAppendTime")
