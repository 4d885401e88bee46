"""A loaded playbook as the core sees it: frozen, compiled, every rule with the file and line it stands at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from schemas.base import Scalar

Policy = Literal["sales", "marketing", "latest", "first", "most_advanced", "stricter"] | str
"""Whose value wins; any other word is the name of a system that owns the field."""
FieldKind = Literal["text", "email", "phone", "country", "url", "number", "flag", "date", "time", "picklist", "user"]
Mode = Literal["observe", "write"]
Side = Literal["sales", "marketing"]
STAGES = ("inquiry", "lead", "mql", "sal", "sql", "opportunity", "customer")
SIDE_EXITS = ("recycled", "disqualified")


@dataclass(frozen=True, slots=True)
class Where:
    """A place in the playbook, printed as file:line."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one condition line went, with the values it saw, ready to be shown: `country NO is in [DE, FR, NO]`."""

    matched: bool
    text: str
    where: str
    why: str


class Condition(Protocol):
    """One line of CEL over a lead's values; never raises: an empty field is "not matched: field empty"."""

    text: str
    where: Where
    names: frozenset[str]
    """The lead's fields that it looks at."""

    def judge(self, values: Mapping[str, Scalar]) -> Verdict:
        """Say whether the line holds for these values (shared field name → canonical value, scores and times included)."""
        ...


@dataclass(frozen=True, slots=True)
class When:
    """`all`, `any` and `none` lists; empty matches always."""

    all: tuple[Condition, ...] = ()
    any: tuple[Condition, ...] = ()
    none: tuple[Condition, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every field that one of the lines looks at."""
        return frozenset().union(*(c.names for c in (*self.all, *self.any, *self.none)))

    def judge(self, values: Mapping[str, Scalar]) -> tuple[bool, tuple[Verdict, ...]]:
        """Say whether it holds, with the verdict of each line that was looked at."""
        verdicts: list[Verdict] = []
        for condition in self.all:
            verdicts.append(condition.judge(values))
            if not verdicts[-1].matched:
                return False, tuple(verdicts)
        for condition in self.none:
            verdicts.append(condition.judge(values))
            if verdicts[-1].matched:
                return False, tuple(verdicts)
        if self.any:
            some = [condition.judge(values) for condition in self.any]
            return any(v.matched for v in some), (*verdicts, *some)
        return True, tuple(verdicts)


@dataclass(frozen=True, slots=True)
class SystemField:
    """How one system spells one shared field."""

    name: str
    """The vendor's field name."""
    mode: Mode = "write"
    to_vendor: Mapping[str, str] = field(default_factory=dict)
    """Picklists: canonical value → the vendor's."""
    from_vendor: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class SharedField:
    """One field that both systems are to agree on."""

    name: str
    kind: FieldKind
    policy: Policy
    systems: Mapping[str, SystemField]
    where: Where
    personal: bool = False
    order: tuple[str, ...] = ()
    """For most_advanced: canonical values from least to most advanced; for stricter: from loosest to strictest."""
    consent: str | None = None
    """The channel or subscription type, when this is a consent flag (true = opted out)."""


@dataclass(frozen=True, slots=True)
class System:
    """One named system of the playbook."""

    name: str
    vendor: str
    side: Side
    mode: Mode = "observe"
    create: When | None = None
    """None: never; an empty When: always."""
    object: str = ""
    """The object that is created for a person (Lead, contacts)."""
    defaults: Mapping[str, Scalar] = field(default_factory=dict)
    """Vendor fields a create needs when no value is known."""
    bulk: Literal["hold", "pass"] = "hold"
    country: str | None = None
    """The region by which a phone number without a country code is read."""
    objects: Mapping[str, Mode] = field(default_factory=dict)
    """The mode of single objects, where it is not the system's."""

    def mode_of(self, object_: str) -> Mode:
        """Give an object's mode: what the system does not write, none of its objects does."""
        return "observe" if self.mode == "observe" else self.objects.get(object_, self.mode)


@dataclass(frozen=True, slots=True)
class Points:
    """Points for one fact of fit, or for one kind of touch."""

    points: float
    where: Where
    when: When | None = None
    kind: str | None = None
    name: str | None = None
    """A part of the touch's name, ignoring case; None is any."""
    half_life_days: float | None = None
    cap: float | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One lifecycle stage: what lets a lead enter it (None: only a system or a person says so)."""

    id: str
    where: Where
    when: When | None
    accountable: str
    handoff: bool = False
    """Entering it opens a hand-off (the MQL stage)."""


@dataclass(frozen=True, slots=True)
class Assign:
    """Who gets the lead: a person, or a pool by round robin; `fallback` is a person's e-mail."""

    owner: str | None = None
    pool: str | None = None
    by: str = "round_robin"
    sticky: bool = False
    """Keep the owner that the CRM names already, if active."""
    fallback: str | None = None
    sla: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One rule of the ordered tree; children are looked at first, the node itself is the answer when none matches."""

    id: str
    when: When
    assign: Assign
    where: Where
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class Rep:
    """One person of the team; `email` names them everywhere."""

    email: str
    name: str
    where: Where
    manager: str | None = None
    away: tuple[tuple[str, str], ...] = ()
    """Absences as (first, last) ISO dates, inclusive."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A named list of reps who take turns."""

    name: str
    members: tuple[str, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Guards:
    """When a plan is too large to go on without a person (law 13)."""

    writes_per_hour: int = 100_000
    share_of_records: float = 1.0
    flips: int = 6
    flip_window_s: int = 600


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

    def mapped(self, system: str) -> dict[str, SharedField]:
        """Give the shared fields that a system has, by the vendor's field name."""
        return {f.systems[system].name: f for f in self.fields.values() if system in f.systems}

    def side(self, system: str) -> Side:
        """Give the side that a system stands on; raises KeyError for a system that the playbook does not name."""
        return self.systems[system].side
