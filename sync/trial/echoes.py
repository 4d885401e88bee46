"""What Truce itself wrote, as recorded history shows it: left out where it comes back, and told as each world would have written it. Pure.

A recorded history holds the consequences of the rules that were in force. To ask what other rules would have done, what was written is
replaced by what this world wants, and a record that shows what we wrote is nobody's act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.base import Ref, Scalar
from schemas.change import RecordChanged
from schemas.envelope import Envelope
from schemas.write import WriteDone
from sync.lead.canonical import Unfit, canonical
from sync.lead.decision import Facts, VendorUser
from sync.lead.identity import by_ref, follow
from sync.lead.observe import SLACK_MS
from sync.lead.queues import with_queues
from sync.lead.state import Lead, from_ms, to_ms
from sync.playbook.models import Playbook, SharedField

Users = Mapping[str, Mapping[str, VendorUser]]
Place = tuple[str, str]
"""Record ref and vendor field."""


@dataclass(frozen=True, slots=True)
class _Write:
    value: Scalar
    sent: int
    done: int


def _canonical(playbook: Playbook, system: str, name: str, value: Scalar, users: Users) -> Scalar:
    """Give a value as it is compared; what is not mapped, or unfit, as it is."""
    shared = playbook.mapped(system).get(name)
    if shared is None:
        return value
    try:
        rules = playbook.systems[system]
        return canonical(
            shared, value, spelled=shared.systems[system], country=rules.country, users=with_queues(users.get(system), system, playbook)
        )
    except Unfit:
        return value


@dataclass(slots=True)
class Echoes:
    """The writes of one person's records, and what others have put over them since."""

    playbook: Playbook
    """The one in force: what was written is spelled by it."""
    users: Users
    writes: dict[Place, list[_Write]] = field(default_factory=dict)
    foreign: dict[Place, int] = field(default_factory=dict)
    """When somebody else's value was seen where we wrote, ms."""

    def learn(self, messages: Iterable[Envelope]) -> None:
        """Take in every write that these messages tell of, those still to come too."""
        for message in messages:
            data = message.data
            if isinstance(data, WriteDone) and data.ref is not None and data.outcome in ("written", "created", "linked"):
                for name, value in data.fields.items():
                    kept = _canonical(self.playbook, data.system, name, value, self.users)
                    self.writes.setdefault((data.ref, name), []).append(_Write(kept, to_ms(data.sent_at), to_ms(data.done_at)))

    def without(self, data: RecordChanged) -> RecordChanged:
        """Give what a record showed without what we had written there."""
        if not self.writes:
            return data
        ours = {name for name, value in data.fields.items() if (data.ref, name) in self.writes and self._ours(data, name, value)}
        if not ours:
            return data
        left = {name: value for name, value in data.fields.items() if name not in ours}
        times = {name: at for name, at in data.times.items() if name not in ours}
        return data.model_copy(update={"fields": left, "times": times})

    def _ours(self, data: RecordChanged, name: str, value: Scalar) -> bool:
        place, system = (data.ref, name), data.ref.partition(":")[0]
        seen, received = to_ms(data.times.get(name, data.at)), to_ms(data.received_at)
        shown = _canonical(self.playbook, system, name, value, self.users)
        over = self.foreign.get(place, -1)
        if any(one.value == shown and one.sent <= received + SLACK_MS and over <= one.done + SLACK_MS for one in self.writes[place]):
            return True
        self.foreign[place] = max(over, seen)
        return False


def _spelled(shared: SharedField, system: str, value: Scalar, users: Users) -> Scalar:
    if shared.kind == "user" and value is not None:
        return next((user.id for user in users.get(system, {}).values() if user.email.lower() == value), value)
    spelled = shared.systems[system]
    return spelled.to_vendor.get(str(value), value) if value is not None and spelled.to_vendor else value


def _wanted(lead: Lead, shared: SharedField, system: str, raw: Scalar, playbook: Playbook, users: Users) -> Scalar:
    """Give what this world would have written: what was written, if it ever wanted that, else what it wants now."""
    held = lead.desired[shared.name]
    shown = _canonical(playbook, system, shared.systems[system].name, raw, users)
    if shown in (held.value, *(row[0] for row in held.past)):
        return raw
    return _spelled(shared, system, held.value, users)


def told(message: Envelope, data: WriteDone, facts: Facts, playbook: Playbook) -> Envelope | None:
    """Give the outcome of a write as it would be in this world; None where the world has no such lead."""
    lead = follow(facts, data.lead_id) or (by_ref(facts, data.ref) if data.ref else None)
    if lead is None or data.system not in playbook.systems or (data.ref is not None and Ref.parse(data.ref).system != data.system):
        return None
    mapped = playbook.mapped(data.system)
    fields: dict[str, Scalar] = {}
    for name, raw in data.fields.items():
        shared = mapped.get(name)
        if shared is not None and shared.name in lead.desired:
            fields[name] = _wanted(lead, shared, data.system, raw, playbook, facts.users)
    names = {mapped[name].name for name in fields}
    versions = {name: lead.desired[name].version for name in names}
    times = {name: from_ms(lead.desired[name].at) for name in names}
    made = data.model_copy(update={"lead_id": lead.id, "fields": fields, "versions": versions, "times": times})
    return message._replace(data=made)
