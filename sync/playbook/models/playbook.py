"""One version of the agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.playbook.models.alerts import Alerts
from sync.playbook.models.base import When, Where
from sync.playbook.models.cases import Case
from sync.playbook.models.content import Content
from sync.playbook.models.doors import Door
from sync.playbook.models.fields import Guards, SharedField, Side, System
from sync.playbook.models.goals import Goals
from sync.playbook.models.lifecycle import Category, Kind, OpportunityStage, Points, Scanners, Score, Segment, Stage
from sync.playbook.models.routing import Route
from sync.playbook.models.sla import Slas
from sync.playbook.models.tables import Table
from sync.playbook.models.team import Pool, Rep
from sync.playbook.models.territories import Territories


@dataclass(frozen=True, slots=True)
class Playbook:
    """One version of the agreement."""

    version: int
    checksum: str
    systems: Mapping[str, System]
    """In the order that settles ties."""
    fields: Mapping[str, SharedField]
    scope: When
    scope_where: Where | None
    stages: tuple[Stage, ...]
    fit: tuple[Points, ...]
    engagement: tuple[Points, ...]
    routes: tuple[Route, ...]
    reps: Mapping[str, Rep]
    pools: Mapping[str, Pool]
    guards: Guards
    timezone: str = "UTC"
    role_mailboxes: tuple[str, ...] = ("info", "sales", "office", "contact", "admin", "support", "hello", "marketing")
    account_fields: Mapping[str, SharedField] = field(default_factory=dict)
    """Shared fields of accounts: conditions call them `account.<name>`."""
    opportunity_fields: Mapping[str, SharedField] = field(default_factory=dict)
    """Shared fields of opportunities: conditions call them `opportunity.<name>`, and mean the lead's open opportunity."""
    environment: str = ""
    """Which of env/ it is compiled with; empty: none."""
    queues: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Queue → system → its id there, in this environment."""
    channels: Mapping[str, str] = field(default_factory=dict)
    """Channel → its id or address in this environment."""
    categories: Mapping[str, Category] = field(default_factory=dict)
    scanners: Scanners = field(default_factory=Scanners)
    scores: Mapping[Score, str] = field(default_factory=dict)
    """Scores that a shared field gives, and which; the others are summed up."""
    segments: tuple[Segment, ...] = ()
    statuses: tuple[str, ...] = ()
    """The values of the shared field `status`, the second machine beside the stages."""
    status_labels: Mapping[str, str] = field(default_factory=dict)
    """How a status is called, where it says so."""
    statuses_where: Where | None = None
    opportunity_stages: Mapping[str, OpportunityStage] = field(default_factory=dict)
    handoffs: tuple[Kind, ...] = ()
    """Hand-offs that are no MQL, in the order in which they are looked at."""

    cases: tuple[Case, ...] = ()
    """What the rules are to make of made-up leads: cases/*.yaml."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    """tables/*.csv by name, territories too."""
    territories: Territories | None = None
    """tables/territories.csv: what `territory('x')` and `pool: territory` ask; None: there is none."""
    goals: Goals = field(default_factory=Goals)
    slas: Slas = field(default_factory=Slas)
    alerts: Alerts = field(default_factory=Alerts)
    content: Content = field(default_factory=Content)
    doors: Mapping[str, Door] = field(default_factory=dict)
    """inbound/*.yaml by name; each is among the systems, too."""

    def mapped(self, system: str, object_: str = "") -> dict[str, SharedField]:
        """Give the shared fields of leads that an object of a system has, by the vendor's field name."""
        return {name: f for f in self.fields.values() if system in f.systems and (name := f.systems[system].name_of(object_))}

    @property
    def told(self) -> dict[str, System]:
        """The systems that can be told something: all but doors."""
        return {name: system for name, system in self.systems.items() if not system.door}

    @property
    def sales(self) -> tuple[str, ...]:
        """The systems of sales, in their order; the first is the CRM where one is meant."""
        return tuple(name for name, system in self.systems.items() if system.side == "sales")

    def name_of(self, email: str) -> str:
        """Give somebody's name; the e-mail of who is not on the team."""
        rep = self.reps.get(email)
        return rep.name if rep else email

    def side(self, system: str) -> Side:
        """Give the side that a system stands on; raises KeyError for a system that the playbook does not name."""
        return self.systems[system].side
