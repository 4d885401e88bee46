"""Reads one system for as long as it holds the lease: users, the first full read, changes, read orders, sweeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

from connectors.base import Connection, FieldType, Item, Notice, Page, Source
from connectors.errors import AuthExpired, ConnectorError, RateLimited, Surprising
from connectors.shape import place
from schemas.base import Ref
from sync.lead.decision import ProblemNote
from sync.playbook.models import Playbook
from sync.runtime import log
from sync.runtime.guard import OUTAGES, passing
from sync.runtime.health import here
from sync.sources import schema, skew
from sync.sources.lag import LagGate
from sync.sources.listening import Listening
from sync.sources.publisher import Publisher, corrected, now, ref_of
from sync.store import cursors, problems, read_orders, users
from sync.store.statement import clean, run

VISIBLE = timedelta(seconds=2)
"""So long it may take at a vendor until a change can be read."""
RARELY = {"users_every_s": "300", "sweep_every_s": "86400"}
"""What is read again and again at its own pace, by the option that says otherwise: all users, all records."""
LIVE_S = 60.0
"""How long the live schema is taken to be as it was read."""


@dataclass
class Runner:
    """One system's reading side; the loops below run side by side and each survives the vendor's being away."""

    system: str
    source: Source
    connection: Connection
    pool: Any
    publisher: Publisher
    gate: LagGate
    playbook: Callable[[], Awaitable[Playbook]]
    skew_s: float = 0.0
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when read orders may be waiting."""

    _live: dict[str, tuple[float, Mapping[str, FieldType]]] = field(default_factory=dict)
    """Object → when its live schema was read, and what it was."""
    _named: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What is read, as it was said last."""
    _fine: set[str] = field(default_factory=set)
    """Steps that worked when they were done last."""

    def __post_init__(self) -> None:
        self._log = log.get("source").bind(system=self.system)

    @property
    def poll_s(self) -> float:
        """Seconds between polls: as told, else what the share of the daily quota allows, never below a second."""
        if told := self.connection.options.get("poll_s"):
            return float(told)
        return self.source.manifest.pace_s(self.source.calls(max(1, len(self._named))))

    async def run(self) -> None:
        """Read until cancelled."""
        await self._patiently("users", self._users)
        await self._patiently("first read", self._first_read)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._every("changes", lambda: self.poll_s, self._changes))
            users_s, sweep_s = (float(self.connection.options.get(name, other)) for name, other in RARELY.items())
            group.create_task(self._every("users", lambda: users_s, self._users))
            group.create_task(self._orders())
            if self.source.listens:
                group.create_task(self._listen())
            group.create_task(self._every("sweep", lambda: sweep_s, self._sweep, wait_first=True))

    async def _wanted(self) -> dict[str, list[str]]:
        """Say what to read: the objects that the playbook speaks of, each with those of its mapped fields that exist."""
        playbook = await self.playbook()
        wanted: dict[str, list[str]] = {}
        lacks: dict[str, str] = {}
        for name in schema.objects(playbook, self.system, self.source):
            live = {} if name in self.source.manifest.response_objects else await self._schema(name)
            lacks |= schema.lacking(playbook, self.system, name, live)
            wanted[name] = schema.wanted(playbook, self.system, name, live)
        await schema.report(self.pool, self.system, lacks)
        self._named = wanted
        return wanted

    async def _fields(self, object_: str) -> list[str]:
        return schema.wanted(await self.playbook(), self.system, object_, await self._schema(object_))

    async def _schema(self, object_: str) -> Mapping[str, FieldType]:
        """Give an object's live schema, at most a minute old: a call for each poll and object would cost more than the polls."""
        at, live = self._live.get(object_, (float("-inf"), {}))
        if monotonic() - at > LIVE_S:
            live = await self.source.fields(object_)
            self._live[object_] = monotonic(), live
        return live

    async def _users(self) -> None:
        await users.put(self.pool, self.system, await self.source.users())

    async def _first_read(self) -> None:
        known = await cursors.get(self.pool, self.system, "everything")
        if known and known.done_at:
            return
        if await cursors.get(self.pool, self.system, "changes") is None:
            since = await cursors.read_since(self.pool) or now() - timedelta(seconds=2)
            await cursors.put(self.pool, self.system, "changes", self.source.start(since))
        await self._everything(known.cursor or None if known else None)

    async def _sweep(self) -> None:
        await self._everything(None)

    async def _everything(self, cursor: str | None) -> None:
        wanted = await self._wanted()
        async for page in self.source.everything(cursor, wanted):
            await self.gate.open()
            await self._put("everything", page, "sweep", done=page.done)
        await cursors.mark_read(self.pool, self.system, list(wanted))

    async def _listen(self) -> None:
        """Hold the stream of events open; while there is none the polls alone tell what changed."""
        await self._patiently("events", self._say_what)
        ear = Listening(self.pool, self.system, self.source, wanted=lambda: self._named, order=self.noticed, again=self._again)
        try:
            await self._every("events", lambda: 0.0, ear.once)
        finally:
            await ear.close()

    async def _say_what(self) -> None:
        await self._wanted()

    async def _again(self, objects: Sequence[str]) -> None:
        """Read all records of these objects again, of all where none is named: what happened to them is no longer told."""
        if not objects:
            return await self._sweep()
        named = {name: fields for name, fields in (await self._wanted()).items() if name in objects}
        async for page in self.source.everything(None, named):
            await self.gate.open()
            await self.send(page.items, "sweep")

    async def _newly_wanted(self, wanted: Mapping[str, Sequence[str]]) -> None:
        """Read all of the objects of which a new version of the playbook speaks first; what changes meanwhile comes with the changes."""
        fresh = set(wanted) - await cursors.read_objects(self.pool, self.system, self.source.manifest.person_object)
        if not fresh:
            return
        await self._again(sorted(fresh))
        await cursors.mark_read(self.pool, self.system, sorted(fresh))

    async def _changes(self) -> None:
        wanted = await self._wanted()
        await self._newly_wanted(wanted)
        known = await cursors.get(self.pool, self.system, "changes")
        cursor, began = known.cursor if known else self.source.start(now()), now()
        pages: AsyncIterator[Page] = self.source.changes(cursor, wanted)
        async for page in pages:
            await self._put("changes", page, "poll", unless=cursor)
        await cursors.note_seen(self.pool, self.system, began - VISIBLE)

    async def _put(self, name: str, page: Page, kind: str, *, done: bool = False, unless: str | None = None) -> None:
        await self.send(page.items, kind)
        if page.cursor != unless or done:
            await cursors.put(self.pool, self.system, name, page.cursor, done=done)

    async def send(self, items: Sequence[Item], kind: str) -> None:
        """Publish items with the vendor's clock put right; orders for records that they are about are settled."""
        if not items:
            return
        self.skew_s = skew.settle(self.skew_s, skew.ahead(items))
        await self.publisher.publish([corrected(item, self.skew_s) for item in items], source=self.system, kind=kind)

    async def noticed(self, notice: Notice) -> None:
        """Publish what a webhook says, and order what it says too little of to be read at once.

        A vendor tells of everything that somebody subscribed to once; of objects that the playbook does not speak of nothing is kept.
        """
        about = {ref: Ref.parse(ref).object for ref in (*map(ref_of, notice.items), *notice.read) if ref}
        named = {self.source.manifest.person_object}
        if not named.issuperset(about.values()):
            named = set(schema.objects(await self.playbook(), self.system, self.source))
        await self.send(
            [one for one in notice.items if about.get(ref_of(one) or "", self.source.manifest.person_object) in named], "webhook"
        )
        if orders := [ref for ref in notice.read if about[ref] in named]:
            await read_orders.order(self.pool, orders)
            self.wake.set()

    async def _orders(self) -> None:
        while True:
            refs: list[str] = []
            await self._patiently("read orders", lambda refs=refs: self._claim(refs))  # type: ignore[misc]
            if refs:
                await self._patiently("records", lambda refs=refs: self._read(refs))  # type: ignore[misc]
                continue
            self.wake.clear()
            try:
                await asyncio.wait_for(self.wake.wait(), 0.25)
            except TimeoutError:
                continue

    async def _claim(self, refs: list[str]) -> None:
        refs += await read_orders.claim(self.pool, self.system, self.source.manifest.batch_read)

    async def _read(self, refs: Sequence[str]) -> None:
        by_object: dict[str, list[str]] = {}
        for ref in map(Ref.parse, refs):
            by_object.setdefault(ref.object, []).append(ref.id)
        items: list[Item] = []
        for name, ids in by_object.items():
            if name in self.source.objects:
                items += await self.source.read(ids, await self._fields(name), object_=name)
        await self.send(items, "read")
        await read_orders.settle(self.pool, refs)
        activities = set(self.source.manifest.response_objects)  # of these nothing is told that was no response
        left = {ref for ref in refs if Ref.parse(ref).object not in activities} - {ref_of(item) for item in items}
        if left:
            self._log.warning("ordered records are nowhere to be found", count=len(left))

    async def _every(
        self, name: str, seconds: Callable[[], float], step: Callable[[], Awaitable[None]], *, wait_first: bool = False
    ) -> None:
        if wait_first:
            await asyncio.sleep(seconds())
        while True:
            await self._patiently(name, step)
            await asyncio.sleep(seconds())

    async def _patiently(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        """Do a step until it is done; a vendor, Kafka or PostgreSQL that is away is waited for, with the reason in the log."""
        with ExitStack() as named:  # as long as a step fails, that is what the health check shows
            await self._until_done(name, step, named)

    async def _until_done(self, name: str, step: Callable[[], Awaitable[None]], named: ExitStack) -> None:
        wait = 0.5
        while True:
            try:
                await step()
                return await self._well(name)
            except RateLimited as error:
                reason = self.system
                wait = max(error.retry_after, 0.1)
                self._log.warning("waiting as told", code=error.code, retry_after=wait)
            except (AuthExpired, Surprising) as error:
                reason, wait = self.system, 60.0
                self._live.clear()  # perhaps a field is gone
                await self._page(name, error)
            except ConnectorError as error:
                reason = self.system
                self._live.clear()
                self._log.warning("reading goes on later", error=type(error).__name__, reason=str(error)[:200], seconds=wait)
            except Exception as error:
                reason = passing(error) or self.system
                if passing(error):
                    self._log.warning("waiting", waiting=reason, error=type(error).__name__, seconds=wait)
                else:  # a defect, ours or theirs, in reading one system must not end the process that reads and writes them all
                    wait = 60.0
                    await self._page(name, Surprising(f"what was read cannot be handled ({place(error)})"))
            named.close()
            named.enter_context(here().waiting(reason))
            await asyncio.sleep(wait)
            wait = min(wait * 2, 30.0)

    async def _page(self, name: str, error: ConnectorError) -> None:
        self._log.error("a person must look", error=type(error).__name__, reason=error.words[:200])
        text = clean(f"{self.system} cannot be read: {error.words[:300]}. `truce doctor` says what to do.")
        try:
            await run(self.pool, problems.write([ProblemNote("connection", f"{self.system}:{name}", True, text, system=self.system)]))
        except OUTAGES as outage:
            self._log.warning("a problem was not noted", error=type(outage).__name__)
        self._fine.discard(name)

    async def _well(self, name: str) -> None:
        """Close what an earlier failure of a step opened, in this process or in one before."""
        if name not in self._fine:
            await run(self.pool, problems.write([ProblemNote("connection", f"{self.system}:{name}", False, "", system=self.system)]))
            self._fine.add(name)
