"""What a rule's `when` asks for, as far as it can be compared with another's: values by field, and lines that stand for themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from sync.playbook import forms
from sync.playbook.checks.allowed import Allowed
from sync.playbook.conditions.library import tree
from sync.playbook.conditions.syntax import Node
from sync.playbook.conditions.tokens import tokens

MOST = 20
"""So many alternatives are looked at one by one."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What must be so for a rule to hold: all of it."""

    fields: Mapping[str, Allowed] = field(default_factory=dict)
    lines: frozenset[str] = frozenset()
    """Lines that are compared letter by letter; those that must not hold begin with "not "."""
    groups: tuple[tuple[Claim, ...], ...] = ()
    """Of each group at least one."""

    def both(self, other: Claim) -> Claim:
        """Give what asks for both."""
        found = dict(self.fields)
        for name, allowed in other.fields.items():
            found[name] = found[name].both(allowed) if name in found else allowed
        return Claim(found, self.lines | other.lines, (*self.groups, *(one for one in other.groups if one not in self.groups)))

    @property
    def nothing(self) -> str | None:
        """Give a field that could be nothing at all, None where there is none."""
        return next((name for name, allowed in self.fields.items() if allowed.nothing), None)

    def covers(self, other: Claim) -> bool:
        """Say whether this holds wherever the other does; False where that cannot be seen."""
        if not self.lines <= other.lines:
            return False
        for name, allowed in self.fields.items():
            theirs = other.fields.get(name)
            if theirs is None or not theirs.within(allowed):
                return False
        return all(group in other.groups or any(one.covers(other) for one in group) for group in self.groups)


def claim(form: forms.WhenForm | str | None) -> Claim | None:
    """Give what a `when` asks for, None when one of its lines cannot be read."""
    if form is None:
        return Claim()
    if isinstance(form, str):
        return _line(form)
    every = [*map(_line, form.all), *(_not(text) for text in form.none)]
    some = [_line(text) for text in form.any]
    if any(one is None for one in (*every, *some)):
        return None
    found = _all(one for one in every if one is not None)
    return found.both(_any([one for one in some if one is not None])) if some else found


def _all(claims: Iterable[Claim]) -> Claim:
    return reduce(Claim.both, claims, Claim())


def _any(claims: list[Claim]) -> Claim:
    """Give what asks for one of these: values of one field together where that is all they are."""
    names = {name for one in claims for name in one.fields}
    plain = all(len(one.fields) == 1 and not one.lines and not one.groups for one in claims)
    if plain and len(names) == 1:
        name = names.pop()
        listed = [one.fields[name] for one in claims]
        if all(one.only is not None for one in listed):
            values = frozenset(value for one in listed for value in one.values() or ())
            return Claim({name: Allowed(any(one.blank for one in listed), values)})
    return claims[0] if len(claims) == 1 else Claim(groups=(tuple(claims),))


def _read(text: str) -> Node | None:
    """Give a line's tree; None for a line that cannot be read (which is told elsewhere)."""
    try:
        return tree(text)
    except (IndexError, ValueError):  # Wrong is a ValueError
        return None


def _line(text: str) -> Claim | None:
    read = _read(text)
    return None if read is None else _holds(read, text)


def _holds(node: Node, text: str) -> Claim:
    if node.kind == "and":
        return _all(_holds(part, text) for part in node.parts)
    if node.kind == "or":
        return _any([_holds(part, text) for part in node.parts])
    found = _one(node)
    return Claim({found[0]: found[1]}) if found else Claim(lines=frozenset({_words(node, text)}))


def _not(text: str) -> Claim | None:
    read = _read(text)
    return None if read is None else _fails(read, text)


def _fails(node: Node, text: str) -> Claim:
    """Give what a line under `none` asks for: that it is not matched, be it because a field is blank."""
    if node.kind == "or":
        return _all(_fails(part, text) for part in node.parts)
    found = _one(node)
    other = found[1].without_it() if found else None
    return Claim({found[0]: other}) if found and other else Claim(lines=frozenset({f"not {_words(node, text)}"}))


def _words(node: Node, text: str) -> str:
    """Give a part's text without spaces that mean nothing."""
    return " ".join(token.text for token in tokens(text[node.start : node.end]))


def _one(node: Node) -> tuple[str, Allowed] | None:
    """Give the field and its values where a part says just that."""
    if node.kind == "field":
        return str(node.value), Allowed(only=frozenset({True}))
    if node.kind == "has":
        return str(node.value), Allowed()
    if node.kind == "not" and node.parts[0].kind == "has":
        return str(node.parts[0].value), Allowed(blank=True, only=frozenset())
    if node.kind == "not" and node.parts[0].kind == "field":
        return str(node.parts[0].value), Allowed(only=frozenset({False}))
    if node.kind not in ("compare", "in") or node.parts[0].kind != "field":
        return None
    name, right = str(node.parts[0].value), node.parts[1]
    if node.kind == "in":
        listed = right.kind == "list" and all(part.kind == "literal" for part in right.parts)
        return (name, Allowed(only=frozenset(part.value for part in right.parts))) if listed else None
    return (name, _compared(str(node.value), right.value)) if right.kind == "literal" else None


def _compared(sign: str, limit: str | float | bool) -> Allowed:
    if sign == "==":
        return Allowed(only=frozenset({limit}))
    if sign == "!=":
        return Allowed(without=frozenset({limit}))
    bound = (limit, len(sign) == 1)
    return Allowed(low=bound) if sign[0] == ">" else Allowed(high=bound)
