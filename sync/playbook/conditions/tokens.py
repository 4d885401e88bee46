"""A condition's text as tokens, within bounds, and how its values are called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

MAX_LENGTH = 1_000
MAX_DEPTH = 24
MAX_SIGNS = 100
"""So many signs that join or compare two sides may stand in one line."""
_JOINS = frozenset(("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "?", "&&", "||"))
SCOPES = ("lead", "account", "opportunity")
"""Whose value stands before the dot: the lead's own, its account's, its open opportunity's."""
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>r?'(?:[^'\\\n]|\\.)*'|r?"(?:[^"\\\n]|\\.)*")|(?P<number>\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"""
    r"""|(?P<word>[A-Za-z_]\w*)|(?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]])|(?P<other>.)""",
    re.DOTALL,
)


class Token(NamedTuple):
    """One word of the text: its kind, itself, and its 0-based place."""

    kind: str
    text: str
    at: int

    @property
    def end(self) -> int:
        """The place after it."""
        return self.at + len(self.text)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a line, at which 0-based place of it, and what to write."""

    at: int
    width: int
    text: str
    suggestion: str = ""


class Wrong(ValueError):
    """A condition that cannot be used; carries each mistake with its place in the text."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("; ".join(m.text for m in mistakes))


def named(scope: str, field_: str) -> str:
    """Give the name under which conditions find a value: `country` for lead.country, `account.industry` for account.industry."""
    return field_ if scope == "lead" else f"{scope}.{field_}"


def variable(name: str) -> str:
    """Give the CEL variable of a value: lead_country, account_industry."""
    return name.replace(".", "_") if "." in name else f"lead_{name}"


def spelled(name: str) -> str:
    """Give a value's name as people write it: lead.country, account.industry."""
    return name if "." in name else f"lead.{name}"


READ_BEFORE = 10_000
"""So many lines are kept as they were read: a rule is read when it is compiled, and again when it is compared with the others."""


@lru_cache(maxsize=READ_BEFORE)
def tokens(text: str) -> tuple[Token, ...]:
    """Give the text's tokens; raises Wrong for a text that is too long, too deep, or has what no condition has."""
    if len(text) > MAX_LENGTH:
        said = f"{len(text):,} characters are too many for one condition: {MAX_LENGTH:,} at most"
        raise Wrong([Mistake(0, 1, said, "use several lines")])
    found = [Token(str(m.lastgroup), m.group(), m.start()) for m in _TOKEN.finditer(text) if m.lastgroup != "space"]
    depth = signs = 0
    for token in found:
        signs += token.text in _JOINS
        if signs > MAX_SIGNS:
            raise Wrong([Mistake(token.at, len(token.text), f"more than {MAX_SIGNS} signs in one condition", "use several lines")])
        depth += (token.text in ("(", "[")) - (token.text in (")", "]")) if token.kind == "sign" else 0
        if depth > MAX_DEPTH:
            raise Wrong([Mistake(token.at, 1, f"brackets more than {MAX_DEPTH} deep", "use several lines")])
        if token.kind == "other":
            raise Wrong([_strange(token, text[token.at + 1 : token.at + 2])])
    if not found:
        raise Wrong([Mistake(0, 1, "an empty condition")])
    return tuple(found)


def _strange(token: Token, after: str) -> Mistake:
    if token.text == "=" and after in ("<", ">"):
        return Mistake(token.at, 2, f"={after} is not part of a condition", f"write {after}=")
    if token.text in ("'", '"'):
        return Mistake(token.at, 1, "a quote that does not end", f"write the closing {token.text}")
    better = {"=": "write ==", "&": "write &&", "|": "write ||", "“": 'write "', "”": 'write "', "‘": "write '", "’": "write '"}
    return Mistake(token.at, 1, f"{token.text!r} is not part of a condition", better.get(token.text, ""))
