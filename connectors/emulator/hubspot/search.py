"""Search: filter groups over what is visible by now, sorted, 200 a page and never beyond 10,000."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from connectors.emulator.hubspot.errors import malformed
from connectors.emulator.hubspot.index import Index, Snapshot
from connectors.emulator.hubspot.kinds import Kind
from connectors.emulator.hubspot.portal import Answer, Call, Door, Portal
from connectors.emulator.hubspot.properties import Property

DEEPEST = 10_000
LARGEST_PAGE = 200
MOST_GROUPS, MOST_FILTERS = 5, 6
RANGES = ("GT", "GTE", "LT", "LTE", "EQ", "BETWEEN")
_WORD = re.compile(r"[^\w*]+")
Test = Callable[[Snapshot], bool]
Key = float | str


def _compare(key: Key | None, low: Key, test: Callable[[Any, Any], bool]) -> bool:
    return key is not None and type(key) is type(low) and test(key, low)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GTE": lambda a, b: a >= b,
}


def _number(key: Key) -> Key:
    return float(key) if isinstance(key, int | float) else key


def _test(known: Property, asked: Mapping[str, Any]) -> Test:
    """Make the test of one filter; raises Refused (400)."""
    name, operator = known.name, str(asked.get("operator"))
    if operator == "HAS_PROPERTY":
        return lambda seen: bool(seen.get(name))
    if operator == "NOT_HAS_PROPERTY":
        return lambda seen: not seen.get(name)

    def key(seen: Snapshot) -> Key | None:
        value = seen.get(name)
        return _number(known.key(value)) if value else None

    if operator in ("IN", "NOT_IN"):
        wanted = {_number(known.key(value)) for value in _listed(known, asked)}
        inside: Test = lambda seen: key(seen) in wanted  # noqa: E731
        return inside if operator == "IN" else lambda seen: not inside(seen)
    if asked.get("value") in (None, ""):
        raise malformed(f"operator {operator} requires a value for {name}")
    low = _number(known.key(str(asked["value"])))
    if operator == "EQ":
        return lambda seen: key(seen) == low
    if operator == "NEQ":
        return lambda seen: key(seen) not in (None, low)
    if operator in _ORDER:
        order = _ORDER[operator]
        return lambda seen: _compare(key(seen), low, order)
    if operator == "BETWEEN":
        high = _number(known.key(str(asked.get("highValue", ""))))
        return lambda seen: _compare(key(seen), low, _ORDER["GTE"]) and _compare(key(seen), high, _ORDER["LTE"])
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        return _tokens(name, str(asked["value"]).casefold(), wanted=operator == "CONTAINS_TOKEN")
    raise malformed(f"Invalid operator {operator[:40]}")


def _listed(known: Property, asked: Mapping[str, Any]) -> list[str]:
    """Give the values of a list; of a text those with capitals find nothing (HubSpot's guide "Search the CRM", operators IN and NOT_IN: "When searching
    a string property with this operator, values must be lowercase").
    """
    values = [str(value) for value in asked.get("values") or ()]
    return [one for one in values if known.type != "string" or known.options or one == one.lower()]


def _tokens(name: str, pattern: str, *, wanted: bool) -> Test:
    parts = [part for part in _WORD.split(pattern) if part]

    def test(seen: Snapshot) -> bool:
        text = seen.get(name, "").casefold()
        words = _WORD.split(text)
        hit = fnmatchcase(text, pattern) or all(any(fnmatchcase(word, part) for word in words) for part in parts)
        return hit == wanted

    return test


def _bounds(filters: Iterable[Mapping[str, Any]], known: Property) -> tuple[float, float] | None:
    """Give the range of the time of change that the filters ask for, None when they ask for none."""
    low, high, named = float("-inf"), float("inf"), False
    for one in filters:
        key = known.key(str(one.get("value", ""))) if one.get("propertyName") == known.name else None
        if not isinstance(key, int):
            continue
        operator = one.get("operator")
        if operator in ("GT", "GTE", "EQ", "BETWEEN"):
            low, named = max(low, key + (operator == "GT")), True
        if operator in ("LT", "LTE", "EQ"):
            high, named = min(high, key - (operator == "LT")), True
        if operator == "BETWEEN":
            top = known.key(str(one.get("highValue", "")))
            high = min(high, top) if isinstance(top, int) else high
    return (low, high) if named else None


def _candidates(index: Index, filters: list[dict[str, Any]], modified: str) -> tuple[Iterable[int], bool]:
    """Narrow by an index where one fits; True: the filters on the time of change are answered by it."""
    for one in filters:
        name, listed = one.get("propertyName"), one.get("operator") == "IN"
        if name in index.by and one.get("operator") in ("EQ", "IN"):
            texts = _listed(Property(str(name), ""), one) if listed else [str(one.get("value"))]
            wanted = [text.lower() for text in texts] if name == "email" else texts
            return sorted(set().union(*(index.by[name].get(value, set()) for value in wanted))), False
    bounds = _bounds(filters, Property(modified, "", "datetime"))
    return (index.between(*bounds), True) if bounds else (list(index.seen), False)


def _group(portal: Portal, group: Any) -> set[int]:
    filters = group.get("filters") if isinstance(group, dict) else None
    if not isinstance(filters, list) or len(filters) > MOST_FILTERS or not all(isinstance(one, dict) for one in filters):
        raise malformed(f"filterGroups need 1 to {MOST_FILTERS} filters each")
    tests: list[Test] = []
    ids, by_time = _candidates(portal.index, filters, portal.kind.modified)
    for one in filters:
        known = portal.schema.get(str(one.get("propertyName")))
        if known is None:
            raise malformed(f"There was a problem with the request. Unknown property {one.get('propertyName')!r}")
        test = _test(known, one)
        if not (by_time and known.name == portal.kind.modified and one["operator"] in RANGES):
            tests.append(test)
    seen = portal.index.seen
    return {ident for ident in ids if all(test(seen[ident]) for test in tests)}


def _matches(portal: Portal, asked: Mapping[str, Any]) -> set[int]:
    groups = asked.get("filterGroups") or []
    if not isinstance(groups, list) or len(groups) > MOST_GROUPS:
        raise malformed(f"filterGroups: {MOST_GROUPS} at most")
    found = set().union(*(_group(portal, group) for group in groups)) if groups else set(portal.index.seen)
    if words := str(asked.get("query") or "").casefold():
        seen = portal.index.seen
        found = {ident for ident in found if any(words in seen[ident].get(name, "").casefold() for name in portal.kind.queried)}
    return found


def _sorted(portal: Portal, found: set[int], sorts: Any) -> list[int]:
    """Sort by the first sort given ("name", "-name" or an object), else by id; blanks come last; ties by id."""
    order = sorted(found)
    if not sorts:
        return order
    first = sorts[0] if isinstance(sorts, list) else sorts
    if isinstance(first, dict):
        name, down = str(first.get("propertyName")), first.get("direction") == "DESCENDING"
    else:
        name, down = str(first).removeprefix("-"), str(first).startswith("-")
    known = portal.schema.get(name)
    if known is None:
        raise malformed(f"There was a problem with the request. Unknown sort property {name!r}")
    seen = portal.index.seen
    filled = [ident for ident in order if seen[ident].get(name)]
    times = portal.index.times if name == portal.kind.modified else None
    keys = {ident: float(times[ident]) if times else _number(known.key(seen[ident][name])) for ident in filled}
    filled.sort(key=lambda ident: (isinstance(keys[ident], str), keys[ident]), reverse=down)
    return filled + [ident for ident in order if ident not in keys]


def _place(asked: Mapping[str, Any]) -> tuple[int, int]:
    limit, after = asked.get("limit") or 10, str(asked.get("after") or "0")
    if not isinstance(limit, int) or not 0 < limit <= LARGEST_PAGE:
        raise malformed(f"limit must be from 1 to {LARGEST_PAGE}")
    if not after.isdigit():
        raise malformed("after must be a number")
    if int(after) + limit > DEEPEST:
        raise malformed(f"There was a problem with the request. Paging beyond {DEEPEST} results is not supported")
    return int(after), limit


def _search(portal: Portal, call: Call) -> Answer:
    asked = call.json()
    after, limit = _place(asked)
    portal.index.refresh()
    order = _order(portal, asked)
    wanted = [str(name) for name in asked.get("properties") or ()]
    names = dict.fromkeys((*portal.kind.always, *(name for name in wanted if name in portal.schema))) if wanted else portal.kind.default
    page = order[after : after + limit]
    call.rows = len(page)
    body: dict[str, Any] = {"total": len(order), "results": [_view(portal.kind, ident, portal.index.seen[ident], names) for ident in page]}
    if after + limit < len(order):
        body["paging"] = {"next": {"after": str(after + limit), "link": "?after=" + str(after + limit)}}
    return Answer(200, body)


def _order(portal: Portal, asked: Mapping[str, Any]) -> list[int]:
    """Give all hits in order; the next page of a query finds them ready as long as nothing became visible."""
    key = (portal.index.version, repr([asked.get(name) for name in ("filterGroups", "sorts", "query")]))
    if portal.index.last is None or portal.index.last[0] != key:
        portal.index.last = (key, _sorted(portal, _matches(portal, asked), asked.get("sorts")))
    return portal.index.last[1]


def _view(kind: Kind, ident: int, seen: Snapshot, names: Iterable[str]) -> dict[str, Any]:
    return {
        "id": str(ident),
        "properties": {name: seen.get(name) for name in names},
        "createdAt": seen[kind.created],
        "updatedAt": seen[kind.modified],
        "archived": False,
    }


def doors(kind: Kind) -> list[Door]:
    """Give the paths of this module for one object."""
    return [Door("POST", f"{base}/search", _search, kind.may("read"), kind="search") for base in kind.bases()]
