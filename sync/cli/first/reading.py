"""Reads all people of the systems for a report: by the connectors' ordinary reads, inside bulk's share of the quota, writing nothing anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Budget, Capabilities, Quota, Sink, Source
from connectors.errors import ConnectorError
from connectors.registry import load
from connectors.unmetered import Unmetered
from schemas.change import RecordChanged
from sync.cli import place
from sync.cli.first.spill import Spill
from sync.cli.output import CannotRun
from sync.lead.decision import VendorUser
from sync.playbook.models import Playbook
from sync.runtime.budget import SqlBudget
from sync.runtime.bulk import Alone, Bulk
from sync.settings import Settings, SystemSettings
from sync.sources import schema
from sync.sources.paging import pages
from sync.store.connect import open_pool
from sync.trial.first.person import tokens
from sync.trial.first.writes import Target


@dataclass(slots=True)
class Reader:
    """One system that is read."""

    system: str
    source: Source
    sink: Sink
    budget: Bulk
    users: dict[str, VendorUser] = field(default_factory=dict)
    wanted: dict[str, list[str]] = field(default_factory=dict)
    capabilities: dict[str, Capabilities] = field(default_factory=dict)
    lacks: dict[str, str] = field(default_factory=dict)
    """Mapped fields that the system does not have → where the playbook names them."""
    records: int = 0
    asked: int = 0
    """Calls for the schema and the users, which a running Truce has made already."""

    async def look(self, playbook: Playbook, only: str = "") -> None:
        """Learn users, the live schema and what may be written."""
        self.users = {one.id: VendorUser(self.system, one.id, one.email.strip().lower(), one.active) for one in await self.source.users()}
        rules = playbook.systems[self.system]
        people = [name for name in schema.objects(playbook, self.system, self.source) if name in rules.people and only in ("", name)]
        if not people:
            raise CannotRun(f"{self.system} has no object {only} for people: {', '.join(rules.people)}")
        for name in people:
            live = await self.source.fields(name)
            self.lacks |= schema.lacking(playbook, self.system, name, live)
            self.wanted[name] = schema.wanted(playbook, self.system, name, live)
        for name in dict.fromkeys([self.sink.manifest.person_object, *people]):
            if name in self.sink.objects:
                self.capabilities[name] = await self.sink.capabilities(name)
        self.asked = self.calls

    @property
    def calls(self) -> int:
        """So many calls were made."""
        return max(self.budget.calls.values(), default=0)

    @property
    def daily(self) -> Quota | None:
        """Give the day's quota, None where the vendor has none."""
        return next((one for one in self.source.manifest.quotas if one.seconds >= 3600), None)

    def target(self) -> Target:
        """Give the system as the planner has to know it."""
        return Target(self.source.manifest, self.capabilities, {user.email: user.id for user in self.users.values() if user.active})


@asynccontextmanager
async def readers(settings: Settings, systems: Mapping[str, SystemSettings], playbook: Playbook) -> AsyncIterator[dict[str, Reader]]:
    """Give a reader for each system of the playbook (at doors nobody can be read); raises CannotRun when one of them is not set up."""
    missing = [name for name in playbook.told if name not in systems]
    if missing:
        raise CannotRun(f"no connection is set up here to {', '.join(missing)}: set TRUCE_SYSTEMS__{missing[0].upper()}__URL and so on")
    async with AsyncExitStack() as stack:
        pool = await _store(settings, stack)
        found: dict[str, Reader] = {}
        for name in playbook.told:
            connection = systems[name].connection(name)
            connector = load(connection.vendor)
            budget = Bulk(await _budget(pool, name, connector.manifest.quotas, stack))
            source, sink = connector.source(connection, budget, Unmetered()), connector.sink(connection, budget, Unmetered())
            stack.push_async_callback(source.close)
            stack.push_async_callback(sink.close)
            found[name] = Reader(name, source, sink, budget)
        yield found


async def _store(settings: Settings, stack: AsyncExitStack) -> Any:
    """Give a pool where Truce keeps count of calls already; None where it does not run yet, and nobody else counts."""
    try:
        here = stack.enter_context(place.find(settings, start=False))
        pool = await open_pool(here.dsn, here.installation, size=2)
        stack.push_async_callback(pool.close)
        known = await pool.fetchval("SELECT to_regclass('slots')")
    except Exception:  # whatever is wrong with it: the report needs none
        return None
    return pool if known else None


async def _budget(pool: Any, system: str, quotas: Sequence[Quota], stack: AsyncExitStack) -> Budget:
    if pool is None:
        return Alone(quotas)
    budget = SqlBudget(pool, system, quotas)
    stack.push_async_callback(budget.close)
    return budget


async def read(reader: Reader, number: int, spill: Spill, playbook: Playbook, secret: bytes, tell: Callable[[str, int], None]) -> None:
    """Read all people of one system into the spill; `tell` is told how many there are by now."""
    try:
        async for page in pages(lambda cursor: reader.source.everything(cursor, reader.wanted), None):
            rows = [(item, tokens(item, secret, playbook)) for item in page.items if isinstance(item, RecordChanged)]
            spill.put(number, rows)
            reader.records += len(rows)
            tell(reader.system, reader.records)
    except ConnectorError as error:
        raise CannotRun(f"{reader.system} cannot be read: {type(error).__name__}: {error.words}. `truce doctor` says what to do.") from None
