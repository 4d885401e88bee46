"""The commonest conditions: a field against a value, a field in a list, `any_of`, `has`; how they are told, and what they leave in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.playbook.conditions.syntax import Node, Plain
from sync.playbook.models.values import FLAG, NUMBER, TIME

SHOWN = 80
"""So many characters of a text are shown."""
_SIGNS = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}
Guard = tuple[str, frozenset[Any]]


@dataclass(frozen=True, slots=True)
class Shape:
    """One field and how the outcome is told: `yes` and `no` follow "field value"."""

    field: str
    yes: str
    no: str
    sign: str
    """What it is: a comparison's sign, `in`, `any_of` or `has`."""
    literals: tuple[Plain, ...] = ()
    blank: bool | None = None
    """Whether a blank value matches: only `has` asks about blanks; None is "field empty"."""


def shown(value: object) -> str:
    """Give a value as explanations show it: 820.0 as 820, a long text cut."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:.15g}" if isinstance(value, float) else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def recognise(node: Node, kinds: Mapping[str, str]) -> Shape | None:
    """Give the common form of a line, or None when it is none."""
    if node.kind == "has":
        return _has(str(node.value), wanted=True)
    if node.kind == "not" and node.parts[0].kind == "has":
        return _has(str(node.parts[0].value), wanted=False)
    if not node.parts or node.parts[0].kind != "field":
        return None
    field, rest = str(node.parts[0].value), node.parts[1:]
    if node.kind == "compare" and rest[0].kind == "literal":
        return _compare(field, str(node.value), rest[0].value)
    if (node.kind == "in" or node.value == "any_of") and rest[0].kind == "list":
        literals = tuple(part.value for part in rest[0].parts)
        wanted = {NUMBER: float, FLAG: bool}.get(kinds[field], str)
        if all(part.kind == "literal" and type(part.value) is wanted for part in rest[0].parts):
            return _inside(field, literals) if node.kind == "in" else _any_of(field, literals)
    return None


def _compare(field: str, sign: str, limit: Plain) -> Shape:
    words = f"{_SIGNS[sign]} {shown(limit)}"
    no = f"≠ {shown(limit)}" if sign == "==" else f"= {shown(limit)}" if sign == "!=" else f"is not {words}"
    return Shape(field, words, no, sign, (limit,))


def _inside(field: str, literals: tuple[Plain, ...]) -> Shape:
    listed = f"[{', '.join(map(shown, literals))}]"
    return Shape(field, f"is in {listed}", f"is not in {listed}", "in", literals)


def _any_of(field: str, literals: tuple[Plain, ...]) -> Shape:
    listed = f"[{', '.join(map(str, literals))}]"
    return Shape(field, f"has one of {listed}", f"has none of {listed}", "any_of", literals)


def _has(field: str, *, wanted: bool) -> Shape:
    return Shape(field, "is there", "is there", "has", blank=not wanted)


def guard(node: Node, kinds: Mapping[str, str]) -> Guard | None:
    """Give a value's name and all that it may be for the node to hold, where the node says no more and no less than that."""
    if node.kind == "field":
        return _only(str(node.value), (True,), kinds)
    if node.kind == "not" and node.parts[0].kind == "field":
        return _only(str(node.parts[0].value), (False,), kinds)
    if node.kind in ("and", "or"):
        every = [guard(part, kinds) for part in node.parts]
        found = [one for one in every if one is not None]
        if len(found) < len(every) or len({name for name, _ in found}) != 1:
            return None
        sets = [allowed for _, allowed in found]
        return found[0][0], frozenset.union(*sets) if node.kind == "or" else frozenset.intersection(*sets)
    shape = recognise(node, kinds)
    return _only(shape.field, shape.literals, kinds) if shape and shape.sign in ("==", "in") else None


def _only(field: str, literals: tuple[Plain, ...], kinds: Mapping[str, str]) -> Guard | None:
    """A moment may stand as a number or as a text, so that it is never looked up."""
    return None if kinds[field] == TIME else (field, frozenset(literal for literal in literals if literal != ""))
