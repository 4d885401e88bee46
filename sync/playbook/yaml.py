"""YAML 1.2 with positions, a strict subset: no aliases, anchors, tags or duplicate keys; bounded size, depth and number of rules."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from sync.playbook import traps
from sync.playbook.problems import Problem

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_RULES = 5_000
MAX_LINE = 10_000
FAST = 32_768
"""Files up to this many bytes are parsed before traps are named; larger ones are first searched for them line by line."""

Path = tuple[str | int, ...]
Node = Any
_INT = re.compile(r"[-+]?[0-9]+$|0o[0-7]+$|0x[0-9a-fA-F]+$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_ITEM = re.compile(r"^( *)- ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value stands, and how it is written (`style`: None plain, quote or block mark)."""

    line: int
    column: int
    raw: str = ""
    style: str | None = None
    end_line: int = 0
    end_column: int = 0


@dataclass(slots=True)
class Document:
    """One file: its plain data, and the position of every value and key."""

    file: str
    lines: list[str]
    data: Any = None
    values: dict[Path, Spot] = field(default_factory=dict)
    keys: dict[Path, Spot] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

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

    def problem(self, path: Path, text: str, suggestion: str = "", *, at: Spot | None = None, width: int = 0) -> None:
        """Note a problem at a path (or at a given spot)."""
        where = at or self.spot(path)
        source = self.line(where.line)
        room = max(1, len(source) - where.column + 1)
        size = width or (where.end_column - where.column if where.end_line == where.line else 1)
        self.problems.append(Problem(self.file, where.line, where.column, written(path), text, suggestion, source, max(1, min(size, room))))


def written(path: Path) -> str:
    """Give a path as people write it: ``routes[1].when.all[0]``."""
    out = ""
    for part in path:
        out += f"[{part}]" if isinstance(part, int) else f".{part}" if out else part
    return out


def parse(file: str, content: bytes) -> Document:
    """Read one file; whatever is wrong with it stands in `problems`, and then `data` is None."""
    document = Document(file, [])
    text = _text(document, content)
    if text is None:
        return document
    document.lines = text.splitlines()
    if not _small(document, text) or not _scan(document, text):
        return document
    node = _yaml().compose(text)
    before = len(document.problems)
    data = _construct(document, node, ()) if node is not None else {}
    if len(document.problems) == before:
        document.data = data
    return document


def _yaml() -> YAML:
    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)  # type: ignore[assignment]
    return reader


def _text(document: Document, content: bytes) -> str | None:
    if len(content) > MAX_BYTES:
        document.problem((), f"{len(content):,} bytes are too many: a file of the playbook has {MAX_BYTES:,} at most")
        return None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        document.problem((), "not UTF-8", "save the file as UTF-8", at=Spot(line, error.start - content.rfind(b"\n", 0, error.start)))
        return None
    bad = re.search("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if bad:
        at = bad.start()
        document.lines = text.splitlines()
        spot = Spot(text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
        document.problem((), f"the character U+{ord(bad.group()):04X} may not stand in YAML", "delete it", at=spot)
        return None
    return text


def _small(document: Document, text: str) -> bool:
    """Refuse by cheap counts what would take long to parse."""
    for number, line in enumerate(document.lines, 1):
        if len(line) > MAX_LINE:
            document.problem((), f"a line of {len(line):,} characters: {MAX_LINE:,} at most", at=Spot(number, MAX_LINE))
            return False
    items = [(len(m.group(1)), m.start()) for m in _ITEM.finditer(text)]
    outer = min((indent for indent, _ in items), default=0)
    starts = [start for indent, start in items if indent == outer]
    if len(starts) > MAX_RULES:
        line = text.count("\n", 0, starts[MAX_RULES]) + 1
        document.problem(
            (), f"{len(starts):,} rules are too many: {MAX_RULES:,} at most", "put what repeats into a table", at=Spot(line, outer + 1)
        )
        return False
    if text.count("[") + text.count("{") + text.count(",") > 20 * MAX_RULES:
        document.problem((), f"more than {20 * MAX_RULES:,} values in brackets", "put what repeats into a table")
        return False
    if len(text) > FAST:
        for number, line in enumerate(document.lines, 1):
            answer = traps.marker(line)
            if answer:
                document.problem((), answer.text, answer.suggestion, at=Spot(number, answer.column), width=answer.width)
    return not document.problems


def _scan(document: Document, text: str) -> bool:
    """Look through the events and refuse what is outside the subset, before anything is built."""
    walk = _Walk(document)
    try:
        for event in _yaml().parse(text):
            if not walk.take(event):
                break
    except MarkedYAMLError as error:
        walk.broken(error)
    except (YAMLError, ValueError, RecursionError) as error:
        document.problem(walk.path, f"not YAML: {str(error).splitlines()[0]}")
    return not document.problems


class _Walk:
    """Keeps the path while events go by."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[list[Any]] = []
        self.documents = 0

    @property
    def path(self) -> Path:
        return tuple(frame[1] for frame in self.stack if frame[1] is not None)

    def take(self, event: Any) -> bool:
        """Look at one event; False stops."""
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.document.problem((), "a second document begins here", "one file holds one document: delete the ---", at=_spot(event))
                return False
        if isinstance(event, CollectionEndEvent):
            self.stack.pop()
            self._done()
        elif isinstance(event, NodeEvent):
            return self._node(event)
        return True

    def _node(self, event: Any) -> bool:
        top = self.stack[-1] if self.stack else None
        if top is not None and top[0] == "list":
            top[1] = 0 if top[1] is None else top[1] + 1
            if top[1] >= MAX_RULES:
                self.document.problem(self.path, f"more than {MAX_RULES:,} entries in one list", at=_spot(event))
                return False
        self._marks(event)
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            self.stack.append(["list" if isinstance(event, SequenceStartEvent) else "key", None])
            if len(self.stack) > MAX_DEPTH:
                self.document.problem(self.path, f"nested more than {MAX_DEPTH} deep", at=_spot(event))
                return False
        elif top is not None and top[0] == "key":
            top[0], top[1] = "value", str(event.value) if isinstance(event, ScalarEvent) else "?"
        else:
            self._done()
        return True

    def _done(self) -> None:
        if self.stack and self.stack[-1][0] == "value":
            self.stack[-1][0], self.stack[-1][1] = "key", None

    def _marks(self, event: Any) -> None:
        line = self.document.line(event.start_mark.line + 1)
        if isinstance(event, AliasEvent):
            answer = traps.alias(line, event.start_mark.column)
        elif getattr(event, "ctag", None) is not None or getattr(event, "tag", None):
            answer = traps.tag(line, event.start_mark.column)
        elif event.anchor:
            answer = traps.anchor(line, event.start_mark.column)
        else:
            return
        spot = Spot(event.start_mark.line + 1, answer.column)
        self.document.problem(self.path, answer.text, answer.suggestion, at=spot, width=answer.width)

    def broken(self, error: MarkedYAMLError) -> None:
        """Answer a parser error with the trap that caused it, or with the parser's own words."""
        mark = error.problem_mark or error.context_mark
        number = mark.line + 1 if mark else 1
        for near in (number, number - 1):
            answer = traps.broken(self.document.line(near))
            if answer:
                spot = Spot(near, answer.column)
                self.document.problem(self.path, answer.text, answer.suggestion, at=spot, width=answer.width)
                return
        said = (error.problem or error.context or "cannot be read").strip()
        number = min(number, max(1, len(self.document.lines)))
        self.document.problem(self.path, f"not YAML: {said}", at=Spot(number, (mark.column if mark else 0) + 1))


def _spot(node: Node) -> Spot:
    start, end = node.start_mark, node.end_mark
    return Spot(start.line + 1, start.column + 1, end_line=end.line + 1, end_column=end.column + 1)


def _construct(document: Document, node: Node, path: Path) -> Any:
    """Turn a node into plain data by the rules of YAML 1.2's core schema, keeping every position."""
    if node.id == "scalar":
        spot = _spot(node)
        document.values[path] = Spot(spot.line, spot.column, node.value, node.style, spot.end_line, spot.end_column)
        return _plain(node.value) if node.style is None else node.value
    document.values[path] = _spot(node)
    if node.id == "sequence":
        return [_construct(document, item, (*path, index)) for index, item in enumerate(node.value)]
    data: dict[str, Any] = {}
    for key, value in node.value:
        if key.id != "scalar":
            document.problem(path, "a key must be a word", "put the whole line in single quotes", at=_spot(key))
            continue
        name = str(key.value)
        here = (*path, name)
        if name in data:
            first = document.keys[here].line
            document.problem(here, f"{name} stands here twice", f"the first is on line {first}; delete one", at=_spot(key))
        document.keys[here] = _spot(key)
        data[name] = _construct(document, value, here)
    return data


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.match(text) else text


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
    return stops[at] + 1 if stops and bisect_right(stops, stops[at]) else spot.column
