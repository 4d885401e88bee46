"""Reads Tryton: parties whose own time or whose lines' changed, opportunities, what people did, by id; deletions by counting and the log."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json

from connectors.base import FieldSeen, FieldType, Finding, Item, Manifest, Notice, Page, Right, Rivals, Source, Unwelcome, User, Wanted
from connectors.onward import Onward
from connectors.scan import Place, Places, Rows, Scan
from connectors.tryton.client import Client
from connectors.tryton.doctor import Doctor, rights, rivals
from connectors.tryton.mapping import CHANGED, DEAL, PARTY
from schemas.base import Scalar

Ask = Callable[[datetime, str], Awaitable[Rows]]


@dataclass(kw_only=True)
class IdScan(Scan):
    """Reads by their time of change, which the query has in several places: so the rows come by their ids."""

    query: Ask
    stamp: str = CHANGED

    async def ask(self, place: Place, fields: str) -> Rows:
        """Read the page from a place on."""
        return await self.query(self.low(place.base), place.after[1] if place.after else "")

    def moment(self, wire: Any) -> datetime:
        """Read a row's time of change."""
        return datetime.fromisoformat(wire)

    def literal(self, moment: datetime) -> str:
        """Write it."""
        return moment.isoformat()


class Counted(BaseModel):
    """How many records there were up to an id: fewer later, and some were deleted."""

    model_config = ConfigDict(frozen=True)
    top: int = 0
    many: int = 0


class Cursor(BaseModel):
    """How far changes are read."""

    model_config = ConfigDict(frozen=True)
    places: Places
    counted: dict[str, Counted] = {}

    @staticmethod
    def read(text: str) -> Cursor:
        """Read a cursor; one that was written when parties alone were counted is theirs."""
        found: dict[str, Any] = from_json(text)
        alone = found.get("counted") or {}
        return Cursor.model_validate({**found, "counted": {PARTY: alone} if alone.keys() & Counted.model_fields.keys() else alone})

    def text(self) -> str:
        """Give it as it is stored."""
        return self.model_dump_json(exclude_defaults=True)


class TrytonSource(Source):
    """The reading side of one database."""

    def __init__(self, manifest: Manifest, client: Client) -> None:
        self.manifest, self._client = manifest, client
        self._boot, self._scans = uuid.uuid4().hex[:12], dict[str, IdScan]()
        self._lacks: dict[str, tuple[Counted, frozenset[int]]] = {}
        """Object → the ids that were not there when so many were counted."""

    @property
    def objects(self) -> tuple[str, ...]:
        """Name the objects that it can read."""
        return (PARTY, DEAL)

    def calls(self, objects: int) -> int:
        """Say how many calls a quiet poll costs: of each object a page of changes and a count, of what people did a page each."""
        return 2 * objects + len(self._client.acts)

    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema of an object."""
        return (await self._client.schema(object_, max_age_s=0)).types

    async def described(self, object_: str) -> Sequence[FieldSeen]:
        """Give the live schema of an object with labels, values and what may be written; Tryton bounds no text."""
        schema = await self._client.schema(object_, max_age_s=0)
        labels = {name: label for label, name in schema.labels.items()}
        return [
            FieldSeen(
                name=name,
                type=kind,
                label=labels.get(name, ""),
                writable=name in schema.writable,
                values=schema.values.get(name, ()),
                closed=name in schema.values,
            )
            for name, kind in schema.types.items()
        ]

    async def users(self) -> Sequence[User]:
        """Give everybody who may own parties, inactive ones too."""
        return await self._client.users()

    def start(self, at: datetime) -> str:
        """Give the cursor that reads what changed since `at`."""
        return Cursor(places=Places.begin(at)).text()

    async def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read which records changed since a cursor, merges as changes, and which were deleted; last, what people did."""
        at, acts = Cursor.read(cursor), self._client.acts if PARTY in wanted else {}
        steps = [*(one for one in (DEAL, PARTY) if one in wanted), *acts]
        if not steps:
            yield Page(items=(), cursor=cursor, done=True)
        at = at.model_copy(update={"places": at.places.begun(steps)})
        for name in steps:
            async for items, now in self._acted(name, at) if name in acts else self._changed(name, at, wanted[name]):
                at, done = now, name == steps[-1] and now.places.of(name).after is None
                if items or done:
                    yield Page(items=tuple(items), cursor=at.text(), done=done)

    def _scan(self, name: str, ask: Ask) -> Scan:
        if name not in self._scans:
            self._scans[name] = IdScan(boot=self._boot, lookback_s=self._client.lookback_s, query=ask)
        self._scans[name].query = ask
        return self._scans[name]

    async def _changed(self, name: str, at: Cursor, fields: Sequence[str]) -> AsyncIterator[tuple[list[Item], Cursor]]:
        async def ask(since: datetime, after: str) -> Rows:
            return await self._client.page(name, fields, since=since, after=after)

        places, newest, scan = at.places, 0, self._scan(name, ask)
        low = scan.low(places.of(name).base)
        async for new, rows, place in scan.pages(places.of(name), ",".join(sorted(fields))):
            reading, places = await self._client.reading(rows, fields, object_=name), places.moved(name, place)
            newest, gone, counted = max([newest, *(int(row["id"]) for row in rows.records)]), list[Item](), at.counted
            if not rows.more:
                gone, count = await self._deleted(name, at.counted.get(name), newest, low)
                counted = {**counted, name: count}
            yield [*(reading.item(row) for row in new), *gone], Cursor(places=places, counted=counted)

    async def _acted(self, name: str, at: Cursor) -> AsyncIterator[tuple[list[Item], Cursor]]:
        act, places = self._client.acts[name], at.places

        async def ask(since: datetime, after: str) -> Rows:
            return await self._client.acted(act, since=since, after=after)

        async for new, rows, place in self._scan(name, ask).pages(places.of(name), ""):
            reading, places = await self._client.reading(rows, ()), places.moved(name, place)
            yield [one for row in new for one in act.told(reading, row)], at.model_copy(update={"places": places})

    async def _deleted(self, object_: str, before: Counted | None, newest: int, since: datetime) -> tuple[list[Item], Counted]:
        """Tell what was deleted since it was counted: if there are fewer up to the same id, all ids are read, and the log of those that lack.

        The log is asked of those alone that were there when it was counted (two calls, and twice for each halving of what was deleted at once);
        of every gap, 400 to a call, only for what was deleted while no process ran: of each object all ids are read once at its begin.
        """
        gone, (now, lacks) = list[Item](), self._lacks.get(object_, (Counted(), frozenset[int]()))
        if before is None or before.top == 0:
            last = await self._client.ask(object_, "search", domain=[], limit=1, order=[["id", "DESC"]])
            now, lacks = await self._there(object_, max(newest, *last, 0))
        elif now != before or await self._count(object_, before.top) != before.many:
            known = lacks if now == before else frozenset[int]()
            now, lacks = await self._there(object_, before.top)
            gone = await self._client.deleted(object_, sorted(lacks - known), since) if now.many < before.many else []
        if newest > now.top:
            late, more = await self._there(object_, newest, behind=now.top)
            now, lacks = Counted(top=newest, many=now.many + late.many), lacks | more
            gone += await self._client.deleted(object_, sorted(more), since)  # some were read a moment ago
        self._lacks[object_] = now, lacks
        return gone, now

    async def _there(self, object_: str, top: int, *, behind: int = 0) -> tuple[Counted, frozenset[int]]:
        """Count the ids behind one, up to another, that are there; with those that are not."""
        there = set(await self._client.ask(object_, "search", domain=[["id", ">", behind], ["id", "<=", top]]))
        return Counted(top=top, many=len(there)), frozenset(one for one in range(behind + 1, top + 1) if one not in there)

    async def _count(self, object_: str, top: int) -> int:
        return int(await self._client.ask(object_, "search_count", domain=[["id", "<=", top]]))

    async def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all opportunities, then all parties, by their ids; the cursor is the object and the last one."""
        here, _, after = (cursor or "").rpartition(":")
        names, here = [one for one in (DEAL, PARTY) if one in wanted], here or (PARTY if after else "")
        for name in names[names.index(here) if here in names else 0 :]:
            last, more, pages = after if name == here else "", True, Onward(name)
            while more:
                pages.at(last)
                rows = await self._client.page(name, wanted[name], after=last, priority="bulk")
                reading, more = await self._client.reading(rows, wanted[name], object_=name, bulk=True), rows.more
                last, done = str(rows.records[-1]["id"]) if rows.records else last, not more and name == names[-1]
                place = f"{name}:{last}" if more or done else f"{names[names.index(name) + 1]}:"
                yield Page(items=tuple(reading.item(row) for row in rows.records), cursor=place, done=done)
        if not names:
            yield Page(items=(), cursor=cursor or "", done=True)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read records by id; deleted is what the log says to be."""
        return await self._client.told(ids, fields, object_=object_ or PARTY)

    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Tryton calls nobody."""
        raise Unwelcome("Tryton calls nobody")

    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check the key, the clocks, the log, what people did, and whether the mapped fields are there, may be read and may be written."""
        return await Doctor(self._client).findings(fields)

    async def rights(self, object_: str) -> frozenset[Right] | None:
        """Give what the groups of the key's user let it do."""
        return await rights(self._client, object_)

    async def rivals(self, object_: str, fields: Sequence[str]) -> Rivals | None:
        """Name the tools and scheduled actions that wrote records of late."""
        return await rivals(self._client, object_)

    async def count(self, object_: str, where: tuple[str, Scalar] | None = None) -> int | None:
        """Count an object's records; of a field's value Tryton would need its path, so that this is not told."""
        return None if where else int(await self._client.ask(object_, "search_count", domain=[]))

    async def close(self) -> None:
        """Release everything."""
        self._scans.clear()
        self._lacks.clear()
        await self._client.close()
