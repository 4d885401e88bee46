"""Who is told of what fails, in which group, when, and through which channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sync.playbook.models.base import Where

Cause = Literal[
    "not_accepted", "not_worked", "owner_away", "inactive_owner", "fell_back", "unrouted", "no_handoff",
    "write_refused", "bad_value", "frozen_field", "duplicate", "held", "paused", "message_parked", "schema", "unreachable", "alerts_failing",
    "vanished", "erased_elsewhere",
]  # fmt: skip
"""Kinds of problem."""
Label = Literal["cause", "system", "sla", "segment", "pool", "priority", "owner"]
LABELS: tuple[Label, ...] = ("cause", "priority", "sla", "segment", "pool", "owner", "system")
"""What a problem is matched and grouped by."""
Medium = Literal["slack", "email", "webhook", "asana", "apprise"]
Told = Literal["owner", "manager", "deputy", "accountable"]
TOLD: tuple[Told, ...] = ("owner", "manager", "deputy", "accountable")
"""Who can be told besides channels: the lead's owner, their manager or deputy, the person who answers for it."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A way out; its id or address stands in env/<name>.yaml or in a secret."""

    name: str
    medium: Medium
    where: Where
    next: str | None = None
    """Who has it when this one refuses."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A span of the day in which only what wakes is sent; one that ends before it begins goes on past midnight."""

    days: frozenset[int]
    """ISO weekdays on which it begins."""
    start: str
    end: str


@dataclass(frozen=True, slots=True)
class AlertRoute:
    """One node of the tree; children are looked at first, the first whose labels all fit decides; all inherited values are filled in."""

    id: str
    where: Where
    to: tuple[str, ...]
    """Channels, and people: owner, manager, deputy, accountable."""
    accountable: str
    match: Mapping[Label, frozenset[str]] = field(default_factory=dict)
    group_by: tuple[Label, ...] = ("owner", "system", "cause")
    group_wait_s: int = 30
    group_interval_s: int = 300
    repeat_interval_s: int = 14_400
    wakes: bool = False
    """It is sent in quiet hours too."""
    digest: bool = False
    """It waits for the digest."""
    routes: tuple[AlertRoute, ...] = ()

    def find(self, labels: Mapping[str, str]) -> AlertRoute:
        """Give the finest node that is for a problem with these labels; the root is for all."""
        for route in self.routes:
            if all(labels.get(name) in allowed for name, allowed in route.match.items()):
                return route.find(labels)
        return self


@dataclass(frozen=True, slots=True)
class Digest:
    """What did not go at once, told together at a time of the day."""

    days: frozenset[int]
    at: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subscription:
    """Which events go to a channel."""

    to: str
    types: tuple[str, ...]
    """Types, or beginnings that end with a star."""
    where: Where

    def wants(self, kind: str) -> bool:
        """Say whether an event's type is one of them."""
        return any(kind.startswith(one[:-1]) if one.endswith("*") else kind == one for one in self.types)


@dataclass(frozen=True, slots=True)
class Alerts:
    """alerts.yaml; without a root where there is none."""

    root: AlertRoute | None = None
    channels: Mapping[str, Channel] = field(default_factory=dict)
    quiet: tuple[Quiet, ...] = ()
    digest: Digest | None = None
    timezone: str = ""
    """By which quiet hours and the digest go; empty: the team's."""
    events: tuple[Subscription, ...] = ()
