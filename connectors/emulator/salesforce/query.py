"""Runs a parsed query over one table: names and types checked, indexes used where they help."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from connectors.emulator.salesforce.fields import NUMBERS, TEXTS, Field
from connectors.emulator.salesforce.ids import full
from connectors.emulator.salesforce.soql import complain
from connectors.emulator.salesforce.soql_tree import Both, Compare, Condition, In, Not, Select, Value
from connectors.emulator.salesforce.table import Row, Table
from schemas.base import Scalar

Test = Callable[[Row], bool]

_WANTED = {"boolean": "boolean", "int": "int", "double": "double", "currency": "currency", "date": "date", "datetime": "dateTime"}


class Query:
    """One query against one table; raises Refused (INVALID_FIELD …) when it is built."""

    def __init__(self, table: Table, select: Select) -> None:
        self.table, self.select = table, select
        self.fields = tuple(self._field(name, at).name for name, at in select.fields)
        self.order = tuple((self._field(term.field, term.at), term) for term in select.order)
        self._test: Test = self._compile(select.where) if select.where is not None else lambda _: True

    def ids(self, *, deleted: bool) -> list[str]:
        """Give the ids of the rows that answer, in order; `deleted` as queryAll does."""
        limit = self.select.limit
        found = self._walk(deleted, None if limit is None else limit + self.select.offset)
        rows = self.table.rows
        for field, term in reversed(self.order):
            blanks_last = term.nulls_last != term.descending  # the sort is reversed for DESC, blanks with it
            found.sort(key=_key(rows, field.name, blanks_last=blanks_last), reverse=term.descending)
        end = None if limit is None else self.select.offset + limit
        return found[self.select.offset : end]

    def takes(self, ident: str) -> bool:
        """Say whether a row that is not deleted answers."""
        row = self.table.rows[ident]
        return not row.get("IsDeleted") and self._test(row)

    def _walk(self, deleted: bool, enough: int | None) -> list[str]:
        rows, test = self.table.rows, self._test
        names = [field.name for field, term in self.order if not term.descending]
        exact = self._exact(self.select.where)
        if (
            exact is None
            and enough is not None
            and names in (["SystemModstamp"], ["SystemModstamp", "Id"])
            and len(names) == len(self.order)
        ):
            return self._early(deleted, enough)
        source = exact if exact is not None else self._range()
        if names == ["Id"] and len(self.order) == 1:
            return list(
                itertools.islice(
                    (ident for ident in sorted(source) if (deleted or not rows[ident].get("IsDeleted")) and test(rows[ident])), enough
                )
            )
        return [ident for ident in source if (deleted or not rows[ident].get("IsDeleted")) and test(rows[ident])]

    def _early(self, deleted: bool, enough: int) -> list[str]:
        """Walk the index of (SystemModstamp, Id), which is the order asked for, and stop when there is enough: polling stays cheap."""
        found: dict[str, None] = {}
        for _, ident in self.table.since(self._floor(self.select.where, "SystemModstamp") or ""):
            row = self.table.rows[ident]
            if (deleted or not row.get("IsDeleted")) and self._test(row):
                found[ident] = None
                if len(found) >= enough:
                    break
        return list(found)

    def _range(self) -> list[str]:
        stamp, ident = self._floor(self.select.where, "SystemModstamp"), self._floor(self.select.where, "Id")
        if stamp is not None:
            return list(dict.fromkeys(ident for _, ident in self.table.since(stamp)))
        return self.table.ids[bisect_left(self.table.ids, ident) :] if ident is not None else self.table.ids

    def _floor(self, part: Condition | None, name: str) -> str | None:
        """Give the least value of a field that the condition lets through, if it says one."""
        if isinstance(part, Compare):
            found = part.op in ("=", ">", ">=") and part.value.value is not None and self._field(part.field, part.at).name == name
            return str(part.value.value) if found else None
        if isinstance(part, Both):
            floors = [self._floor(each, name) for each in part.parts]
            known = [floor for floor in floors if floor is not None]
            return max(known, default=None) if part.word == "AND" else (min(known) if len(known) == len(floors) else None)
        return None

    def _exact(self, part: Condition | None) -> list[str] | None:
        """Give the only ids that can answer, where an index knows them."""
        if isinstance(part, Compare | In):
            values = (part.value,) if isinstance(part, Compare) else part.values
            equal = part.op == "=" if isinstance(part, Compare) else not part.negated
            name = self._field(part.field, part.at).name
            if not equal or any(value.value is None or value.value == "" for value in values):
                return None
            if name == "Id":
                return sorted({ident for value in values if (ident := full(value.value)) in self.table.rows and ident is not None})
            return (
                sorted({ident for value in values for ident in self.table.find(name, _plain(value))}) if self.table.indexed(name) else None
            )
        if isinstance(part, Both):
            found = [self._exact(each) for each in part.parts]
            known = [ids for ids in found if ids is not None]
            if part.word == "AND":
                return min(known, key=len, default=None)
            return sorted(set().union(*known)) if len(known) == len(found) else None
        return None

    def _field(self, name: str, at: int) -> Field:
        field = self.table.field(name)
        if field is None:
            words = f"No such column '{name}' on entity '{self.table.name}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
            complain(self.select.text, at, "INVALID_FIELD", words)
        return field

    def _compile(self, part: Condition) -> Test:
        if isinstance(part, Both):
            tests = [self._compile(each) for each in part.parts]
            return (lambda row: all(test(row) for test in tests)) if part.word == "AND" else (lambda row: any(test(row) for test in tests))
        if isinstance(part, Not):
            inner = self._compile(part.part)
            return lambda row: not inner(row)
        field = self._field(part.field, part.at)
        if isinstance(part, In):
            wanted = {self._fit(field, value, part.at) for value in part.values}
            return lambda row: (_fold(field, row.get(field.name)) in wanted) != part.negated
        return self._compare(field, part)

    def _compare(self, field: Field, part: Compare) -> Test:
        name, op = field.name, part.op
        if op == "LIKE":
            return self._like(field, part)
        ranged_id = field.type == "id" and op in ("<", "<=", ">", ">=")  # any text bounds a range, '000000000000000' too
        wanted: Any = part.value.value if ranged_id else self._fit(field, part.value, part.at)
        if op in ("=", "!="):
            return lambda row: (_fold(field, row.get(name)) == wanted) == (op == "=")
        if wanted is None or field.type == "boolean":
            complain(self.select.text, part.at, "INVALID_FIELD", f"invalid operator on {field.type} field")
        tests: dict[str, Callable[[Any], bool]] = {
            "<": lambda v: v < wanted,
            "<=": lambda v: v <= wanted,
            ">": lambda v: v > wanted,
            ">=": lambda v: v >= wanted,
        }
        test = tests[op]
        return lambda row: (value := _fold(field, row.get(name))) is not None and test(value)

    def _like(self, field: Field, part: Compare) -> Test:
        if field.type not in TEXTS or part.value.kind != "string":
            complain(self.select.text, part.at, "INVALID_FIELD", f"invalid operator on {field.type} field")
        pieces = re.findall(r"\\[_%]|.", str(part.value.value), flags=re.DOTALL)
        pattern = "".join({"%": ".*", "_": "."}.get(piece) or re.escape(piece[-1]) for piece in pieces)
        matcher = re.compile(pattern, re.IGNORECASE | re.DOTALL)
        return lambda row: (value := row.get(field.name)) is not None and matcher.fullmatch(str(value)) is not None

    def _fit(self, field: Field, value: Value, at: int) -> Scalar:
        """Give the literal in the form that `_fold` gives stored values; refuse a literal of another type."""
        if value.kind == "null":
            return None
        wanted = "number" if field.type in NUMBERS else field.type if field.type in _WANTED else "string"
        if value.kind != wanted:
            quotes = (
                " and should not be enclosed in quotes"
                if value.kind == "string"
                else ""
                if wanted != "string"
                else " and should be enclosed in quotes"
            )
            complain(
                self.select.text,
                at,
                "INVALID_FIELD",
                f"value of filter criterion for field '{field.name}' must be of type {_WANTED.get(field.type, 'string')}{quotes}",
            )
        if field.type in ("id", "reference"):
            ident = full(value.value)
            if ident is None:
                complain(self.select.text, at, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value.value}")
            return ident
        return _fold(field, _plain(value) or None) if wanted == "string" else value.value


def _plain(value: Value) -> str:
    """Give a text literal as it is compared by =: the escapes that only LIKE needs are gone."""
    return re.sub(r"\\([_%])", r"\1", str(value.value))


def _fold(field: Field, value: Scalar) -> Scalar:
    """Give a stored value as it is compared: text in any case, ids as they are."""
    return value.lower() if isinstance(value, str) and field.type in TEXTS else value


def _key(rows: dict[str, Row], name: str, *, blanks_last: bool) -> Callable[[str], Any]:
    def key(ident: str) -> tuple[bool, Any]:
        value = rows[ident].get(name)
        return (value is None) == blanks_last, "" if value is None else value

    return key
