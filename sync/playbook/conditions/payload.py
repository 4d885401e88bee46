"""One value out of a payload that somebody outside sent: a line of CEL over `body`, bounded in what it may cost, whatever stands in the payload."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from sync.playbook.conditions import library, texts
from sync.playbook.conditions.library import Open
from sync.playbook.conditions.meter import LONGEST
from sync.playbook.conditions.tokens import Mistake, Token, Wrong, tokens
from sync.playbook.models import ABSENT, BLANK, Found, Where

MOST_ITEMS = 500
"""So many entries may one list or object of a payload have: what a loop of a line goes through."""
MOST_TEXT = 16_384
"""The longest text of a payload."""
LOOPS = ("exists", "exists_one", "filter", "map", "all")
_ABSENT = re.compile(r"NOT_FOUND|Index error")
_AT = re.compile(r"ERROR: <input>:\d+:(\d+): (.*)")
_UNKNOWN = re.compile(r"undeclared reference to '([^'.]+)")


class TooMuch(ValueError):
    """A payload that is larger than a line may look at; says where, without values."""


def fits(data: Any, place: str = "body") -> None:
    """Raise TooMuch for a list, object or text that is too large."""
    if isinstance(data, str) and len(data) > MOST_TEXT:
        raise TooMuch(f"{place}: a text of {len(data):,} characters, {MOST_TEXT:,} at most")
    if isinstance(data, dict | list) and len(data) > MOST_ITEMS:
        raise TooMuch(f"{place}: {len(data):,} entries, {MOST_ITEMS} at most")
    rows = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, one in rows:
        fits(one, f"{place}.{key}"[:80])


class Picked:
    """A line that picks one value out of a payload."""

    __slots__ = ("_open", "text", "where")

    def __init__(self, text: str, where: Where) -> None:
        """Check a line; raises Wrong with every mistake in it."""
        mistakes = list(_mistakes(text, tokens(text)))
        if mistakes:
            raise Wrong(mistakes)
        try:
            self._open = Open(text)
        except ValueError as error:
            raise Wrong(_said(str(error), text)) from None
        self.text, self.where = text, where

    def of(self, body: Mapping[str, Any]) -> Found:
        """Give what the line comes to; `absent` where the payload has no such thing, else `why` it is no value."""
        value, words = self._open.evaluate(body)
        if words:
            return ABSENT if _ABSENT.search(words) else Found(None, _plain(words))
        return _scalar(value)


def _scalar(value: object) -> Found:
    match value:
        case bool():
            return Found(value)
        case str():
            return BLANK if not value.strip() else Found(value) if len(value) <= LONGEST else Found(None, "too long a text")
        case float() if not isfinite(value):
            return Found(None, "not a finite number")
        case float():
            return Found(int(value) if value.is_integer() and abs(value) < 2**53 else value)
        case int():
            return Found(value)
        case datetime():
            return Found(value.astimezone(UTC).isoformat().replace("+00:00", "Z"))
    return BLANK if value is None else Found(None, "neither a text, a number nor a flag")


def _plain(words: str) -> str:
    """Give CEL's words about kinds of value; others could quote the value itself."""
    found = re.search(r"No matching overloads found : (\S+\([\w, <>]*\))", words)
    return f"no such operation: {found[1]}" if found else "cannot be computed"


def _mistakes(text: str, found: tuple[Token, ...]) -> Iterator[Mistake]:
    """Find what a line over payloads may not have: more than one loop, texts that grow in a loop, patterns that cost too much."""
    loops = [one for before, one in itertools.pairwise(found) if before.text == "." and one.text in LOOPS]
    if len(loops) > 1:
        yield Mistake(loops[1].at, len(loops[1].text), "a second loop in one line", "one list may be looked through in each line")
    grows = next((one for one in found if one.text == "+"), None)
    if loops and grows is not None:
        yield Mistake(grows.at, 1, "nothing is joined in a line that has a loop", "pick one entry: …filter(f, f.name == 'email')[0].value")
    for index, one in enumerate(found):
        if one.text == "matches" and index and found[index - 1].text == ".":
            yield from _pattern(one, found[index + 2] if index + 2 < len(found) else None)


def _pattern(token: Token, written: Token | None) -> Iterator[Mistake]:
    if written is None or written.kind != "text":
        yield Mistake(token.at, 7, "a pattern must be written out, in quotes")
        return
    pattern = written.text[2:-1] if written.text.startswith("r") else library.decode(written.text)
    if len(pattern) > texts.MAX_PATTERN or texts.places(pattern) > texts.MAX_PLACES:
        yield Mistake(token.at, 7, "the pattern repeats too much", "repeat less")
        return
    try:
        library.pattern(pattern)
    except ValueError:
        yield Mistake(token.at, 7, "the pattern is no regular expression (RE2)")


def _said(words: str, text: str) -> list[Mistake]:
    """Turn CEL's errors into ours; of a syntax error only the first, the others follow from it."""
    found = []
    for match in _AT.finditer(words):
        unknown = _UNKNOWN.match(match[2])
        if unknown is None:
            at = min(int(match[1]) - 1, max(0, len(text) - 1))
            return [Mistake(at, 1, "the line ends too early" if "<EOF>" in match[2] else "this may not stand here")]
        name = unknown[1]
        at = max(0, text.find(name))
        hint = "a function of CEL: has, size, string, double, int, timestamp, contains, startsWith, endsWith, matches"
        called = re.search(rf"\b{re.escape(name)}\s*\(", text) is not None
        found.append(
            Mistake(
                at, len(name), f"unknown {'function' if called else 'word'} {name}", hint if called else f"write body.{name}, or '{name}'"
            )
        )
    return found[:3] or [Mistake(0, max(1, len(text)), "no line of CEL")]
