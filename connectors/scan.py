"""One object's changes by a time of theirs, with a look-back, in (time, id) order; and the cursor that says how far each object was read.

For vendors whose query can say "changed since", whose times have whole seconds, and who show a row late. A vendor's scan says how to ask.
Where a query cannot sort by the time, the rows of a scan may come in the order of their ids: who changes behind it is in the next one.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict

from connectors.base import FieldType, Item, Wanted
from connectors.errors import Surprising
from connectors.onward import Onward
from schemas.base import Moment, Ref, Scalar
from schemas.change import RecordChanged, RecordDeleted

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """One page of a query; `more` if there may be others behind the last row, `at_vendor` is the vendor's clock."""

    records: list[Row]
    more: bool
    sent_at: datetime
    received_at: datetime
    at_vendor: datetime


@dataclass(frozen=True)
class Reading(ABC):
    """How the rows of one answer are read: whose system, of which object, which fields, and when it was asked; the vendor's own says what a row means."""

    system: str
    object: str
    fields: Sequence[str]
    types: Mapping[str, FieldType]
    me: str
    """Our own user: what it did is an echo."""
    sent_at: datetime
    received_at: datetime
    bulk: bool = False

    @abstractmethod
    def value(self, row: Row, name: str) -> Scalar:
        """Give one field of a row in canonical form; raises KeyError where it is not in the answer, Surprising for what is no plain value."""

    def tells(self, row: Row, name: str) -> bool:
        """Say whether a row says anything of a field; what it is silent about stays as it was known."""
        return True

    def ref(self, ident: str | int, object_: str | None = None) -> str:
        """Name a record of this system."""
        return str(Ref(self.system, object_ or self.object, str(ident)))

    def seen(self, ident: str | int, at: Moment, row: Row, **more: Any) -> RecordChanged:
        """Give a row's fields, all that were asked for and it tells; raises Surprising naming one that is missing or no plain value."""
        return RecordChanged(
            ref=self.ref(ident), at=at, fields={name: self._named(row, name) for name in self.fields if self.tells(row, name)}, complete=True,
            read_at=self.sent_at, received_at=self.received_at, bulk=self.bulk, **more,
        )  # fmt: skip

    def missing(self, ident: str | int) -> RecordDeleted:
        """Tell that a record is not there any more, of which the vendor does not say since when."""
        return RecordDeleted(ref=self.ref(ident), at=self.sent_at, received_at=self.received_at)

    def _named(self, row: Row, name: str) -> Scalar:
        try:
            return self.value(row, name)
        except KeyError:
            raise Surprising(f"{self.object}.{name} was asked for and is not in the answer: may it be read?") from None
        except Surprising as error:
            raise Surprising(f"{self.object}.{name}: {error.words}") from None


class Place(BaseModel):
    """How far one object was read: where the next scan begins, and within an unfinished one where it stands.

    Times of change have whole seconds and a row may become visible after rows with a later one (long transactions), so each scan begins
    `lookback_s` before the last one began, by the vendor's clock. What this running source has told already, by content, is left out again;
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

    def begun(self, names: Iterable[str]) -> Places:
        """Give the cursor with a place of its own for each object that is about to be read: one that is read on moves no other."""
        return self.model_copy(update={"objects": {**dict.fromkeys(names, self.start), **self.objects}})

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


Told = tuple[str, list[Item], Place]
"""Of which object, what, and how far it is read by it."""
Changed = Callable[[Places, str, Sequence[str]], AsyncIterator[Told]]
"""Gives the changes of one object with these fields."""


async def people(places: Places, wanted: Wanted, lead: str, kinds: Sequence[str], changed: Changed) -> AsyncIterator[Told]:
    """Give the changes of people, who are leads first and may become one of the other `kinds`.

    Who was converted shows as two records. The other kinds are asked for first and told last: between the two queries nobody can become
    one of whom it is not told that they were a lead.
    """
    leads = places
    for name in (one for one in kinds if one in wanted and one != lead and lead in wanted):
        async for held in changed(places, name, wanted[name]):
            async for told in changed(leads, lead, wanted[lead]):
                leads = leads.moved(lead, told[2])
                yield told
            yield held
    for name in (one for one in kinds if one in wanted and leads is places):  # of one kind alone nobody can become the other
        async for told in changed(places, name, wanted[name]):
            yield told


@dataclass(kw_only=True)
class Scan(ABC):
    """Reads one object's changes for as long as its source lives."""

    boot: str
    lookback_s: float
    stamp: str
    """The time by which it is read."""
    ident: str = "id"
    _asked: str = ""
    _seen: dict[str, tuple[bytes, datetime, int]] = field(default_factory=dict)
    """Record id → what was told of it last: digest of the row, its time, number of the page."""

    @abstractmethod
    async def ask(self, place: Place, fields: str) -> Rows:
        """Read one page from a place on: what is at or after `low(place)`, or else behind `place.after`, in (time, id) order."""

    @abstractmethod
    def moment(self, wire: Any) -> datetime:
        """Read a time of the wire."""

    @abstractmethod
    def literal(self, moment: datetime) -> str:
        """Write a time as a query has it."""

    def early(self, row: Row, rows: Rows) -> bool:
        """Say whether a row may be of a record that is still being saved: it is left to the next scan, whose look-back has it again."""
        return False

    async def pages(self, place: Place, fields: str) -> AsyncIterator[Step]:
        """Read on from a place until there is no more for now."""
        self._remember(place, fields)
        number, pages = place.told, Onward("what changed")
        while True:
            pages.at(place.after)
            rows = await self.ask(place, fields)
            whole = [row for row in rows.records if not self.early(row, rows)]
            new = [(row, digest) for row in whole if (digest := self._digest(row)) != self._seen.get(row[self.ident], (b"",))[0]]
            number += bool(new)
            for row, digest in new:
                self._seen[row[self.ident]] = (digest, self.moment(row[self.stamp]), number)
            place = self._moved(place, rows, number)
            yield Step([row for row, _ in new], rows, place)
            if not rows.more:
                return

    def forget(self) -> None:
        """Forget what was told."""
        self._seen.clear()

    def low(self, base: datetime) -> datetime:
        """Give from which time on a scan from here reads."""
        return base - timedelta(seconds=self.lookback_s)

    def _remember(self, place: Place, fields: str) -> None:
        """Forget what was told in pages that were not stored, and all of it after a restart or for other fields."""
        if place.boot != self.boot or self._asked != fields:
            self._seen.clear()
        self._asked = fields
        for ident in [ident for ident, (_, _, number) in self._seen.items() if number > place.told]:
            del self._seen[ident]

    def _moved(self, place: Place, rows: Rows, number: int) -> Place:
        """Give the place behind a page: further in the scan, or at the beginning of the next one."""
        began = place.began or rows.at_vendor
        if not rows.records:
            stamp, high = place.high, place.high
        else:
            stamp = self.moment(rows.records[-1][self.stamp])
            high = max(place.high, *(self.moment(row[self.stamp]) for row in rows.records))
        # Whatever bears a time before this scan began less the look-back was visible to it. Not beyond `high`: the clocks may differ.
        base = max(place.base, min(began, high + timedelta(seconds=self.lookback_s)))
        low = self.low(base)  # whatever is before that no scan meets again, of a long one not even the next page
        self._seen = {ident: seen for ident, seen in self._seen.items() if seen[1] >= low}
        if rows.more:
            after = (self.literal(stamp), str(rows.records[-1][self.ident]))
            return Place(base=place.base, high=high, began=began, after=after, boot=self.boot, told=number)
        return Place(base=base, high=high, boot=self.boot, told=number)

    def _digest(self, row: Row) -> bytes:
        """Give a short digest of a row's content; raises Surprising for a row without id or time."""
        if not (isinstance(row, dict) and row.get(self.ident) and row.get(self.stamp)):
            raise Surprising(f"a row of the answer has no {self.ident} or {self.stamp}")
        return hashlib.blake2b(orjson.dumps(row, option=orjson.OPT_SORT_KEYS), digest_size=12).digest()
