"""What looking through texts may cost one condition, counted before anything is looked at: no lead's value can hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sync.playbook.conditions import texts
from sync.playbook.conditions.line import Outcome
from sync.playbook.conditions.syntax import Node
from sync.playbook.models import Values

LONGEST = 65_536
"""The longest text that a field holds."""


def _weights(node: Node, weight: int) -> Iterator[tuple[str, int]]:
    """Give each field that is looked through with the steps that one of its characters costs."""
    if node.kind == "field" and weight:
        yield str(node.value), weight
    for part in node.parts:
        yield from _weights(part, weight + _own(node))


def _own(node: Node) -> int:
    if node.value == "any_of":
        return texts.weight(tuple(str(part.value) for part in node.parts[1].parts))
    if node.value == "matches":
        return texts.places(str(node.parts[1].value))
    return 1 if node.kind in ("method", "sum") or node.value == "in_table" else 0


@dataclass(frozen=True, slots=True)
class Meter:
    """The fields that a line looks through, each with its steps per character."""

    weights: dict[str, int]

    @classmethod
    def of(cls, node: Node) -> Meter | None:
        """Give a line's meter; None when even the longest texts cost too little to count."""
        weights: dict[str, int] = {}
        for name, weight in _weights(node, 0):
            weights[name] = weights.get(name, 0) + weight
        return cls(weights) if sum(weights.values()) * LONGEST > texts.MAX_STEPS else None

    def cost(self, values: Values) -> int:
        """Give the steps that these values would cost."""
        return sum(weight * len(value) for name, weight in self.weights.items() if isinstance(value := values.get(name), str))

    def bound(self, step: Callable[[Values], Outcome]) -> Callable[[Values], Outcome]:
        """Give the step, left undone where it would cost too much."""
        return lambda values: None if self.cost(values) > texts.MAX_STEPS else step(values)

    def told(self, tell: Callable[[Values, Outcome], str]) -> Callable[[Values, Outcome], str]:
        """Give the telling, which says so."""
        return lambda values, outcome: self._stopped(values) or tell(values, outcome)

    def _stopped(self, values: Values) -> str:
        cost = self.cost(values)
        if cost <= texts.MAX_STEPS:
            return ""
        name, size = max(((name, len(str(values.get(name) or ""))) for name in self.weights), key=lambda one: one[1])
        return f"stopped: {name} has {size:,} characters, {cost:,} steps to look through, {texts.MAX_STEPS:,} at most"
