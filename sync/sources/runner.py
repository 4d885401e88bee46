"""Reads one system for as long as it holds the lease: users, the first full read, changes, read orders, sweeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

from connectors.base import Connection, FieldType, Item, Notice, Page, Source, Wanted
from schemas.base import Ref
from sync.playbook.models import Playbook
from sync.runtime import log
from sync.runtime.rest import rest
from sync.sources import schema
from sync.sources.companies import AccountsFirst
from sync.sources.lag import LagGate
from sync.sources.lease import hold
from sync.sources.listening import Listening
from sync.sources.publisher import Publisher, corrected, now, ref_of
from sync.sources.skew import Skew
from sync.sources.steps import Steps
from sync.sources.vanished import Vanished
from sync.store import cursors, read_orders, skews, users

SLICE = 50
"""So many records of bulk are published at once."""
VISIBLE = timedelta(seconds=2)
"""So long it may take at a vendor until a change can be read."""
LOOK_S = 60.0
"""How often it is looked whether a sweep is due, so that processes which live shorter than a day sweep too."""
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
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when read orders may be waiting."""

    _live: dict[str, tuple[float, Mapping[str, FieldType]]] = field(default_factory=dict)
    """Object → when its live schema was read, and what it was."""
    _named: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What is read, as it was said last."""
    _skew: Skew | None = None
    _steps: Steps = field(init=False)

    def __post_init__(self) -> None:
        self._log = log.get("source").bind(system=self.system)
        self._steps = Steps(self.system, self.pool, self._log, self._live.clear)

    @property
    def poll_s(self) -> float:
        """Seconds between polls: as told, else what the share of the daily quota allows, never below a second."""
        if told := self.connection.options.get("poll_s"):
            return float(told)
        return self.source.manifest.pace_s(self.source.calls(max(1, len(self._named))))

    async def run(self) -> None:
        """Read until cancelled."""
        await self._steps.patiently("users", self.learn_users)
        await self._steps.patiently("first read", self._first_read)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._steps.every("changes", lambda: self.poll_s, self._changes))
            users_s, sweep_s = (float(self.connection.options.get(name, other)) for name, other in RARELY.items())
            group.create_task(self._steps.every("new fields", lambda: min(LOOK_S, self.poll_s), self._newly_wanted))
            group.create_task(self._steps.every("users", lambda: users_s, self.learn_users))
            group.create_task(self._orders())
            if self.source.listens:
                group.create_task(self._listen())
            group.create_task(self._steps.every("sweep", lambda: min(LOOK_S, sweep_s), lambda: self._sweep(sweep_s)))

    async def wanted(self) -> dict[str, list[str]]:
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

    async def learn_users(self) -> None:
        """Keep who may own records there."""
        await users.put(self.pool, self.system, await self.source.users())

    async def begin(self) -> None:
        """See to it that what changes from now on is read as a change, before anything else is read."""
        if await cursors.get(self.pool, self.system, "changes") is None:
            since = await cursors.read_since(self.pool) or now() - timedelta(seconds=2)
            await cursors.put(self.pool, self.system, "changes", self.source.start(since))

    async def _first_read(self) -> None:
        known = await cursors.get(self.pool, self.system, "everything")
        if known and known.done_at:
            return
        await self.begin()
        if self.by_hand or await cursors.get(self.pool, self.system, cursors.BACKFILL):
            self._log.warning("the first read is a person's: truce backfill", system=self.system)
            return
        async with hold(self.pool, cursors.first_read(self.system)):
            known = await cursors.get(self.pool, self.system, "everything")
            if known is None or known.done_at is None:
                await self._everything(known.cursor or None if known else None, accounts=self.accounts_first())

    @property
    def by_hand(self) -> bool:
        """Whether the first read is left to a person."""
        return self.connection.options.get("first_read") == "by_hand"

    def accounts_first(self, says: Callable[[str], None] = lambda why: None) -> AccountsFirst:
        """Give what holds a first read's people until the accounts are known."""
        return AccountsFirst(self.pool, self.system, self.source.manifest.people, self.gate, says)

    async def _sweep(self, every_s: float = 0.0) -> None:
        """Read everything anew where the last time is so long ago, and order what was known and is not there any more to be read."""
        if not await cursors.sweep_due(self.pool, self.system, every_s):
            return
        options, manifest = self.connection.options, self.source.manifest
        vanished = await Vanished.begin(self.pool, self.system, manifest, options.get("vanished_share", ""))
        await vanished.order(await self._everything(None, vanished.note))
        await cursors.put(self.pool, self.system, cursors.SWEEP, "")
        self.wake.set()

    async def _read_once(self) -> bool:
        """Say whether the first read is done: a person may do it in slices, while what changes is read already."""
        known = await cursors.get(self.pool, self.system, "everything")
        return known is not None and known.done_at is not None

    async def _everything(
        self, cursor: str | None, note: Callable[[Sequence[Item]], None] = lambda items: None, accounts: AccountsFirst | None = None
    ) -> Wanted:
        wanted = await self.wanted()
        async for page in self.source.everything(cursor, wanted):
            note(page.items)
            if accounts is not None:
                await accounts.before(page.items, await self.playbook())
            await self.in_slices(page.items, "sweep")
            await cursors.put(self.pool, self.system, "everything", page.cursor, done=page.done)
        await cursors.mark_read(self.pool, self.system, wanted)
        return wanted

    async def _listen(self) -> None:
        """Hold the stream of events open; while there is none the polls alone tell what changed."""
        await self._steps.patiently("events", self._say_what)
        ear = Listening(self.pool, self.system, self.source, wanted=lambda: self._named, order=self.noticed, again=self._again)
        try:
            await self._steps.every("events", lambda: 0.0, ear.once)
        finally:
            await ear.close()

    async def _say_what(self) -> None:
        await self.wanted()

    async def _again(self, objects: Sequence[str]) -> None:
        """Read all records of these objects again, of all where none is named: what happened to them is no longer told."""
        if not objects:
            return await self._sweep()
        if not await self._read_once():  # all of it is still to be read
            return None
        named = {name: fields for name, fields in (await self.wanted()).items() if name in objects}
        async for page in self.source.everything(None, named):
            await self.in_slices(page.items, "sweep")
        return None

    async def _newly_wanted(self) -> None:
        """Read all of the objects of which a new version of the playbook speaks first, or names more fields; changes are read meanwhile."""
        wanted = await self.wanted()
        read = await cursors.read_objects(self.pool, self.system, self.source.manifest.person_object)
        other = {name: fields for name, fields in wanted.items() if read.get(name) != frozenset(fields)}
        if not other or not await self._read_once():
            return
        if fresh := sorted(name for name, fields in other.items() if name not in read or (read[name] and {*fields} - read[name])):
            await self._again(fresh)
        await cursors.mark_read(self.pool, self.system, other)

    async def _changes(self) -> None:
        wanted = await self.wanted()
        known = await cursors.get(self.pool, self.system, "changes")
        cursor, began = known.cursor if known else self.source.start(now()), now()
        pages: AsyncIterator[Page] = self.source.changes(cursor, wanted)
        async for page in pages:
            await self.send(page.items, "poll")
            if page.cursor != cursor:
                await cursors.put(self.pool, self.system, "changes", page.cursor)
        await cursors.note_seen(self.pool, self.system, began - VISIBLE)

    async def in_slices(self, items: Sequence[Item], kind: str) -> None:
        """Publish bulk, a little at a time, each only while little waits to be decided: whatever is hot comes between."""
        for start in range(0, len(items), SLICE):
            await self.gate.open()
            await self.send(items[start : start + SLICE], kind)

    async def send(self, items: Sequence[Item], kind: str) -> None:
        """Publish items with the vendor's clock put right; orders for records that they are about are settled."""
        if not items:
            return
        skew_s = await self._settled(items)
        await self.publisher.publish([corrected(item, skew_s) for item in items], source=self.system, kind=kind)

    async def _settled(self, items: Sequence[Item]) -> float:
        """Give how far the vendor's clock is ahead, as these items show it too; its writer goes by the same."""
        if self._skew is None:
            self._skew = Skew(await skews.get(self.pool, self.system))
        before = self._skew.seconds
        if (found := self._skew.settle(items)) != before:
            await skews.put(self.pool, self.system, found)
        return found

    async def noticed(self, notice: Notice) -> None:
        """Publish what a webhook says, and order what it says too little of to be read at once.

        A vendor tells of everything that somebody subscribed to once; of objects that the playbook does not speak of nothing is kept.
        """
        about = {ref: Ref.parse(ref).object for ref in (*map(ref_of, notice.items), *notice.read) if ref}
        named = {self.source.manifest.person_object}
        if not named.issuperset(about.values()):
            named = {*schema.objects(await self.playbook(), self.system, self.source), *self.source.acts}
        await self.send(
            [one for one in notice.items if about.get(ref_of(one) or "", self.source.manifest.person_object) in named], "webhook"
        )
        if orders := [ref for ref in notice.read if about[ref] in named]:
            await read_orders.order(self.pool, orders)
            self.wake.set()

    async def _orders(self) -> None:
        while True:
            refs: list[str] = []
            await self._steps.patiently("read orders", lambda refs=refs: self._claim(refs))  # type: ignore[misc]
            if refs:
                await self._steps.patiently("records", lambda refs=refs: self._read(refs))  # type: ignore[misc]
                continue
            self.wake.clear()
            await rest(0.25, self.wake)

    async def _claim(self, refs: list[str]) -> None:
        refs += await read_orders.claim(self.pool, self.system, self.source.manifest.batch_read)

    async def _read(self, refs: Sequence[str]) -> None:
        by_object: dict[str, list[str]] = {}
        for ref in map(Ref.parse, refs):
            by_object.setdefault(ref.object, []).append(ref.id)
        items: list[Item] = []
        for name, ids in by_object.items():
            if name in self.source.acts:
                items += await self.source.read(ids, (), object_=name)
            elif name in self.source.objects:
                items += await self.source.read(ids, await self._fields(name), object_=name)
        await self.send(items, "read")
        await read_orders.settle(self.pool, refs)
        activities = {*self.source.manifest.response_objects, *self.source.acts}  # of these nothing is told that was none
        left = {ref for ref in refs if Ref.parse(ref).object not in activities} - {ref_of(item) for item in items}
        if left:
            self._log.warning("ordered records are nowhere to be found", count=len(left))
