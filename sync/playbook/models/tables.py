"""Tables: typed rows from tables/*.csv, found by a key at once however many there are. Rows with dates count on those days only."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.base import Scalar
from sync.playbook.models.base import Value, Values, Where

ColumnKind = Literal["text", "number", "country", "state", "domain", "email", "date", "postal", "pool", "person"]
KINDS: tuple[ColumnKind, ...] = ("text", "number", "country", "state", "domain", "email", "date", "postal", "pool", "person")
Cell = str | float | None
FROM, UNTIL, OWNER, POOL = "from", "until", "owner", "pool"
"""Columns with a meaning in every table."""
QUARTER_MS = 900_000
"""Days begin at a quarter of an hour in every zone of today."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, and what its cells are."""

    name: str
    kind: ColumnKind = "text"


@dataclass(frozen=True, slots=True)
class Row:
    """One row, with the place that it stands at; blank cells are None."""

    values: Mapping[str, Scalar]
    where: Where

    @property
    def owner(self) -> str | None:
        """The person that it names."""
        return _text(self.values.get(OWNER))

    @property
    def pool(self) -> str | None:
        """The pool that it names."""
        return _text(self.values.get(POOL))


@dataclass(frozen=True, slots=True)
class Table:
    """One table, by the name of its file. Cells are as `normal` gives them, texts as they are written."""

    name: str
    where: Where
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...] = ()
    lines: array[int] = field(default_factory=lambda: array("L"), repr=False)
    """The line that each row begins on."""
    of: tuple[str, ...] = ()
    """The values that a lead is looked up by (`email_domain`, `account.domain`): the first that has a row."""
    _indexes: dict[str, dict[Cell, tuple[int, ...]]] = field(init=False, default_factory=dict, compare=False, repr=False)
    """Column → cell → rows, made when a column is first asked."""
    _places: dict[str, int] = field(init=False, default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        self._places.update({column.name: at for at, column in enumerate(self.columns)})

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns, in their order."""
        return tuple(self._places)

    @property
    def key(self) -> str:
        """The column that rows are found by when none is named: the first."""
        return self.columns[0].name

    def column(self, name: str) -> int | None:
        """Give a column's place, None for one that is not there."""
        return self._places.get(name)

    def row(self, number: int) -> Row:
        """Give a row by its number, from 0."""
        values = dict(zip(self._places, self.rows[number], strict=True))
        return Row(MappingProxyType(values), Where(self.where.file, self.lines[number]))

    def find(self, value: Value, now: int, timezone: str, key: str | None = None) -> Row | None:
        """Give the first row whose cell in the key column (without a name: the first column) is the value, on the day that it is there.

        Letters large and small are alike. A domain is found by itself or by a domain above it, the closest first: `no.acme.example` by
        `acme.example`; an e-mail or a URL stands for its domain. A blank value has no row. `now` is ms.
        """
        number = self.number(value, now, timezone, key)
        return None if number is None else self.row(number)

    def number(self, value: Value, now: int, timezone: str, key: str | None = None) -> int | None:
        """Give the number of the row that `find` gives."""
        at = 0 if key is None else self.column(key)
        if at is None or isinstance(value, tuple):
            return None
        column = self.columns[at]
        index = self._index(at)
        for asked in _asked(column.kind, value):
            for number in index.get(asked, ()):
                if self.counts(number, now, timezone):
                    return number
        return None

    def of_lead(self, values: Values, now: int, timezone: str) -> Row | None:
        """Give a lead's row, None when it has none."""
        found = (self.find(looked_up(values, name), now, timezone) for name in self.of)
        return next((row for row in found if row is not None), None)

    @property
    def dated(self) -> bool:
        """Say whether rows count on some days only."""
        return FROM in self._places or UNTIL in self._places

    def days(self, number: int) -> tuple[str, str]:
        """Give the first and the last day on which a row counts; empty: no bound."""
        first, last = self._places.get(FROM), self._places.get(UNTIL)
        row = self.rows[number]
        return str(row[first] or "") if first is not None else "", str(row[last] or "") if last is not None else ""

    def meet(self, one: int, other: int) -> bool:
        """Say whether there is a day on which both rows count."""
        if not self.dated:
            return True
        (first, last), (start, end) = self.days(one), self.days(other)
        return (not end or first <= end) and (not last or start <= last)

    def counts(self, number: int, now: int, timezone: str) -> bool:
        """Say whether a row counts on the day that it is."""
        if not self.dated:
            return True
        first, last = self.days(number)
        today = day(now, timezone)
        return first <= today and (not last or today <= last)

    def _index(self, at: int) -> dict[Cell, tuple[int, ...]]:
        column = self.columns[at]
        made = self._indexes.get(column.name)
        if made is None:
            found: dict[Cell, list[int]] = {}
            dated = self.dated
            for number, row in enumerate(self.rows):
                cell = row[at]
                if cell is not None:
                    one = found.setdefault(folded(cell) if column.kind == "text" else cell, [])
                    if dated or not one:
                        one.append(number)
            made = self._indexes[column.name] = {cell: tuple(numbers) for cell, numbers in found.items()}
        return made


def looked_up(values: Values, name: str) -> Value:
    """Give a lead's value by name; `email_domain` is taken from `email` where nobody worked it out."""
    found = values.get(name)
    if found is None and name == "email_domain":
        email = values.get("email")
        return email.rpartition("@")[2] if isinstance(email, str) and "@" in email else None
    return found


def normal(kind: ColumnKind, value: Scalar) -> Cell:
    """Give a value as cells of a kind have it; None for a blank one, or one that no such cell can be."""
    if kind == "number":
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    if isinstance(value, bool) or value is None:
        return None
    text = f"{value:.15g}" if isinstance(value, float) else str(value).strip()
    if not text:
        return None
    if kind == "domain":
        return domain(text)
    if kind == "date":
        return text[:10]
    return _NORMAL[kind](text)


def domain(text: str) -> str | None:
    """Give the domain of a domain, URL or e-mail: small letters, without `www.`."""
    bare = text.strip().lower()
    bare = bare.partition("://")[2] or bare
    bare = re.split(r"[/?#]", bare, maxsplit=1)[0].rpartition("@")[2].partition(":")[0].rstrip(".")
    return bare.removeprefix("www.") or None


def folded(text: Cell) -> Cell:
    """Give a text without what two spellings of it may differ in: large letters, spaces round words."""
    return " ".join(text.casefold().split()) if isinstance(text, str) else text


def _postal(text: str) -> str:
    return re.sub(r"[\s-]", "", text).upper()


_NORMAL: dict[ColumnKind, Callable[[str], Cell]] = {
    "text": folded,
    "country": str.upper,
    "state": str.upper,
    "email": str.lower,
    "person": str.lower,
    "pool": str.lower,
    "postal": _postal,
}


def _asked(kind: ColumnKind, value: Scalar) -> Iterator[Cell]:
    """Give what to look for, the closest first."""
    asked = normal(kind, value)
    if asked is not None:
        yield asked
    if kind == "domain" and isinstance(asked, str):
        while asked.count(".") > 1:
            asked = asked.partition(".")[2]
            yield asked


def _text(value: Scalar) -> str | None:
    return value if isinstance(value, str) and value else None


@lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


@lru_cache(maxsize=1_024)
def _day(quarter: int, timezone: str) -> str:
    return datetime.fromtimestamp(quarter * QUARTER_MS / 1000, _zone(timezone)).date().isoformat()


def day(now: int, timezone: str) -> str:
    """Give the ISO date that it is in a zone at a moment in ms."""
    return _day(now // QUARTER_MS, timezone)
