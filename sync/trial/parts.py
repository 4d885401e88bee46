"""A condition taken apart: what each part of it comes to for one lead's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from sync.playbook.conditions import Conditions, Facts
from sync.playbook.models import Condition, Playbook, SharedField, Values, When

SILENT = ("literal", "list")
"""Parts that say nothing but what is written."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part: how deep it stands, its text, and its value (None: it cannot be told, because a field is empty)."""

    depth: int
    text: str
    value: Any

    @property
    def shown(self) -> str:
        """Give the value as people read it."""
        if self.value is None:
            return "field empty"
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return f"{self.value:g}" if isinstance(self.value, float) else str(self.value)


def conditions_of(playbook: Playbook) -> Conditions:
    """Give what compiles a line against a playbook that is loaded already."""
    groups = (("", playbook.fields), ("account.", playbook.account_fields), ("opportunity.", playbook.opportunity_fields))
    every = {head + name: shared for head, fields in groups for name, shared in fields.items()}
    called = {name: f"{shared.where}, {shared.kind}" for name, shared in every.items()}
    values = {name: values_of(shared) for name, shared in every.items() if shared.kind == "picklist"}
    facts = Facts(playbook.tables, playbook.territories, playbook.timezone)
    return Conditions({name: shared.kind for name, shared in every.items()}, called, values, facts)


def values_of(shared: SharedField) -> tuple[str, ...]:
    """Give a picklist's values, in their order."""
    return shared.order or tuple(dict.fromkeys(value for spelled in shared.systems.values() for value in spelled.to_vendor))


def parts(conditions: Conditions, text: str, values: Values) -> list[Part]:
    """Give every part of a line with its value, the whole first; raises Wrong with every mistake in the line."""
    read = conditions.read(text)

    def walk(node: Any, depth: int) -> Iterator[Part]:
        yield Part(depth, text[node.start : node.end].strip(), conditions.builder.build(node)(values))
        for part in node.parts:
            if part.kind not in SILENT:
                yield from walk(part, depth + 1)

    return list(walk(read.node, 0))


def lines(part: object) -> Iterator[Condition]:
    """Give every condition in a part of a playbook."""
    if isinstance(part, When):
        yield from part.lines
    elif is_dataclass(part) and not isinstance(part, type):
        for one in fields(part):
            yield from lines(getattr(part, one.name))
    elif isinstance(part, Mapping):
        yield from (line for inner in part.values() for line in lines(inner))
    elif isinstance(part, tuple):
        yield from (line for inner in part for line in lines(inner))
