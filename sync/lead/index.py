"""What the core asks of a playbook again and again, worked out once per version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from schemas.base import Ref
from sync.lead.ledger import Kind
from sync.lead.observe import honours_blank
from sync.playbook.models import Playbook, Segment, SharedField, Step, SystemField, Values

_KNOWN: dict[int, tuple[Playbook, Index]] = {}
_KEPT = 8


@dataclass(frozen=True, slots=True)
class Mapped:
    """One shared field in one system."""

    shared: SharedField
    spelled: SystemField
    name: str
    """How the object calls it."""
    honours: bool
    """A blank by this system is an act."""


@dataclass(frozen=True, slots=True)
class Index:
    """The playbook's fields by system, its consent fields, and the systems' places in the order that settles ties."""

    ranks: dict[str, int]
    mapped: dict[str, tuple[Mapped, ...]]
    """By system."""
    objects: dict[tuple[str, str], tuple[Mapped, ...]]
    """By system and object, of objects that call a field otherwise."""
    consents: tuple[SharedField, ...]
    about: dict[tuple[str, str], Kind]
    """(system, object) → what its records are, where they are no people's."""
    entered: dict[tuple[str, Kind], tuple[Mapped, ...]]
    """(system, account | opportunity) → its shared fields."""
    places: dict[str, int]
    """Stage → its place in their order."""
    segments: dict[str, Segment]
    humans: dict[str, str]
    """Queue → the person who answers for it."""
    fit: tuple[tuple[float, Callable[[Values], bool] | None], ...]
    """Of each line of fit its points, and what says whether they are given; None: always."""
    lines: dict[tuple[str, str], int | None] = field(default_factory=dict)
    """Touch (kind, name) → its line of engagement, as far as it was asked for."""
    kept: dict[str, object] = field(default_factory=dict)
    """What other modules work out once per playbook."""

    def of(self, system: str, ref: str) -> tuple[Mapped, ...]:
        """Give the shared fields of leads that a record of a system has."""
        named = self.objects.get((system, Ref.parse(ref).object)) if self.objects else None
        return self.mapped[system] if named is None else named


def _mapped(fields: Iterable[SharedField], system: str, object_: str, playbook: Playbook) -> tuple[Mapped, ...]:
    """Give those of the fields that an object of a system has."""
    return tuple(
        Mapped(shared, spelled, name, honours_blank(shared, system, playbook))
        for shared in fields
        if (spelled := shared.systems.get(system)) is not None and (name := spelled.name_of(object_))
    )


def _build(playbook: Playbook) -> Index:
    every = playbook.fields.values()
    mapped = {system: _mapped(every, system, "", playbook) for system in playbook.systems}
    named = {(system, one) for f in every for system, spelled in f.systems.items() for one in spelled.objects}
    objects = {(system, one): _mapped(every, system, one, playbook) for system, one in named if system in playbook.systems}
    about: dict[tuple[str, str], Kind] = {}
    entered: dict[tuple[str, Kind], tuple[Mapped, ...]] = {}
    for name, system in playbook.systems.items():
        entered[name, "account"] = _mapped(playbook.account_fields.values(), name, system.account, playbook)
        entered[name, "opportunity"] = _mapped(playbook.opportunity_fields.values(), name, system.opportunity, playbook)
        about |= {(name, system.account): "account"} if system.account else {}
        about |= {(name, system.opportunity): "opportunity"} if system.opportunity else {}
    ranks = {"truce": -1, **{name: place for place, name in enumerate(playbook.systems)}}
    consents = tuple(shared for shared in every if shared.consent is not None)
    places = {stage.id: place for place, stage in enumerate(playbook.stages)}
    segments = {segment.id: segment for segment in playbook.segments}
    fit = tuple((points.points, points.when.ask if points.when else None) for points in playbook.fit)
    return Index(ranks, mapped, objects, consents, about, entered, places, segments, dict(_humans(playbook)), fit)


def _humans(playbook: Playbook) -> Iterator[tuple[str, str]]:
    routes = list(playbook.routes)
    steps = [step for kind in playbook.handoffs for step in kind.fallback]
    while routes:
        route = routes.pop()
        routes += route.routes
        steps += [Step(queue=route.assign.queue), *route.assign.fallback]
    yield from ((step.queue.name, step.queue.human) for step in steps if step.queue is not None)


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
