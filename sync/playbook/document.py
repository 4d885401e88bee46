"""A file with the position of every value and key, and the problems found in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sync.playbook.problems import Problem

Path = tuple[str | int, ...]
"""A place in a document: keys and list indexes."""


class Spot(NamedTuple):
    """Where a value stands, and how it is written (`style`: None plain, quote or block mark)."""

    line: int
    column: int
    raw: str = ""
    style: str | None = None
    end_line: int = 0
    end_column: int = 0


_BREAK = re.compile(r"\r\n|\r|\n")
"""What ends a line in YAML 1.2 and in CSV; a next-line or a line separator within a text does not."""


def rows(text: str) -> list[str]:
    """Give a text's lines, as positions count them; one that ends with a line break has none after it."""
    found = _BREAK.split(text) if "\r" in text else text.split("\n")
    return found[:-1] if not found[-1] else found


def spot_at(text: str, index: int) -> Spot:
    """Give the place of a letter of the text by its index."""
    above = rows(text[:index] + "x")
    return Spot(len(above), len(above[-1]))


@dataclass(slots=True)
class Document:
    """One file: its plain data, and the position of every value and key."""

    file: str
    lines: list[str]
    data: Any = None
    values: dict[Path, Spot] = field(default_factory=dict)
    keys: dict[Path, Spot] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, loc: Iterable[int | str]) -> Path:
        """Give pydantic's place without its own words (union tags, `[key]`), as far as the document has it."""
        path: Path = ()
        for part in loc:
            if (*path, part) in self.values or (*path, part) in self.keys:
                path = (*path, part)
        return path

    def spot(self, path: Path) -> Spot:
        """Give the place of a path, or of its closest ancestor."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path) or Spot(1, 1)

    def key(self, path: Path) -> Spot:
        """Give the place of a mapping's key, or of the closest value."""
        return self.keys.get(path) or self.spot(path)

    def line(self, number: int) -> str:
        """Give a source line by its 1-based number."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def problem(
        self, path: Path, text: str, suggestion: str = "", *, at: Spot | None = None, width: int = 0, warning: bool = False
    ) -> None:
        """Note a problem at a path (or at a given spot)."""
        where = at or self.spot(path)
        source = self.line(where.line)
        room = max(1, len(source) - where.column + 1)
        size = width or (where.end_column - where.column if where.end_line == where.line else 1)
        shown = max(1, min(size, room))
        place = written(path)
        self.problems.append(
            Problem(self.file, where.line, where.column, place, text, suggestion, source, shown, warning, _rule(self.data, path))
        )


def _rule(data: Any, path: Path) -> str:
    """Give the id of the innermost rule on the way, where a path only counts it."""
    found = ""
    for part in path:
        try:
            data = data[part]
        except (LookupError, TypeError):
            break
        if isinstance(part, int) and isinstance(data, dict):
            found = str(data.get("id") or "")[:63]
    return found


def written(path: Path) -> str:
    """Give a path as people write it: ``routes[1].when.all[0]``."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def column_of(document: Document, spot: Spot, offset: int) -> int:
    """Give the source column of the character at `offset` of a scalar's text (the scalar's own column when it spans lines)."""
    if spot.end_line != spot.line or spot.style in ("|", ">"):
        return spot.column
    if spot.style is None:
        return spot.column + offset
    line, stops = document.line(spot.line), []
    position = spot.column
    while position < spot.end_column - 1:
        stops.append(position)
        pair = line[position : position + 2]
        position += 2 if (spot.style == "'" and pair == "''") or (spot.style == '"' and pair[:1] == "\\") else 1
    at = min(offset, len(stops) - 1)
    return stops[at] + 1 if stops else spot.column
