"""A condition's tree as Python functions that agree with CEL: true, false, or None where CEL has an error (a field is empty)."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sync.playbook.conditions import texts
from sync.playbook.conditions.facts import Facts
from sync.playbook.conditions.syntax import Node
from sync.playbook.models import Values
from sync.playbook.models.values import FLAG, NUMBER, TIME, double, instant, iso, milliseconds, raw

Step = Callable[[Values], Any]
Search = Callable[[str], bool | None]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_METHODS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
}
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes functions of nodes: with each field's kind, the tables, and how patterns are looked for."""

    kinds: Mapping[str, str]
    facts: Facts
    pattern: Callable[[str], Search]
    """Gives the search for a regular expression."""

    def build(self, node: Node) -> Step:
        """Give the function of a node."""
        match node.kind:
            case "literal":
                value = node.value
                return lambda values: value
            case "field":
                return getter(str(node.value), self.kinds[str(node.value)])
            case "has":
                get = getter(str(node.value), self.kinds[str(node.value)])
                return lambda values: get(values) is not None
            case "list":
                return _listed([self.build(part) for part in node.parts])
            case "not" | "minus":
                return _signed(self.build(node.parts[0]), operator.not_ if node.kind == "not" else operator.neg)
            case "and" | "or":
                return _joined([self.build(part) for part in node.parts], ends=node.kind == "or")
            case "choice":
                return _chosen(*(self.build(part) for part in node.parts))
            case "compare" | "in" | "sum":
                return self._binary(node)
            case "method":
                return self._method(node)
            case "call":
                return self._call(node)

    def _binary(self, node: Node) -> Step:
        sign = str(node.value)
        left, right = (self.build(part) for part in node.parts)
        if node.kind == "in":
            return _within(node.parts[1], left, right)
        if node.kind == "sum":
            return _both(left, right, _SUMS[sign])
        if sign in ("==", "!="):
            alike = _alike if any(part.kind == "list" for one in node.parts for part in one.walk()) else operator.eq
            return _both(left, right, alike if sign == "==" else lambda a, b: not alike(a, b))
        return _both(left, right, _COMPARE[sign])

    def _method(self, node: Node) -> Step:
        text = self.build(node.parts[0])
        if node.value == "matches":
            search = self.pattern(str(node.parts[1].value))

            def found(values: Values) -> bool | None:
                value = text(values)
                return None if value is None else search(value)

            return found
        return _both(text, self.build(node.parts[1]), _METHODS[str(node.value)])

    def _call(self, node: Node) -> Step:
        match node.value:
            case "any_of":
                return _words(self.build(node.parts[0]), tuple(str(part.value) for part in node.parts[1].parts))
            case "days_since":
                return _days(self.build(node.parts[0]))
            case "in_table":
                table, *column = (str(part.value) for part in node.parts[1:])
                text, key, facts = self.build(node.parts[0]), column[0] if column else None, self.facts

                def listed(values: Values) -> bool | None:
                    value = text(values)
                    row = None if value is None else facts.row(table, key, value, values)
                    return None if row is None else bool(row)

                return listed
            case _:
                return self.facts.step(str(node.value), tuple(part.value for part in node.parts))


def getter(name: str, kind: str) -> Step:
    """Give the function that takes a field as its kind has it; None when it is blank or of another kind."""
    if name == "email_domain":
        return _domain
    if kind == NUMBER:
        return lambda values: double(values.get(name))
    if kind == FLAG:

        def flag(values: Values) -> bool | None:
            value = values.get(name)
            return value if value is True or value is False else None

        return flag

    def text(values: Values) -> str | None:
        value = values.get(name)
        if isinstance(value, str):
            return value or None
        return iso(value) if kind == TIME and isinstance(value, int) and not isinstance(value, bool) else None

    return text


def _domain(values: Values) -> str | None:
    value = raw(values, "email_domain")
    return value or None if isinstance(value, str) else None


def _listed(parts: list[Step]) -> Step:
    def listed(values: Values) -> tuple[Any, ...] | None:
        made = tuple(part(values) for part in parts)
        return None if any(one is None for one in made) else made

    return listed


def _signed(inner: Step, sign: Callable[[Any], Any]) -> Step:
    def signed(values: Values) -> Any:
        value = inner(values)
        return None if value is None else sign(value)

    return signed


def _joined(parts: list[Step], *, ends: bool) -> Step:
    """`&&` ends with the first false, `||` with the first true; else one empty side makes it unknown, as in CEL."""
    other = not ends

    def joined(values: Values) -> bool | None:
        unknown = False
        for part in parts:
            value = part(values)
            if value is None:
                unknown = True
            elif value is ends:
                return not other
        return None if unknown else other

    return joined


def _chosen(test: Step, yes: Step, no: Step) -> Step:
    def chosen(values: Values) -> Any:
        outcome = test(values)
        return None if outcome is None else yes(values) if outcome else no(values)

    return chosen


def _both(left: Step, right: Step, join: Callable[[Any, Any], Any]) -> Step:
    def both(values: Values) -> Any:
        a = left(values)
        if a is None:
            return None
        b = right(values)
        return None if b is None else join(a, b)

    return both


def _quotient(a: float, b: float) -> float:
    """Divide as CEL divides doubles: by zero there is no end, or nothing."""
    if b:
        return a / b
    if a == 0 or math.isnan(a):
        return float("nan")
    return float("inf") if (a > 0) == (math.copysign(1, b) > 0) else float("-inf")


_SUMS: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": _quotient}


def _alike(a: Any, b: Any) -> bool:
    """Say whether two values are the same as CEL has it: true is not 1."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(map(_alike, a, b))
    return type(a) is type(b) and bool(a == b)


def _within(listed: Node, left: Step, right: Step) -> Step:
    """Look for a value in a list; one that is written out is a set."""
    if any(part.kind != "literal" for part in listed.parts) or listed.kind != "list":
        return _both(left, right, lambda a, b: any(_alike(a, one) for one in b))
    among: dict[type, frozenset[Any]] = {
        kind: frozenset(part.value for part in listed.parts if type(part.value) is kind) for kind in (str, float, bool)
    }

    def within(values: Values) -> bool | None:
        value = left(values)
        if value is None:
            return None
        known = among.get(type(value))
        return known is not None and value in known

    return within


def _words(text: Step, words: tuple[str, ...]) -> Step:
    def some(values: Values) -> bool | None:
        value: str | None = text(values)
        return None if value is None else texts.any_of(value, words)

    return some


def _days(day: Step) -> Step:
    def days(values: Values) -> float | None:
        text, now = day(values), milliseconds(values.get("now"))
        return None if text is None or now is None else days_between(now, text)

    return days


def days_between(now: float, text: str) -> float | None:
    """Give the days from an ISO day or moment to now (ms); None when it is none."""
    then = instant(text)
    return None if then is None else (now / 1000 - then) / DAY_S
