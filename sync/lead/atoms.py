"""What in a condition may change by time alone: its comparisons of scores and ages, its touches, its dated tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from sync.playbook.conditions import Wrong
from sync.playbook.conditions.library import decode
from sync.playbook.conditions.reader import scan
from sync.playbook.conditions.syntax import Node, parse
from sync.playbook.models import When

Op = Literal["<", "<=", ">", ">=", "==", "!="]
_FLIPPED: dict[str, Op] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_SCORES = ("engagement", "score")


@dataclass(frozen=True, slots=True)
class Atom:
    """One part of a condition that time alone may turn."""

    kind: Literal["score", "days", "touched", "table", "untold"]
    """`untold`: it changes with time in a way that no comparison with a number tells; `truce check` refuses such lines."""
    name: str
    """The score, the value that is a day or moment, the word of a touch, or the table."""
    op: Op = "=="
    number: float = 0.0
    want: bool | None = None
    """The truth that counts: only turning to it can make the condition hold; None: either."""


@lru_cache(maxsize=4096)
def of_line(text: str) -> tuple[Atom, ...]:
    """Give the atoms of a line, each with what it has to become for the line to hold."""
    try:
        return tuple(_atoms(parse(scan(text, None).tokens, decode), True))
    except (Wrong, IndexError, ValueError):
        return (Atom("untold", text),)


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


def _atoms(node: Node, want: bool | None) -> Iterator[Atom]:
    """Give what moves in a node; inside anything but `and`, `or`, `not` and `?:` either turn may count."""
    moved = _moving(node)
    if moved is not None:
        yield replace(moved, want=want) if moved.kind in ("touched", "table") else Atom("untold", moved.name)
        return
    if node.kind == "compare" and (simple := _compared(node)) is not None:
        yield replace(simple, want=want)
        return
    inner = {"and": want, "or": want, "not": _not(want), "choice": want}.get(node.kind)
    for place, part in enumerate(node.parts):
        yield from _atoms(part, None if node.kind == "choice" and place == 0 else inner)


def _moving(node: Node) -> Atom | None:
    """Give what a node is that changes by itself."""
    if node.kind == "field":
        name = str(node.value)
        return Atom("score", name) if name in _SCORES else Atom("untold", name) if name == "now" else None
    if node.kind != "call":
        return None
    match node.value:
        case "days_since":
            day = node.parts[0]
            return Atom("days" if day.kind == "field" and day.value != "now" else "untold", str(day.value))
        case "touched":
            return Atom("touched", str(node.parts[0].value), number=float(node.parts[1].value))
        case "territory":
            return Atom("table", "territories")
        case "in_table":
            return Atom("table", str(node.parts[1].value))
    return None


def _compared(node: Node) -> Atom | None:
    """Give a score or an age with the number that it is compared with; None when it is something else."""
    left, right = node.parts
    sign = _FLIPPED[_FLIPPED[str(node.value)]]
    for one, other, op in ((left, right, sign), (right, left, _FLIPPED[sign])):
        moved, number = _moving(one), _number(other)
        if moved is not None and moved.kind in ("score", "days") and number is not None:
            return replace(moved, op=op, number=number)
    return None


def _number(node: Node) -> float | None:
    if node.kind == "minus":
        inner = _number(node.parts[0])
        return None if inner is None else -inner
    return node.value if node.kind == "literal" and isinstance(node.value, float) else None


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
