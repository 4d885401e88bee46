"""Reads all people of the systems for a report: by the connectors' ordinary reads, inside bulk's share of the quota, writing nothing anywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Budget, Capabilities, Quota, Sink, Source
from connectors.errors import AuthExpired, ConnectorError, RateLimited, Unavailable
from connectors.registry import load
from connectors.unmetered import Unmetered
from schemas.base import Ref
from schemas.change import RecordChanged
from sync.cli import place
from sync.cli.first.around import Around
from sync.cli.first.spill import Spill
from sync.cli.output import CannotRun
from sync.lead.decision import VendorUser
from sync.lead.index import index
from sync.lead.ledger import Entry
from sync.lead.state import to_ms
from sync.playbook.models import Playbook
from sync.runtime.budget import SqlBudget
from sync.runtime.bulk import Alone, Bulk
from sync.settings import Settings, SystemSettings
from sync.sources import schema
from sync.sources.paging import pages
from sync.sources.publisher import wrap
from sync.store.connect import open_pool
from sync.trial.first.person import entered, tokens
from sync.trial.first.unmapped import Unmapped
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
    lists: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """(object, field) that takes nothing but what is on its list → what that is."""
    lacks: dict[str, str] = field(default_factory=dict)
    """Mapped fields that the system does not have → where the playbook names them."""
    records: int = 0
    asked: int = 0
    """Calls for the schema and the users, which a running Truce has made already."""

    async def look(self, playbook: Playbook, only: str = "") -> None:
        """Learn users, the live schema and what may be written."""
        self.users = {one.id: VendorUser(self.system, one.id, one.email.strip().lower(), one.active) for one in await self.source.users()}
        rules = playbook.systems[self.system]
        known = [*rules.people, rules.account, rules.opportunity]
        read = [name for name in schema.objects(playbook, self.system, self.source) if name in known and only in ("", name)]
        if not read:
            there = ", ".join(name for name in known if name)
            raise CannotRun(f"{self.system} has no object {only} for people, accounts or opportunities: {there}")
        for name in read:
            described = await self.source.described(name)
            self.lists |= {(name, one.name): [value for value, _ in one.values] for one in described if one.closed and one.values}
            live = {one.name: one.type for one in described}
            self.lacks |= schema.lacking(playbook, self.system, name, live)
            self.wanted[name] = schema.wanted(playbook, self.system, name, live)
        for name in dict.fromkeys([self.sink.manifest.person_object, *read]):
            self.capabilities[name] = await self._able(name)
        self.asked = self.calls

    async def _able(self, object_: str) -> Capabilities:
        try:
            return await self.sink.capabilities(object_)
        except (Unavailable, RateLimited, AuthExpired):
            raise
        except ConnectorError:  # it is not ours to see, or nothing that is written
            return Capabilities(frozenset(), creates=False)

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
        return Target(
            self.source.manifest, self.capabilities, {user.email: user.id for user in self.users.values() if user.active}, self.lists
        )


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


@dataclass(frozen=True)
class Heap:
    """Where what is read goes until it is counted, and what it takes to know it for what it is."""

    people: Spill
    firms: Spill
    around: Around
    playbook: Playbook
    secret: bytes
    users: Mapping[str, Mapping[str, VendorUser]]
    values: Unmapped

    def put(self, number: int, items: Sequence[RecordChanged]) -> None:
        """Keep a page of a system's records, each where its kind is kept."""
        about = index(self.playbook).about
        persons = [one for one in items if _object(one) not in about]
        self.people.put(number, [(one, tokens(one, self.secret, self.playbook)) for one in persons])
        entries = [(one, entry) for one in items if _object(one) in about and (entry := self.entry(one)) is not None]
        self.around.put([entry for _, entry in entries])
        self.firms.put(number, [(one, entry.domains) for one, entry in entries if entry.kind == "account"])

    def entry(self, row: RecordChanged) -> Entry | None:
        """Give what an account or opportunity shows; values that nobody knows are counted."""
        found, unfit = entered(wrap(row, Ref.parse(row.ref).system), self.users, self.secret, self.playbook, to_ms(row.received_at))
        for note in unfit:
            self.values.parked(note)
        if found is not None:
            self.values.entered(found)
        return found


def _object(row: RecordChanged) -> tuple[str, str]:
    ref = Ref.parse(row.ref)
    return ref.system, ref.object


async def read(reader: Reader, number: int, heap: Heap, tell: Callable[[str, int], None]) -> None:
    """Read everybody and everything of one system onto the heap; `tell` is told how many records there are by now."""
    try:
        async for page in pages(lambda cursor: reader.source.everything(cursor, reader.wanted), None):
            rows = [item for item in page.items if isinstance(item, RecordChanged)]
            heap.put(number, rows)
            reader.records += len(rows)
            tell(reader.system, reader.records)
    except ConnectorError as error:
        raise CannotRun(f"{reader.system} cannot be read: {type(error).__name__}: {error.words}. `truce doctor` says what to do.") from None
