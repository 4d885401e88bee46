"""A system's people read as bulk because a person says so: all of them, in slices, or what changed since a time; it goes on where it stopped.

It steers what the source has: its reads and places, the gate that lets bulk on `changes` only while little waits, the mark of bulk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from connectors.base import Item, Page, Wanted
from connectors.errors import ConnectorError
from schemas.base import Ref
from schemas.change import RecordChanged
from schemas.touch import TouchRecorded
from sync.sources.paging import pages
from sync.sources.runner import SLICE, Runner
from sync.store import cursors

KIND = "backfill"
_HOT = """
SELECT EXISTS (SELECT FROM dirty d WHERE lane = 'hot' AND since BETWEEN clock_timestamp() - interval '60 s' AND clock_timestamp() - interval '2 s'
  AND (EXISTS (SELECT FROM cursors c WHERE c.system = d.system AND c.name = 'everything' AND c.done_at IS NOT NULL)
    OR EXISTS (SELECT FROM records r WHERE r.lead_id = d.lead_id AND r.system = d.system)))
"""
"""Do hot writes wait for longer than they should? What waits for much longer waits for something else (a pause, an outage); and who is not
known yet in a system waits for it to be read, which is no reason to stop reading it."""


@dataclass(slots=True)
class Progress:
    """How far it came."""

    people: int = 0
    """People read by now, by runs before this one too; a person with two records counts twice."""
    records: int = 0
    """Records told in this run: people, accounts, opportunities."""
    done: bool = False
    total: int | None = None
    """People that there are to read, where the vendor says."""
    waits: str = ""
    """Why nothing is read at this moment."""


@dataclass
class Backfill:
    """One run of one system; `tell` is told how far it is."""

    runner: Runner
    tell: Callable[[Progress], None] = lambda progress: None
    found: Progress = field(default_factory=Progress)

    async def all(self, first: int | None = None) -> Progress:
        """Read everything from where it stopped; with `first` only until so many people were read in all. Raises ConnectorError."""
        runner, pool, system = self.runner, self.runner.pool, self.runner.system
        await runner.begin()
        noted, known = await cursors.get(pool, system, cursors.BACKFILL), await cursors.get(pool, system, "everything")
        self.found.people, told = cursors.people(noted.cursor) if noted else (0, 0)
        await self._note(self.found.people, told)  # from now on no source reads it all by itself
        if first is not None and told >= first:
            self.found.people = told
            return self.found
        await runner.learn_users()
        wanted = await runner.wanted()
        self.found.total = first or await self._count(wanted)
        cursor = known.cursor or None if known and not known.done_at else None
        accounts = runner.accounts_first(self._says)
        async with aclosing(pages(lambda at: runner.source.everything(at, wanted), cursor, self._waits)) as every:
            async for page in every:
                await accounts.before(page.items, await runner.playbook())
                if not await self._page(page, first):
                    return self.found
        await cursors.mark_read(pool, system, wanted)
        await cursors.drop(pool, system, cursors.BACKFILL)
        self.found.done = True
        return self.found

    async def _page(self, page: Page, first: int | None) -> bool:
        """Tell a page and keep its place; False when that is enough."""
        pool, system, before = self.runner.pool, self.runner.system, self.found.people
        if await self._told(page.items, first) < len(page.items):
            await self._note(before, self.found.people)  # the page is read again: of what was told nothing is news then
            return False
        await cursors.put(pool, system, "everything", page.cursor, done=page.done)
        await self._note(self.found.people, self.found.people)
        return first is None or self.found.people < first or page.done

    async def some(self, name: str, read: Callable[[str | None], AsyncIterator[Page]], start: str | None) -> Progress:
        """Read what `read` gives, under a name by which it goes on where it stopped. Raises ConnectorError."""
        pool, system, name = self.runner.pool, self.runner.system, f"{cursors.BACKFILL}:{name}"
        known = await cursors.get(pool, system, name)
        await self.runner.learn_users()
        async with aclosing(pages(read, known.cursor if known else start, self._waits)) as every:
            async for page in every:
                await self._told(page.items, None)
                await cursors.put(pool, system, name, page.cursor)
        await cursors.drop(pool, system, name)
        self.found.done = True
        return self.found

    async def object(self, object_: str) -> Progress:
        """Read all records of one object once more."""
        wanted = await self.runner.wanted()
        one = {object_: wanted[object_]}
        self.found.total = await self._count(one)
        return await self.some(object_, lambda at: self.runner.source.everything(at, one), None)

    async def since(self, at: datetime, object_: str = "") -> Progress:
        """Read what changed since a time once more, as bulk."""
        wanted = await self.runner.wanted()
        some = {name: fields for name, fields in wanted.items() if object_ in ("", name)}
        start = self.runner.source.start(at)
        return await self.some(f"since {object_}".strip(), lambda cursor: self.runner.source.changes(cursor or start, some), start)

    async def _count(self, wanted: Wanted) -> int | None:
        """Count the people of these objects, for who waits to see; None where it is not known of one of them, or asking goes wrong."""
        people = [name for name in wanted if name in self.runner.source.manifest.people]
        try:
            counts = [await self.runner.source.count(name) for name in people]
        except ConnectorError:
            return None
        return None if None in counts else sum(one or 0 for one in counts)

    async def _told(self, items: Sequence[Item], first: int | None) -> int:
        """Publish items, as many as may be by the number of people; gives how many."""
        room = len(items) if first is None else self._room(items, first - self.found.people)
        for some in _chunks(items[:room]):
            await self._calm()
            await self.runner.in_slices([_bulk(item) for item in some], KIND)
            self.found.people += sum(map(self._person, some))
            self.found.records += len(some)
            self.found.waits = ""
            self.tell(self.found)
        return room

    def _room(self, items: Sequence[Item], people: int) -> int:
        """Give how many of the items come before there are more people than so many."""
        for place, item in enumerate(items):
            people -= self._person(item)
            if people < 0:
                return place
        return len(items)

    def _person(self, item: Item) -> bool:
        return isinstance(item, RecordChanged) and Ref.parse(item.ref).object in self.runner.source.manifest.people

    async def _calm(self) -> None:
        """Wait while hot work waits: for being decided (the gate sees to it too), or for being written."""
        while await self.runner.gate.shut():
            self._says("waiting until what was read is decided (does a worker run?)")
            await asyncio.sleep(0.2)
        while await self.runner.pool.fetchval(_HOT):
            self._says("waiting for hot hand-offs to be written")
            await asyncio.sleep(0.2)

    def _waits(self, seconds: float) -> None:
        self._says(f"waiting {seconds:.0f} s for the vendor")

    def _says(self, waits: str) -> None:
        self.found.waits = waits
        self.tell(self.found)

    async def _note(self, before: int, told: int) -> None:
        """Keep how many people there are before the place where reading goes on, and how many were told."""
        await cursors.put(self.runner.pool, self.runner.system, cursors.BACKFILL, f"{before} {told}")


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + SLICE] for start in range(0, len(items), SLICE))


def _bulk(item: Item) -> Item:
    """Mark what knows of it as bulk: it is no one's own act of now."""
    return item.model_copy(update={"bulk": True}) if isinstance(item, RecordChanged | TouchRecorded) and not item.bulk else item
