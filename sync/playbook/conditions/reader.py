"""Reads a condition's tokens once: which values and functions it names, what is outside the subset, and the CEL that stands for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.playbook.conditions.tokens import SCOPES, Mistake, Token, Wrong, named, spelled, tokens, variable
from sync.playbook.functions import CALLED, METHODS
from sync.playbook.problems import closest, did_you_mean
from sync.playbook.traps import lost_zero

MAX_CALLS = 24
"""So many functions that look through texts, tables or touches may stand in one line."""
_WORDS = ("true", "false", "null", "in")
_LOOPS = ("all", "exists", "exists_one", "filter", "map")
_BETTER = {"and": "write &&", "or": "write ||", "not": "write !", "is": "write =="}
FACTS = ("territory", "touched")
"""Functions that look at more than their arguments: in CEL each call is a variable of its own."""


@dataclass(slots=True)
class Scanned:
    """What a text is made of."""

    text: str
    tokens: tuple[Token, ...] = ()
    cel: str = ""
    places: list[tuple[int, int]] = field(default_factory=list)
    """(place in the CEL, place in the text), growing: by them CEL's own errors are put at the right column."""
    fields: dict[str, int] = field(default_factory=dict)
    """Each field named, and where first."""
    needed: set[str] = field(default_factory=set)
    """Those whose value is asked for (not only `has`)."""
    asked: set[str] = field(default_factory=set)
    """Those that `has` asks about."""
    facts: list[tuple[str, ...]] = field(default_factory=list)
    """Each call of a function of FACTS, with its arguments as written; the CEL has `fact_0`, `fact_1` … for them."""
    calls: int = 0
    mistakes: list[Mistake] = field(default_factory=list)

    def place(self, cel_column: int) -> int:
        """Give the place in the text for a place in the CEL."""
        best = (0, 0)
        for pair in self.places:
            if pair[0] <= cel_column:
                best = pair
        return min(best[1] + (cel_column - best[0]), max(0, len(self.text) - 1))


def scan(text: str, known: Mapping[str, str] | None) -> Scanned:
    """Read a line; `known` maps each field's name to how it is called in suggestions (None: any field is taken). Raises Wrong."""
    reader = _Reader(Scanned(text, tokens(text)), known)
    reader.run()
    if reader.found.mistakes:
        raise Wrong(reader.found.mistakes)
    return reader.found


class _Reader:
    """Goes through the tokens once and writes the CEL."""

    def __init__(self, found: Scanned, known: Mapping[str, str] | None) -> None:
        self.found, self.tokens, self.known = found, found.tokens, known
        self.index = 0
        self.out: list[str] = []
        self.length = 0

    def run(self) -> None:
        while self.index < len(self.tokens):
            self._one(self.tokens[self.index])
        self.found.cel = "".join(self.out)

    def _peek(self, ahead: int) -> str:
        index = self.index + ahead
        return self.tokens[index].text if index < len(self.tokens) else ""

    def _write(self, text: str, at: int) -> None:
        self.found.places.append((self.length, at))
        self.out.append(text + " ")
        self.length += len(text) + 1

    def _mistake(self, token: Token, text: str, suggestion: str = "", width: int = 0) -> None:
        self.found.mistakes.append(Mistake(token.at, width or len(token.text), text, suggestion))

    def _one(self, token: Token) -> None:
        if token.kind == "word":
            self._word(token)
            return
        self.index += 1
        if token.kind == "number":
            zero = lost_zero(token.text)
            if zero:
                self._mistake(token, zero)
            # every number is a double, so that 500 and 500.0 are the same
            self._write(token.text if re.search(r"[.eE]", token.text) else f"{token.text}.0", token.at)
        else:
            self._write(token.text, token.at)

    def _word(self, token: Token) -> None:
        if self.index and self.tokens[self.index - 1].text == ".":
            self._method(token)
        elif token.text in SCOPES and self._peek(1) == ".":
            self._field(token)
        elif self._peek(1) == "(":
            self._function(token)
        else:
            if token.text not in _WORDS:
                self._unknown_word(token)
            self.index += 1
            self._write(token.text, token.at)

    def _unknown_word(self, token: Token) -> None:
        meant = f"write lead.{token.text}" if token.text in (self.known or {}) else f"a text stands in quotes: '{token.text}'"
        self._mistake(token, f"unknown word {token.text}", _BETTER.get(token.text.lower(), meant))

    def _unknown_function(self, token: Token) -> None:
        self._mistake(token, f"unknown function {token.text}", did_you_mean(token.text, (*CALLED, *METHODS)))

    def _method(self, token: Token) -> None:
        self._count(token)
        if token.text in _LOOPS:
            self._mistake(token, f"{token.text} is a loop, and conditions have none", "write a line for each case, under any: or all:")
        elif token.text not in METHODS:
            self._mistake(token, f"unknown function {token.text}", did_you_mean(token.text, tuple(METHODS)))
        elif token.text == "matches" and not self._peek(2).lstrip("r").startswith(("'", '"')):
            self._mistake(token, "a pattern must be written out, in quotes")
        self.index += 1
        self._write(token.text, token.at)

    def _count(self, token: Token) -> None:
        self.found.calls += 1
        if self.found.calls == MAX_CALLS + 1:
            self._mistake(token, f"more than {MAX_CALLS} functions in one condition", "use several lines, under any: or all:")

    def _function(self, token: Token) -> None:
        if token.text == "has":
            return self._has(token)
        self._count(token)
        if token.text in FACTS:
            return self._fact(token)
        if token.text not in CALLED:
            self._unknown_function(token)
            self.index += 1
            return self._write(token.text, token.at)
        # what time it is stands in CEL as an argument
        timed = token.text in ("days_since", "in_table")
        self.index += 2 if timed else 1
        return self._write(f"{token.text}({'now' if token.text == 'days_since' else 'at'}," if timed else token.text, token.at)

    def _has(self, token: Token) -> None:
        if self._peek(2) not in SCOPES or self._peek(3) != "." or self._peek(5) != ")":
            self._mistake(token, "has() takes one field", "write has(lead.phone)")
            self.index += 1
            return
        name = self._known(self._peek(2), self.tokens[self.index + 4])
        self.found.asked.add(name)
        self.index += 6
        self._write(f"has_{variable(name)}", token.at)

    def _fact(self, token: Token) -> None:
        """Take `territory('NAME')` or `touched('WORD', DAYS)` as a whole: its arguments must be written out."""
        kinds = ("text",) if token.text == "territory" else ("text", "number")
        count = 2 * len(kinds) + 1
        given = self.tokens[self.index + 2 : self.index + 1 + count]
        signs = [one.text for one in self.tokens[self.index + 3 : self.index + 2 + count : 2]]
        if tuple(one.kind for one in given[::2]) != kinds or signs != [*[","] * (len(kinds) - 1), ")"]:
            self._mistake(token, f"{token.text} takes {_TAKES[token.text]}", f"write {CALLED[token.text].example}")
            self.index += 1
            return
        self._write(f"fact_{len(self.found.facts)}", token.at)
        self.found.facts.append((token.text, *(one.text for one in given[::2])))
        self.index += 1 + count

    def _field(self, token: Token) -> None:
        if self.index + 2 >= len(self.tokens) or self.tokens[self.index + 2].kind != "word":
            self._mistake(token, f"a field's name must follow {token.text}.", width=len(token.text) + 1)
            self.index += 2
            return
        word = self.tokens[self.index + 2]
        name = named(token.text, word.text)
        if self._peek(3) == "(":
            self._unknown_function(word)
        else:
            self._known(token.text, word)
            self.found.needed.add(name)
        self.index += 3
        self._write(variable(name), token.at)

    def _known(self, scope: str, word: Token) -> str:
        """Give the name of a field; one that nobody declared is a mistake, with the name that was probably meant."""
        name = named(scope, word.text)
        self.found.fields.setdefault(name, word.at)
        if self.known is not None and name not in self.known:
            self._mistake(word, f"unknown field {spelled(name)}", _meant(scope, word.text, self.known))
        return name


_TAKES = {
    "territory": "the name of a territory, in quotes",
    "touched": "a word in quotes, and a number of days",
}


def _meant(scope: str, word: str, known: Mapping[str, str]) -> str:
    """Suggest a field of the same scope, else the one of that name in another."""
    here = {one.rpartition(".")[2]: called for one, called in known.items() if one == named(scope, one.rpartition(".")[2])}
    near = closest(word, here)
    if near is not None:
        return f"did you mean {here[near]}?"
    other = next((called for one, called in known.items() if one.rpartition(".")[2] == word), None)
    if other is not None:
        return f"did you mean {other}?"
    return did_you_mean(word, here) if here else f"fields.yaml shares no {scope} fields"
