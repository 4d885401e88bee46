"""Reads all leads: by ranges of their ids, or by bulk extract where the calls for that would be many.

Marketo lists all leads in no other way. Ids count up; a range of 300 costs a call, whether there are leads in it or not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from connectors.base import Item, Page
from connectors.marketo import mapping
from connectors.marketo.bulk import Bulk, Extract, Part
from connectors.marketo.client import Client, rows
from connectors.marketo.mapping import NEW

_PAGES = 50
_DAY_S, _OVERLAP = 86_400, 3000
"""So much before what was told, in seconds and in ids, is read again: ids count up as leads are made, but not to the second."""


class Place(BaseModel):
    """Where a full read goes on: the next id, the newest that is known, the last one that was found; or, while there is one, in an extract."""

    next: int = 1
    newest: int = 0
    found: int = 0
    extract: Extract | None = None

    def text(self) -> str:
        """Give the cursor."""
        return self.model_dump_json(exclude_none=True)


class Full:
    """The full reads of one subscription."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._gap = int(client.options.get("gap_ids", "20000"))
        self._bulk = Bulk(client)

    async def pages(self, cursor: str | None, fields: Sequence[str]) -> AsyncIterator[Page]:
        """Give all leads behind a cursor; where an extract ends before its time, the rest of them by their ids."""
        place = Place.model_validate_json(cursor) if cursor else await self._first()
        if place.extract is not None:
            extract = place.extract
            async for part, extract in self._bulk.pages(extract, fields):  # noqa: B020  # each part moves the place on
                place = place.model_copy(update={"extract": extract})
                yield Page(items=await self._told(part, fields) if part else (), cursor=place.text(), done=False)
            if extract.over:
                yield Page(items=(), cursor=place.text(), done=True)
                return
            place = Place(next=max(1, extract.known - _OVERLAP), newest=max(place.newest, await self._newest()), found=extract.known)
        async for page in self._by_ids(place, fields):
            yield page

    async def _by_ids(self, place: Place, fields: Sequence[str]) -> AsyncIterator[Page]:
        """Give the leads from an id on, until long after the newest."""
        done = False
        while not done:
            size = self._client.page_rows
            found = await self._client.find("id", [str(place.next + n) for n in range(size)], fields, priority="bulk")
            reading = await self._client.reading(found.answer, bulk=True)
            last = max([place.found, *map(int, found.rows)])
            place = Place(next=place.next + size, newest=place.newest, found=last)
            done = place.next > max(place.newest, last + self._gap)
            items = tuple(reading.snapshot(row, fields) for row in found.rows.values())
            yield Page(items=items, cursor=place.text(), done=done)

    async def _first(self) -> Place:
        """Give the place where a full read begins: in an extract from the oldest lead on, where there may be many."""
        newest = await self._newest()
        oldest = await self._oldest() if 0 < self._bulk.least <= newest else None
        if oldest is None:
            return Place(newest=newest)
        until = int(datetime.now(UTC).timestamp()) + 1
        return Place(newest=newest, extract=Extract(next=int(oldest.timestamp()) - _DAY_S, until=until))

    async def _oldest(self) -> datetime | None:
        """Give when the first leads by id were made; None where so many ids are empty that it is simpler to read on."""
        size = self._client.page_rows
        for start in range(1, self._gap + 1, size):
            found = await self._client.find("id", [str(start + n) for n in range(size)], (), priority="bulk")
            if made := [at for row in found.rows.values() if (at := mapping.moment(row.get("createdAt")))]:
                return min(made)
        return None

    async def _newest(self) -> int:
        """Give the highest id among the new leads of the last hour, day, or quarter, whichever shows any in its first pages.

        A page looks through 300 activities of all types, so that a quarter of them may be many thousand pages; where a newer lead is not seen, the
        gap ends the read.
        """
        for hours in (1, 24, 24 * 90):
            newest, pages, token = 0, 0, await self._client.token(datetime.now(UTC) - timedelta(hours=hours), priority="bulk")
            async for answer in self._client.log("/activities.json", token, "bulk", activityTypeIds=str(NEW)):
                newest, pages = max([newest, *(int(one["leadId"]) for one in rows(answer))]), pages + 1
                if pages == _PAGES:
                    break
            if newest:
                return newest
        return 0

    async def _told(self, part: Part, fields: Sequence[str]) -> tuple[Item, ...]:
        found = {str(row["id"]): row for row in part.rows}
        await self._client.join(found, fields, "bulk")
        reading = await self._client.reading(part.answer, bulk=True, sent_at=part.asked)
        return tuple(reading.snapshot(row, fields) for row in found.values())
