"""One condition, ready to be asked: whether it holds, and the verdict with what it saw."""

from __future__ import annotations

from collections.abc import Callable

from schemas.base import Scalar
from sync.playbook.models import Values, Verdict, Where

Outcome = bool | None
"""None: it cannot be told, because a field is empty."""


class Line:
    """A condition of the playbook; nothing in it raises, whatever the values."""

    __slots__ = ("_at", "_tell", "guard", "holds", "names", "step", "text", "timed", "where")

    def __init__(self, text: str, where: Where, step: Callable[[Values], Outcome], tell: Callable[[Values, Outcome], str]) -> None:
        """Take what it comes to, and how that is told."""
        self.text, self.where, self.step, self._tell, self._at = text, where, step, tell, str(where)
        self.names: frozenset[str] = frozenset()
        self.timed = False
        self.guard: tuple[str, frozenset[Scalar]] | None = None
        self.holds: Callable[[Values], bool] = lambda values: step(values) is True
        """Say whether it holds, and no more: what is asked for every lead."""

    def judge(self, values: Values) -> Verdict:
        """Say whether the line holds for these values, and what it saw; anything that cannot be told is "not matched"."""
        outcome = self.step(values)
        return Verdict(outcome is True, self.text, self._at, self._tell(values, outcome))


class ByCel(Line):
    """A condition that the CEL library itself judges: what every other is measured by."""

    __slots__ = ()
