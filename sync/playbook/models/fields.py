"""Systems and shared fields, of leads, accounts and opportunities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from schemas.base import Scalar
from sync.playbook.models.base import When, Where

Policy = Literal["sales", "marketing", "latest", "first", "most_advanced", "stricter"] | str
"""Whose value wins; any other word is the name of a system that owns the field."""
FieldKind = Literal["text", "email", "phone", "country", "url", "domain", "number", "flag", "date", "time", "picklist", "user", "ref"]
"""`domain`: of a website or an address, bare; `ref`: another record of the same system, by its id there (an opportunity's account)."""
Normalise = Literal["lower", "upper", "title"]
"""What is done to a text before it is compared: `title` gives words that are all capital or all small a capital first."""
Mode = Literal["observe", "write"]
Side = Literal["sales", "marketing"]
About = Literal["lead", "account", "opportunity"]
"""Whose field it is."""


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
    objects: Mapping[str, str] = field(default_factory=dict)
    """Objects that call the field otherwise; empty: they do not have it."""

    def name_of(self, object_: str) -> str:
        """Give the field's name in an object, empty when the object does not have it."""
        return self.objects.get(object_, self.name) if self.objects else self.name

    @property
    def names(self) -> frozenset[str]:
        """Every name that it has."""
        return frozenset({self.name, *self.objects.values()} - {""})


@dataclass(frozen=True, slots=True)
class Freeze:
    """A field that changes to and fro more often than `flips` in the window is left alone for as long as that."""

    flips: int
    window_s: int


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
    about: About = "lead"
    freeze: Freeze | None = None
    """None: as the guards say."""
    normalise: Normalise | None = None


@dataclass(frozen=True, slots=True)
class CreateRule:
    """As what a person is made in a system, and who is."""

    object: str
    when: When
    where: Where


@dataclass(frozen=True, slots=True)
class System:
    """One named system of the playbook."""

    name: str
    vendor: str
    side: Side
    mode: Mode = "observe"
    creates: tuple[CreateRule, ...] = ()
    """The first rule that holds says as what a person is made here; when none holds nobody is."""
    defaults: Mapping[str, Scalar] = field(default_factory=dict)
    """Vendor fields a create needs when no value is known."""
    bulk: Literal["hold", "pass"] = "hold"
    country: str | None = None
    """The region by which a phone number without a country code is read."""
    objects: Mapping[str, Mode] = field(default_factory=dict)
    """The mode of single objects, where it is not the system's."""
    account: str = ""
    """The object that holds accounts (Account, companies); empty: none is read."""
    opportunity: str = ""
    """The object that holds opportunities (Opportunity, deals)."""
    primary: tuple[str, ...] = ()
    """Which of several records of a lead is written: objects in this order, other objects after them; then the last active one."""
    person: str = ""
    """The object that a person usually is (Lead, contacts)."""
    door: bool = False
    """It is a door of inbound/*.yaml: what comes in is read, and nothing can be told to it."""

    @property
    def people(self) -> tuple[str, ...]:
        """Every object that a person may be."""
        named = (*self.primary, self.person, *(rule.object for rule in self.creates))
        return tuple(name for name in dict.fromkeys(named) if name)

    def mode_of(self, object_: str) -> Mode:
        """Give an object's mode: what the system does not write, none of its objects does."""
        return "observe" if self.mode == "observe" else self.objects.get(object_, self.mode)


@dataclass(frozen=True, slots=True)
class Guards:
    """When a plan is too large to go on without a person (law 13)."""

    writes_per_hour: int = 100_000
    share_of_records: float = 1.0
    moves_share: float = 0.25
    """A playbook that moves a larger share of the open leads waits for a person who has seen it."""
    flips: int = 6
    flip_window_s: int = 600
