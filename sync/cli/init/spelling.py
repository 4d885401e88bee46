"""How a live picklist spells our values, and what two live picklists have in common. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connectors.base import FieldSeen
from sync.cli.init.known import INSTEAD


@dataclass(frozen=True)
class Spelled:
    """Our values as one system has them: ours → theirs, what else is read as ours, and ours that it lacks (spelled as their neighbour)."""

    values: Mapping[str, str] = field(default_factory=dict)
    reads: Mapping[str, str] = field(default_factory=dict)
    lacking: Sequence[str] = ()
    unread: Sequence[str] = ()
    """Values of the system that are none of ours."""


def plain(text: str) -> str:
    """Give a name or a value without case, blanks and signs, and without what vendors add to the names of custom fields."""
    return re.sub(r"[\W_]", "", text.removesuffix("__c")).lower()


def slug(text: str) -> str:
    """Give a value as one of ours: small letters, digits and _."""
    found = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return found if found[:1].isalpha() else f"v_{found}"


def spell(words: Mapping[str, Sequence[str]], seen: FieldSeen) -> Spelled | None:
    """Find our values among those of a picklist; a free text needs no spelling, and a list with none of ours cannot be mapped."""
    if not seen.values:
        return Spelled()
    theirs = {plain(text): value for value, label in reversed(seen.values) for text in (label, value)}
    found = {ours: next((theirs[word] for word in some if word in theirs), None) for ours, some in words.items()}
    if sum(value is not None for value in found.values()) * 2 < len(found):
        return None
    values, near = dict[str, str](), next(value for value in found.values() if value)
    for ours, value in found.items():
        near = values[ours] = value or values.get(INSTEAD.get(ours, ""), near)
    owner = {value: ours for ours, value in found.items() if value}
    more = {theirs[word]: ours for ours, some in words.items() for word in some if word in theirs and theirs[word] not in owner}
    shared = {value: owner[value] for value in values.values() if list(values.values()).count(value) > 1}
    unread = [value for value, _ in seen.values if value not in {*owner, *more}]
    return Spelled(values, {**shared, **more}, [ours for ours, value in found.items() if value is None], unread)


def common(one: FieldSeen, other: FieldSeen) -> tuple[dict[str, str], dict[str, str]]:
    """Give what two picklists have in common, as ours → theirs for each: the same by value or by label."""
    theirs = {plain(text): value for value, label in reversed(other.values) for text in (label, value)}
    left, right = dict[str, str](), dict[str, str]()
    for value, label in one.values:
        match = theirs.get(plain(value)) or theirs.get(plain(label))
        if match and match not in right.values():
            left[slug(label)], right[slug(label)] = value, match
    return left, right
