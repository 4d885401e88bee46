"""How a condition's outcome is told: the values it saw, what was empty, which row or touch made the difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sync.playbook.conditions.facts import DAY_MS, Facts, touch
from sync.playbook.conditions.line import Outcome
from sync.playbook.conditions.program import Builder, Step
from sync.playbook.conditions.shapes import Shape, shown
from sync.playbook.conditions.syntax import Node
from sync.playbook.models import Values
from sync.playbook.models.values import milliseconds, plain, raw

Tell = Callable[[Values, Outcome], str]


@dataclass(frozen=True, slots=True)
class Telling:
    """Tells outcomes, with the fields' kinds and the playbook's tables."""

    kinds: Mapping[str, str]
    facts: Facts
    builder: Builder

    def shape(self, shape: Shape) -> Tell:
        """Give the telling of a common shape: `country NO is in [DE, FR, NO]`."""
        name, kind = shape.field, self.kinds[shape.field]

        def tell(values: Values, outcome: Outcome) -> str:
            found = raw(values, name)
            value = plain(found, kind)
            if value is not None:
                # `has` tells that a value is there, not which: it may be a phone number
                seen = name if shape.blank is not None else f"{name} {shown(value)}"
                return f"{seen} {shape.yes if outcome else shape.no}"
            if found is not None and found != "":
                return f"{name}: not a {kind}"
            return f"{name}: field empty" if shape.blank is None else f"{name} is empty"

        return tell

    def line(self, node: Node) -> Tell:
        """Give the telling of any other line: each value that it names, then what tables and touches said."""
        names = sorted({str(one.value) for one in node.walk() if one.kind in ("field", "has")})
        needed = {str(one.value) for one in node.walk() if one.kind == "field"}
        asked = [found for one in node.walk() if one.kind == "call" and (found := self._fact(one)) is not None]

        def tell(values: Values, outcome: Outcome) -> str:
            plains = {name: plain(raw(values, name), self.kinds[name]) for name in names}
            seen = [f"{name} {shown(value)}" for name, value in plains.items() if value is not None]
            empty = [name for name, value in plains.items() if value is None]
            told = [said for fact in asked if (said := fact(values))]
            if outcome is not None:
                return ", ".join([*seen, *told, *(f"{name} empty" for name in empty)]) or ("always" if outcome else "never")
            missing = [name for name in empty if name in needed]
            if missing:
                return f"{', '.join(missing)}: field empty"
            return f"{', '.join([*seen, *told])}: cannot be computed".removeprefix(": ")

        return tell

    def _fact(self, node: Node) -> Callable[[Values], str] | None:
        """Give the telling of one call of `touched`, `territory` or `in_table`."""
        arguments = [part.value for part in node.parts]
        if node.value == "touched":
            return lambda values: touched(values, str(arguments[0]), float(arguments[1]))
        if node.value == "territory":
            return lambda values: self._territory(values, str(arguments[0]))
        if node.value == "in_table":
            text, table = self.builder.build(node.parts[0]), str(arguments[1])
            column = str(arguments[2]) if len(arguments) > 2 else None
            return lambda values: self._row(values, text, table, column)
        return None

    def _territory(self, values: Values, wanted: str) -> str:
        row = self.facts.territory(values)
        if row is None:
            return f"{', '.join(sorted(self.facts.names('territory'))) or 'territories'}: field empty"
        if not row:
            return "in no territory"
        name = row.values.get("territory")
        return f"in territory {name} ({row.where})" + ("" if name == wanted else f", not {wanted}")

    def _row(self, values: Values, text: Step, table: str, column: str | None) -> str:
        value = text(values)
        row = None if value is None else self.facts.row(table, column, value, values)
        return "" if row is None else f"in {table} ({row.where})" if row else f"not in {table}"


def touched(values: Values, word: str, days: float) -> str:
    """Tell the last touch that `touched` means: `form "Pricing" 2 days ago`."""
    act, now = touch(values, word, days), milliseconds(values.get("now"))
    if act is None or now is None:
        return "touches: not known"
    if not act:
        return f'nothing with "{word}" in {days:g} day{"s" * (days != 1)}'
    ago = int((now - act[2]) // DAY_MS)
    when = "today" if ago < 1 else "1 day ago" if ago == 1 else f"{ago} days ago"
    return f'{act[0]} "{shown(act[1])}" {when}'
