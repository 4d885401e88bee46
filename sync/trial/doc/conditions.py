"""Conditions in words where they are simple: `lead.country in ['DE', 'AT']` is "country is DE or AT"; any other line as it is written."""

from __future__ import annotations

from collections.abc import Callable

from sync.playbook.conditions import Wrong
from sync.playbook.conditions.shapes import shown
from sync.playbook.conditions.syntax import Node
from sync.playbook.models import Condition, Playbook, When
from sync.playbook.models.goals import number
from sync.trial.doc.tree import Block, Code, Item, Words, joined, listing, words
from sync.trial.doc.wording import count, several, value_name
from sync.trial.parts import conditions_of

_SIGNS = {"==": "is {}", "!=": "is not {}", ">=": "is {} or more", "<=": "is {} or less", ">": "is more than {}", "<": "is less than {}"}
_OPPOSITE = {"==": "!=", "!=": "==", ">=": "<", "<": ">=", "<=": ">", ">": "<="}
_AGO = {">=": "at least {} ago", "<=": "at most {} ago", ">": "more than {} ago", "<": "less than {} ago"}
_METHODS = {"contains": "contains", "startsWith": "begins with", "endsWith": "ends with", "matches": "matches the pattern"}
_NOT = {
    "contains": "does not contain",
    "startsWith": "does not begin with",
    "endsWith": "does not end with",
    "matches": "does not match the pattern",
}
_ACTS = {
    "form": ("filled in a form", "filled in no form"),
    "visit": ("visited the site", "did not visit the site"),
    "click": ("clicked", "did not click"),
    "open": ("opened an e-mail", "opened no e-mail"),
    "meeting": ("met us", "did not meet us"),
    "campaign": ("answered a campaign", "answered no campaign"),
}
"""Kinds of act, as something that a person did and did not do."""


class Unsaid(Exception):
    """A part that has no simple words."""


class Speaker:
    """Says the conditions of one playbook."""

    def __init__(self, playbook: Playbook) -> None:
        """Take the playbook by whose fields lines are read."""
        self._conditions = conditions_of(playbook)

    def line(self, condition: Condition) -> Words:
        """Give one line in words, else its text."""
        try:
            return _said(self._conditions.read(condition.text).node, wanted=True)
        except (Unsaid, Wrong):
            return (Code(condition.text),)

    def when(self, when: When) -> tuple[Words, tuple[Block, ...]]:
        """Give the head of a condition, and the list under it where it has several lines."""
        lists = [("all of these hold", when.all), ("one of these holds", when.any), ("none of these holds", when.none)]
        used = [(head, lines) for head, lines in lists if lines]
        if not used:
            return ("always",), ()
        if len(used) == 1 and len(used[0][1]) == 1 and not when.none:
            return self.line(used[0][1][0]), ()
        items = [Item((f"{head}:",), listing(*map(self.line, lines))) for head, lines in used]
        return (items[0].words, items[0].blocks) if len(items) == 1 else (("all that follows:",), listing(*items))

    def item(self, head: str, when: When) -> Item:
        """Give an entry: a head that ends with "when" or "until", and the condition; one that asks nothing holds always."""
        if not when.lines:
            start = head[: -len("when")].rstrip()
            return Item((f"{start}, always." if start else "Always.",))
        said, under = self.when(when)
        return Item(words(f"{head} ", said), under)


def _said(node: Node, *, wanted: bool) -> Words:
    """Say that a part holds, or that it does not."""
    say = _KINDS.get(node.kind)
    if say is None:
        raise Unsaid
    return say(node, wanted)


def _chain(node: Node, wanted: bool) -> Words:
    """Join sides; what is joined the other way inside stands in brackets. Not (a and b) is not a or not b."""
    together = (node.kind == "and") == wanted
    sides = [(one, _said(one, wanted=wanted)) for one in node.parts]
    bracketed = [words("(", text, ")") if one.kind in ("and", "or") else text for one, text in sides]
    return joined(bracketed, " and " if together else " or ")


def _compare(node: Node, wanted: bool) -> Words:
    left, right = node.parts
    sign = str(node.value) if wanted else _OPPOSITE[str(node.value)]
    if left.kind == "call" and left.value == "days_since" and right.kind == "literal" and sign in _AGO:
        days = right.value
        if not isinstance(days, float):
            raise Unsaid
        return (f"{_name(left.parts[0])} is {_AGO[sign].format(count(days, 'day'))}",)
    return (f"{_name(left)} {_SIGNS[sign].format(_literal(right))}",)


def _inside(node: Node, wanted: bool) -> Words:
    left, right = node.parts
    if right.kind != "list" or not right.parts:
        raise Unsaid
    values = [_literal(one) for one in right.parts]
    if wanted:
        return (f"{_name(left)} is {several(values, 'or')}",)
    return (f"{_name(left)} is none of {several(values)}" if len(values) > 1 else f"{_name(left)} is not {values[0]}",)


def _call(node: Node, wanted: bool) -> Words:
    say = _CALLS.get(str(node.value))
    if say is None:
        raise Unsaid
    return say(node.parts, wanted)


def _any_of(parts: tuple[Node, ...], wanted: bool) -> Words:
    if parts[1].kind != "list" or not parts[1].parts:
        raise Unsaid
    found = [_literal(one) for one in parts[1].parts]
    if len(found) == 1:
        return (f"{_name(parts[0])} {'has' if wanted else 'has not'} the word {found[0]}",)
    return (f"{_name(parts[0])} has {'one' if wanted else 'none'} of the words {several(found, 'or')}",)


def _in_table(parts: tuple[Node, ...], wanted: bool) -> Words:
    column = f" (by its column {_literal(parts[2])})" if len(parts) > 2 else ""
    return (f"{_name(parts[0])} is {'' if wanted else 'not '}in the table {_literal(parts[1])}{column}",)


def _territory(parts: tuple[Node, ...], wanted: bool) -> Words:
    return (f"it is {'' if wanted else 'not '}in the territory {_literal(parts[0])}",)


def _touched(parts: tuple[Node, ...], wanted: bool) -> Words:
    days = parts[1].value
    if not isinstance(days, float):
        raise Unsaid
    word = _literal(parts[0])
    if word in _ACTS:
        yes, no = _ACTS[word]
        return (f"the person {yes if wanted else no} within {count(days, 'day')}",)
    did = "did something" if wanted else "did nothing"
    return (f"the person {did} named “{_literal(parts[0])}” within {count(days, 'day')}",)


def _method(node: Node, wanted: bool) -> Words:
    name, said = str(node.value), _METHODS if wanted else _NOT
    if name not in said or len(node.parts) != 2:
        raise Unsaid
    text = _literal(node.parts[1])
    return words(f"{_name(node.parts[0])} {said[name]} ", Code(text) if name == "matches" else f"“{text}”")


def _not(node: Node, wanted: bool) -> Words:
    return _said(node.parts[0], wanted=not wanted)


def _has(node: Node, wanted: bool) -> Words:
    return (f"{value_name(str(node.value))} is {'filled in' if wanted else 'empty'}",)


def _flag(node: Node, wanted: bool) -> Words:
    return (f"{_name(node)} is {'yes' if wanted else 'no'}",)


def _name(node: Node) -> str:
    if node.kind != "field":
        raise Unsaid
    return value_name(str(node.value))


def _literal(node: Node) -> str:
    if node.kind == "minus" and node.parts[0].kind == "literal" and isinstance(node.parts[0].value, float):
        return f"−{number(node.parts[0].value)}"
    if node.kind != "literal":
        raise Unsaid
    if isinstance(node.value, bool):
        return "yes" if node.value else "no"
    if isinstance(node.value, float):
        # what two decimals cannot show is shown as it is
        return number(node.value) if round(node.value, 2) == node.value else shown(node.value)
    return node.value


_CALLS: dict[str, Callable[[tuple[Node, ...], bool], Words]] = {
    "any_of": _any_of,
    "in_table": _in_table,
    "territory": _territory,
    "touched": _touched,
}
_KINDS: dict[str, Callable[[Node, bool], Words]] = {
    "and": _chain,
    "or": _chain,
    "compare": _compare,
    "in": _inside,
    "call": _call,
    "method": _method,
    "not": _not,
    "has": _has,
    "field": _flag,
}
