"""What the core asks of a playbook again and again, worked out once per version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync.lead.ledger import Kind
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
    about: dict[tuple[str, str], Kind]
    """(system, object) → what its records are, where they are no people's."""
    entered: dict[tuple[str, Kind], tuple[Mapped, ...]]
    """(system, account | opportunity) → its shared fields."""


def _mapped(fields: Iterable[SharedField], system: str, playbook: Playbook) -> tuple[Mapped, ...]:
    of_system = (shared for shared in fields if system in shared.systems)
    return tuple(Mapped(shared, shared.systems[system], honours_blank(shared, system, playbook)) for shared in of_system)


def _build(playbook: Playbook) -> Index:
    mapped = {system: _mapped(playbook.fields.values(), system, playbook) for system in playbook.systems}
    about: dict[tuple[str, str], Kind] = {}
    entered: dict[tuple[str, Kind], tuple[Mapped, ...]] = {}
    for name, system in playbook.systems.items():
        entered[name, "account"] = _mapped(playbook.account_fields.values(), name, playbook)
        entered[name, "opportunity"] = _mapped(playbook.opportunity_fields.values(), name, playbook)
        about |= {(name, system.account): "account"} if system.account else {}
        about |= {(name, system.opportunity): "opportunity"} if system.opportunity else {}
    ranks = {"truce": -1, **{name: place for place, name in enumerate(playbook.systems)}}
    return Index(ranks, mapped, tuple(shared for shared in playbook.fields.values() if shared.consent is not None), about, entered)


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
