"""Territories: which row of tables/territories.csv a lead falls into, by country, state and postal code; the most specific one wins."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sync.playbook.models.base import Values
from sync.playbook.models.tables import Cell, ColumnKind, Row, Table, looked_up, normal

TERRITORIES = "territories"
"""The name of the table."""
COUNTRY, STATE, POSTAL = "country", "state", "postal_code"
"""The shared fields by which a lead falls into a territory."""
COUNTRY_COLUMN, STATE_COLUMN, FIRST, LAST, TERRITORY = "country", "state", "postal_from", "postal_to", "territory"
DEEPEST = 64
"""So many rows may hold one postal code; more are refused."""
Place = tuple[str, str]
"""Country and state, blank for any."""


@dataclass(frozen=True, slots=True)
class Area:
    """What a row holds: a country, a state of it, a range of postal codes; blank: any."""

    country: str
    state: str
    first: str
    last: str

    @property
    def place(self) -> Place:
        """Country and state."""
        return self.country, self.state

    @property
    def stop(self) -> str:
        """Where its range ends, exclusive: behind everything that begins with its last code."""
        return f"{self.last}\uffff"

    def within(self, other: Area) -> bool:
        """Say whether its range lies in the other's."""
        return other.first <= self.first and self.stop <= other.stop


@dataclass(slots=True)
class Sweep:
    """Ranges of postal codes cut where one of them begins or ends: per piece the rows that hold it, the innermost first."""

    starts: list[str] = field(default_factory=list)
    rows: list[tuple[int, ...]] = field(default_factory=list)
    deep: int | None = None
    """A row with which one piece is held by more than DEEPEST; then the sweep ended there."""


def area(table: Table, number: int) -> Area:
    """Give what a row of the table holds."""
    row = table.rows[number]
    country, state, first, last = (_cell(row, table.column(name)) for name in (COUNTRY_COLUMN, STATE_COLUMN, FIRST, LAST))
    return Area(country, _state(state, country), first or last, last or first)


def sweep(areas: Mapping[int, Area]) -> Sweep:
    """Cut the ranges of these rows, all of one place."""
    made = Sweep()
    begin: dict[str, list[int]] = {}
    end: dict[str, list[int]] = {}
    for number, one in areas.items():
        begin.setdefault(one.first, []).append(number)
        end.setdefault(one.stop, []).append(number)
    held: set[int] = set()
    for start in sorted({*begin, *end}):
        held.difference_update(end.get(start, ()))
        held.update(begin.get(start, ()))
        made.starts.append(start)
        # the innermost begins last or ends first
        inner = held if len(held) < 2 else sorted(held, key=lambda n: (_down(areas[n].first), areas[n].stop, n))
        made.rows.append(tuple(inner))
        if len(held) > DEEPEST:
            made.deep = max(held)
            break
    return made


def _down(text: str) -> tuple[int, ...]:
    """Give a key by which texts sort from last to first."""
    return (*(-ord(letter) for letter in text), 1)


@dataclass(frozen=True, slots=True)
class Territories:
    """tables/territories.csv, asked with a lead's values."""

    table: Table
    _ranges: dict[Place, Sweep] = field(init=False, default_factory=dict, compare=False, repr=False)
    _whole: dict[Place, tuple[int, ...]] = field(init=False, default_factory=dict, compare=False, repr=False)
    _areas: dict[int, Area] = field(init=False, default_factory=dict, compare=False, repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The lead's values that it looks at."""
        given = {COUNTRY: COUNTRY_COLUMN, STATE: STATE_COLUMN, POSTAL: FIRST}
        return frozenset(name for name, column in given.items() if self.table.column(column) is not None)

    @property
    def dated(self) -> bool:
        """Say whether rows count on some days only."""
        return self.table.dated

    @property
    def all(self) -> frozenset[str]:
        """Every territory."""
        at = self.table.column("territory")
        return frozenset() if at is None else frozenset(str(row[at]) for row in self.table.rows if row[at])

    def find(self, values: Values, now: int, timezone: str) -> Row | None:
        """Give the row of the lead's territory, None when it falls into none. `now` is ms.

        A range of postal codes goes before a whole state, a state before a whole country, and that before a row for anywhere; a range
        inside another goes before it; of two that are equal the first counts. A code is within a range if its beginning is: 94103-1234
        is within 94100–94199.
        """
        number = self.number(values, now, timezone)
        return None if number is None else self.table.row(number)

    def number(self, values: Values, now: int, timezone: str) -> int | None:
        """Give the number of the row that `find` gives."""
        self.prepare()
        country = _value("country", values, COUNTRY)
        state, postal = _state(_value("state", values, STATE), country), _value("postal", values, POSTAL)
        for number in self._candidates(country, state, postal):
            if self.table.counts(number, now, timezone):
                return number
        return None

    def _candidates(self, country: str, state: str, postal: str) -> Iterable[int]:
        places = [(country, state), (country, "")] if state else [(country, "")]
        if country and postal:
            for place in places:
                yield from self._held(place, postal)
        if country:
            for place in places:
                yield from self._whole.get(place, ())
        yield from self._whole.get(("", ""), ())

    def _held(self, place: Place, postal: str) -> Iterable[int]:
        made = self._ranges.get(place)
        if made is None:
            return
        piece = bisect_right(made.starts, postal) - 1
        if piece >= 0:
            yield from (number for number in made.rows[piece] if len(postal) >= len(self._areas[number].first))

    def prepare(self) -> None:
        """Get ready to be asked; done once, by whoever asks first where nobody did before."""
        if self._whole:
            return
        ranges: dict[Place, dict[int, Area]] = {}
        whole: dict[Place, list[int]] = {}
        for number in range(len(self.table.rows)):
            one = area(self.table, number)
            if one.first:
                ranges.setdefault(one.place, {})[number] = one
                self._areas[number] = one
            else:
                whole.setdefault(one.place, []).append(number)
        self._ranges.update({place: sweep(areas) for place, areas in ranges.items()})
        self._whole.update({place: tuple(numbers) for place, numbers in whole.items()} or {("", ""): ()})


def _cell(row: tuple[Cell, ...], at: int | None) -> str:
    return "" if at is None or row[at] is None else str(row[at])


def _value(kind: ColumnKind, values: Values, name: str) -> str:
    found = looked_up(values, name)
    return str((None if isinstance(found, tuple) else normal(kind, found)) or "")


def _state(state: str, country: str) -> str:
    """Give a state without its country: US-CA is CA of US."""
    return state.removeprefix(f"{country}-") if country else state
