"""What one value may be for a rule to hold: listed values, others left out, bounds, blank or not; and whether one such set lies in another."""

from __future__ import annotations

from dataclasses import dataclass

Plain = str | float | bool
Bound = tuple[Plain, bool]
"""A limit, and whether it is left out itself."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """All that a value may be."""

    blank: bool = False
    only: frozenset[Plain] | None = None
    """None: any value."""
    without: frozenset[Plain] = frozenset()
    low: Bound | None = None
    high: Bound | None = None

    def has(self, value: Plain) -> bool:
        """Say whether the value is one of them."""
        if (self.only is not None and value not in self.only) or value in self.without:
            return False
        if self.low is not None and not _above(value, self.low):
            return False
        return self.high is None or _below(value, self.high)

    def values(self) -> frozenset[Plain] | None:
        """Give the values where they are listed, None where any other may be."""
        return None if self.only is None else frozenset(value for value in self.only if self.has(value))

    def both(self, other: Allowed) -> Allowed:
        """Give what is in both."""
        only = self.only if other.only is None else other.only if self.only is None else self.only & other.only
        low = _tighter(self.low, other.low, lowest=True)
        return Allowed(self.blank and other.blank, only, self.without | other.without, low, _tighter(self.high, other.high, lowest=False))

    @property
    def nothing(self) -> bool:
        """Say whether nothing is in it, as far as can be seen."""
        if self.blank:
            return False
        listed = self.values()
        if listed is not None:
            return not listed
        if self.low is None or self.high is None or type(self.low[0]) is not type(self.high[0]):
            return False
        return not _below(self.low[0], self.high) or (self.low[0] == self.high[0] and self.low[1])

    def within(self, other: Allowed) -> bool:
        """Say whether all of it is in the other; False where that cannot be seen."""
        if self.blank and not other.blank:
            return False
        listed = self.values()
        if listed is not None:
            return all(other.has(value) for value in listed)
        if other.only is not None or any(self.has(value) for value in other.without):
            return False
        if other.low is not None and not (self.low and _tightest(self.low, other.low, lowest=True)):
            return False
        return other.high is None or bool(self.high and _tightest(self.high, other.high, lowest=False))

    def without_it(self) -> Allowed | None:
        """Give everything else, blank too; None where that is no such set."""
        bounds = (self.low is not None) + (self.high is not None)
        if self.only is not None:
            return Allowed(not self.blank, None, self.values() or frozenset())
        if self.without and not bounds:
            return Allowed(not self.blank, self.without)
        if self.without or bounds > 1:
            return None
        if self.low is not None:
            return Allowed(not self.blank, high=(self.low[0], not self.low[1]))
        if self.high is not None:
            return Allowed(not self.blank, low=(self.high[0], not self.high[1]))
        return Allowed(not self.blank, frozenset())


def _above(value: Plain, low: Bound) -> bool:
    limit, out = low
    if isinstance(value, str) and isinstance(limit, str):
        return value > limit or (value == limit and not out)
    if isinstance(value, str) or isinstance(limit, str):
        return False
    return value > limit or (value == limit and not out)


def _below(value: Plain, high: Bound) -> bool:
    limit, out = high
    if isinstance(value, str) and isinstance(limit, str):
        return value < limit or (value == limit and not out)
    if isinstance(value, str) or isinstance(limit, str):
        return False
    return value < limit or (value == limit and not out)


def _tightest(one: Bound, other: Bound, *, lowest: bool) -> bool:
    """Say whether the first bound lets in no more than the second."""
    if one[0] == other[0]:
        return one[1] or not other[1]
    return _above(one[0], (other[0], True)) if lowest else _below(one[0], (other[0], True))


def _tighter(one: Bound | None, other: Bound | None, *, lowest: bool) -> Bound | None:
    if one is None or other is None:
        return one or other
    return one if _tightest(one, other, lowest=lowest) else other
