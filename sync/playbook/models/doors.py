"""Doors for what others send, as signed JSON: which value of a payload is what, by the lines of inbound/*.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from schemas.base import Scalar
from schemas.touch import TouchKind
from sync.playbook.models.base import Where

DOOR = "webhook"
"""What stands for the vendor of a door."""
PERSON = "person"
"""The object of a door's records."""


class Found(NamedTuple):
    """What a line came to: a value; blank; `absent` where the payload has no such thing; or why it is no value."""

    value: Scalar
    why: str = ""
    absent: bool = False


BLANK = Found(None)
ABSENT = Found(None, absent=True)


class Pick(Protocol):
    """A line that picks one value out of a payload; never raises."""

    text: str
    where: Where

    def of(self, body: Mapping[str, Any]) -> Found:
        """Give what it comes to."""
        ...


@dataclass(frozen=True, slots=True)
class TouchRule:
    """What a person did, as a payload says it."""

    kind: TouchKind
    name: Pick | None = None
    id: Pick | None = None
    """The sender's own id of the act; without it the delivery's."""


@dataclass(frozen=True, slots=True)
class PersonRule:
    """A payload about one person."""

    email: Pick
    unknown: Literal["create", "ignore"]
    """What becomes of somebody of whom nobody has heard yet."""
    truce_id: Pick | None = None
    fields: Mapping[str, Pick] = field(default_factory=dict)
    """Shared field → its value."""
    touch: TouchRule | None = None
    consent: Mapping[str, Pick] = field(default_factory=dict)
    """Channel or subscription type → whether the person may be contacted."""


@dataclass(frozen=True, slots=True)
class VisitRule:
    """A payload about a visit of a company of which no person is known."""

    domain: Pick
    company: Pick | None = None
    pages: Pick | None = None
    seconds: Pick | None = None
    source: Pick | None = None


@dataclass(frozen=True, slots=True)
class DoorRule:
    """One kind of payload: when it is one, and what it says."""

    id: str
    where: Where
    says: PersonRule | VisitRule
    when: Pick | None = None
    at: Pick | None = None
    """When it happened; without it when the payload first came."""


@dataclass(frozen=True, slots=True)
class DoorCase:
    """A payload as it was sent, and what is to come of it."""

    id: str
    where: Where
    payload: Mapping[str, Any]
    expect: Mapping[str, Any]
    """rule, email, fields, touch, consent, visit, outcome: what is not named is not looked at."""
    places: Mapping[str, Where] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Door:
    """One inbound/<name>.yaml."""

    name: str
    rules: tuple[DoorRule, ...]
    cases: tuple[DoorCase, ...] = ()

    @property
    def fields(self) -> frozenset[str]:
        """Every shared field that one of its rules sets, beside the e-mail."""
        return frozenset().union(*(rule.says.fields for rule in self.rules if isinstance(rule.says, PersonRule)))
