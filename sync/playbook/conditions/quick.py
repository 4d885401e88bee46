"""The commonest conditions as single Python functions, for the path that every lead takes."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from sync.playbook.conditions.shapes import Shape
from sync.playbook.models import Values
from sync.playbook.models.values import NUMBER, TIME, double

EXACT = 2**53
"""Whole numbers up to this are the same as doubles."""
Holds = Callable[[Values], bool]
OPS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def holds(shape: Shape | None, kind: str) -> Holds | None:
    """Give the function of a common shape over a field of this kind; None leaves it to the general way."""
    if shape is None or shape.field == "email_domain" or kind == TIME:
        return None
    if kind == NUMBER and shape.sign in OPS:
        return _number(shape.field, OPS[shape.sign], float(shape.literals[0]))
    if shape.sign in ("==", "in") and kind != NUMBER:
        return _among(shape.field, frozenset(one for one in shape.literals if one != ""))
    return None


def _among(name: str, allowed: frozenset[Any]) -> Holds:
    if len(allowed) == 1:
        (only,) = allowed
        if isinstance(only, bool):
            return lambda values: values.get(name) is only
        return lambda values: values.get(name) == only
    if any(isinstance(one, bool) for one in allowed):
        return lambda values: isinstance(values.get(name), bool)
    return lambda values: values.get(name) in allowed


def _number(name: str, test: Callable[[Any, Any], bool], limit: float) -> Holds:
    def compared(values: Values) -> bool:
        value = values.get(name)
        if value.__class__ is int and -EXACT < value < EXACT:
            return test(value, limit)
        number = double(value)
        return number is not None and test(number, limit)

    return compared
