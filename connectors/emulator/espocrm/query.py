"""EspoCRM's search parameters: `where` as PHP arrays or as JSON in `searchParams`, what of it is understood, and in which order rows come."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.emulator.espocrm.refusals import Refused

MOST = 200
_PART = re.compile(r"\[([^\]]*)\]")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Search:
    """What a list is asked for."""

    where: Sequence[Mapping[str, Any]]
    select: tuple[str, ...]
    order_by: str
    descending: bool
    offset: int
    most: int


def search(params: Sequence[tuple[str, str]]) -> Search:
    """Read the parameters of a list; raises Refused for a page that is too long."""
    asked = _nested(params)
    if "searchParams" in asked:
        try:
            asked |= json.loads(asked["searchParams"])
        except ValueError:
            raise Refused(400, "Invalid search params JSON.") from None
    select = asked.get("select") or ""
    names = select.split(",") if isinstance(select, str) else select
    most = int(asked.get("maxSize", MOST))
    if most > MOST:
        raise Refused(403, f"Max size should not exceed {MOST}. Use offset and limit.")
    descending = str(asked.get("order", "asc" if asked.get("orderBy") else "desc")).lower() == "desc"
    return Search(
        _items(asked.get("where")),
        tuple(one for one in names if one),
        asked.get("orderBy") or "createdAt",
        descending,
        int(asked.get("offset", 0)),
        most,
    )


def _nested(params: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Read `where[0][value][]=x` as PHP does."""
    found: dict[str, Any] = {}
    for name, value in params:
        keys = [name.partition("[")[0], *_PART.findall(name)]
        here = found
        for key in keys[:-1]:
            here = here.setdefault(key if key else str(len(here)), {})
        here[keys[-1] or str(len(here))] = value
    return found


def _items(found: Any) -> list[Any]:
    if found is None:
        return []
    return list(found.values()) if isinstance(found, dict) else list(found)


def ordered(rows: Sequence[Row], asked: Search) -> list[Row]:
    """Give rows in order, those of one value by id."""
    return sorted(rows, key=lambda row: (_comparable(row.get(asked.order_by)), row["id"]), reverse=asked.descending)


def _comparable(value: Any) -> tuple[int, Any]:
    return (0, "") if value is None else (1, value if isinstance(value, int | float) else str(value).lower())


def meets(row: Row, where: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether a row meets all items."""
    return all(_meets(row, item) for item in where)


def named(where: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the attributes that items speak of; raises Refused for a type that is none."""
    found: list[str] = []
    for item in where:
        if item.get("type") in ("and", "or"):
            found += named(_items(item.get("value")))
        elif item.get("type") not in _TYPES:
            raise Refused(400, f"Unknown where item type '{item.get('type')}'.")
        else:
            found.append(str(item.get("attribute")))
    return found


def _meets(row: Row, item: Mapping[str, Any]) -> bool:
    kind, value = item["type"], item.get("value")
    if kind in ("and", "or"):
        parts = [_meets(row, one) for one in _items(value)]
        return all(parts) if kind == "and" else any(parts)
    return _TYPES[kind](row.get(item["attribute"]), value)


def _same(here: Any, there: Any) -> bool:
    return here is not None and str(here).lower() == str(there).lower()


def _after(here: Any, there: Any) -> bool:
    return here is not None and str(here) > str(there)


def _in(here: Any, there: Any) -> bool:
    return any(_same(here, one) for one in _items(there))


_TYPES: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": _same, "notEquals": lambda here, there: not _same(here, there), "in": _in, "notIn": lambda here, there: not _in(here, there),
    "after": _after, "greaterThan": _after, "greaterThanOrEquals": lambda here, there: _after(here, there) or _same(here, there),
    "before": lambda here, there: here is not None and not _after(here, there) and not _same(here, there),
    "isNull": lambda here, _: here is None, "isNotNull": lambda here, _: here is not None,
    "isTrue": lambda here, _: here is True, "isFalse": lambda here, _: not here,
}  # fmt: skip
"""The types of items that are understood here; EspoCRM has more."""
