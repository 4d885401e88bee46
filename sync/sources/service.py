"""A process that reads systems: runners under their leases, and the inbound door."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from starlette.routing import BaseRoute

from connectors.base import Breaker, Budget, Manifest
from connectors.registry import load
from sync.playbook.models import Playbook
from sync.runtime import log, web
from sync.runtime.guard import OUTAGES
from sync.runtime.producer import make_producer
from sync.settings import Settings
from sync.sources.covering import Covering
from sync.sources.doors import Doors as SignedDoors
from sync.sources.inbound import Inbound
from sync.sources.lag import LagGate
from sync.sources.lease import hold
from sync.sources.nudge import Nudges
from sync.sources.publisher import Publisher
from sync.sources.runner import Runner
from sync.store import cursors

if TYPE_CHECKING:
    from sync.sources.calendars import Calendars

Doors = Callable[[Publisher], AbstractAsyncContextManager[Sequence[BaseRoute]]]
"""Gives further doors beside the vendors': those through which people answer."""
Shared = Callable[[str, Manifest], tuple[Budget, Breaker]]
"""Gives a system's budget and breaker, shared by sources and writers."""
_log = log.get("source")


async def run(
    settings: Settings,
    systems: tuple[str, ...],
    *,
    pool: Any,
    bootstrap: str,
    topic: str,
    shared: Shared,
    playbook: Callable[[], Awaitable[Playbook]],
    stop: asyncio.Event,
    listener: socket.socket | None = None,
    doors: Doors | None = None,
    alone: bool = False,
) -> None:
    """Read these systems until `stop` is set; `doors` stand beside the webhooks', and `alone` where there is no webhook to take."""
    async with AsyncExitStack() as stack:
        producer = await make_producer(bootstrap)
        stack.push_async_callback(producer.stop)
        publisher = Publisher(pool, producer, topic, settings.secret_bytes)
        gate = LagGate(bootstrap, topic, pool)
        stack.push_async_callback(gate.close)
        runners: dict[str, Runner] = {}
        for system in systems:
            connection = settings.systems[system].connection(system)
            connector = load(connection.vendor)
            source = connector.source(connection, *shared(system, connector.manifest))
            stack.push_async_callback(source.close)
            runners[system] = Runner(system, source, connection, pool, publisher, gate, playbook)
        secrets = {name: value.get_secret_value() for name, value in settings.doors.items()}
        signed = SignedDoors(secrets, pool, publisher, playbook, settings.secret_bytes)
        hooked = {system: runner for system, runner in runners.items() if runner.source.manifest.webhook}
        answers = [*await stack.enter_async_context(doors(publisher)), *signed.routes()] if doors is not None and (hooked or alone) else []
        further = [*answers, *Nudges(runners).routes()]
        if hooked or further:
            await stack.enter_async_context(_door(settings, hooked, further, listener))
        with suppress(*OUTAGES):  # whoever is not announced is not waited for
            await cursors.announce(pool, [system for system, runner in runners.items() if not runner.by_hand])
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_leased(runner)) for runner in runners.values()]
            tasks += [group.create_task(reading.run()) for reading in _calendars(settings, pool, playbook)]
            tasks.append(group.create_task(Covering(pool, producer, topic, playbook).run()))
            await stop.wait()
            for task in tasks:
                task.cancel()


def _calendars(settings: Settings, pool: Any, playbook: Callable[[], Awaitable[Playbook]]) -> list[Calendars]:
    urls = {person.strip().lower(): url.get_secret_value() for person, url in settings.calendars.items()}
    if not urls:
        return []
    from sync.sources.calendars import Calendars  # what reads ICS takes its time to import

    return [Calendars(pool, urls, playbook)]


@asynccontextmanager
async def _door(
    settings: Settings, hooked: Mapping[str, Runner], further: Sequence[BaseRoute], listener: socket.socket | None
) -> AsyncIterator[None]:
    """Take webhooks, and what comes through further doors, for the length of the block, and give the port back however it ends."""
    app = Inbound(hooked, settings.public_url, further).app()
    async with web.serving(app, listener or web.bind(settings.http_host, settings.http_port, "TRUCE_HTTP_PORT")):
        yield


async def _leased(runner: Runner) -> None:
    """Run while the lease is held; when it is lost, wait for it again."""
    while True:
        async with hold(runner.pool, f"source:{runner.system}") as lease:
            reading = asyncio.create_task(runner.run())
            losing = asyncio.create_task(lease.lost.wait())
            try:
                await asyncio.wait({reading, losing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                losing.cancel()
                if not reading.done():
                    reading.cancel()
            if reading.done() and not reading.cancelled() and (error := reading.exception()):
                raise error
        _log.warning("the lease went to another process", system=runner.system)
