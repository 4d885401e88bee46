"""The tree that says who gets a lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sync.playbook.models.base import When, Where

By = Literal["round_robin", "weighted", "least_open", "capacity"]
Sticky = Literal["owner", "account_owner", "opportunity_owner", "previous_owner"]
"""Who keeps a lead: its owner in the CRM, its account's, its open opportunity's, or whoever had it in an earlier cycle."""


QUEUE = "queue:"
"""So begins an owner that is a queue."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A vendor's queue, with the person who answers for what waits in it."""

    name: str
    """As env/<name>.yaml gives its id per system."""
    human: str

    @property
    def owner(self) -> str:
        """Give how it stands where an owner stands."""
        return QUEUE + self.name


def queue_of(owner: object) -> str | None:
    """Give the name of the queue that an owner is, None for a person."""
    return owner.removeprefix(QUEUE) if isinstance(owner, str) and owner.startswith(QUEUE) else None


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait for enrichment before anybody is chosen: until the lines hold, at most so long."""

    until: When
    at_most_s: int
    where: Where


@dataclass(frozen=True, slots=True)
class Step:
    """One place to look for somebody: a person, a pool, or a queue."""

    owner: str | None = None
    pool: str | None = None
    queue: Queue | None = None


@dataclass(frozen=True, slots=True)
class Assign:
    """Who gets the lead: a person, a pool by some way of taking turns, or a queue; then the fallbacks in order, the last a person."""

    owner: str | None = None
    pool: str | None = None
    """`territory`: the pool that tables/territories.csv names for the lead."""
    by: By | None = None
    """None: as the pool says, else round robin."""
    sticky: tuple[Sticky, ...] = ()
    """Who keeps the lead, if active, in this order."""
    fallback: tuple[Step, ...] = ()
    sla: str | None = None
    queue: Queue | None = None
    table: str | None = None
    """A table whose matching row names the owner or the pool."""
    skills: tuple[str, ...] = ()
    """What the person must be able to do."""
    language: str | None = None
    """The value (`lead.language`) whose text the person must speak."""
    memory: int = 0
    """So many of the last people who had the lead are passed over, unless nobody would be left."""
    hold: Hold | None = None
    priority: Literal["hot", "normal"] | None = None
    """How urgently the hand-off is written; None: as whatever caused it, a person's act before a mass of changes."""


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of the ordered tree; children are looked at first, the node itself is the answer when none matches."""

    id: str
    when: When
    assign: Assign
    where: Where
    routes: tuple[Route, ...] = ()
    since: str = ""
    """First ISO date on which it counts; empty: always."""
    until: str = ""
    """Last ISO date on which it counts, inclusive."""
