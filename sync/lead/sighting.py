"""A record's fields as a message shows them: canonical values with their times, and which of them are our own coming back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.base import Ref, Scalar
from schemas.change import RecordChanged
from sync.lead.canonical import Unfit, canonical
from sync.lead.index import Mapped
from sync.lead.observe import Sight, Told, Watch
from sync.lead.queues import with_queues
from sync.lead.state import Lead, Observed, Record, to_ms
from sync.lead.work import Work
from sync.playbook.models import SharedField


class Value(NamedTuple):
    """One shared field as a message shows it."""

    mapped: Mapped
    value: Scalar
    """Canonical."""
    raw: Scalar
    """The vendor's."""

    @property
    def shared(self) -> SharedField:
        """The field."""
        return self.mapped.shared


def read(
    work: Work, data: RecordChanged, system: str, shared_fields: Iterable[Mapped] | None = None
) -> tuple[list[Value], list[tuple[str, Scalar, str]]]:
    """Give the shared fields (of leads, unless others are given) that the message shows, and those that no field of their kind can hold.

    The latter as (vendor name, value, reason).
    """
    found: list[Value] = []
    unfit: list[tuple[str, Scalar, str]] = []
    rules = work.playbook.systems[system]
    users, fields = with_queues(work.facts.users.get(system), system, work.playbook), data.fields
    for mapped in work.index.of(system, data.ref) if shared_fields is None else shared_fields:
        shared, spelled, name = mapped.shared, mapped.spelled, mapped.name
        if name not in fields:
            continue
        raw = fields[name]
        if shared.kind == "text" and isinstance(raw, str) and raw.strip() == rules.defaults.get(name):
            raw = None  # what stands there because the vendor requires something is nobody's word
        try:
            found.append(Value(mapped, canonical(shared, raw, spelled=spelled, country=rules.country, users=users), raw))
        except Unfit as reason:
            unfit.append((name, raw, str(reason)))
    return found, unfit


def _told(work: Work, lead: Lead, record: Record) -> dict[str, list[Mapping[str, Any]]]:
    """Give what our intents without an applied result tell this record, by shared field."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    ident = Ref.parse(record.ref).id
    for intent in work.facts.intents.get((lead.id, record.system), ()):
        if intent.record_id == ident or (intent.kind == "create" and intent.record_id is None):
            for name, told in intent.fields.items():
                found.setdefault(name, []).append(told)
    return found


class Look:
    """One look at one record: takes in every field of a message."""

    def __init__(self, work: Work, lead: Lead, record: Record, data: RecordChanged, *, consent_only: bool) -> None:
        self.work, self.lead, self.record, self.data = work, lead, record, data
        self.consent_only = consent_only
        self.at = work.clamp(data.at, data.received_at)
        self.read_at = to_ms(data.read_at) if data.read_at is not None and data.complete else None
        self.told = _told(work, lead, record) if work.facts.intents else {}
        self.own = data.origin == "own"
        self.ours = bool(data.truce_id) and not record.fields
        """First sight of a record that carries our id already: what equals the desired value was put there by us."""
        self.results: dict[str, Told] = {}
        self.left: list[str] = []
        """Fields that showed the desired value before this message and do not now."""
        self.stirred = False

    def _spelled(self, value: Value) -> Scalar:
        """Two canonical values may share one spelling there: then the one that we know of is meant."""
        mapped, found, raw = value
        shared, spelled = mapped.shared, mapped.spelled
        if not spelled.to_vendor or raw is None:
            return found
        seen, wanted = self.record.fields.get(shared.name), self.lead.desired.get(shared.name)
        for known in (seen.value if seen else None, wanted.value if wanted else None):
            if known is not None and known != found and spelled.to_vendor.get(str(known)) == raw:
                return known
        return found

    def _ours(self, shared: SharedField, value: Scalar, *, last: bool) -> int | None:
        """Give the value's own time when it is our write coming back."""
        for told in self.told.get(shared.name, ()):
            if told.get("value") == value:
                return int(told.get("at") or self.at)
        wanted = self.lead.desired.get(shared.name)
        if wanted is not None and (self.own or self.ours):
            for known, at in ([wanted.value, wanted.at], *wanted.past):
                if known == value:
                    return int(at)
        return self.at if self.own and last and shared.name in self.record.fields else None

    def take(self, value: Value) -> None:
        """Take in one field."""
        shared, name = value.mapped.shared, value.mapped.shared.name
        if self.consent_only and shared.consent is None:
            return
        found = self._spelled(value) if shared.kind == "picklist" else value.value
        own_time = self.data.times.get(value.mapped.name)
        at = self.at if own_time is None else self.work.clamp(own_time, self.data.received_at)
        before = self.record.fields.get(name)
        exact = own_time is not None
        if before is not None and before.value == found and at >= before.at and not (exact and shared.consent):
            self._again(name, before, at)
            return
        last = exact and at >= self.at  # the message's origin is that of its last edit; what was set before it may be anybody's
        sight = Sight(found, at, exact, self.read_at, self._ours(shared, found, last=last), self.own, self.data.origin)
        self.results[name] = Watch(self.lead, self.record, shared, value.mapped.honours).look(sight)
        after = self.record.fields.get(name)
        self.stirred |= after is not before
        wanted = self.lead.desired.get(name)
        if wanted is not None and before is not None and after is not None and before.value == wanted.value != after.value:
            self.left.append(name)

    def _again(self, name: str, before: Observed, at: int) -> None:
        """It shows the same value still: known until a later time now (the commonest case, hence by itself)."""
        self.results[name] = "same"
        shown = at if self.read_at is None or self.read_at < at else self.read_at
        if shown > before.seen:
            self.record.fields[name] = Observed(before.value, before.at, shown, before.past, before.done, before.answered)
            self.stirred = True

    @property
    def news(self) -> list[str]:
        """Fields whose claims changed."""
        return [name for name, told in self.results.items() if told == "news"]
