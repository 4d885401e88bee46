"""Compiles the conditions of one playbook: read, typed by CEL, checked against what the playbook knows, made into functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sync.playbook.conditions import library, quick, shapes
from sync.playbook.conditions.checking import Checking
from sync.playbook.conditions.facts import Facts
from sync.playbook.conditions.line import ByCel, Line, Outcome
from sync.playbook.conditions.meter import Meter
from sync.playbook.conditions.program import Builder
from sync.playbook.conditions.reader import FACTS, Scanned, scan
from sync.playbook.conditions.syntax import Node
from sync.playbook.conditions.telling import Telling
from sync.playbook.conditions.tokens import Mistake, Wrong, spelled, variable
from sync.playbook.models import Values, Where
from sync.playbook.models.values import milliseconds, plain, raw

DERIVED: dict[str, str] = {
    "fit": "number",
    "engagement": "number",
    "score": "number",
    "email_domain": "text",
    "segment": "picklist",
    "cycle": "number",
    "created_at": "time",
    "account.open_opportunities": "number",
    "account.won_opportunities": "number",
}
"""What every lead has beside its shared fields; `email_domain` is taken from `email`, `cycle` counts its hand-offs so far."""


@dataclass(frozen=True, slots=True)
class Read:
    """A line that was read and typed: its tree."""

    scanned: Scanned
    typed: library.Typed
    node: Node


class Conditions:
    """Compiles the conditions of one playbook against its fields; each is compiled once."""

    def __init__(
        self,
        fields: Mapping[str, str] | None,
        called: Mapping[str, str] | None = None,
        values: Mapping[str, tuple[str, ...]] | None = None,
        facts: Facts | None = None,
    ) -> None:
        """Take each shared field's kind (None: unknown, then names are not checked), how suggestions call it, picklists' values, tables."""
        self.open = fields is None
        self.kinds: dict[str, str] = dict(fields or {}) | DERIVED
        names = {name: spelled(name) for name in self.kinds}
        self._known = None if self.open else names | {name: f"{spelled(name)} ({place})" for name, place in (called or {}).items()}
        self.facts = facts or Facts()
        self._library = None if self.open else library.Library(self.kinds, self.facts)
        self.builder = Builder(self.kinds, self.facts, library.pattern)
        self._checking = Checking(self.kinds, {name: some for name, some in (values or {}).items() if some}, self.facts)
        self._telling = Telling(self.kinds, self.facts, self.builder)
        self._read: dict[str, Read] = {}

    def compile(self, text: str, where: Where, *, fast: bool = True) -> Line:
        """Give the compiled line; raises Wrong with every mistake in it. `fast=False` leaves everything to CEL."""
        if self._library is None:
            # without fields.yaml only the words and functions can be checked
            line = Line(text, where, lambda _: None, lambda _values, _outcome: "cannot be computed")
            line.names = frozenset(scan(text, None).fields)
            return line
        read = self.read(text)
        if not read.typed.is_test:
            raise Wrong([Mistake(0, len(text), "this is no condition: it is neither true nor false", "compare it: ==, >=, in […]")])
        return self._line(read, where, fast=fast)

    def read(self, text: str) -> Read:
        """Read a line of any type, `days_since(lead.mql_date)` too, against known fields; raises Wrong with every mistake in it."""
        found = self._read.get(text)
        if found is None:
            assert self._library is not None
            scanned = scan(text, self._known)
            typed = self._library.compile(scanned)
            nothing = next((token for token in scanned.tokens if token.text == "null"), None)
            if nothing is not None:
                raise Wrong([Mistake(nothing.at, 4, "nothing is compared with null", "write has(lead.phone), or !has(lead.phone)")])
            node = library.tree(text)
            mistakes = self._checking.run(text, node)
            if mistakes:
                raise Wrong(mistakes)
            found = self._read[text] = Read(scanned, typed, node)
        return found

    def _line(self, read: Read, where: Where, *, fast: bool) -> Line:
        text, node = read.scanned.text, read.node
        shape, meter = shapes.recognise(node, self.kinds), Meter.of(node)
        step = self.builder.build(node) if fast else self._by_cel(read)
        tell = self._telling.shape(shape) if shape else self._telling.line(node)
        if meter is not None:
            step, tell = meter.bound(step), meter.told(tell)
        line = (Line if fast else ByCel)(text, where, step, tell)
        line.names = self._names(read)
        line.timed = any(self._timed(one) for one in node.walk() if one.kind == "call")
        line.guard = shapes.guard(node, self.kinds)
        holds = quick.holds(shape, self.kinds[shape.field]) if fast and shape else None
        if holds is not None:
            line.holds = holds
        return line

    def _names(self, read: Read) -> frozenset[str]:
        return frozenset(read.scanned.fields).union(*(self.facts.names(fact[0]) for fact in read.scanned.facts))

    def _timed(self, call: Node) -> bool:
        return self.facts.timed(str(call.value), str(call.parts[1].value) if call.value == "in_table" else "")

    def _by_cel(self, read: Read) -> Callable[[Values], Outcome]:
        """Give what the library makes of a line: each value under its variable, each fact as it is."""
        kinds = {name: self.kinds[name] for name in read.scanned.fields}
        facts = [self.builder.build(one) for one in read.node.walk() if one.value in FACTS and one.kind == "call"]

        def step(values: Values) -> Outcome:
            plains = {name: plain(raw(values, name), kind) for name, kind in kinds.items()}
            data: dict[str, object] = {f"has_{variable(name)}": value is not None for name, value in plains.items()}
            data |= {variable(name): value for name, value in plains.items() if value is not None}
            data |= {f"fact_{n}": found for n, fact in enumerate(facts) if (found := fact(values)) is not None}
            now = milliseconds(values.get("now"))
            data |= {"at": -1.0} if now is None else {"at": now, "now": now}
            return read.typed.evaluate(data)

        return step
