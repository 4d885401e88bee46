"""The commonest conditions without CEL: a field against a value, a field in a list, `any_of`; each agrees with CEL exactly."""

from __future__ import annotations

import operator
import re
from ast import literal_eval
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sync.playbook.expression import named

_LITERAL = r"""(?:'[^'\\\n]*'|"[^"\\\n]*"|-?\d+(?:\.\d+)?|true|false)"""
_FIELD = r"(lead|account|opportunity)\s*\.\s*(\w+)"
_COMPARE = re.compile(rf"\s*{_FIELD}\s*(==|!=|<=|>=|<|>)\s*({_LITERAL})\s*")
_IN = re.compile(rf"\s*{_FIELD}\s+in\s*\[\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)\s*\]\s*")
_ANY_OF = re.compile(rf"\s*any_of\s*\(\s*{_FIELD}\s*,\s*\[\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)\s*\]\s*\)\s*")
_HAS = re.compile(rf"\s*(!?)\s*has\s*\(\s*{_FIELD}\s*\)\s*")
_EACH = re.compile(_LITERAL)
_OPS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SIGNS = {"==": "=", "!=": "≠", "<=": "≤", ">=": "≥", "<": "<", ">": ">"}
Literal = str | float | bool


@dataclass(frozen=True, slots=True)
class Shape:
    """One field, a test of its value, and how the outcome is told: `yes` and `no` follow "field value"."""

    field: str
    test: Callable[[Literal], bool]
    yes: str
    no: str
    literals: tuple[Literal, ...]
    blank: bool | None = None
    """Whether a blank value matches: only `has` asks about blanks; None is "field empty"."""
    only: frozenset[Literal] | None = None
    """All that the value may be for it to hold, where that can be listed."""

    def fits(self, kind: str) -> bool:
        """Say whether every literal is of this kind; a mixture is left to CEL."""
        wanted = {"number": float, "flag": bool}.get(kind, str)
        return all(type(literal) is wanted for literal in self.literals)


def recognise(text: str) -> Shape | None:
    """Give the fast form of a line, or None when only CEL can judge it."""
    compare = _COMPARE.fullmatch(text)
    if compare:
        return _compare(named(compare[1], compare[2]), compare[3], compare[4])
    inside = _IN.fullmatch(text)
    if inside:
        return _inside(named(inside[1], inside[2]), _literals(inside[3]))
    some = _ANY_OF.fullmatch(text)
    if some:
        return _any_of(named(some[1], some[2]), _literals(some[3]))
    has = _HAS.fullmatch(text)
    return _has(named(has[2], has[3]), wanted=not has[1]) if has else None


def _literals(text: str) -> tuple[Literal, ...]:
    return tuple(_literal(m.group()) for m in _EACH.finditer(text))


def _literal(text: str) -> Literal:
    if text in ("true", "false"):
        return text == "true"
    return str(literal_eval(text)) if text[0] in "'\"" else float(text)


def shown(value: object) -> str:
    """Give a value as explanations show it: 820.0 as 820."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def _compare(field: str, sign: str, literal: str) -> Shape:
    limit, test = _literal(literal), _OPS[sign]
    words = f"{_SIGNS[sign]} {shown(limit)}"
    no = f"≠ {shown(limit)}" if sign == "==" else f"= {shown(limit)}" if sign == "!=" else f"is not {words}"
    only = frozenset({limit}) if sign == "==" else None
    return Shape(field, lambda value: test(value, limit), words, no, (limit,), only=only)


def _inside(field: str, literals: tuple[Literal, ...]) -> Shape:
    among = frozenset(literals)
    listed = f"[{', '.join(map(shown, literals))}]"
    return Shape(field, among.__contains__, f"is in {listed}", f"is not in {listed}", literals, only=among)


def _any_of(field: str, literals: tuple[Literal, ...]) -> Shape:
    words = tuple(map(str, literals))
    listed = f"[{', '.join(words)}]"
    return Shape(field, lambda value: any_of(str(value), words), f"has one of {listed}", f"has none of {listed}", literals)


def _has(field: str, *, wanted: bool) -> Shape:
    return Shape(field, lambda _: wanted, "is there", "is there", (), blank=not wanted)


_patterns: dict[tuple[str, ...], re.Pattern[str]] = {}


def any_of(text: str, words: tuple[str, ...]) -> bool:
    """Say whether the text has one of these words or phrases, as whole words, ignoring case ("CTO" is not in "Director")."""
    pattern = _patterns.get(words)
    if pattern is None:
        parts = [re.escape(word.strip().casefold()) for word in words if word.strip()]
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)" if parts else r"(?!)")
        if len(_patterns) > 10_000:
            _patterns.clear()
        _patterns[words] = pattern
    return pattern.search(text.casefold()) is not None
