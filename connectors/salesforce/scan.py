"""One object's changes by a time of theirs (SystemModstamp) with a look-back, in (time, id) order; and the cursor that says how far each object was read."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict

from connectors.errors import Surprising
from connectors.salesforce.client import Client, Rows
from connectors.salesforce.mapping import Row, literal, moment, quoted

MEETINGS = "Event"
ENDED = "Event by its end"
"""The scan that finds the meetings whose end has passed: nothing else happens to a meeting when it is over."""


class Place(BaseModel):
    """How far one object was read: where the next scan begins, and within an unfinished one where it stands.

    SystemModstamp has whole seconds and a row may become visible after rows with a later one (long transactions), so each scan begins
    `lookback_s` before the last one began, by Salesforce's clock. What this running source has told already, by content, is left out again;
    `boot` and `told` say up to which page that is stored. After a restart it is told once more.
    """

    model_config = ConfigDict(frozen=True)
    base: datetime
    high: datetime
    began: datetime | None = None
    after: tuple[str, str] | None = None
    boot: str = ""
    told: int = 0


class Places(BaseModel):
    """The cursor of `changes`: a place for each object, and from when on one is read that is wanted only now."""

    model_config = ConfigDict(frozen=True)
    start: Place
    objects: dict[str, Place] = {}

    @staticmethod
    def begin(at: datetime) -> Places:
        """Give the cursor that reads what changed since `at`."""
        return Places(start=Place(base=at.astimezone(UTC), high=at.astimezone(UTC)))

    @staticmethod
    def read(text: str, person: str) -> Places:
        """Read a cursor; one that was written when people alone were read is theirs."""
        found = orjson.loads(text)
        if "start" in found:
            return Places.model_validate(found)
        place = Place.model_validate(found)
        return Places(start=Place(base=place.base, high=place.base), objects={person: place})

    def of(self, object_: str) -> Place:
        """Give an object's place."""
        return self.objects.get(object_, self.start)

    def moved(self, object_: str, place: Place) -> Places:
        """Give the cursor with one object read on; an object that comes later begins where the one that is furthest behind stands."""
        objects = {**self.objects, object_: place}
        base = min(one.base for one in objects.values())
        return Places(start=Place(base=max(base, self.start.base), high=max(base, self.start.high)), objects=objects)

    def text(self) -> str:
        """Give it as it is stored."""
        return self.model_dump_json(exclude_defaults=True)


class Step(NamedTuple):
    """One page of a scan: the rows that were not told yet, of which answer, and the place behind it."""

    new: Sequence[Row]
    rows: Rows
    place: Place


@dataclass
class Scan:
    """Reads one object's changes for as long as its source lives."""

    client: Client
    object: str
    boot: str
    where: Callable[[], str] = str
    """Says what else a row must meet to be told at this moment."""
    stamp: str = "SystemModstamp"
    """The time by which it is read."""
    ahead: Rows | None = None
    """What the first query from here gave, where it was asked together with those of other objects."""
    _columns: str = ""
    _seen: dict[str, tuple[bytes, datetime, int]] = field(default_factory=dict)
    """Record id → what was told of it last: digest of the row, its time, number of the page."""

    async def pages(self, place: Place, columns: str) -> AsyncIterator[Step]:
        """Read on from a place until there is no more for now."""
        self._remember(place, columns)
        number = place.told
        while True:
            ahead, self.ahead = self.ahead, None
            rows = ahead or await self.client.query(self.soql(place, columns), deleted=True, limit=self.client.page_rows)
            new = [(row, digest) for row in rows.records if (digest := _digest(row)) != self._seen.get(row["Id"], (b"",))[0]]
            number += bool(new)
            for row, digest in new:
                self._seen[row["Id"]] = (digest, moment(row[self.stamp]), number)
            place = self._moved(place, rows, number)
            yield Step([row for row, _ in new], rows, place)
            if not rows.more:
                return

    def forget(self) -> None:
        """Forget what was told."""
        self._seen.clear()

    def _remember(self, place: Place, columns: str) -> None:
        """Forget what was told in pages that were not stored, and all of it after a restart or for other fields."""
        if place.boot != self.boot or self._columns != columns:
            self._seen.clear()
        self._columns = columns
        for ident in [ident for ident, (_, _, number) in self._seen.items() if number > place.told]:
            del self._seen[ident]

    def soql(self, place: Place, columns: str) -> str:
        """Give the query that reads on from a place."""
        if place.after is None:
            when = f"{self.stamp} >= {literal(self._low(place.base))}"
        else:
            stamp, ident = place.after
            when = f"({self.stamp} > {stamp} OR ({self.stamp} = {stamp} AND Id > {quoted(ident)}))"
        limit, where = self.client.page_rows, " AND ".join(filter(None, (when, self.where())))
        return f"SELECT {columns} FROM {self.object} WHERE {where} ORDER BY {self.stamp}, Id LIMIT {limit}"

    def _low(self, base: datetime) -> datetime:
        return base - timedelta(seconds=self.client.lookback_s)

    def _moved(self, place: Place, rows: Rows, number: int) -> Place:
        """Give the place behind a page: further in the scan, or at the beginning of the next one."""
        began = place.began or rows.at_vendor
        if not rows.records:
            stamp, high = place.high, place.high
        else:
            stamp = moment(rows.records[-1][self.stamp])
            high = max(place.high, stamp)
        if rows.more:
            after = (literal(stamp), str(rows.records[-1]["Id"]))
            return Place(base=place.base, high=high, began=began, after=after, boot=self.boot, told=number)
        # Whatever bears a time before this scan began less the look-back was visible to it. Not beyond `high`: the clocks may differ.
        base = max(place.base, min(began, high + timedelta(seconds=self.client.lookback_s)))
        low = self._low(base)
        self._seen = {ident: seen for ident, seen in self._seen.items() if seen[1] >= low}
        return Place(base=base, high=high, boot=self.boot, told=number)


def _digest(row: Mapping[str, object]) -> bytes:
    """Give a short digest of a row's content; raises Surprising for a row without id or time."""
    if not (isinstance(row, dict) and row.get("Id") and row.get("SystemModstamp")):
        raise Surprising("a row of the answer has no Id or SystemModstamp")
    return hashlib.blake2b(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), digest_size=12).digest()


def scanned(scan: str) -> str:
    """Give the object that a scan reads."""
    return MEETINGS if scan == ENDED else scan


def noted_after(meeting: Row) -> bool:
    """Say whether a meeting was noted or changed after its end, so that its change tells of it; of others their end does."""
    return moment(meeting["SystemModstamp"]) > moment(meeting["EndDateTime"])


def _over() -> str:
    """Say which meetings count: they are over, with somebody; an all-day one has no end, a child is an invitee's copy, a series no meeting.

    Salesforce does not say whether anybody came (its Object Reference: Event has no outcome).
    """
    some = "WhoId != null AND IsAllDayEvent = false AND IsChild = false AND IsRecurrence = false"
    return f"{some} AND EndDateTime <= {literal(datetime.now(UTC))}"


WHERE: Mapping[str, Callable[[], str]] = {"Task": lambda: "IsClosed = true AND WhoId != null", MEETINGS: _over}
"""What a rep did counts only as this says."""
