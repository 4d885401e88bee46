"""What a payload of a door says, by the door's rules: a person's record and act, or a company's visit. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from schemas.base import Ref, Scalar
from schemas.change import RecordChanged
from schemas.keys import normal_email
from schemas.touch import TouchRecorded
from sync.lead.naming import domains_of
from sync.playbook.models import PERSON, Door, DoorRule, PersonRule, Pick, VisitRule

Outcome = Literal["taken", "nobody", "no_rule"]
"""`nobody`: the address, or domain, is none; `no_rule`: no rule is for such a payload."""
EPOCH_MS = 1e11
"""Larger numbers are ms since 1970, smaller ones seconds."""
SHORT = 300
"""The longest name of a touch, company or source that is kept."""


class Unmapped(ValueError):
    """A payload that lacks what its rule needs; names the line, never a value."""

    def __init__(self, rule: DoorRule, what: str, pick: Pick, why: str) -> None:
        super().__init__(f"{pick.where} {what}: {why}")
        self.rule, self.what = rule, what


@dataclass(frozen=True, slots=True)
class Visit:
    """A company was on the website."""

    domain: str
    at: datetime
    company: str = ""
    pages: int | None = None
    seconds: float | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One payload on its way in: the sender's id of it, and when it first came."""

    door: str
    id: str
    at: datetime


@dataclass(slots=True)
class Said:
    """What one payload says."""

    outcome: Outcome
    rule: DoorRule | None = None
    record: RecordChanged | None = None
    touch: TouchRecorded | None = None
    visit: Visit | None = None
    left: dict[str, str] = field(default_factory=dict)
    """`<rule>.<what>` → which line could not be computed, and why: what it would give is left out."""

    @property
    def items(self) -> tuple[RecordChanged | TouchRecorded, ...]:
        """What goes on `changes`, in this order."""
        return tuple(one for one in (self.record, self.touch) if one is not None)

    @property
    def only_known(self) -> bool:
        """Say whether it counts only for somebody who is known."""
        return self.rule is not None and isinstance(self.rule.says, PersonRule) and self.rule.says.unknown == "ignore"


def read(door: Door, body: Mapping[str, Any], delivery: Delivery) -> Said:
    """Give what a payload says; raises Unmapped where its rule needs a value that it does not have."""
    reading = _Reading(body, delivery)
    for rule in door.rules:
        if rule.when is None or reading.value(f"{rule.id}.when", rule.when) is True:
            return reading.by(rule)
    return Said("no_rule", left=reading.left)


class _Reading:
    """One payload as it is read."""

    def __init__(self, body: Mapping[str, Any], delivery: Delivery) -> None:
        self.body, self.delivery = body, delivery
        self.left: dict[str, str] = {}

    def value(self, what: str, pick: Pick | None) -> Scalar:
        """Give what a line comes to, None where it comes to nothing; what cannot be computed is noted."""
        if pick is None:
            return None
        found = pick.of(self.body)
        if found.why:
            self.left[what] = f"{pick.where} {pick.text}: {found.why}"
        return found.value

    def text(self, what: str, pick: Pick | None) -> str:
        """Give a line's value as a short text."""
        value = self.value(what, pick)
        return "" if value is None else str(value)[:SHORT]

    def number(self, what: str, pick: Pick | None) -> float | None:
        """Give a line's value as a number, None for one that is none."""
        value = self.value(what, pick)
        try:
            found = None if value is None or isinstance(value, bool) else float(value)
        except ValueError:
            found = None
        if value is not None and pick is not None and (found is None or not 0 <= found < 1e9):
            self.left[what] = f"{pick.where} {pick.text}: no such number"
            return None
        return found

    def needed(self, rule: DoorRule, what: str, pick: Pick) -> str:
        """Give what a rule cannot do without, "" where it is blank; raises Unmapped where the payload does not have it."""
        found = pick.of(self.body)
        if found.why:
            raise Unmapped(rule, what, pick, found.why)
        if found.absent:
            raise Unmapped(rule, what, pick, "the payload has no such thing")
        return "" if found.value is None else str(found.value)

    def moment(self, rule: DoorRule) -> datetime:
        """Give when it happened: as the payload says, else when it first came."""
        value = self.value(f"{rule.id}.at", rule.at)
        try:
            if isinstance(value, str):
                found = datetime.fromisoformat(value)
                return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
            if value is not None and not isinstance(value, bool):
                return datetime.fromtimestamp(value / 1000 if abs(value) > EPOCH_MS else value, UTC)
        except (ValueError, OverflowError, OSError):
            self.left[f"{rule.id}.at"] = f"{rule.at.where if rule.at else ''} at: no moment"
        return self.delivery.at

    def by(self, rule: DoorRule) -> Said:
        """Read it by its rule."""
        said = Said("taken", rule, left=self.left)
        at = self.moment(rule)
        if isinstance(rule.says, VisitRule):
            domains = domains_of(self.needed(rule, "visit.domain", rule.says.domain))
            said.visit = self._visit(rule.id, rule.says, domains[0], at) if domains else None
        elif email := normal_email(self.needed(rule, "person.email", rule.says.email)):
            said.record, said.touch = self._person(rule, rule.says, email, at)
        if said.visit is None and said.record is None:
            said.outcome = "nobody"
        return said

    def _visit(self, name: str, says: VisitRule, domain: str, at: datetime) -> Visit:
        company, source = self.text(f"{name}.company", says.company), self.text(f"{name}.source", says.source)
        pages, seconds = self.number(f"{name}.pages", says.pages), self.number(f"{name}.seconds", says.seconds)
        at = min(at, self.delivery.at)  # one of the future would stand above all others, and be kept for ever
        return Visit(domain, at, company, None if pages is None else int(pages), seconds, source)

    def _person(self, rule: DoorRule, says: PersonRule, email: str, at: datetime) -> tuple[RecordChanged, TouchRecorded | None]:
        door, received = self.delivery.door, self.delivery.at
        ref = str(Ref(door, PERSON, sha256(email.encode()).hexdigest()[:32]))
        fields: dict[str, Scalar] = {"email": email}
        for name, pick in says.fields.items():
            if (value := self.value(f"{rule.id}.fields.{name}", pick)) is not None:
                fields[name] = value
        consent = {
            name: value for name, pick in says.consent.items() if isinstance(value := self.value(f"{rule.id}.consent.{name}", pick), bool)
        }
        form = says.touch is not None and says.touch.kind == "form"
        truce_id = self.text(f"{rule.id}.truce_id", says.truce_id) or None
        record = RecordChanged(
            ref=ref, at=at, fields=fields, received_at=received, email=email, truce_id=truce_id, origin="form" if form else "automation"
        )
        if says.touch is None and not consent:
            return record, None
        kind, name, ident = says.touch.kind if says.touch else "other", "", ""
        if says.touch is not None:
            name, ident = self.text(f"{rule.id}.touch.name", says.touch.name), self.text(f"{rule.id}.touch.id", says.touch.id)
        activity = f"{rule.id}:{ident or self.delivery.id}"
        return record, TouchRecorded(
            system=door, activity_id=activity, kind=kind, name=name, at=at, received_at=received, ref=ref, email=email, consent=consent
        )
