"""Which fields hold less text than the same fields of other systems: what is longer is refused there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from typing import NamedTuple

from connectors.base import FieldSeen, Finding
from sync.lead.copies import key_of
from sync.playbook.models import COMPUTED, FieldKind, Playbook, SystemField
from sync.sources import schema

Lives = Mapping[str, Mapping[str, Mapping[str, FieldSeen]]]
"""System → object → its fields by their names."""
LONGEST: Mapping[FieldKind, float] = {"text": inf, "url": inf, "email": 254, "phone": 20}
"""So long a value of a kind may be (an address: RFC 5321; a telephone number is written as +4930901820)."""


class _Held(NamedTuple):
    """A field that holds a shared one, and how much of it; `told`: Truce writes it."""

    system: str
    object: str
    seen: FieldSeen
    most: float
    told: bool


def shorter(playbook: Playbook, lives: Lives) -> Iterator[Finding]:
    """Say of each field that Truce writes, one by one, whether another system's holds more.

    It is something to know and no fault: most of these lengths are the vendor's own, and nothing is lost. A value that is too long is set
    aside with its reason, and from then on that is a finding that counts.
    """
    for kind, held in _together(playbook, lives):
        for system in dict.fromkeys(one.system for one in held):
            told = [one for one in held if one.system == system and one.told]
            own = min(told, key=lambda one: (one.most, one.object != playbook.systems[one.system].person), default=None)
            other = max((one for one in held if one.system != system), key=lambda one: one.most, default=None)
            if own is not None and other is not None and own.most < min(other.most, LONGEST[kind]):
                yield _finding(own, other)


def _finding(own: _Held, other: _Held) -> Finding:
    much = "any length" if other.most == inf else f"{other.most:,.0f}"
    what = f"{own.system}: {own.object}.{own.seen.name} holds {own.most:,.0f} characters, {other.object}.{other.seen.name} of {other.system} {much}"
    longer = "make it longer there; " if own.seen.custom else ""
    return Finding(ok=True, what=what, todo=f"{longer}a longer value is refused and set aside: truce parked")


def _together(playbook: Playbook, lives: Lives) -> Iterable[tuple[FieldKind, list[_Held]]]:
    """Put the fields of all systems together that hold the same shared field."""
    found: dict[tuple[str, str], tuple[FieldKind, list[_Held]]] = {}
    for system, objects in lives.items():
        for object_, live in objects.items():
            for name, shared in schema.mapped(playbook, system, object_).items():
                if name in live and shared.kind in LONGEST and shared.name not in COMPUTED:
                    told = live[name].writable and _told(playbook, system, object_, shared.systems[system])
                    held = _Held(system, object_, live[name], *_most(live[name], told=told))
                    found.setdefault((shared.about, shared.name), (shared.kind, []))[1].append(held)
    return found.values()


def _told(playbook: Playbook, system: str, object_: str, how: SystemField) -> bool:
    """Say whether Truce writes such a field: of opportunities, in copies alone."""
    return how.mode == "write" and not how.read_only and (object_ != playbook.systems[system].opportunity or bool(key_of(playbook, system)))


def _most(seen: FieldSeen, *, told: bool) -> tuple[float, bool]:
    """Give how much a field holds, as much as one likes where no length is named; of one that takes a list's values alone, these count."""
    if seen.closed and seen.values:
        return max(len(value) for value, _ in seen.values), False
    return seen.length or inf, told
