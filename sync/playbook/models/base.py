"""What all parts of a playbook are made of: places, conditions, verdicts. Times are ms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from schemas.base import Scalar

Act = tuple[str, str, int]
"""One touch as conditions see it: kind, name, time."""
Value = Scalar | tuple[Act, ...]
Values = Mapping[str, Value]
"""What conditions look at: shared fields by name (canonical), `account.<field>`, `opportunity.<field>`, scores, times, and `touches`."""


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the playbook, printed as file:line."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Where("", 0)
"""The place of what no file says."""


class Verdict(NamedTuple):
    """How one condition line went, with the values it saw, ready to be shown: `country NO is in [DE, FR, NO]`."""

    matched: bool
    text: str
    where: str
    why: str


class Condition(Protocol):
    """One line of CEL over a lead's values; never raises: an empty field is "not matched: field empty"."""

    text: str
    where: Where
    names: frozenset[str]
    """The values that it looks at: `country`, `account.industry`, `touches` …"""
    timed: bool
    """Its outcome may change by time alone (`days_since`, `touched`, a dated table)."""
    guard: tuple[str, frozenset[Scalar]] | None
    """A value's name and all that it may be for the line to hold, where the line says no more and no less than that."""

    @property
    def holds(self) -> Callable[[Values], bool]:
        """Say whether the line holds for these values, and no more: `judge` without its reasons, for the path that every lead takes."""
        ...

    def judge(self, values: Values) -> Verdict:
        """Say whether the line holds for these values."""
        ...


@dataclass(frozen=True, slots=True)
class When:
    """`all`, `any` and `none` lists; empty matches always."""

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()

    @property
    def lines(self) -> tuple[Condition, ...]:
        """Every line."""
        return (*self.all, *self.any, *self.none)

    @property
    def names(self) -> frozenset[str]:
        """Every value that one of the lines looks at."""
        return frozenset().union(*(c.names for c in self.lines))

    @property
    def timed(self) -> bool:
        """Say whether the outcome may change by time alone."""
        return any(c.timed for c in self.lines)

    @property
    def ask(self) -> Callable[[Values], bool]:
        """Give what says whether it holds, to be asked again and again: of a single line that line's own answer, with nothing around it."""
        return self.all[0].holds if len(self.all) == 1 and not self.any and not self.none else self.holds

    def holds(self, values: Values) -> bool:
        """Say whether it holds, and no more: `judge` without its verdicts, for the path that every lead takes."""
        for condition in self.all:
            if not condition.holds(values):
                return False
        for condition in self.none:
            if condition.holds(values):
                return False
        return not self.any or any(condition.holds(values) for condition in self.any)

    def judge(self, values: Values) -> tuple[bool, tuple[Verdict, ...]]:
        """Say whether it holds, with the verdict of each line that was looked at."""
        if len(self.all) == 1 and not self.none and not self.any:
            only = self.all[0].judge(values)
            return only.matched, (only,)
        verdicts: list[Verdict] = []
        for condition in self.all:
            verdicts.append(condition.judge(values))
            if not verdicts[-1].matched:
                return False, tuple(verdicts)
        for condition in self.none:
            verdicts.append(condition.judge(values))
            if verdicts[-1].matched:
                return False, tuple(verdicts)
        if self.any:
            some = [condition.judge(values) for condition in self.any]
            return any(v.matched for v in some), (*verdicts, *some)
        return True, tuple(verdicts)
