"""JSON as a message may have it: one object, bounded, no NaN, no NUL, no key twice; what is wrong names the field, never its value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any

from pydantic_core import from_json

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_INT = 2**63
"""Larger whole numbers fit neither PostgreSQL's bigint nor the state document."""
SHOWN = 60
_TEXT = re.compile(rb'"((?:[^"\\]|\\.)*+)(?:"(\s*+:)?|\\?\Z)', re.DOTALL)
"""One text whole, a key if ":" follows; possessive, and at home with a text that does not end: each byte is looked at once."""
_SPACED = re.compile(rb'"[ \t\r\n]')
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
Place = tuple[str | int, ...]


class Unfit(ValueError):
    """A text that is no such JSON; says where and what."""


def parse(value: bytes) -> dict[str, Any]:
    """Read one JSON object; raises Unfit with the field that is wrong."""
    if len(value) > MAX_BYTES:
        raise Unfit(f"{_largest(value)}the value has {len(value):,} bytes, {MAX_BYTES:,} at most")
    try:
        data = from_json(value, allow_inf_nan=False)
    except ValueError as error:
        raise Unfit(_where(value, str(error))) from None
    if not isinstance(data, dict):
        raise Unfit("the value is not a JSON object")
    keys = _walk(data, ())
    # Each key is followed by ":" at once in what Truce writes; then as many '":' as keys means that none stands twice. What others
    # write, or a text that has '":' in it, is looked through key by key.
    if value.count(b'":') != keys or _SPACED.search(value):
        json.loads(value, object_pairs_hook=_once)
    return data


def once(value: bytes) -> Any:
    """Read any JSON in which no object has a key twice; raises ValueError saying what is wrong, at the parser's depth limit too."""
    data = from_json(value, allow_inf_nan=False)
    json.loads(value, object_pairs_hook=_once)
    return data


def named(place: Place) -> str:
    """Give a place as `fields.Phone`, cut where a key is longer than a name can be."""
    return ".".join(_clean(str(part)) for part in place) or "the value"


def _clean(text: str) -> str:
    """Give a name fit for a log: no control characters, no address, not endless."""
    plain = "".join(char if char.isprintable() else "?" for char in text[:SHOWN])
    return "?" if "@" in plain else plain


def _walk(data: Any, place: Place) -> int:
    """Count the keys, and refuse what no store can keep."""
    if len(place) > MAX_DEPTH:
        raise Unfit(f"{named(place[:3])}…: nested more than {MAX_DEPTH} deep")
    count = 0
    rows: Iterable[tuple[Any, Any]] = data.items() if isinstance(data, dict) else enumerate(data)
    for key, item in rows:
        if type(key) is str:
            count += 1
            if "\x00" in key:
                raise Unfit(f"{named((*place, key))}: a name with a NUL character")
        kind = type(item)
        if kind is str:
            if "\x00" in item:
                raise Unfit(f"{named((*place, key))}: a NUL character, which no store of ours can keep")
        elif kind is dict or kind is list:
            count += _walk(item, (*place, key))
        elif kind is float:
            if not isfinite(item):
                raise Unfit(f"{named((*place, key))}: not a finite number")
        elif kind is int and not -MAX_INT <= item < MAX_INT:
            raise Unfit(f"{named((*place, key))}: a whole number of more than 64 bits")
    return count


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise Unfit(f"{named((twice,))}: stands here twice")
    return found


def _where(value: bytes, said: str) -> str:
    """Say at which field the parser stopped: the last key before it."""
    match = re.search(r"^(.*?) at line (\d+) column (\d+)$", said)
    if not match:
        return "the value is not JSON"
    lines = value.split(b"\n", int(match[2]) - 1)
    stop = sum(len(line) + 1 for line in lines[: int(match[2]) - 1]) + int(match[3])
    keys = [found[1] for found in _TEXT.finditer(value, 0, min(stop, len(value))) if found[2]]
    field = f"{named((keys[-1].decode(errors='replace'),))}: " if keys else ""
    words = "a surrogate without its pair" if _SURROGATE.search(value, max(0, stop - 14), stop + 6) else match[1]
    return f"{field}not JSON: {words} (line {match[2]}, column {match[3]})"


def _largest(value: bytes) -> str:
    """Name the longest field of a value that is too large, as far as it can be read at all."""
    if len(value) > 64 * MAX_BYTES:
        return ""
    try:
        data = from_json(value, allow_inf_nan=False)
    except ValueError:
        return ""
    sizes = sorted(_sizes(data, ()), reverse=True) if isinstance(data, dict) else []
    return f"{named(sizes[0][1])}: " if sizes and sizes[0][0] > MAX_BYTES // 2 else ""


def _sizes(data: dict[str, Any], place: Place) -> Iterator[tuple[int, Place]]:
    for key, item in data.items():
        if isinstance(item, str):
            yield len(item), (*place, key)
        elif isinstance(item, dict) and len(place) < MAX_DEPTH:
            yield from _sizes(item, (*place, key))
