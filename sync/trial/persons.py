"""Which messages concern one person: all that share a record, an address or a lead, over whatever key they came. Pure.

One world must decide them all; messages of different persons may be decided in different processes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b

from schemas.envelope import TYPES
from sync.trial.glance import Glance, Names
from sync.trial.history import Recorded

NOBODY, COMPANY = -1, -2
"""A line that concerns no person: one that is left out, or one about an account or opportunity, which everybody sees."""
OWN = ("truce.clock.",)
"""What Truce says to itself as time passes: each world has clocks of its own."""


@dataclass(slots=True)
class Persons:
    """Puts the lines of a history together by person, in one look over all of them."""

    known: Names
    by_line: array[int] = field(default_factory=lambda: array("q", [NOBODY]))
    """Line → a number that leads to its person."""
    unusable: list[tuple[int, str]] = field(default_factory=list)
    """(line, why it is left out)."""
    span: tuple[int, int] | None = None
    """The first and the last moment (ms) of what concerns persons."""
    _numbers: dict[str, int] = field(default_factory=dict)
    _parents: array[int] = field(default_factory=lambda: array("q"))
    _ranks: array[int] = field(default_factory=lambda: array("Q"))
    _weights: array[int] = field(default_factory=lambda: array("q"))
    _glance: Glance = field(init=False)

    def __post_init__(self) -> None:
        self._glance = Glance(self.known)

    def take(self, record: Recorded) -> None:
        """Take in one line; lines come in their order, and each once."""
        while len(self.by_line) < record.line:
            self.by_line.append(NOBODY)
        self.by_line.append(self._person(record))

    def leave(self, line: int, why: str) -> None:
        """Note a line that cannot be used."""
        self.unusable.append((line, why))

    def _person(self, record: Recorded) -> int:
        type_ = record.type
        if type_.startswith(OWN):
            return NOBODY
        if type_ not in TYPES:
            self.leave(record.line, f"unknown type {type_[:60]!r}" if type_ else "no type: header ce_type is missing")
            return NOBODY
        seen = self._glance.read(record.value) if record.value else None
        if seen is None:
            self.leave(record.line, "the value is no JSON object")
            return NOBODY
        found = self._glance.names(type_, seen)
        if found is None:
            return COMPANY
        return self._joined(found or [f"line:{record.line}"], record)

    def _joined(self, found: list[str], record: Recorded) -> int:
        first: int | None = None
        self.span = (min(self.span[0], record.at), max(self.span[1], record.at)) if self.span else (record.at, record.at)
        for token in found:
            number = self._numbers.get(token)
            if number is None:
                number = first if first is not None else self._begin(record)
                self._numbers[token] = number
            number = self.root(number)
            first = number if first is None or first == number else self._union(first, number)
        assert first is not None
        self._weights[first] += 1
        return first

    def _begin(self, record: Recorded) -> int:
        """A person seen for the first time has a rank by which samples are drawn: the same in every run."""
        self._parents.append(len(self._parents))
        self._ranks.append(int.from_bytes(blake2b(record.id.encode(), digest_size=8).digest(), "big"))
        self._weights.append(0)
        return len(self._parents) - 1

    def root(self, number: int) -> int:
        """Give the person that a number leads to."""
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    def _union(self, one: int, other: int) -> int:
        """Make two different persons, each the last of their numbers, one."""
        first, second = sorted((one, other))
        self._parents[second] = first
        self._weights[first] += self._weights[second]
        return first

    def of_line(self, line: int) -> int:
        """Give the person whom a line concerns, NOBODY or COMPANY."""
        number = self.by_line[line] if line < len(self.by_line) else NOBODY
        return number if number < 0 else self.root(number)

    def everyone(self) -> list[int]:
        """Give every person, in the order in which samples are drawn."""
        roots = [number for number, parent in enumerate(self._parents) if parent == number]
        return sorted(roots, key=lambda root: (self._ranks[root], root))

    def messages(self, some: Iterable[int]) -> int:
        """Count the messages that concern these persons."""
        return sum(self._weights[person] for person in some)
