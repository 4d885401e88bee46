"""A file's events in one pass: what is outside the subset is refused with its path, what is inside becomes plain data with positions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError

from sync.playbook import events, traps
from sync.playbook.document import Document, Path, Spot
from sync.playbook.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

MAX_DEPTH = 32
MAX_RULES = 5_000
TOLD = 100
"""After so many problems with what the YAML of one file is, the rest waits."""
_INT = re.compile(r"[-+]?[0-9]{1,18}$|0o[0-7]{1,18}$|0x[0-9a-fA-F]{1,15}$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
NO_TEXT = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What may not stand in YAML, nor in one of its texts."""
_UNREADABLE = "?"
"""Stands for a key that is no word."""


def walk(document: Document, text: str) -> Any:
    """Go through the events once; gives the data, for which nothing may stand in the document's problems."""
    if (quick := _quick(document, text)) is not None:
        document.values, document.keys, document.problems = quick.document.values, quick.document.keys, quick.document.problems
        return quick.data
    made = Walk(document)
    try:
        made.through(events.read(text))
    except MarkedYAMLError as error:
        made.broken(error)
    except (YAMLError, ValueError, RecursionError) as error:
        document.problem(made.path, f"not YAML: {str(error).splitlines()[0]}")
    return made.data


def _quick(document: Document, text: str) -> Walk | None:
    """Go through libyaml's events; None where only ruamel can say what the text is, or what is wrong with it."""
    if not events.ordinary(text):
        return None
    made = Walk(Document(document.file, document.lines))
    try:
        made.through(events.quick(text))
    except (events.Unreadable, RecursionError):
        return None
    return made


def plain(text: str) -> Any:
    """Give a bare word as YAML 1.2's core schema reads it: `NO` is a text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.match(text) else text


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being read: `key` is the index or key of what comes, None in a mapping while a key comes."""

    into: list[Any] | dict[str, Any]
    path: Path
    start: Any
    key: int | str | None


class Walk:
    """Keeps what is being built while events go by."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.data: Any = {}
        self.stack: list[_Frame] = []
        self.documents = 0

    @property
    def path(self) -> Path:
        """Where the reading stands."""
        if not self.stack:
            return ()
        top = self.stack[-1]
        return top.path if top.key is None else (*top.path, top.key)

    def through(self, given: Iterable[Any]) -> None:
        """Take events up to the first that stops."""
        for event in given:
            if len(self.document.problems) >= TOLD:
                said = f"there are {TOLD} problems above; what stands below is not looked at"
                self.document.problem((), said, "mend those first", at=spot_of(event))
                break
            if not self.take(event):
                break

    def take(self, event: Any) -> bool:
        """Look at one event; False stops."""
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self.document.problem((), "a second document begins here", "one file holds one document: delete the ---", at=spot_of(event))
                return False
        if isinstance(event, CollectionEndEvent):
            self._end(event)
        elif isinstance(event, NodeEvent):
            return self._node(event)
        return True

    def _node(self, event: Any) -> bool:
        top = self.stack[-1] if self.stack else None
        if top is not None and isinstance(top.into, list):
            top.key = len(top.into)
            if top.key >= MAX_RULES:
                self.document.problem(self.path, f"more than {MAX_RULES:,} entries in one list", at=spot_of(event))
                return False
        self._marks(event)
        if getattr(event, "style", None) == '"':
            self._escaped(event)
        if isinstance(event, CollectionStartEvent):
            return self._begin(event, top)
        if top is not None and top.key is None:
            self._key(event, top)
            return True
        path = self.path
        value = event.value if isinstance(event, ScalarEvent) else ""
        style = (event.style or None) if isinstance(event, ScalarEvent) else None
        start, end = event.start_mark, event.end_mark
        self.document.values[path] = Spot(start.line + 1, start.column + 1, value, style, end.line + 1, end.column + 1)
        self._put(plain(value) if style is None else value)
        return True

    def _begin(self, event: Any, top: _Frame | None) -> bool:
        """Open a list or mapping; as a key it is refused, and read to its end."""
        if top is not None and top.key is None:
            self.document.problem(top.path, "a key must be a word", "put the whole line in single quotes", at=spot_of(event))
            top.key = _UNREADABLE
            self.stack.append(_Frame({} if isinstance(event, MappingStartEvent) else [], (*top.path, _UNREADABLE), None, None))
        else:
            path = self.path
            self.document.values[path] = spot_of(event)  # its end is not known yet
            self.stack.append(_Frame({} if isinstance(event, MappingStartEvent) else [], path, event.start_mark, None))
        if len(self.stack) > MAX_DEPTH:
            self.document.problem(self.path, f"nested more than {MAX_DEPTH} deep", at=spot_of(event))
            return False
        return True

    def _end(self, event: Any) -> None:
        done = self.stack.pop()
        if done.start is None:
            return
        start, end = done.start, event.end_mark
        self.document.values[done.path] = Spot(start.line + 1, start.column + 1, end_line=end.line + 1, end_column=end.column + 1)
        self._put(done.into)

    def _key(self, event: Any, top: _Frame) -> None:
        name = str(event.value) if isinstance(event, ScalarEvent) else _UNREADABLE
        here = (*top.path, name)
        if here in self.document.keys and name in top.into:
            first = self.document.keys[here].line
            self.document.problem(here, f"{name} stands here twice", f"the first is on line {first}; delete one", at=spot_of(event))
        self.document.keys[here] = spot_of(event)
        top.key = name

    def _put(self, value: Any) -> None:
        """Put a value where it belongs."""
        if not self.stack:
            self.data = value
            return
        top = self.stack[-1]
        if isinstance(top.into, list):
            top.into.append(value)
        else:
            top.into[str(top.key)] = value
            top.key = None

    def _marks(self, event: Any) -> None:
        if not (isinstance(event, AliasEvent) or getattr(event, "ctag", None) is not None or getattr(event, "tag", None) or event.anchor):
            return
        line = self.document.line(event.start_mark.line + 1)
        if isinstance(event, AliasEvent):
            answer = traps.alias(line, event.start_mark.column)
        elif event.anchor and not (getattr(event, "ctag", None) is not None or getattr(event, "tag", None)):
            answer = traps.anchor(line, event.start_mark.column)
        else:
            answer = traps.tag(line, event.start_mark.column)
        spot = Spot(event.start_mark.line + 1, answer.column)
        self.document.problem(self.path, answer.text, answer.suggestion, at=spot, width=answer.width)

    def _escaped(self, event: Any) -> None:
        """Refuse what only an escape can write: half of a surrogate pair, a NUL, an order to a terminal."""
        bad = NO_TEXT.search(event.value)
        if bad:
            said = f"the character U+{ord(bad.group()):04X} may not stand in a text"
            self.document.problem(self.path, said, "delete its escape, which begins with \\", at=spot_of(event))

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
