"""What a SOQL query is once it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.base import Scalar

LiteralKind = Literal["string", "number", "boolean", "datetime", "date", "null"]


@dataclass(frozen=True)
class Value:
    """A literal; times and dates in wire form."""

    kind: LiteralKind
    value: Scalar


@dataclass(frozen=True)
class Compare:
    """`field op value`; op is one of = != < <= > >= LIKE."""

    field: str
    op: str
    value: Value
    at: int


@dataclass(frozen=True)
class In:
    """`field [NOT] IN (values)`."""

    field: str
    values: tuple[Value, ...]
    negated: bool
    at: int


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    part: Condition


@dataclass(frozen=True)
class Both:
    """All (AND) or any (OR) of several conditions."""

    word: Literal["AND", "OR"]
    parts: tuple[Condition, ...]


Condition = Compare | In | Not | Both


@dataclass(frozen=True)
class Order:
    """One ORDER BY term."""

    field: str
    descending: bool
    nulls_last: bool
    at: int


@dataclass(frozen=True)
class Select:
    """A whole query; `count` is SELECT count()."""

    text: str
    fields: tuple[tuple[str, int], ...]
    count: bool
    object: str
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int
    children: tuple[Select, ...] = ()
    """Sub-selects: `object` names the child relationship."""
