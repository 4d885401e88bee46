"""The run of `truce backfill`: a system's people put on `changes` as bulk, by this process, beside whatever else runs; then what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from connectors.errors import ConnectorError
from connectors.registry import load
from sync.app import active_playbook
from sync.cli import people, place
from sync.cli.doctor import systems_of
from sync.cli.output import CannotRun
from sync.runtime.breaker import SqlBreaker
from sync.runtime.budget import SqlBudget
from sync.runtime.bulk import Bulk
from sync.runtime.producer import make_producer
from sync.settings import Settings
from sync.sources.backfill import Backfill, Progress
from sync.sources.lag import LagGate
from sync.sources.lease import hold
from sync.sources.publisher import Publisher
from sync.sources.runner import Runner
from sync.store import cursors, dirty
from sync.store.connect import open_pool
from sync.topology import changes_name

TAKEN_S = 12.0
"""A little longer than a lease outlives whoever was killed with it."""
DECIDED_S = 120.0
"""So long what was read is waited for to be decided."""
PLANNED_S, STILL_S = 60.0, 10.0
"""So long a slice is waited for to be planned, and so long while nothing of it moves."""
_STAND = """
SELECT (SELECT count(*) FROM leads WHERE survivor IS NULL) AS people,
  (SELECT count(*) FROM (SELECT 1 FROM records WHERE gone IS NULL GROUP BY lead_id HAVING count(DISTINCT system) > 1) m) AS matched,
  (SELECT count(*) FROM duplicates WHERE settled_at IS NULL) AS ambiguous, (SELECT count(*) FROM parked WHERE settled_at IS NULL) AS parked,
  (SELECT count(*) FROM leads WHERE held) AS held, (SELECT count(*) FROM would_write) AS would_be_written,
  (SELECT count(*) FROM dirty) AS people_to_write
"""


@dataclass(frozen=True)
class Order:
    """What is to be read."""

    system: str
    first: int | None = None
    """So many people in all, counted from the beginning."""
    object: str = ""
    since: datetime | None = None


@dataclass(slots=True)
class _Here:
    """What a run works with."""

    runner: Runner
    gate: LagGate
    budget: Bulk
    pool: Any


@asynccontextmanager
async def _opened(settings: Settings, system: str) -> AsyncIterator[_Here]:
    systems = systems_of(settings)
    if system not in systems:
        known = ", ".join(systems) or "none; set TRUCE_SYSTEMS__SALESFORCE__URL and so on"
        raise CannotRun(f"no system {system!r} is set up (there are: {known}).")
    async with AsyncExitStack() as stack:
        here = stack.enter_context(place.find(settings))
        if not here.bootstrap:
            raise CannotRun("no Kafka to send it to: start `truce up`, or set KAFKA_BOOTSTRAP_SERVERS.")
        pool = await open_pool(here.dsn, here.installation, size=4)
        stack.push_async_callback(pool.close)
        if not await pool.fetchval("SELECT to_regclass('cursors')") or await people.in_force(pool) is None:
            raise CannotRun("no playbook is in force yet: start a worker (`truce worker`, or `truce up`), then again.")
        topic, connection = changes_name(here.installation, await people.incarnation(pool)), systems[system].connection(system)
        connector = load(connection.vendor)
        counted = SqlBudget(pool, system, connector.manifest.quotas)
        stack.push_async_callback(counted.close)
        budget, producer, gate = Bulk(counted), await make_producer(here.bootstrap), LagGate(here.bootstrap, topic, pool)
        stack.push_async_callback(producer.stop)
        stack.push_async_callback(gate.close)
        source = connector.source(connection, budget, SqlBreaker(pool, system))
        stack.push_async_callback(source.close)
        publisher = Publisher(pool, producer, topic, here.secret.encode())
        yield _Here(Runner(system, source, connection, pool, publisher, gate, active_playbook(pool)), gate, budget, pool)


async def fill(settings: Settings, order: Order, tell: Callable[[Progress], None]) -> dict[str, Any]:
    """Carry an order out; gives how far it came, and what stands before and after it."""
    async with _opened(settings, order.system) as here:
        await _possible(here, order)
        before = dict(await here.pool.fetchrow(_STAND))
        try:
            async with _alone(here.pool, order.system):
                found = await _read(Backfill(here.runner, tell), order)
        except ConnectorError as error:
            words = f"{type(error).__name__}: {error.words}"
            raise CannotRun(f"{order.system} cannot be read on ({words}); what was read is kept, the same command goes on.") from None
        decided = await _decided(here.gate, found, tell)
        left = await planned(here.pool, found, tell, PLANNED_S if decided and order.first is not None else 0.0)
        after = dict(await here.pool.fetchrow(_STAND))
    calls = max(here.budget.calls.values(), default=0)
    return {
        "system": order.system, "people": found.people, "records": found.records, "done": found.done, "calls": calls, "decided": decided,
        "to_plan": left, "before": before, "after": after,
    }  # fmt: skip


async def _possible(here: _Here, order: Order) -> None:
    known = await cursors.get(here.pool, order.system, "everything")
    objects = await here.runner.wanted()
    if order.object and order.object not in objects:
        raise CannotRun(f"{order.system} has no object {order.object} of which the playbook speaks: {', '.join(objects)}")
    if known and known.done_at and not (order.object or order.since):
        at = known.done_at.astimezone().strftime("%d %b %H:%M")
        raise CannotRun(
            f"{order.system} was read in full ({at}) and is kept equal since; --since 30d or --object reads a part of it again."
        )


@asynccontextmanager
async def _alone(pool: Any, system: str) -> AsyncIterator[None]:
    """Hold the lease of the first read; raises CannotRun where somebody else keeps it."""
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(TAKEN_S):
                await stack.enter_async_context(hold(pool, cursors.first_read(system)))
        except TimeoutError:
            raise CannotRun(f"{system} is being read right now, by its source or by another backfill: wait for it.") from None
        yield


async def _read(backfill: Backfill, order: Order) -> Progress:
    if order.since is not None:
        return await backfill.since(order.since, order.object)
    return await backfill.object(order.object) if order.object else await backfill.all(order.first)


async def _decided(gate: LagGate, found: Progress, tell: Callable[[Progress], None]) -> bool:
    """Wait until what was read is decided; False when it takes too long: then nobody decides, or there is very much to do."""
    end = monotonic() + DECIDED_S
    while await gate.lag():
        if monotonic() > end:
            return False
        found.waits = "read; being decided"
        tell(found)
        await asyncio.sleep(0.2)
    return True


async def planned(pool: Any, found: Progress, tell: Callable[[Progress], None], within_s: float, still_s: float = STILL_S) -> int:
    """Wait until the writers have planned what was decided, written it or kept it back, so long and while it goes on; gives whom they have left."""
    end, moved, left = monotonic() + within_s, monotonic(), await dirty.to_plan(pool)
    while left and monotonic() < min(end, moved + still_s):
        found.waits = f"decided; the writers have {left:,} people left"
        tell(found)
        await asyncio.sleep(0.2)
        before, left = left, await dirty.to_plan(pool)
        moved = monotonic() if left < before else moved
    return left
