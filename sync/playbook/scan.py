"""What would take long to parse, refused by cheap counts before it is parsed."""

from __future__ import annotations

import re
from itertools import islice

from sync.playbook import traps
from sync.playbook.document import Document, Spot, spot_at
from sync.playbook.walk import MAX_DEPTH, MAX_RULES

MAX_LINE = 10_000
FAST = 32_768
"""Files up to this many bytes are parsed before traps are named; larger ones are first searched for them line by line."""
_ITEM = re.compile(r"^( *+)- ", re.MULTILINE)
_DEEP = re.compile(rf"(?:[\[{{][ \t]*){{{MAX_DEPTH + 1}}}")


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
        document.problem((), f"nested more than {MAX_DEPTH} deep", at=spot_at(text, deep.end() - 1))
        return False
    outer, count = _rules(text)
    if count > MAX_RULES:
        begin = re.finditer(rf"^ {{{outer}}}- ", text, re.MULTILINE)
        line = spot_at(text, next(islice(begin, MAX_RULES, None)).start()).line
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
