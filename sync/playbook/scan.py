"""The strict subset of YAML, refused before anything is built: by cheap counts, then event by event, with the path."""

from __future__ import annotations

import re
from itertools import islice
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
from sync.playbook.document import Document, Path, Spot

MAX_DEPTH = 32
MAX_RULES = 5_000
MAX_LINE = 10_000
FAST = 32_768
"""Files up to this many bytes are parsed before traps are named; larger ones are first searched for them line by line."""

_ITEM = re.compile(r"^( *+)- ", re.MULTILINE)
_DEEP = re.compile(rf"(?:[\[{{][ \t]*){{{MAX_DEPTH + 1}}}")


def reader() -> YAML:
    """Give a YAML 1.2 reader that builds nothing but plain data."""
    made = YAML(typ="safe", pure=True)
    made.version = (1, 2)
    return made


def small(document: Document, text: str) -> bool:
    """Refuse by cheap counts what would take long to parse."""
    longest = max(map(len, document.lines), default=0)
    if longest > MAX_LINE:
        place = next(place for place, row in enumerate(document.lines, 1) if len(row) > MAX_LINE)
        row = document.lines[place - 1]
        document.problem((), f"a line of {len(row):,} characters: {MAX_LINE:,} at most", at=Spot(place, MAX_LINE))
        return False
    deep = _DEEP.search(text)
    if deep:
        line = text.count("\n", 0, deep.end()) + 1
        document.problem((), f"nested more than {MAX_DEPTH} deep", at=Spot(line, deep.end() - text.rfind("\n", 0, deep.end()) - 1))
        return False
    outer, count = _rules(text)
    if count > MAX_RULES:
        begin = re.finditer(rf"^ {{{outer}}}- ", text, re.MULTILINE)
        line = text.count("\n", 0, next(islice(begin, MAX_RULES, None)).start()) + 1
        document.problem(
            (), f"{count:,} rules are too many: {MAX_RULES:,} at most", "put what repeats into a table", at=Spot(line, outer + 1)
        )
        return False
    if text.count("[") + text.count("{") + text.count(",") > 20 * MAX_RULES:
        document.problem((), f"more than {20 * MAX_RULES:,} values in brackets", "put what repeats into a table")
        return False
    if len(text) > FAST:
        for place in traps.marked(text):
            answer = traps.marker(document.line(place))
            if answer:
                document.problem((), answer.text, answer.suggestion, at=Spot(place, answer.column), width=answer.width)
    return not document.problems


def _rules(text: str) -> tuple[int, int]:
    """Give how far the outermost list is indented, and how many entries begin there."""
    if text.startswith("- ") or "\n- " in text:
        return 0, text.count("\n- ") + text.startswith("- ")
    indents = _ITEM.findall(text)
    outer = min(indents, key=len, default="")
    return len(outer), indents.count(outer)


def scan(document: Document, text: str) -> bool:
    """Look through the events and refuse what is outside the subset, before anything is built."""
    walk = _Walk(document)
    try:
        for event in reader().parse(text):
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
                self.document.problem((), "a second document begins here", "one file holds one document: delete the ---", at=spot_of(event))
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
                self.document.problem(self.path, f"more than {MAX_RULES:,} entries in one list", at=spot_of(event))
                return False
        self._marks(event)
        if isinstance(event, MappingStartEvent | SequenceStartEvent):
            self.stack.append(["list" if isinstance(event, SequenceStartEvent) else "key", None])
            if len(self.stack) > MAX_DEPTH:
                self.document.problem(self.path, f"nested more than {MAX_DEPTH} deep", at=spot_of(event))
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
        if "<block mapping start>" in said:
            spot = Spot(number, (mark.column if mark else 0) + 1)
            self.document.problem(
                self.path, "indented otherwise than the keys beside it", "begin it in the same column as they do", at=spot
            )
            return
        if "<stream end>" in said:
            said = f"the file ends too early ({said})"
        number = min(number, max(1, len(self.document.lines)))
        self.document.problem(self.path, f"not YAML: {said}", at=Spot(number, (mark.column if mark else 0) + 1))


def spot_of(node: Any) -> Spot:
    """Give the place of an event or node."""
    start, end = node.start_mark, node.end_mark
    return Spot(start.line + 1, start.column + 1, end_line=end.line + 1, end_column=end.column + 1)
