"""What the core asks of a playbook again and again, worked out once per version."""

from __future__ import annotations

from dataclasses import dataclass

from sync.lead.observe import honours_blank
from sync.playbook.models import Playbook, SharedField, SystemField

_KNOWN: dict[int, tuple[Playbook, Index]] = {}
_KEPT = 8


@dataclass(frozen=True, slots=True)
class Mapped:
    """One shared field in one system."""

    shared: SharedField
    spelled: SystemField
    honours: bool
    """A blank by this system is an act."""


@dataclass(frozen=True, slots=True)
class Index:
    """The playbook's fields by system, its consent fields, and the systems' places in the order that settles ties."""

    ranks: dict[str, int]
    mapped: dict[str, tuple[Mapped, ...]]
    consents: tuple[SharedField, ...]


def _build(playbook: Playbook) -> Index:
    mapped = {
        system: tuple(
            Mapped(shared, shared.systems[system], honours_blank(shared, system, playbook))
            for shared in playbook.fields.values()
            if system in shared.systems
        )
        for system in playbook.systems
    }
    ranks = {"truce": -1, **{name: place for place, name in enumerate(playbook.systems)}}
    return Index(ranks, mapped, tuple(shared for shared in playbook.fields.values() if shared.consent is not None))


def index(playbook: Playbook) -> Index:
    """Give the playbook's index; the same playbook object has the same one."""
    held = _KNOWN.get(id(playbook))
    if held is not None and held[0] is playbook:
        return held[1]
    while len(_KNOWN) >= _KEPT:
        _KNOWN.pop(next(iter(_KNOWN)))
    made = _build(playbook)
    _KNOWN[id(playbook)] = (playbook, made)
    return made
