"""What must be told to one system about one lead: the difference between desired and observed, less all that may not be told now.

Pure. A planned row becomes an intent, the intent a call, the call's outcome a result; until the lead agent has applied the result,
`seen_through` counts it as observed, so that nothing is told twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from connectors.base import Capabilities
from schemas.base import Scalar
from sync.lead.queues import id_in, owner_in
from sync.lead.seen import FROZEN, NO_USER, NOT_WRITABLE, PAUSED, REFUSED, TRUCE_ID, Kind, OpenIntent, View, same, seen_through, unseen
from sync.lead.state import Lead, Making, precedence
from sync.playbook.models import Playbook, SharedField, System, SystemField

Wait = Literal["paused", "intent", "reading"]


@dataclass(frozen=True, slots=True)
class Told:
    """One field of a row: what is sent, and which desired value that is."""

    name: str
    """The vendor's field name."""
    sent: Scalar
    """The value in the vendor's words."""
    value: Scalar
    """The canonical value."""
    version: int
    at: int
    """The desired value's own time, ms."""
    rule: str
    before: Scalar = None


@dataclass(frozen=True, slots=True)
class Row:
    """One record to update by its id, or one to create."""

    kind: Kind
    object: str
    record_id: str | None
    fields: Mapping[str, Told]
    """By shared field name."""
    defaults: Mapping[str, Scalar] = field(default_factory=dict)
    """Vendor fields that a create needs besides."""
    known_at: int = 0
    """Of an update: until when what happened to the record is known, ms."""

    def vendor_fields(self) -> dict[str, Scalar]:
        """Give what goes to the vendor."""
        return {**self.defaults, **{told.name: told.sent for told in self.fields.values()}}


@dataclass(frozen=True, slots=True)
class Left:
    """A difference that is not told, and why; `stays`: it is to be told later without anybody's doing, so the lead stays dirty."""

    record_id: str | None
    field: str
    reason: str
    stays: bool = False
    lacks: str = ""
    """What must be there first: `user:E-MAIL`, or `field:OBJECT.NAME` that can be written."""


@dataclass(frozen=True, slots=True)
class Would:
    """A difference that observe mode keeps to itself."""

    record_id: str
    """`new` for a record that would be created."""
    field: str
    before: Scalar
    after: Scalar
    rule: str


@dataclass(frozen=True, slots=True)
class Control:
    """What else the writer must know of the system at this moment."""

    truce_id_field: str
    paused: frozenset[str] = frozenset()
    """Scopes: `all`, `system:NAME`, `field:NAME`."""
    users: Mapping[str, str] = field(default_factory=dict)
    """E-mail → the vendor's user id, active users only."""
    read_fully: bool = False
    duplicate: bool = False
    """An open duplicate names this lead."""
    reading: frozenset[str] = frozenset()
    """Systems that are read for the first time at this moment, and are waited for before a person is told of here first."""

    def stops(self, system: str) -> bool:
        """Say whether the whole system is paused."""
        return bool(self.paused & {"all", f"system:{system}"})


@dataclass(slots=True)
class Plan:
    """What follows for one lead in one system."""

    rows: list[Row] = field(default_factory=list)
    would: list[Would] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    wait: Wait | None = None
    """Nothing may be told now: the system is paused, an intent has no outcome yet, or another system may know more of a person."""
    reads: set[str] = field(default_factory=set)
    """Record refs whose fields must be known before one of them is overwritten."""
    email: str | None = None
    """The address to look up before the create."""

    @property
    def stays_dirty(self) -> bool:
        """Say whether something is still to be told once the rows are."""
        return self.wait is not None or any(one.stays for one in self.left)


@dataclass(slots=True)
class _Planner:
    """One run of `plan`: its inputs, and the plan as it grows."""

    lead: Lead
    system: str
    playbook: Playbook
    capabilities: Mapping[str, Capabilities]
    control: Control
    now: int
    plan: Plan = field(default_factory=Plan)

    @property
    def _rules(self) -> System:
        return self.playbook.systems[self.system]

    def _leave(self, record_id: str | None, name: str, reason: str, *, stays: bool = False, lacks: str = "") -> None:
        self.plan.left.append(Left(record_id, name, reason, stays, lacks))

    def _shared(self, object_: str, *, consent_only: bool) -> Iterator[tuple[SharedField, SystemField, str]]:
        """Give the fields that an object has, each with the object's name for it."""
        for shared in self.playbook.fields.values():
            spelled = shared.systems.get(self.system)
            if spelled is not None and (shared.consent is not None or not consent_only) and (theirs := spelled.name_of(object_)):
                yield shared, spelled, theirs

    def _desired(self, shared: SharedField) -> Told | None:
        """Give the canonical value wanted, its vendor spelling still open; None while nothing is known of it."""
        held = self.lead.desired.get(shared.name)
        if held is not None:
            value = owner_in(held.value, self.system, self.playbook) if shared.kind == "user" else held.value
            return Told("", None, value, held.version, held.at, held.rule)
        consent = self.lead.consent.get(shared.consent) if shared.consent else None
        return None if consent is None else Told("", None, consent.opted_out, 0, consent.at, f"{shared.where} {shared.policy}")

    def _spelled(self, shared: SharedField, spelled: SystemField, name: str, value: Scalar) -> tuple[bool, Scalar]:
        """Give (can it be said, how the vendor says it)."""
        if value is None:  # a text that the vendor requires is blanked with what the playbook says for it
            return shared.kind != "user", self._rules.defaults.get(name) if shared.kind == "text" else None
        if shared.kind == "user":
            ident = id_in(value, self.system, self.playbook) or self.control.users.get(str(value).strip().lower())
            return ident is not None, ident
        return True, spelled.to_vendor.get(str(value), value) if spelled.to_vendor else value

    def _obstacle(
        self, view: View | None, shared: SharedField, spelled: SystemField, theirs: str, told: Told, able: Capabilities
    ) -> tuple[str, bool] | None:
        """Say why a difference is not told, and whether it stays to be told; None: nothing is in the way."""
        name = shared.name
        if spelled.read_only:
            return "read only", False
        if theirs not in able.writable and theirs not in able.consent_fields:
            return NOT_WRITABLE, False
        if view is not None and name in view.refused and same(shared.kind, view.refused[name], told.value):
            return REFUSED, False
        if view is not None and view.partial and name not in view.observed and not (shared.consent and told.value):
            return "unread", True
        if self.lead.frozen.get(name, 0) > self.now:
            return FROZEN, True
        if f"field:{name}" in self.control.paused:
            return PAUSED, True
        return None

    def _differences(self, object_: str, view: View | None, able: Capabilities, *, consent_only: bool) -> dict[str, Told]:
        """Give what is to be told of one record (None: of one that would be created); the rest goes to `left` and `would`."""
        found: dict[str, Told] = {}
        ident, mode = view.id if view else None, self._rules.mode_of(object_)
        for shared, spelled, theirs in self._shared(object_, consent_only=consent_only):
            wanted = self._desired(shared)
            before = view.observed.get(shared.name) if view else None
            if wanted is None or same(shared.kind, wanted.value, before):
                continue
            if shared.consent is not None and not wanted.value and not before:
                continue  # blank is not opted out either
            if wanted.value is None and view is not None and shared.name not in view.observed:
                continue  # unknown there: nothing is blanked
            if obstacle := self._obstacle(view, shared, spelled, theirs, wanted, able):
                reason, stays = obstacle
                self._leave(ident, shared.name, reason, stays=stays, lacks=f"field:{object_}.{theirs}" if reason == NOT_WRITABLE else "")
                if reason == "unread" and view is not None:
                    self.plan.reads.add(view.ref)
                continue
            sayable, sent = self._spelled(shared, spelled, theirs, wanted.value)
            if not sayable:
                lacks = f"user:{str(wanted.value).strip().lower()}" if wanted.value else ""
                self._leave(ident, shared.name, NO_USER if wanted.value else "no owner is known", lacks=lacks)
            elif "observe" in {spelled.mode, mode}:
                self.plan.would.append(Would(ident or "new", shared.name, before, wanted.value, wanted.rule))
            else:
                found[shared.name] = Told(theirs, sent, wanted.value, wanted.version, wanted.at, wanted.rule, before)
        return found

    def _truce_id(self, able: Capabilities, object_: str) -> dict[str, Told]:
        name = self.control.truce_id_field
        if name not in able.writable or self._rules.mode_of(object_) == "observe":
            return {}
        return {TRUCE_ID: Told(name, self.lead.id, self.lead.id, 0, self.now, "identity")}

    def updates(self, views: Sequence[View]) -> None:
        """Plan the update of every live record: all fields of the primary, consent of the followers."""
        order = self._rules.primary
        live = sorted((one for one in views if one.gone is None), key=lambda one: precedence(one.object, one.last_at, one.ref, order))
        for place, view in enumerate(live):
            able = self.capabilities.get(view.object)
            if able is None:
                continue
            whole = place == 0 and self.lead.in_scope
            fields = self._differences(view.object, view, able, consent_only=not whole)
            if whole and not view.has_truce_id and TRUCE_ID not in view.refused:
                fields |= self._truce_id(able, view.object)
            if fields:
                self.plan.rows.append(Row("update", view.object, view.id, fields, known_at=view.known_at))

    def _may_create(self, making: Making) -> Capabilities | None:
        """Give the object's capabilities when a record is to be created now; the reason stands in `left` when one is not."""
        able = self.capabilities.get(making.object)
        if able is None or not able.creates:
            self._leave(None, "", f"Truce cannot make a record of {making.object} there yet ({making.rule})")
        elif able.account_field and making.account is None:
            self._leave(None, "", f"a {making.object} is made under its account, and none is known there ({making.rule})")
        elif self.system in self.lead.blocked:
            self._leave(None, "", REFUSED)
        elif self.control.duplicate or self.lead.undecided is not None:
            self._leave(None, "", "a duplicate waits for a person")
        elif not self.control.read_fully:
            self._leave(None, "", "the first full read is not done", stays=True)
        elif self.plan.email is None:
            self._leave(None, "", "no e-mail")
        else:
            return able
        return None

    def create(self) -> None:
        """Plan a record for a lead that has none in this system and never had one there."""
        emails = [held.value for f in self.playbook.fields.values() if f.kind == "email" and (held := self.lead.desired.get(f.name))]
        self.plan.email = str(emails[0]) if emails and emails[0] else None
        making = self.lead.makes.get(self.system)
        if not self.lead.in_scope or making is None or making.object not in {rule.object for rule in self._rules.creates}:
            return
        if (able := self._may_create(making)) is None:
            return
        fields = self._differences(making.object, None, able, consent_only=False)
        if self.plan.email in {told.value for told in fields.values()}:
            fields |= self._truce_id(able, making.object)
            self.plan.rows.append(Row("create", making.object, None, fields, self._defaults(making, able, fields)))

    def _defaults(self, making: Making, able: Capabilities, fields: Mapping[str, Told]) -> dict[str, Scalar]:
        """Give the vendor fields that a create needs besides: what the playbook says of those that the object has, the account above it."""
        several = len({rule.object for rule in self._rules.creates}) > 1
        stated = {name: value for name, value in self._rules.defaults.items() if not several or name in able.writable}
        above = {able.account_field: making.account} if able.account_field else {}
        told = {one.name for one in fields.values()}
        return {name: value for name, value in {**able.defaults, **stated, **above}.items() if name not in told}


def plan(
    lead: Lead, system: str, playbook: Playbook, open_intents: Sequence[OpenIntent],
    capabilities: Mapping[str, Capabilities], control: Control, now: int,
) -> Plan:  # fmt: skip
    """Say what must be told to `system` about `lead`; `capabilities` by the vendor's object, `now` in ms.

    Nothing is told while an intent has no outcome, nothing of a lead that was erased or joined into another, nothing twice.
    """
    planner = _Planner(lead, system, playbook, capabilities, control, now)
    if lead.erased or lead.survivor is not None or system not in playbook.systems:
        return planner.plan
    views = seen_through(lead, system, open_intents)
    if any(intent.state == "open" for intent in open_intents):
        planner.plan.wait = "intent"
    elif control.stops(system) and playbook.systems[system].mode == "write":
        planner.plan.wait = "paused"
    elif not any(view.has_truce_id for view in views) and unseen(lead, control.reading & playbook.systems.keys()):
        planner.plan.wait = "reading"
    elif views:
        planner.updates(views)
    elif not any(intent.kind == "create" for intent in open_intents):
        planner.create()
    return planner.plan
