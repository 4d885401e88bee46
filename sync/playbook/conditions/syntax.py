"""A condition as a tree, read from the tokens of a line that CEL has taken: what `holds` is made of, and `truce eval` shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sync.playbook.conditions.tokens import SCOPES, Mistake, Token, Wrong, named

Kind = Literal["literal", "field", "has", "list", "not", "minus", "and", "or", "compare", "in", "sum", "choice", "call", "method"]
Plain = str | float | bool
_RELATIONS = ("==", "!=", "<", "<=", ">", ">=", "in")


@dataclass(frozen=True, slots=True)
class Node:
    """One part of a condition: what it is, its sign, name or value, its parts, and where it stands in the text."""

    kind: Kind
    value: Plain
    parts: tuple[Node, ...]
    start: int
    end: int

    def walk(self) -> Iterator[Node]:
        """Give this part and all inside it."""
        yield self
        for part in self.parts:
            yield from part.walk()


def parse(tokens: Sequence[Token], decode: Callable[[str], str]) -> Node:
    """Read the tokens of a line that CEL takes, by CEL's grammar; `decode` gives the text of a quoted word that has escapes."""
    return _Parser(tokens, decode).choice()


class _Parser:
    """Recursive descent; depth is bounded by the tokens' own bound, and chains of one sign are loops."""

    def __init__(self, tokens: Sequence[Token], decode: Callable[[str], str]) -> None:
        self.tokens, self.decode, self.index = tokens, decode, 0

    def _next(self) -> str:
        return self.tokens[self.index].text if self.index < len(self.tokens) else ""

    def _take(self) -> Token:
        self.index += 1
        return self.tokens[self.index - 1]

    def choice(self) -> Node:
        test = self._chain("||", "or", lambda: self._chain("&&", "and", self._relation))
        if self._next() != "?":
            return test
        self._take()
        yes = self._chain("||", "or", lambda: self._chain("&&", "and", self._relation))
        self._take()
        no = self.choice()
        return Node("choice", "?", (test, yes, no), test.start, no.end)

    def _chain(self, sign: str, kind: Literal["and", "or"], inner: Callable[[], Node]) -> Node:
        parts = [inner()]
        while self._next() == sign:
            self._take()
            parts.append(inner())
        return parts[0] if len(parts) == 1 else Node(kind, sign, tuple(parts), parts[0].start, parts[-1].end)

    def _relation(self) -> Node:
        left = self._sum()
        while self._next() in _RELATIONS:
            sign = self._take().text
            right = self._sum()
            left = Node("in" if sign == "in" else "compare", sign, (left, right), left.start, right.end)
        return left

    def _sum(self) -> Node:
        return self._binary(("+", "-"), lambda: self._binary(("*", "/", "%"), self._unary))

    def _binary(self, signs: tuple[str, ...], inner: Callable[[], Node]) -> Node:
        left = inner()
        while self._next() in signs:
            sign = self._take().text
            right = inner()
            left = Node("sum", sign, (left, right), left.start, right.end)
        return left

    def _unary(self) -> Node:
        """Read signs before a member; as CEL has it, two of one kind undo each other."""
        sign = self._next()
        if sign not in ("!", "-"):
            return self._member()
        first, count = self._take(), 1
        while self._next() == sign:
            self._take()
            count += 1
        node = self._unary() if self._next() in ("!", "-") else self._member()
        if count % 2 == 0:
            return node
        return Node("not" if sign == "!" else "minus", sign, (node,), first.at, node.end)

    def _member(self) -> Node:
        node = self._primary()
        while self._next() == ".":
            self._take()
            name = self._take()
            parts, end = self._arguments(")")
            node = Node("method", name.text, (node, *parts), node.start, end)
        return node

    def _arguments(self, close: str) -> tuple[list[Node], int]:
        """Read `(a, b)` or `[a, b]` up to its end."""
        self._take()
        parts: list[Node] = []
        while self._next() != close:
            parts.append(self.choice())
            if self._next() == ",":
                self._take()
        return parts, self._take().end

    def _primary(self) -> Node:
        token = self.tokens[self.index]
        if token.text == "[":
            parts, end = self._arguments("]")
            return Node("list", "[", tuple(parts), token.at, end)
        self._take()
        if token.text == "(":
            inner = self.choice()
            end = self._take().end
            return Node(inner.kind, inner.value, inner.parts, token.at, end)
        if token.kind == "word":
            return self._word(token)
        value: Plain = float(token.text) if token.kind == "number" else self._quoted(token)
        return Node("literal", value, (), token.at, token.end)

    def _word(self, token: Token) -> Node:
        if token.text in ("true", "false"):
            return Node("literal", token.text == "true", (), token.at, token.end)
        if token.text in SCOPES and self._next() == ".":
            self._take()
            name = self._take()
            return Node("field", named(token.text, name.text), (), token.at, name.end)
        parts, end = self._arguments(")")
        if token.text == "has":
            return Node("has", parts[0].value, (), token.at, end)
        return Node("call", token.text, tuple(parts), token.at, end)

    def _quoted(self, token: Token) -> str:
        text = token.text
        if text.startswith("r"):
            return text[2:-1]
        try:
            return self.decode(text) if "\\" in text else text[1:-1]
        except ValueError:
            # CEL never saw it: territory('x') and touched('x', 7) are facts of their own there
            raise Wrong([Mistake(token.at, len(text), "an escape that is none", "write \\\\ for a backslash")]) from None
