"""Reads all of a large object by a query job of the Bulk API 2.0: one job, its results in pages behind a locator, as CSV.

Source: the Bulk API 2.0 guide ("Create a Query Job", "Get Results for a Query Job"). The job sees the object as it is when it runs, so its
rows count as read when it was asked for. It knows no sub-selects: an object whose children are asked for with it is read by REST.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from connectors.base import FieldType, Wanted
from connectors.errors import AuthExpired, ConnectorError, Rejected, Surprising
from connectors.http import TOO_MUCH, Answer
from connectors.onward import Onward
from connectors.salesforce.client import Client
from connectors.salesforce.mapping import ROLES, Row, moment
from connectors.scan import Rows
from schemas.base import Scalar

LOOK_S, LOOK_MOST_S = 1.0, 15.0
"""A job is looked at after a second, then ever more rarely."""
PATIENCE = timedelta(hours=2)
"""A job that takes longer is given up, and the object read by REST."""


class Place(NamedTuple):
    """Where a job's results are read on: the page behind a locator, less the rows of it that were told; and which columns were asked for."""

    job: str
    asked: datetime
    at_vendor: datetime
    locator: str = ""
    told: int = 0
    columns: str = ""

    def text(self) -> str:
        """Write it for a cursor: without a colon."""
        times = (str(int(one.timestamp() * 1000)) for one in (self.asked, self.at_vendor))
        return "|".join((self.job, *times, quote(self.locator, safe=""), str(self.told), self.columns))

    @staticmethod
    def read(text: str) -> Place | None:
        """Read it back; None for what is no place in a job."""
        if "|" not in text:
            return None
        job, asked, at_vendor, locator, told, *columns = text.split("|")
        began, by_them = (datetime.fromtimestamp(int(one) / 1000, UTC) for one in (asked, at_vendor))
        return Place(job, began, by_them, unquote(locator), int(told), "".join(columns))

    def has(self, columns: str) -> bool:
        """Say whether these columns are in the job's results: others may be mapped by now than when it was asked for."""
        return self.columns == digest(columns)


def digest(columns: str) -> str:
    """Give a short sign of a SELECT list."""
    return hashlib.blake2b(columns.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Bulk:
    """The query jobs of one org."""

    client: Client

    async def fit(self, wanted: Wanted) -> frozenset[str]:
        """Name the objects that are to be read by a job: they have so many records, about, and none of their children are asked for."""
        least = int(self.client.connection.options.get("bulk_from", "50000"))
        named = [name for name, fields in wanted.items() if ROLES not in fields]
        if not (least and named):
            return frozenset()
        counts = await self._counts(named)
        return frozenset(name for name in named if counts.get(name, 0) >= least)

    async def _counts(self, named: Sequence[str]) -> Mapping[str, int]:
        """Count objects: about, in one call, where the user may see Setup; else each by a query, and one that is refused counts as small.

        How an object is read is a matter of calls alone: no refusal here may keep it from being read.
        """
        try:
            answer = await self.client.call("GET", "/limits/recordCount", params={"sObjects": ",".join(named)}, priority="bulk")
            return {str(one["name"]): int(one["count"]) for one in answer.body["sObjects"]}
        except (Rejected, AuthExpired, Surprising, LookupError, TypeError, ValueError):
            return {name: await self._count(name) for name in named}

    async def _count(self, name: str) -> int:
        try:
            return await self.client.count(name)
        except (ConnectorError, LookupError, TypeError, ValueError):  # a query may take too long to count what is large
            return 0

    async def begin(self, object_: str, columns: str) -> Place | None:
        """Ask for a job; None where the org lets the user make none."""
        sent = {"operation": "query", "query": f"SELECT {columns} FROM {object_}"}
        try:
            answer = await self.client.call("POST", "/jobs/query", json=sent, idempotent=True, priority="bulk")
        except Rejected:
            return None
        return Place(answer.body["id"], answer.sent_at, moment(answer.body["createdDate"]), columns=digest(columns))

    async def done(self, place: Place) -> bool:
        """Wait until a job is complete; False where it failed, takes too long or is no longer there."""
        wait = LOOK_S
        while datetime.now(UTC) - place.asked < PATIENCE:
            answer = await self.client.call("GET", f"/jobs/query/{place.job}", priority="bulk", accept=(404,))
            state = answer.body["state"] if answer.status == 200 else "gone"
            if state not in ("UploadComplete", "InProgress"):
                return bool(state == "JobComplete")
            await asyncio.sleep(wait)
            wait = min(wait * 1.5, LOOK_MOST_S)
        await self.client.call("PATCH", f"/jobs/query/{place.job}", json={"state": "Aborted"}, idempotent=True, accept=range(400, 500))
        return False

    async def pages(self, place: Place, types: Mapping[str, FieldType]) -> AsyncIterator[tuple[Rows, Place]]:
        """Give the results from a place on, in pages of the usual size, each with the place behind it; a last page may be empty."""
        most, last = max(self.client.page_rows, int(self.client.connection.options.get("bulk_page", "10000"))), False
        pages = Onward("a job's results")
        while not last:
            try:
                answer = await self._page(place, most)
            except Surprising as error:
                if error.code != TOO_MUCH or most <= self.client.page_rows:
                    raise
                most //= 2  # rows with long texts: fewer of them at once
                continue
            pages.at(place.locator)
            many, behind = int(answer.headers.get("sforce-numberofrecords", "-1")), answer.headers.get("sforce-locator", "null")
            last, skip, end = behind in ("null", ""), place.told, 0
            for rows in read(answer.body or b"", types, self.client.page_rows):
                left, end = rows[max(0, skip - end) :], end + len(rows)
                whole = end == many
                place = (
                    place._replace(locator=behind, told=max(0, skip - many)) if whole and not last else place._replace(told=max(skip, end))
                )
                if left or (whole and last):
                    yield Rows(left, not (whole and last), place.asked, answer.received_at, place.at_vendor), place
            if end != many:
                raise Surprising("a page of a job's results does not hold the rows that it counts")

    async def _page(self, place: Place, most: int) -> Answer:
        params = {"maxRecords": str(most), **({"locator": place.locator} if place.locator else {})}
        path = f"/jobs/query/{place.job}/results"
        return await self.client.call("GET", path, params=params, headers={"accept": "text/csv"}, priority="bulk", raw=True)

    async def end(self, place: Place) -> None:
        """Take a job away whose results were read: the org keeps them for a week else."""
        await self.client.call("DELETE", f"/jobs/query/{place.job}", idempotent=True, priority="bulk", accept=range(400, 500))


def read(text: bytes, types: Mapping[str, FieldType], most: int) -> Iterator[list[Row]]:
    """Read a page of results as rows with the values that REST would have given, so many at a time; at least one list, which may be empty."""
    try:
        found = csv.DictReader(io.TextIOWrapper(io.BytesIO(text), "utf-8-sig", newline=""), strict=True)
        rows: Iterator[Row] = ({name: _value(value, types.get(name)) for name, value in row.items()} for row in found)
        yield list(islice(rows, most))
        while some := list(islice(rows, most)):
            yield some
    except (UnicodeDecodeError, csv.Error):
        raise Surprising("a job's results are no CSV") from None


def _value(text: Any, type_: FieldType | None) -> Scalar:
    if not isinstance(text, str):
        raise Surprising("a line of a job's results has other columns than its head")
    if not text:
        return None
    if type_ == "flag":
        return text == "true"
    return float(text) if type_ == "number" else text
