"""Cases: what is given of a lead, and what the rules are to make of it. Times are ms, spans too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.base import Scalar
from sync.playbook.models.base import Where


@dataclass(frozen=True, slots=True)
class GivenTouch:
    """One act of the person, so long before the moment of the case."""

    kind: str
    name: str
    ago: int


@dataclass(frozen=True, slots=True)
class Given:
    """What stands before the rules are asked."""

    at: int
    """The moment of the case."""
    lead: Mapping[str, Scalar]
    """Canonical values by shared field: what every system with a record of the person shows."""
    systems: tuple[str, ...] = ()
    """The systems that have a record of the person; empty: all."""
    since: int | None = None
    """How long the lead has stood in its stage; None: since the record came."""
    touches: tuple[GivenTouch, ...] = ()
    account: Mapping[str, Scalar] = field(default_factory=dict)
    """The lead's account, by shared field of accounts; empty: none is known."""
    opportunity: Mapping[str, Scalar] = field(default_factory=dict)
    had: tuple[str, ...] = ()
    """Who had the lead before, newest last."""
    away: tuple[str, ...] = ()
    """People who are away on that day, besides team.yaml."""


@dataclass(frozen=True, slots=True)
class Expect:
    """What is to come of it; what is None is not looked at."""

    stage: str | None = None
    scores: Mapping[str, float] | None = None
    owner: str | None = None
    rule: str | None = None
    """The id of the route that chose; `none`: no route was asked."""
    handoff: str | None = None
    problems: tuple[str, ...] | None = None
    writes: Mapping[str, Mapping[str, Scalar]] | None = None
    """System → vendor field → value; a system with {} is told nothing, and what is not named is not looked at."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test of the playbook."""

    id: str
    where: Where
    given: Given
    expect: Expect
    places: Mapping[str, Where] = field(default_factory=dict)
    """Where each expected thing is said, by its name."""
    place: int = 0
    """Which entry of its file it is."""
