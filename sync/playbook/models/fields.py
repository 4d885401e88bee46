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
    account: str = ""
    """The object that holds accounts (Account, companies); empty: none is read."""
    opportunity: str = ""
    """The object that holds opportunities (Opportunity, deals)."""

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
