"""What CEL's types cannot say of a line: values that no field shows, tables and territories that are not there, patterns that cost too much."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sync.playbook.conditions import library, texts
from sync.playbook.conditions.facts import Facts
from sync.playbook.conditions.syntax import Node
from sync.playbook.conditions.tokens import Mistake, spelled
from sync.playbook.functions import CALLED
from sync.playbook.problems import did_you_mean


@dataclass(frozen=True, slots=True)
class Checking:
    """Looks through a line's tree, with each field's kind, the values of picklists, and the tables."""

    kinds: Mapping[str, str]
    values: Mapping[str, tuple[str, ...]]
    facts: Facts

    def run(self, text: str, node: Node) -> list[Mistake]:
        """Give every mistake, in the order of the text."""
        found = [mistake for one in node.walk() for mistake in self._one(text, one)]
        return sorted(found, key=lambda mistake: mistake.at)

    def _one(self, text: str, node: Node) -> Iterator[Mistake]:
        if node.kind == "in" or (node.kind == "compare" and node.value in ("==", "!=")):
            yield from self._compared(node)
        elif node.kind == "method" and node.value == "matches":
            yield from _pattern(text, node)
        elif node.kind == "call":
            match node.value:
                case "any_of":
                    yield from _words(node)
                case "in_table":
                    yield from self._table(node)
                case "territory":
                    yield from self._territory(node.parts[0])
                case "touched":
                    yield from _touched(node)

    def _compared(self, node: Node) -> Iterator[Mistake]:
        """Find a picklist's value that does not exist, and a country that no lead can have."""
        fields = [part for part in node.parts if part.kind == "field"]
        literals = [one for part in node.parts for one in (part.parts if part.kind == "list" else (part,)) if one.kind == "literal"]
        if len(fields) != 1:
            return
        name = str(fields[0].value)
        known, country = self.values.get(name), self.kinds[name] == "country"
        for one in literals:
            value = str(one.value)
            at, width = one.start + 1, max(1, len(value))
            if known and value not in known:
                yield Mistake(at, width, f"{value} is no value of {spelled(name)}", did_you_mean(value, known))
            elif country and not re.fullmatch("[A-Z]{2}", value):
                # Truce keeps two capital letters, however a system spells it
                better = f"write '{value.upper()}'" if len(value) == 2 else "write its two letters, as 'DE'"
                yield Mistake(at, width, f"{value} is never what {spelled(name)} shows", better)

    def _table(self, node: Node) -> Iterator[Mistake]:
        for part in node.parts[1:]:
            if part.kind != "literal":
                yield _at(part, "tables and columns must be written out, in quotes", f"write {CALLED['in_table'].example}")
                return
        if self.facts.tables is None:
            return
        name = str(node.parts[1].value)
        table = self.facts.tables.get(name)
        if table is None:
            there = did_you_mean(name, self.facts.tables) or f"add tables/{name}.csv"
            yield _at(node.parts[1], f"unknown table {name}", there)
        elif len(node.parts) > 2 and str(node.parts[2].value) not in table.names:
            column = str(node.parts[2].value)
            yield _at(node.parts[2], f"unknown column {column} of {name}", did_you_mean(column, table.names))

    def _territory(self, part: Node) -> Iterator[Mistake]:
        if self.facts.tables is None:
            return
        name, found = str(part.value), self.facts.territories
        if found is None:
            yield _at(part, "there are no territories", "add tables/territories.csv: country,state,postal_from,postal_to,territory,pool")
        elif name not in found.all:
            yield _at(part, f"unknown territory {name}", did_you_mean(name, found.all))


def _at(part: Node, text: str, suggestion: str = "") -> Mistake:
    """A mistake at a part; at a quoted word the caret stands behind the quote."""
    quoted = part.kind == "literal" and isinstance(part.value, str)
    return Mistake(part.start + quoted, max(1, part.end - part.start - 2 * quoted), text, suggestion)


def _words(node: Node) -> Iterator[Mistake]:
    listed = node.parts[1]
    if listed.kind != "list" or any(part.kind != "literal" for part in listed.parts):
        yield _at(listed, "the words must be written out, in quotes", f"write {CALLED['any_of'].example}")
    elif not listed.parts:
        yield _at(listed, "no word to look for", f"write {CALLED['any_of'].example}")


def _touched(node: Node) -> Iterator[Mistake]:
    word, days = node.parts
    if not str(word.value).strip():
        yield _at(word, "no word to look for", f"write {CALLED['touched'].example}")
    if not 0 < float(days.value) <= 36_500:
        yield _at(days, "days must be more than 0, and at most 100 years", f"write {CALLED['touched'].example}")


def _pattern(text: str, node: Node) -> Iterator[Mistake]:
    written = str(node.parts[1].value)
    at = max(text.find("matches", node.parts[0].end), 0)
    if len(written) > texts.MAX_PATTERN:
        yield Mistake(at, 7, f"a pattern of more than {texts.MAX_PATTERN} characters", "use several lines, or any_of")
    elif texts.places(written) > texts.MAX_PLACES:
        said = f"the pattern repeats too much: it stands for {texts.places(written):,} places, {texts.MAX_PLACES} at most"
        yield Mistake(at, 7, said, "repeat less, or use any_of")
    else:
        try:
            library.pattern(written)
        except ValueError:
            yield Mistake(at, 7, "the pattern is no regular expression (RE2)")
