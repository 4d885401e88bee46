"""The composition root: an installation made ready, and each role put together from its parts."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.runtime import log
from sync.settings import Settings
from sync.store import meta, playbooks
from sync.store.connect import migrate, open_pool
from sync.topology import Topic, changes_name, topics

_log = log.get("app")


class NotSet(RuntimeError):
    """A setting that a role needs is missing; the text names it and says what to do."""


@dataclass(frozen=True)
class Ready:
    """An installation that roles can run on."""

    settings: Settings
    dsn: str
    bootstrap: str
    incarnation: int
    playbook: Playbook

    @property
    def changes(self) -> str:
        """The topic that everything which can change a lead stands on."""
        return changes_name(self.settings.installation, self.incarnation)


def addresses(settings: Settings) -> tuple[str, str]:
    """Give (database, Kafka); raises NotSet when one is missing."""
    if settings.database is None:
        raise NotSet("TRUCE_DATABASE is not set (postgresql://…). `truce up` starts everything on this machine by itself.")
    if settings.kafka is None:
        raise NotSet("KAFKA_BOOTSTRAP_SERVERS is not set (host:port,…). `truce up` starts everything on this machine by itself.")
    return settings.database.get_secret_value(), settings.kafka


async def prepare(settings: Settings) -> Ready:
    """Bring the schema to its newest version, make the topics, put the playbook of the folder in force if it loads.

    Raises PlaybookError with every problem when it does not load; the version in force stays untouched then.
    """
    dsn, bootstrap = addresses(settings)
    await migrate(dsn, settings.installation)
    pool = await open_pool(dsn, settings.installation, size=1)
    try:
        async with pool.acquire() as connection:
            incarnation = int(await meta.begin(connection, "incarnation", 1))
            playbook = await activate(connection, settings)
    finally:
        await pool.close()
    await make_topics(bootstrap, topics(settings.installation, incarnation, tuple(playbook.systems), settings.partitions))
    return Ready(settings, dsn, bootstrap, incarnation, playbook)


async def activate(connection: Any, settings: Settings) -> Playbook:
    """Make the folder's playbook the active version if it loads and differs from it."""
    files = loader.read(settings.playbook)
    playbook = loader.load_files(files)
    version = await playbooks.add(connection, files, playbook.checksum, "start")
    return loader.load_files(files, version)


async def make_topics(bootstrap: str, wanted: tuple[Topic, ...]) -> None:
    """Make the topics that are not there yet."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        new = [
            NewTopic(
                t.name,
                t.partitions,
                -1,
                replica_assignments={},
                topic_configs={"retention.ms": str(t.retention_ms), "message.timestamp.type": "LogAppendTime"},
            )
            for t in wanted
            if t.name not in there
        ]
        if new:
            answer = await admin.create_topics(new)
            for name, code, *_ in answer.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise RuntimeError(f"topic {name} could not be made: {for_code(code).__name__}")
    finally:
        await admin.close()


def active_playbook(pool: Any) -> Callable[[], Awaitable[Playbook]]:
    """Give a function that gives the playbook in force, compiled once per version."""
    known: dict[int, Playbook] = {}

    async def active() -> Playbook:
        row = await pool.fetchrow(
            "SELECT version, files FROM playbooks JOIN meta ON meta.key = $1 AND meta.value = to_jsonb(version)", playbooks.ACTIVE
        )
        version = row["version"]
        if version not in known:
            known.clear()
            known[version] = loader.load_files({name: text.encode() for name, text in row["files"].items()}, version)
        return known[version]

    return active


def stop_on_signals() -> asyncio.Event:
    """Give an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        try:
            loop.add_signal_handler(name, stop.set)
        except NotImplementedError:  # Windows: the loop has no signal handlers
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
    return stop
