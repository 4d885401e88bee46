"""SOQL, as much of it as integrations send: text → a tree, or MALFORMED_QUERY with row and column as Salesforce words it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from connectors.emulator.salesforce.refusals import refused
from connectors.emulator.salesforce.soql_tree import Both, Compare, Condition, In, Not, Order, Select, Value
from connectors.emulator.salesforce.times import read_date, read_time

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^'\\]|\\.)*')|(?P<datetime>\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)(?![\w:]))|(?P<date>\d{4}-\d\d-\d\d(?![\w:-]))"""
    r"""|(?P<number>[+-]?\d+(?:\.\d+)?(?![\w.:-]))|(?P<word>[A-Za-z_][\w.]*)|(?P<op><=|>=|!=|<>|=|<|>|\(|\)|,))""",
    re.DOTALL,
)
_ESCAPES = {
    "n": "\n",
    "N": "\n",
    "r": "\r",
    "R": "\r",
    "t": "\t",
    "T": "\t",
    "b": "\b",
    "B": "\b",
    "f": "\f",
    "F": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "_": "\\_",
    "%": "\\%",
}


def complain(text: str, at: int, code: str, words: str) -> NoReturn:
    """Refuse a query as Salesforce does: the text, a caret, row and column, the words."""
    row, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    shown = text[max(0, at - 20) : at + 40]
    caret = " " * (min(at, 20) + 1)
    raise refused(code, f"\n{shown}\n{caret[:-1]}^\nERROR at Row:{row}:Column:{column}\n{words}", None)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> Select:
    """Read a query; raises Refused with MALFORMED_QUERY."""
    return _Parser(text).select()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(self._scan())
        self.place = 0

    def select(self) -> Select:
        found = self._select()
        if self.here.kind != "end":
            self._unexpected()
        return found

    def _select(self, *, inner: bool = False) -> Select:
        self._word("SELECT")
        count = not inner and self._count()
        fields, children = ((), ()) if count else self._fields(inner=inner)
        self._word("FROM")
        object_ = self._name()[0]
        where = self._any() if self._maybe("WHERE") else None
        order = self._order() if self._maybe("ORDER") else ()
        limit = self._number() if self._maybe("LIMIT") else None
        offset = self._number() if self._maybe("OFFSET") else 0
        return Select(self.text, fields, count, object_, where, order, limit, offset, children)

    @property
    def here(self) -> _Token:
        return self.tokens[self.place]

    def _scan(self) -> list[_Token]:
        tokens, at = [], 0
        while self.text[at:].strip():
            found = _TOKEN.match(self.text, at)
            if found is None or found.lastgroup is None:
                start = at + len(self.text[at:]) - len(self.text[at:].lstrip())
                complain(self.text, start, "MALFORMED_QUERY", f"unexpected token: '{self.text[start]}'")
            tokens.append(_Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup)))
            at = found.end()
        return [*tokens, _Token("end", "<EOF>", len(self.text))]

    def _unexpected(self) -> NoReturn:
        complain(self.text, self.here.at, "MALFORMED_QUERY", f"unexpected token: '{self.here.text}'")

    def _take(self) -> _Token:
        token = self.here
        self.place += 1
        return token

    def _maybe(self, *words: str) -> bool:
        if self.here.kind in ("word", "op") and self.here.text.upper() in words:
            self.place += 1
            return True
        return False

    def _word(self, word: str) -> None:
        if not self._maybe(word):
            self._unexpected()

    def _name(self) -> tuple[str, int]:
        if self.here.kind != "word":
            self._unexpected()
        token = self._take()
        return token.text, token.at

    def _count(self) -> bool:
        if self.here.text.upper() == "COUNT" and self.tokens[self.place + 1].text == "(" and self.tokens[self.place + 2].text == ")":
            self.place += 3
            return True
        return False

    def _fields(self, *, inner: bool) -> tuple[tuple[tuple[str, int], ...], tuple[Select, ...]]:
        """Read the SELECT list: fields, and sub-selects in parentheses, which may not hold further ones here."""
        fields: list[tuple[str, int]] = []
        children: list[Select] = []
        while True:
            if not inner and self._maybe("("):
                children.append(self._select(inner=True))
                self._word(")")
            else:
                fields.append(self._name())
            if not self._maybe(","):
                return tuple(fields), tuple(children)

    def _any(self) -> Condition:
        """Read conditions joined by one word; AND and OR may not be mixed without parentheses, as in real SOQL."""
        parts = [self._one()]
        word = self.here.text.upper()
        if word not in ("AND", "OR"):
            return parts[0]
        while self._maybe(word):
            parts.append(self._one())
        if self.here.text.upper() in ("AND", "OR"):
            self._unexpected()
        return Both("AND" if word == "AND" else "OR", tuple(parts))

    def _one(self) -> Condition:
        if self._maybe("NOT"):
            return Not(self._one())
        if self._maybe("("):
            inner = self._any()
            self._word(")")
            return inner
        name, at = self._name()
        negated = self._maybe("NOT")
        if negated or self.here.text.upper() == "IN":
            self._word("IN")
            return In(name, self._values(), negated, at)
        op = self._take().text.upper()
        if op not in ("=", "!=", "<>", "<", "<=", ">", ">=", "LIKE"):
            self.place -= 1
            self._unexpected()
        return Compare(name, "!=" if op == "<>" else op, self._value(), at)

    def _values(self) -> tuple[Value, ...]:
        self._word("(")
        values = [self._value()]
        while self._maybe(","):
            values.append(self._value())
        self._word(")")
        return tuple(values)

    def _value(self) -> Value:
        token = self._take()
        if token.kind == "string":
            return Value("string", self._unescape(token))
        if token.kind == "number":
            return Value("number", float(token.text))
        if token.kind == "date" and read_date(token.text):
            return Value("date", token.text)
        if token.kind == "datetime" and (stamp := read_time(token.text)):
            return Value("datetime", stamp)
        if token.kind == "word" and token.text.lower() in ("true", "false", "null"):
            return Value("null", None) if token.text.lower() == "null" else Value("boolean", token.text.lower() == "true")
        self.place -= 1
        self._unexpected()

    def _unescape(self, token: _Token) -> str:
        def one(found: re.Match[str]) -> str:
            if found[0][1] == "u":
                return chr(int(found[0][2:], 16))
            if found[0][1] not in _ESCAPES:
                complain(
                    self.text,
                    token.at,
                    "MALFORMED_QUERY",
                    f"Invalid string literal {token.text}. Illegal character sequence '{found[0]}' in string literal {token.text}.",
                )
            return _ESCAPES[found[0][1]]

        return re.sub(r"\\(?:u[0-9A-Fa-f]{4}|.)", one, token.text[1:-1], flags=re.DOTALL)

    def _order(self) -> tuple[Order, ...]:
        self._word("BY")
        terms = [self._term()]
        while self._maybe(","):
            terms.append(self._term())
        return tuple(terms)

    def _term(self) -> Order:
        name, at = self._name()
        descending = self._maybe("DESC")
        if not descending:
            self._maybe("ASC")
        last = False
        if self._maybe("NULLS"):
            last = self._maybe("LAST")
            if not last:
                self._word("FIRST")
        return Order(name, descending, last, at)

    def _number(self) -> int:
        if self.here.kind != "number" or not self.here.text.isdigit():
            self._unexpected()
        return int(self._take().text)
