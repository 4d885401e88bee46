"""The composition root: an installation made ready, and each role put together from its parts.

A role imports its own parts only, once its signal handlers stand: a worker that begins after another's death is waited for.
"""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from connectors.base import Breaker, Budget, Manifest
from connectors.registry import BadManifest, UnknownVendor
from sync.agents import ground
from sync.agents.halt import Halt
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.runtime import log, status, web
from sync.runtime.breaker import SqlBreaker
from sync.runtime.budget import SqlBudget
from sync.runtime.guard import OUTAGES, passing
from sync.runtime.health import Health, bind, watch_loop
from sync.runtime.rest import rest
from sync.runtime.upkeep import first, keep
from sync.settings import Settings
from sync.store import cursors, meta, playbooks
from sync.store.connect import migrate, open_pool
from sync.topology import WEEK_MS

_log = log.get("app")
COLLECT = (100_000, 20, 20)
"""How many objects may come before Python looks for cycles: a batch of leads is 100,000 objects without one, and by default
more than half of a busy worker's time went into looking."""


class NotSet(RuntimeError):
    """A setting that a role needs is missing; the text names it and says what to do."""


ENDS = (Halt, NotSet, web.AddressTaken, UnknownVendor, BadManifest)
"""What ends a role: beginning it again changes nothing."""


@dataclass(frozen=True)
class Ready:
    """An installation that roles can run on."""

    settings: Settings
    dsn: str
    bootstrap: str
    changes: str
    """The topic that everything which can change a lead stands on."""
    playbook: Playbook


def addresses(settings: Settings) -> tuple[str, str]:
    """Give (database, Kafka); raises NotSet when one is missing."""
    if settings.database is None:
        raise NotSet("TRUCE_DATABASE is not set (postgresql://…). `truce up` starts everything on this machine by itself.")
    if settings.kafka is None:
        raise NotSet("KAFKA_BOOTSTRAP_SERVERS is not set (host:port,…). `truce up` starts everything on this machine by itself.")
    if not settings.database.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise NotSet("TRUCE_DATABASE is no address of a PostgreSQL: postgresql://USER:PASSWORD@HOST:PORT/DATABASE is expected.")
    return settings.database.get_secret_value(), settings.kafka


async def prepare(settings: Settings, *, take: bool = False) -> Ready:
    """Bring the schema to its newest version, make the topics, and see to it that a playbook is in force.

    The folder's is put in force where there is none yet, or with `take`. Raises PlaybookError with every problem when it does not load;
    the version in force stays untouched then.
    """
    dsn, bootstrap = addresses(settings)
    await migrate(dsn, settings.installation)
    pool = await open_pool(dsn, settings.installation, size=1)
    try:
        async with pool.acquire() as connection:
            playbook = await activate(connection, settings, take=take)
            found = await ground.prepare(connection, bootstrap, settings.installation, playbook.told, settings.partitions)
    finally:
        await pool.close()
    return Ready(settings, dsn, bootstrap, found.topic, playbook)


async def activate(connection: Any, settings: Settings, *, take: bool = False) -> Playbook:
    """Give the playbook in force; the folder's comes into force where there is none yet, or with `take`."""
    kept = None if take else await playbooks.active(connection)
    if kept is not None:
        return loader.load_files(kept.files, kept.version)
    files = loader.read(settings.playbook, settings.environment)
    playbook = loader.load_files(files)
    version = await playbooks.add(connection, files, playbook.checksum, "start")
    return loader.load_files(files, version)


async def begin_anew(settings: Settings) -> str:
    """Begin a new incarnation of `changes` after Kafka lost its data; gives the topic's name.

    Every system is read in full again, which brings what the lost messages said, and what changed in as long as the topic keeps messages,
    which brings what people did; until then nothing is created. Raises StillHeld while a source runs: whatever starts next reads the new topic.
    """
    dsn, bootstrap = addresses(settings)
    await migrate(dsn, settings.installation)
    pool = await open_pool(dsn, settings.installation, size=1)
    try:
        async with pool.acquire() as connection, connection.transaction():
            before = int(await meta.begin(connection, "incarnation", 1))
            await meta.change(connection, "incarnation", before, before + 1)
            await cursors.begin_anew(connection, lost=timedelta(milliseconds=WEEK_MS))
            playbook = await active_playbook(connection)()
        async with pool.acquire() as connection:
            return (await ground.prepare(connection, bootstrap, settings.installation, playbook.told, settings.partitions)).topic
    finally:
        await pool.close()


def active_playbook(pool: Any) -> Callable[[], Awaitable[Playbook]]:
    """Give a function that gives the playbook in force, compiled once per version."""
    known: dict[int, Playbook] = {}

    async def active() -> Playbook:
        version = await meta.read(pool, playbooks.ACTIVE)
        if version not in known and (kept := await playbooks.get(pool, version)) is not None:
            known.clear()
            known[version] = loader.load_files(kept.files, version)
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


def run_worker(settings: Settings) -> int:
    """Run a lead agent as this process's work until a signal; gives the exit code."""
    return _run(_worker(settings))


def run_edge(settings: Settings, *, reads: tuple[str, ...] = (), writes: tuple[str, ...] = (), tells: bool = False) -> int:
    """Read and write these systems, and tell of problems and hand-offs (`tells`), as this process's work until a signal; gives the exit code."""
    return _run(_edge(settings, reads, writes, tells))


def _run(main: Coroutine[Any, Any, int]) -> int:
    log.set_up()
    gc.set_threshold(*COLLECT)
    with asyncio.Runner(loop_factory=_loop) as runner:
        try:
            return runner.run(main)
        except Halt as halt:
            _log.error("stopped", reason=str(halt), code=halt.code)
            return halt.code


def _loop() -> asyncio.AbstractEventLoop:
    """Give the fastest event loop that there is here (uvloop is not made for Windows)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


@asynccontextmanager
async def _status(settings: Settings, health: Health) -> AsyncIterator[None]:
    """Answer health checks and Prometheus while the role runs, if a port is set for it."""
    if not settings.metrics_port:
        yield
        return
    async with status.serve(health, host=settings.http_host, port=settings.metrics_port):
        yield


async def _worker(settings: Settings) -> int:
    stop, health = stop_on_signals(), Health()
    async with _status(settings, health):
        if await _prepared(settings, stop, health) is None:
            return 0
        from sync.agents import lead
        from sync.runtime.faust import Tuning

        tuning = Tuning(session_s=settings.session_s, heartbeat_s=settings.session_s / 3)
        return await lead.run(settings, stop=stop, health=health, tuning=tuning)


async def _prepared(settings: Settings, stop: asyncio.Event, health: Health) -> Ready | None:
    """Prepare as soon as PostgreSQL and Kafka are there; None when told to stop before."""
    with ExitStack() as named:
        while not stop.is_set():
            try:
                return await prepare(settings)
            except Exception as error:
                if (reason := passing(error)) is None:
                    raise
                _log.warning("waiting", waiting=reason, reason=type(error).__name__)
                named.close()
                named.enter_context(health.waiting(reason))
                await rest(1.0, stop)
    return None


async def _beat(health: Health) -> None:
    """Show that the loop runs; what reading and writing wait for they name themselves."""
    while True:
        health.tick()
        health.progress()
        await asyncio.sleep(1.0)


async def _edge(settings: Settings, reads: tuple[str, ...], writes: tuple[str, ...], tells: bool) -> int:
    stop, health = stop_on_signals(), Health()
    bind(health)
    async with _status(settings, health):
        beat, blocked = asyncio.create_task(_beat(health)), watch_loop(health)
        try:
            if ready := await _prepared(settings, stop, health):
                health.state = "running"
                await _roles(settings, ready, reads, writes, tells, stop)
        except BaseExceptionGroup as group:
            raise first(group) from None
        finally:
            health.state = "stopping"
            blocked.set()
            beat.cancel()
    return 0


async def _roles(
    settings: Settings, ready: Ready, reads: tuple[str, ...], writes: tuple[str, ...], tells: bool, stop: asyncio.Event
) -> None:
    pool = await open_pool(ready.dsn, settings.installation, size=8)  # it just was there
    budgets: list[SqlBudget] = []

    def shared(system: str, manifest: Manifest) -> tuple[Budget, Breaker]:
        budgets.append(SqlBudget(pool, system, manifest.quotas))
        return budgets[-1], SqlBreaker(pool, system)

    try:
        async with asyncio.TaskGroup() as group:
            if reads or not (writes or tells):  # who does nothing else takes people's answers
                from sync.answering import answering
                from sync.sources import service as sources

                known = active_playbook(pool)
                reading = partial(
                    sources.run,
                    settings,
                    reads,
                    pool=pool,
                    bootstrap=ready.bootstrap,
                    topic=ready.changes,
                    shared=shared,
                    playbook=known,
                    stop=stop,
                    doors=partial(answering, settings, pool, known),
                    alone=bool(writes) or not reads,
                )
                group.create_task(keep("source", reading, pool, stop, ENDS))
            if writes:
                from sync.writer import service as writer
            for system in writes:
                group.create_task(keep(f"writer of {system}", partial(writer.run, settings, system, stop=stop), pool, stop, ENDS))
            if tells:
                group.create_task(keep("notifier", partial(_notifier, settings, ready, pool, stop), pool, stop, ENDS))
    finally:
        with suppress(*OUTAGES):  # what is not given back ends by itself
            for budget in budgets:
                await budget.close()
            await asyncio.wait_for(pool.close(), 2.0)
        pool.terminate()


async def _notifier(settings: Settings, ready: Ready, pool: Any, stop: asyncio.Event) -> None:
    """Tell what is to be told, and show the pages behind alerts' links."""
    from sync.alerts import service as alerts
    from sync.console.problems import app as pages
    from sync.sources.lag import LagGate

    playbook = active_playbook(pool)
    listener = web.bind(settings.http_host, settings.console_port, "TRUCE_CONSOLE_PORT")
    console = settings.console_url or f"http://{settings.http_host}:{listener.getsockname()[1]}"
    where = {"bootstrap": ready.bootstrap, "topic": ready.changes}
    async with LagGate(ready.bootstrap, ready.changes, pool) as gate, web.serving(pages(pool, playbook, settings.secret_bytes), listener):
        await alerts.run(settings, pool=pool, playbook=playbook, console=console, waiting=gate.waiting, stop=stop, **where)
