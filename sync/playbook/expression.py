"""A condition's text as tokens: which fields and functions it names, what is outside the subset, and the CEL that stands for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.playbook.problems import closest, did_you_mean
from sync.playbook.traps import lost_zero

MAX_LENGTH = 1_000
MAX_DEPTH = 24
MAX_PATTERN = 200
FUNCTIONS = ("any_of", "days_since", "has")
METHODS = ("contains", "endsWith", "matches", "startsWith")
WORDS = ("true", "false", "null", "in", "now")
SCOPES = ("lead", "account", "opportunity")
"""Whose value stands before the dot: the lead's own, its account's, its open opportunity's."""
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>r?'(?:[^'\\\n]|\\.)*'|r?"(?:[^"\\\n]|\\.)*")|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"""
    r"""|(?P<word>[A-Za-z_]\w*)|(?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]])|(?P<other>.)""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text: its kind, itself, and its 0-based place."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a line, at which 0-based place of it, and what to write."""

    at: int
    width: int
    text: str
    suggestion: str = ""


@dataclass(slots=True)
class Scanned:
    """What a text is made of."""

    text: str
    cel: str = ""
    places: list[tuple[int, int]] = field(default_factory=list)
    """(place in the CEL, place in the text), growing: by them CEL's own errors are put at the right column."""
    fields: dict[str, int] = field(default_factory=dict)
    """Each field named, and where first."""
    needed: set[str] = field(default_factory=set)
    """Those whose value is asked for (not only `has`)."""
    asked: set[str] = field(default_factory=set)
    """Those that `has` asks about."""
    timed: bool = False
    mistakes: list[Mistake] = field(default_factory=list)

    def place(self, cel_column: int) -> int:
        """Give the place in the text for a place in the CEL."""
        best = (0, 0)
        for pair in self.places:
            if pair[0] <= cel_column:
                best = pair
        return min(best[1] + (cel_column - best[0]), max(0, len(self.text) - 1))


def named(scope: str, field_: str) -> str:
    """Give the name under which conditions find a value: `country` for lead.country, `account.industry` for account.industry."""
    return field_ if scope == "lead" else f"{scope}.{field_}"


def variable(name: str) -> str:
    """Give the CEL variable of a value: lead_country, account_industry."""
    return name.replace(".", "_") if "." in name else f"lead_{name}"


def spelled(name: str) -> str:
    """Give a value's name as people write it: lead.country, account.industry."""
    return name if "." in name else f"lead.{name}"


def scan(text: str, known: Mapping[str, str] | None) -> Scanned:
    """Read a line's tokens; `known` maps each field's name to how it is called in suggestions (None: any field is taken)."""
    found = Scanned(text)
    if len(text) > MAX_LENGTH:
        found.mistakes.append(
            Mistake(0, 1, f"{len(text):,} characters are too many for one condition: {MAX_LENGTH:,} at most", "use several lines")
        )
        return found
    tokens = [Token(str(m.lastgroup), m.group(), m.start()) for m in _TOKEN.finditer(text) if m.lastgroup != "space"]
    _bounds(tokens, found)
    if not found.mistakes:
        _Reader(tokens, found, known).run()
    return found


def _bounds(tokens: list[Token], found: Scanned) -> None:
    depth = 0
    for token in tokens:
        depth += (token.text in ("(", "[")) - (token.text in (")", "]")) if token.kind == "sign" else 0
        if depth > MAX_DEPTH:
            found.mistakes.append(Mistake(token.at, 1, f"brackets more than {MAX_DEPTH} deep", "use several lines"))
            return
        if token.kind == "other":
            found.mistakes.append(_strange(token, found.text[token.at + 1 : token.at + 2]))
            return


def _strange(token: Token, after: str) -> Mistake:
    if token.text == "=" and after in ("<", ">"):
        return Mistake(token.at, 2, f"={after} is not part of a condition", f"write {after}=")
    if token.text in ("'", '"'):
        return Mistake(token.at, 1, "a quote that does not end", f"write the closing {token.text}")
    better = {"=": "write ==", "&": "write &&", "|": "write ||", "“": 'write "', "”": 'write "', "‘": "write '", "’": "write '"}
    return Mistake(token.at, 1, f"{token.text!r} is not part of a condition", better.get(token.text, ""))


class _Reader:
    """Goes through the tokens once and writes the CEL."""

    def __init__(self, tokens: list[Token], found: Scanned, known: Mapping[str, str] | None) -> None:
        self.tokens, self.found, self.known = tokens, found, known
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
            if token.text not in WORDS[:4]:
                self._unknown_word(token)
            self.index += 1
            self._write(token.text, token.at)

    def _unknown_word(self, token: Token) -> None:
        names = self.known or {}
        better = {
            "and": "write &&",
            "or": "write ||",
            "not": "write !",
            "AND": "write &&",
            "OR": "write ||",
            "NOT": "write !",
            "is": "write ==",
        }
        hint = better.get(token.text) or (f"write lead.{token.text}" if token.text in names else f"a text stands in quotes: '{token.text}'")
        self._mistake(token, f"unknown word {token.text}", hint)

    def _method(self, token: Token) -> None:
        if token.text not in METHODS:
            self._mistake(token, f"unknown function {token.text}", did_you_mean(token.text, METHODS))
        elif token.text == "matches" and len(self._peek(2)) > MAX_PATTERN:
            self._mistake(token, f"a pattern of more than {MAX_PATTERN} characters")
        elif token.text == "matches" and not self._peek(2).lstrip("r").startswith(("'", '"')):
            self._mistake(token, "a pattern must be written out, in quotes")
        self.index += 1
        self._write(token.text, token.at)

    def _function(self, token: Token) -> None:
        if token.text not in FUNCTIONS:
            self._mistake(token, f"unknown function {token.text}", did_you_mean(token.text, FUNCTIONS + METHODS))
            self.index += 1
            self._write(token.text, token.at)
        elif token.text == "has":
            self._has(token)
        elif token.text == "days_since":
            self.found.timed = True
            self.index += 2
            self._write("days_since(now,", token.at)
        else:
            self.index += 1
            self._write(token.text, token.at)

    def _has(self, token: Token) -> None:
        if self._peek(2) not in SCOPES or self._peek(3) != "." or self._peek(5) != ")":
            self._mistake(token, "has() takes one field", "write has(lead.phone)")
            self.index += 1
            return
        name = self._known(self._peek(2), self.tokens[self.index + 4])
        self.found.asked.add(name)
        self.index += 6
        self._write(f"has_{variable(name)}", token.at)

    def _field(self, token: Token) -> None:
        if self.index + 2 >= len(self.tokens) or self.tokens[self.index + 2].kind != "word":
            self._mistake(token, f"a field's name must follow {token.text}.", width=len(token.text) + 1)
            self.index += 2
            return
        word = self.tokens[self.index + 2]
        name = named(token.text, word.text)
        if self._peek(3) == "(":
            self._mistake(word, f"unknown function {word.text}", did_you_mean(word.text, FUNCTIONS + METHODS))
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
            self._mistake(word, f"unknown field {spelled(name)}", self._meant(scope, word.text, self.known))
        return name

    @staticmethod
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
