"""What in a condition may change by time alone: its comparisons of scores and ages, its touches, its dated tables. Read from the text.

A line is `plain` when time can only make it truer by making one of its atoms truer: no `!`, no `?:`, no comparison of truths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from sync.playbook.models import When

Op = Literal["<", "<=", ">", ">=", "==", "!="]
_TOKEN = re.compile(
    r"""(?P<text>r?'(?:[^'\\]|\\.)*'|r?"(?:[^"\\]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"""
    r"""|(?P<word>[A-Za-z_][\w.]*)|(?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:,()\[\]])"""
)
_BEFORE = {"", "(", "&&", "||", "!", "?", ":"}
_AFTER = {"", ")", "&&", "||", "?", ":"}
_FLIPPED: dict[str, Op] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_SCORES = {"lead.engagement": "engagement", "lead.score": "score"}


@dataclass(frozen=True, slots=True)
class Atom:
    """One part of a condition that time alone may turn."""

    kind: Literal["score", "days", "touched", "table", "untold"]
    """`untold`: it changes with time in a way that no comparison with a number tells."""
    name: str
    """The score, the value that is a day or moment, the word of a touch, or the table."""
    op: Op = "=="
    number: float = 0.0
    want: bool | None = None
    """The truth that counts: only turning to it can make the condition hold; None: either."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    return [_Token(str(m.lastgroup), m.group()) for m in _TOKEN.finditer(text)]


@lru_cache(maxsize=4096)
def of_line(text: str) -> tuple[Atom, ...]:
    """Give the atoms of a line, each with what it has to become for the line to hold."""
    tokens = _tokens(text)
    plain = not any(token.text in ("!", "?", "true", "false") for token in tokens)
    found = [atom for at in range(len(tokens)) if (atom := _atom(tokens, at)) is not None]
    return tuple(replace(atom, want=True if plain else None) for atom in found)


def of_when(when: When | None, *, holds: bool | None = True) -> tuple[Atom, ...]:
    """Give the atoms of a whole `when`: those that can make it hold, with `holds=False` those that can end it, with None both."""
    if when is None:
        return ()
    found = [atom for line in (*when.all, *when.any) for atom in of_line(line.text)]
    against = [replace(atom, want=_not(atom.want)) for line in when.none for atom in of_line(line.text)]
    every = [*found, *against]
    if holds is None:
        return tuple(replace(atom, want=None) for atom in every)
    return tuple(every if holds else (replace(atom, want=_not(atom.want)) for atom in every))


def _not(want: bool | None) -> bool | None:
    return None if want is None else not want


def _text(tokens: list[_Token], at: int) -> str:
    return tokens[at].text if 0 <= at < len(tokens) else ""


def _kind(tokens: list[_Token], at: int) -> str:
    return tokens[at].kind if 0 <= at < len(tokens) else ""


def _atom(tokens: list[_Token], at: int) -> Atom | None:
    word = tokens[at]
    if word.kind != "word":
        return None
    if word.text in _SCORES:
        return _compared(tokens, at, at, Atom("score", _SCORES[word.text]))
    if _text(tokens, at + 1) != "(":
        return None
    if word.text == "days_since":
        name = _text(tokens, at + 2).removeprefix("lead.")
        simple = _kind(tokens, at + 2) == "word" and _text(tokens, at + 3) == ")"
        return _compared(tokens, at, at + 3, Atom("days", name)) if simple else Atom("untold", name)
    if word.text == "touched":
        days = float(_text(tokens, at + 4)) if _kind(tokens, at + 4) == "number" else 0.0
        return Atom("touched", _literal(_text(tokens, at + 2)), number=days)
    if word.text == "territory":
        return Atom("table", "territories")
    if word.text == "in_table":
        return Atom("table", next((_literal(t.text) for t in tokens[at + 2 :] if t.kind == "text"), ""))
    return None


def _literal(text: str) -> str:
    return text.lstrip("r")[1:-1]


def _compared(tokens: list[_Token], first: int, last: int, atom: Atom) -> Atom:
    """Give the atom with its comparison: with a number that stands by itself on the other side."""
    before, after = _text(tokens, first - 1), _text(tokens, last + 1)
    right = after in _FLIPPED and _kind(tokens, last + 2) == "number"
    if right and before in _BEFORE and _text(tokens, last + 3) in _AFTER:
        return replace(atom, op=_op(after), number=float(_text(tokens, last + 2)))
    left = before in _FLIPPED and _kind(tokens, first - 2) == "number"
    if left and after in _AFTER and _text(tokens, first - 3) in _BEFORE:
        return replace(atom, op=_FLIPPED[before], number=float(_text(tokens, first - 2)))
    return Atom("untold", atom.name)


def _op(text: str) -> Op:
    return _FLIPPED[_FLIPPED[text]]


def compare(op: Op, left: float, right: float) -> bool:
    """Say whether a comparison holds."""
    match op:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "==":
            return left == right
        case _:
            return left != right
