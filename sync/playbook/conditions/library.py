"""The CEL library behind one door: what type a line has, what its mistakes are, and what it comes to. The one module that imports it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel

from sync.playbook.conditions import said, texts
from sync.playbook.conditions.facts import Facts
from sync.playbook.conditions.program import days_between
from sync.playbook.conditions.reader import MAX_CALLS, Scanned
from sync.playbook.conditions.syntax import Node, parse
from sync.playbook.conditions.tokens import READ_BEFORE, Wrong, tokens, variable

_TYPES = {"number": cel.Type.DOUBLE, "flag": cel.Type.BOOL}
_ERRORS = (RuntimeError, ValueError, TypeError, UnicodeError)
Data = Mapping[str, object]


class Typed:
    """One line as CEL took it."""

    __slots__ = ("_expression",)

    def __init__(self, expression: Any) -> None:
        self._expression = expression

    @property
    def is_test(self) -> bool:
        """Say whether it is true or false, and nothing else."""
        return bool(self._expression.return_type() == cel.Type.BOOL)

    def evaluate(self, data: Data) -> bool | None:
        """Say what CEL makes of it; None where that is an error: a value is missing."""
        try:
            outcome = self._expression.eval(data=data).value()
        except _ERRORS:
            return None
        return outcome if isinstance(outcome, bool) else None


class Library:
    """CEL, set up with the fields of one playbook."""

    def __init__(self, kinds: Mapping[str, str], facts: Facts) -> None:
        """Take each field's kind, and what in_table looks into."""
        variables = {variable(name): _TYPES.get(kind, cel.Type.STRING) for name, kind in kinds.items()}
        variables |= {f"has_{variable(name)}": cel.Type.BOOL for name in kinds}
        variables |= {f"fact_{number}": cel.Type.BOOL for number in range(MAX_CALLS)}
        variables |= {"now": cel.Type.DOUBLE, "at": cel.Type.DOUBLE}
        words = cel.Type.List(cel.Type.STRING)
        self._environment = cel.NewEnv(
            variables=variables,
            functions=[
                _function("any_of", cel.Type.BOOL, ([cel.Type.STRING, words], _any_of)),
                _function("days_since", cel.Type.DOUBLE, ([cel.Type.DOUBLE, cel.Type.STRING], _days_since)),
                _function(
                    "in_table",
                    cel.Type.BOOL,
                    ([cel.Type.DOUBLE, cel.Type.STRING, cel.Type.STRING], _in_table(facts)),
                    ([cel.Type.DOUBLE, cel.Type.STRING, cel.Type.STRING, cel.Type.STRING], _in_table(facts)),
                ),
            ],
        )

    def compile(self, scanned: Scanned) -> Typed:
        """Check a line's types; raises Wrong with CEL's errors in our words."""
        try:
            return Typed(self._environment.compile(scanned.cel))
        except _ERRORS as error:
            raise Wrong(said.mistakes(str(error), scanned)) from None


class Open:
    """A line over `body`, of which nobody knows the shape, as CEL took it."""

    __slots__ = ("_expression",)

    def __init__(self, text: str) -> None:
        """Check a line; raises ValueError with CEL's own words and their columns."""
        try:
            self._expression = _open().compile(text)
        except _ERRORS as error:
            raise ValueError(str(error)) from None

    def evaluate(self, body: object) -> tuple[object, str]:
        """Give (what CEL makes of it, ""), or (None, CEL's words) where that is an error."""
        try:
            outcome = self._expression.eval(data={"body": body})
            return (None, str(outcome.value())) if outcome.type() == cel.Type.ERROR else (outcome.value(), "")
        except _ERRORS as error:
            return None, str(error)


@lru_cache(maxsize=1)
def _open() -> Any:
    return cel.NewEnv(variables={"body": cel.Type.DYN}, functions=[])


@lru_cache(maxsize=1)
def _bare() -> Any:
    return cel.NewEnv(variables={"text": cel.Type.STRING}, functions=[])


def decode(quoted: str) -> str:
    """Give the text of a quoted word with escapes, as CEL reads it; raises ValueError for an escape that is none."""
    try:
        return str(_bare().compile(quoted).eval(data={}).value())
    except _ERRORS as error:
        raise ValueError(quoted) from error


@lru_cache(maxsize=READ_BEFORE)
def tree(text: str) -> Node:
    """Give a line that CEL takes as a tree; raises IndexError or Wrong for others."""
    return parse(tokens(text), decode)


@lru_cache(maxsize=4_096)
def pattern(written: str) -> Callable[[str], bool | None]:
    """Give the search for a regular expression in a text; raises ValueError for one that is none."""
    typed = Typed(_bare().compile(f"text.matches({json.dumps(written, ensure_ascii=False)})"))
    if typed.evaluate({"text": ""}) is None:
        raise ValueError(written)
    return lambda text: typed.evaluate({"text": text})


def _any_of(text: Any, words: Any) -> bool:
    return texts.any_of(_text(text), tuple(map(_text, words)))


def _days_since(now: Any, text: Any) -> float:
    found = days_between(now, _text(text))
    if found is None:
        raise ValueError("not a date")
    return found


def _in_table(facts: Facts) -> Callable[..., bool]:
    def inside(at: Any, text: Any, table: Any, column: Any = None) -> bool:
        row = facts.row(_text(table), None if column is None else _text(column), _text(text), {} if at < 0 else {"now": at})
        if row is None:
            raise ValueError("the day is not known")
        return bool(row)

    return inside


def _text(value: Any) -> str:
    return str(value.value() if hasattr(value, "value") else value)


def _function(name: str, gives: Any, *ways: tuple[list[Any], Callable[..., Any]]) -> Any:
    overloads = [cel.Overload(f"{name}_{n}", return_type=gives, parameters=takes, impl=impl) for n, (takes, impl) in enumerate(ways, 1)]
    return cel.FunctionDecl(name, overloads)
