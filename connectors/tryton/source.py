"""Reads Tryton: parties whose own time or whose lines' changed, by id, all of them; deletions by counting and the log."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from connectors.base import FieldSeen, FieldType, Finding, Item, Manifest, Notice, Page, Source, Unwelcome, User, Wanted
from connectors.errors import ConnectorError
from connectors.scan import Place, Places, Rows, Scan
from connectors.tryton import mapping
from connectors.tryton.client import Client
from connectors.tryton.mapping import CHANGED


@dataclass(kw_only=True)
class PartyScan(Scan):
    """Reads parties by their time of change, which the query has in five places: so the rows come by their ids."""

    client: Client
    fields: Sequence[str] = ()
    stamp: str = CHANGED

    async def ask(self, place: Place, fields: str) -> Rows:
        """Read the page from a place on."""
        return await self.client.page(self.fields, since=self.low(place.base), after=place.after[1] if place.after else "")

    def moment(self, wire: Any) -> datetime:
        """Read a row's time of change."""
        return datetime.fromisoformat(wire)

    def literal(self, moment: datetime) -> str:
        """Write it."""
        return moment.isoformat()


class Counted(BaseModel):
    """How many parties there were up to an id: fewer later, and some were deleted."""

    model_config = ConfigDict(frozen=True)
    top: int = 0
    many: int = 0


class Cursor(BaseModel):
    """How far changes are read."""

    model_config = ConfigDict(frozen=True)
    places: Places
    counted: Counted | None = None

    def text(self) -> str:
        """Give it as it is stored."""
        return self.model_dump_json(exclude_defaults=True)


class TrytonSource(Source):
    """The reading side of one database."""

    def __init__(self, manifest: Manifest, client: Client) -> None:
        self.manifest, self._client = manifest, client
        self._scan = PartyScan(boot=uuid.uuid4().hex[:12], lookback_s=client.lookback_s, client=client)

    def calls(self, objects: int) -> int:
        """Say how many calls a quiet poll costs: a page of changes, and a count."""
        return 2

    async def fields(self, object_: str) -> Mapping[str, FieldType]:
        """Give the live schema of parties."""
        return (await self._client.schema(max_age_s=0)).types

    async def described(self, object_: str) -> Sequence[FieldSeen]:
        """Give the live schema of parties with labels and what may be written; Tryton bounds no text."""
        schema = await self._client.schema(max_age_s=0)
        labels = {name: label for label, name in schema.labels.items()}
        return [
            FieldSeen(name=name, type=kind, label=labels.get(name, ""), writable=name in schema.writable)
            for name, kind in schema.types.items()
        ]

    async def users(self) -> Sequence[User]:
        """Give everybody who may own parties, inactive ones too."""
        return await self._client.users()

    def start(self, at: datetime) -> str:
        """Give the cursor that reads what changed since `at`."""
        return Cursor(places=Places.begin(at)).text()

    async def changes(self, cursor: str, wanted: Wanted) -> AsyncIterator[Page]:
        """Read which parties changed since a cursor; merges show as changes. Then those that were deleted."""
        name, at = self.manifest.person_object, Cursor.model_validate_json(cursor)
        places, self._scan.fields, newest = at.places, wanted.get(name, ()), 0
        if name not in wanted:
            yield Page(items=(), cursor=cursor, done=True)
            return
        async for new, rows, place in self._scan.pages(places.of(name), ",".join(sorted(self._scan.fields))):
            reading, places = await self._client.reading(rows, self._scan.fields), places.moved(name, place)
            newest = max([newest, *(int(row["id"]) for row in rows.records)])
            gone, counted = (
                ([], at.counted) if rows.more else await self._deleted(at.counted, newest, self._scan.low(at.places.of(name).base))
            )
            items = (*(reading.item(row) for row in new), *gone)
            yield Page(items=items, cursor=Cursor(places=places, counted=counted).text(), done=not rows.more)

    async def _deleted(self, before: Counted | None, newest: int, since: datetime) -> tuple[list[Item], Counted]:
        """Tell who was deleted since it was counted: if there are fewer up to the same id, all ids are read, and the log of those that lack."""
        gone: list[Item] = []
        if before is None or before.top == 0:
            last = await self._client.ask(self.manifest.person_object, "search", domain=[], limit=1, order=[["id", "DESC"]])
            before = await self._counted(max(newest, *last, 0))
        elif (now := await self._counted(before.top)).many < before.many:
            there = set(await self._client.ask(self.manifest.person_object, "search", domain=[["id", "<=", before.top]]))
            gone = await self._client.deleted([one for one in range(1, before.top + 1) if one not in there], since)
            before = now
        return gone, before if newest <= before.top else await self._counted(newest)

    async def _counted(self, top: int) -> Counted:
        many = await self._client.ask(self.manifest.person_object, "search_count", domain=[["id", "<=", top]])
        return Counted(top=top, many=int(many))

    async def everything(self, cursor: str | None, wanted: Wanted) -> AsyncIterator[Page]:
        """Read all parties by their ids; the cursor is the last one."""
        fields, after, more = wanted.get(self.manifest.person_object, ()), cursor or "", self.manifest.person_object in wanted
        while more:
            rows = await self._client.page(fields, after=after, priority="bulk")
            reading, more = await self._client.reading(rows, fields, bulk=True), rows.more
            after = str(rows.records[-1]["id"]) if rows.records else after
            yield Page(items=tuple(reading.item(row) for row in rows.records), cursor=after, done=False)
        yield Page(items=(), cursor=after, done=True)

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "") -> Sequence[Item]:
        """Read parties by id; deleted is who the log says to be."""
        return await self._client.told(ids, fields)

    def notice(self, method: str, uri: str, headers: Mapping[str, str], body: bytes, *, received_at: datetime) -> Notice:
        """Tryton calls nobody."""
        raise Unwelcome("Tryton calls nobody")

    async def doctor(self, fields: Mapping[str, bool], *, fix: bool = False) -> Sequence[Finding]:
        """Check the key, the clocks, the log, and whether the mapped fields are there, may be read and may be written."""
        try:
            schema = await self._client.schema(max_age_s=0)
            answer, rows = await self._client.search(
                self.manifest.person_object, [], [one for one in fields if one in schema.types], most=1
            )
        except ConnectorError as error:
            todo = "check the key, that it is validated, and that the address ends with the database's name"
            return [Finding(ok=False, what=f"the key: {error.words}", todo=todo)]
        skew = (answer.at_vendor - answer.received_at).total_seconds()
        clock = Finding(
            ok=abs(skew) < 60, what=f"its clock is {skew:+.0f} s from ours", todo="" if abs(skew) < 60 else "set one of the two clocks"
        )
        found = [Finding(ok=True, what="the key is good"), clock, await self._log()]
        for name, writes in sorted({**fields, self.manifest.truce_id_field: True}.items()):
            lacks, todo = "", ""
            if name not in schema.types:
                lacks, todo = "does not exist", "make the field in your module, or take it out of fields.yaml"
            elif rows and name not in rows[0] and name in mapping.asked([name]):
                lacks, todo = (
                    "is hidden from the key's user",
                    "give the user's group the right to read it (Administration, Models, Field Access)",
                )
            elif writes and name not in schema.writable:
                lacks, todo = "is read-only", "map a field that can be written, or give the user's group the right (Field Access)"
            found.append(Finding(ok=not lacks, what=f"{name} {lacks}" if lacks else name, todo=todo))
        return found

    async def _log(self) -> Finding:
        try:
            await self._client.deleted([1])
        except ConnectorError as error:
            todo = "let the user read Logs and parties; until then deletions are noticed by the sweep alone"
            return Finding(ok=False, what=f"the log: {error.words}", todo=todo)
        return Finding(ok=True, what="the log says who was deleted")

    async def close(self) -> None:
        """Release everything."""
        await self._client.close()
