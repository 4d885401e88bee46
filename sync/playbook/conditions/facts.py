"""What conditions ask beyond a lead's own values: rows of tables, territories, touches. Missing is None, never a crash."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.base import Scalar
from sync.playbook.models import Act, Value, Values, Where
from sync.playbook.models.values import milliseconds

Step = Callable[[Values], Any]
DAY_MS = 86_400_000


class Row(Protocol):
    """A row of a table, with its place."""

    @property
    def values(self) -> Mapping[str, Scalar]:
        """Its cells, by column."""
        ...

    @property
    def where(self) -> Where:
        """Its place."""
        ...


class Table(Protocol):
    """A table of tables/*.csv."""

    @property
    def dated(self) -> bool:
        """Say whether rows count on some days only."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns, in their order."""
        ...

    def find(self, value: Value, now: int, timezone: str, key: str | None = None) -> Row | None:
        """Give the row that has a value in a column (None: the first) on the day that it is."""
        ...


class Territories(Protocol):
    """tables/territories.csv, asked with a lead's values."""

    @property
    def names(self) -> frozenset[str]:
        """The lead's values that it looks at."""
        ...

    @property
    def dated(self) -> bool:
        """Say whether rows count on some days only."""
        ...

    @property
    def all(self) -> frozenset[str]:
        """Every territory."""
        ...

    def find(self, values: Values, now: int, timezone: str) -> Row | None:
        """Give the row of the lead's territory."""
        ...


@dataclass(frozen=True, slots=True)
class Facts:
    """The tables of a playbook, in its time zone; None: they are not known, and nothing is found in them."""

    tables: Mapping[str, Table] | None = None
    territories: Territories | None = None
    timezone: str = "UTC"

    def row(self, name: str, column: str | None, value: str, values: Values) -> Row | tuple[()] | None:
        """Give the row of a table that has a value, () for none, None when that cannot be told."""
        table, now = (self.tables or {}).get(name), milliseconds(values.get("now"))
        if table is None or (now is None and table.dated):
            return None
        return table.find(value, int(now or 0), self.timezone, column) or ()

    def territory(self, values: Values) -> Row | tuple[()] | None:
        """Give the row of the lead's territory, () for none, None when that cannot be told: nothing says where the lead is."""
        found, now = self.territories, milliseconds(values.get("now"))
        if found is None or (now is None and found.dated) or not any(values.get(name) for name in found.names):
            return None
        return found.find(values, int(now or 0), self.timezone) or ()

    def names(self, function: str) -> frozenset[str]:
        """Give the lead's values that `territory` or `touched` looks at."""
        if function == "touched":
            return frozenset({"touches"})
        return self.territories.names if self.territories else frozenset()

    def timed(self, function: str, table: str = "") -> bool:
        """Say whether the outcome of a function may change by time alone."""
        if function == "in_table":
            found = (self.tables or {}).get(table)
            return found is not None and found.dated
        return function in ("days_since", "touched") or (
            function == "territory" and self.territories is not None and self.territories.dated
        )

    def step(self, function: str, arguments: tuple[Scalar, ...]) -> Step:
        """Give the function of `territory('NAME')` or `touched('WORD', DAYS)`."""
        if function == "touched":
            word, days = str(arguments[0]), float(arguments[1] or 0)
            return lambda values: None if (found := touch(values, word, days)) is None else bool(found)
        wanted = arguments[0]

        def falls(values: Values) -> bool | None:
            row = self.territory(values)
            if not row:
                return None if row is None else False
            return row.values.get("territory") == wanted

        return falls


def touch(values: Values, word: str, days: float) -> Act | tuple[()] | None:
    """Give the last touch within so many days whose kind or name has the word in it, () for none, None when touches are not known."""
    touches, now = values.get("touches"), milliseconds(values.get("now"))
    if not isinstance(touches, tuple) or now is None:
        return None
    wanted, since = word.casefold(), now - days * DAY_MS
    found: Act | tuple[()] = ()
    for act in touches:
        kind, name, at = act
        if at >= since and (not found or at > found[2]) and (wanted in kind.casefold() or wanted in name.casefold()):
            found = act
    return found
