"""One object's rows, with the indexes that keep the emulator fast: id, look-up fields, and time of change."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from connectors.emulator.salesforce.fields import TEXTS, Field, Kind
from connectors.emulator.salesforce.refusals import Refused
from schemas.base import Scalar

Row = dict[str, Scalar]


class Table:
    """An sObject: its schema, which may drift at any time, and its rows, those in the recycle bin included."""

    def __init__(self, name: str, prefix: str, fields: Iterable[Field]) -> None:
        self.name, self.prefix = name, prefix
        self.fields = {field.name: field for field in fields}
        self.rows: dict[str, Row] = {}
        self.ids: list[str] = []
        self.touched: list[tuple[str, str]] = []
        """(SystemModstamp, id) in order; an entry counts only while the row still has that stamp."""
        self._index: dict[str, dict[str, dict[str, None]]] = {}
        self._arrange()

    def field(self, name: str) -> Field | None:
        """Find a field by name, in any case, as Salesforce does."""
        return self.fields.get(name) or self.fields.get(self._names.get(name.lower(), ""))

    def find(self, field: str, value: object) -> list[str]:
        """Give the ids of rows, deleted ones too, whose indexed field has this text in any case."""
        return list(self._index[field].get(str(value).lower(), ()))

    def indexed(self, field: str) -> bool:
        """True if `find` knows the field."""
        return field in self._index

    def since(self, stamp: str) -> Iterator[tuple[str, str]]:
        """Give (SystemModstamp, id) of every row changed at or after a wire time, in order of time."""
        for at, ident in self.touched[bisect_left(self.touched, (stamp, "")) :]:
            row = self.rows.get(ident)
            if row is not None and row["SystemModstamp"] == at:
                yield at, ident

    def put(self, ident: str, values: Mapping[str, Scalar]) -> None:
        """Set fields of a row, made if it is new, and keep the indexes right."""
        row = self.rows.get(ident)
        if row is None:
            row = self.rows[ident] = {"Id": ident}
            _insert(self.ids, ident)
        for name, index in self._index.items():
            if name in values and values[name] != row.get(name):
                _move(index, ident, row.get(name), values[name])
        stamp = values.get("SystemModstamp")
        if stamp is not None and stamp != row.get("SystemModstamp"):
            _insert(self.touched, (str(stamp), ident))
        row.update(values)
        if len(self.touched) > 2 * len(self.rows) + 1024:
            self._arrange_touched()

    def drop(self, ident: str) -> Row:
        """Take a row out for good."""
        row = self.rows.pop(ident)
        del self.ids[bisect_left(self.ids, ident)]
        for name, index in self._index.items():
            _move(index, ident, row.get(name), None)
        return row

    def add_field(self, field: Field) -> None:
        """Put a field into the schema, or another in place of the one of that name; rows get its default."""
        self.fields[field.name] = field
        for row in self.rows.values():
            row.setdefault(field.name, field.default)
        self._arrange()

    def remove_field(self, name: str) -> None:
        """Take a field out of the schema, with its values."""
        del self.fields[name]
        for row in self.rows.values():
            row.pop(name, None)
        self._arrange()

    def rename_field(self, old: str, new: str) -> None:
        """Give a field another API name; the values stay."""
        field = self.fields.pop(old)
        self.fields[new] = replace(field, name=new)
        for row in self.rows.values():
            row[new] = row.pop(old, None)
        self._arrange()

    def retype_field(self, name: str, kind: Kind, length: int | None = None) -> None:
        """Give a field another type; values that do not fit it become blank."""
        old = self.fields[name]
        default_length = (old.length or 255) if kind in TEXTS else 0
        field = replace(
            old, type=kind, length=default_length if length is None else length, restricted=old.restricted and kind == "picklist"
        )
        self.fields[name] = field
        for row in self.rows.values():
            row[name] = _refit(field, row.get(name))
        self._arrange()

    def _arrange(self) -> None:
        self._names = {name.lower(): name for name in self.fields}
        self._index = {name: {} for name, field in self.fields.items() if field.lookup}
        for name, index in self._index.items():
            for ident, row in self.rows.items():
                _move(index, ident, None, row.get(name))

    def _arrange_touched(self) -> None:
        self.touched = sorted((str(row["SystemModstamp"]), ident) for ident, row in self.rows.items() if row.get("SystemModstamp"))


def _insert(ordered: list[Any], entry: Any) -> None:
    """Keep a list sorted; nearly always the entry belongs at the end."""
    if not ordered or ordered[-1] <= entry:
        ordered.append(entry)
    else:
        insort(ordered, entry)


def _move(index: dict[str, dict[str, None]], ident: str, old: Scalar, new: Scalar) -> None:
    if old is not None:
        index.get(str(old).lower(), {}).pop(ident, None)
    if new is not None:
        index.setdefault(str(new).lower(), {})[ident] = None


def _refit(field: Field, value: Scalar) -> Scalar:
    if value is None or field.type == "boolean":
        return bool(value) if field.type == "boolean" else None
    try:
        return field.take(str(value) if field.type in TEXTS else value)
    except Refused:
        return None
