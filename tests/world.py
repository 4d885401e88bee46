"""Two vendors in memory, the pure core between them, and the real planner as writer: everything that a message may meet, by hand.

Nothing happens by itself: people edit, messages wait until they are delivered (in any order, as often as one likes), a doorbell
waits until the writer answers it, a call is on the wire until it lands, and its result waits again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from connectors.base import Capabilities
from schemas.base import Ref, Scalar
from schemas.envelope import Envelope
from sync.lead import state
from sync.lead.decide import decide
from sync.lead.decision import Decision, Facts, fold
from sync.lead.identity import follow, wanted
from sync.lead.plan import Control, Row, plan
from sync.lead.seen import OpenIntent
from sync.lead.state import Lead
from sync.playbook.models import Playbook
from tests import factory
from tests.factory import HS, MA, SECRET, SF, at, changed, done, ms, snapshot

TRUCE_FIELD = {SF: "Truce_Id__c", HS: "truce_id", MA: "truce_id"}
OBJECT = {SF: "Lead", HS: "contacts", MA: "contacts"}


@dataclass
class Stored:
    """One record at a vendor."""

    ref: str
    fields: dict[str, Scalar]
    times: dict[str, float]
    at: float
    truce_id: str | None = None
    there: bool = True


@dataclass
class Call:
    """One call of the writer on its way."""

    intent: OpenIntent
    lead: str
    system: str
    row: Row


@dataclass
class World:
    """The vendors, what waits, and what is known."""

    playbook: Playbook = field(default_factory=factory.playbook)
    facts: Facts = field(default_factory=factory.facts)
    now: float = 0.0
    stores: dict[str, dict[str, Stored]] = field(default_factory=lambda: {SF: {}, HS: {}})
    waiting: list[Envelope] = field(default_factory=list)
    decided: list[tuple[Envelope, Decision]] = field(default_factory=list)
    dirty: dict[tuple[str, str], str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    intents: dict[str, tuple[str, str, OpenIntent]] = field(default_factory=dict)
    writes: list[tuple[str, str, dict[str, Scalar]]] = field(default_factory=list)
    once: set[str] = field(default_factory=set)
    duplicates: set[str] = field(default_factory=set)
    refuse: dict[tuple[str, str], str] = field(default_factory=dict)
    """(system, vendor field) → the words with which it is refused."""
    new_ids: int = 100

    # ---- people at the vendors

    def tick(self, seconds: float = 1.0) -> float:
        """Let time pass."""
        self.now += seconds
        return self.now

    def add(self, ref: str, values: Mapping[str, Scalar], *, tell: bool = True, **more: Any) -> Stored:
        """A record is there; its first notice or snapshot waits."""
        system, when = Ref.parse(ref).system, self.tick()
        made = Stored(ref, dict(values), dict.fromkeys(values, when), when)
        self.stores[system][ref] = made
        if tell:
            self.waiting.append(self.read(ref, **more))
        return made

    def edit(self, ref: str, values: Mapping[str, Scalar], *, tell: bool = True, **more: Any) -> None:
        """Somebody edits a record; only what differs is an edit."""
        row, when = self.stores[Ref.parse(ref).system][ref], self.tick()
        values = {name: value for name, value in values.items() if row.fields.get(name) != value}
        if not values:
            return
        row.fields |= values
        row.times |= dict.fromkeys(values, when)
        row.at = when
        if tell:
            self.waiting.append(self._notice(row, values, when, **more))

    def _notice(self, row: Stored, values: Mapping[str, Scalar], when: float, **more: Any) -> Envelope:
        """HubSpot names each field's time; Salesforce the record's."""
        times = dict.fromkeys(values, when) if row.ref.startswith(HS) else {}
        more.setdefault("origin", "person")
        return changed(row.ref, when, values, times=times, truce_id=row.truce_id, email=row.fields.get(_email(row.ref)), **more)

    def read(self, ref: str, **more: Any) -> Envelope:
        """A read of the whole record, now; Salesforce's is consistent."""
        row = self.stores[Ref.parse(ref).system][ref]
        mapped = {f.systems[Ref.parse(ref).system].name for f in self.playbook.fields.values() if Ref.parse(ref).system in f.systems}
        values = {name: row.fields.get(name) for name in sorted(mapped)}
        common: dict[str, Any] = {"truce_id": row.truce_id, "email": row.fields.get(_email(ref)), **more}
        if ref.startswith(SF):
            return snapshot(ref, row.at, values, read=self.now, **common)
        times = {name: t for name, t in row.times.items() if name in values}
        return changed(ref, row.at, values, complete=True, times=times, received_at=at(self.now), **common)

    # ---- Truce

    def deliver(self, message: Envelope) -> Decision:
        """The lead agent decides one message, as the shell would."""
        need = wanted(message, SECRET)
        if need.once and need.once in self.once:
            return Decision("noop", "seen before")
        self.facts.intents = self._open()
        before = {lead.id: state.dump(lead) for lead in self.facts.leads.values()}
        decision = decide(message, self.facts, self.playbook, ms(self.now))
        assert before == {lead.id: state.dump(lead) for lead in self.facts.leads.values()}, "the facts were changed"
        again = decide(message, self.facts, self.playbook, ms(self.now))
        assert repr(again) == repr(decision), "decided twice, decided differently"
        for lead in decision.leads:
            assert state.load(state.dump(lead)) == lead, "the document does not survive being stored"
        fold(self.facts, decision)
        self._after(message, decision)
        if need.once:
            self.once.add(need.once)
        return decision

    def _after(self, message: Envelope, decision: Decision) -> None:
        for lead, system, lane in decision.dirty:
            self.dirty[lead, system] = lane
        for note in decision.duplicates:
            self.duplicates -= set(note.leads)
            self.duplicates |= set(note.leads) if note.open else set()
        for ident in decision.settled_intents:
            self.intents.pop(ident, None)
        joined = {lead.id: lead.survivor for lead in decision.leads if lead.survivor is not None}
        self.intents = {i: (joined.get(lead, lead), system, intent) for i, (lead, system, intent) in self.intents.items()}
        for ref in sorted(decision.read_orders):
            row = self.stores[Ref.parse(ref).system].get(ref)
            if row is not None and row.there:
                self.waiting.append(self.read(ref))
        self.decided.append((message, decision))

    def _open(self) -> dict[tuple[str, str], tuple[OpenIntent, ...]]:
        found: dict[tuple[str, str], tuple[OpenIntent, ...]] = {}
        for lead, system, intent in self.intents.values():
            found[lead, system] = (*found.get((lead, system), ()), intent)
        return found

    def deliver_all(self) -> None:
        """Deliver what waits, oldest first, and what comes of it."""
        for _ in range(500):
            if not self.waiting:
                return
            self.deliver(self.waiting.pop(0))
        raise AssertionError("messages without end")

    def control(self, system: str, lead: str) -> Control:
        """What the writer knows of a system."""
        users = {user.email: user.id for user in self.facts.users.get(system, {}).values() if user.active}
        return Control(TRUCE_FIELD[system], users=users, read_fully=True, duplicate=lead in self.duplicates)

    def ring(self, lead_id: str, system: str) -> None:
        """The writer answers one doorbell: intents are committed, calls go out."""
        self.dirty.pop((lead_id, system), None)
        lead = follow(self.facts, lead_id)
        if lead is None:
            return
        names = {f.systems[system].name for f in self.playbook.fields.values() if system in f.systems}
        able = {OBJECT[system]: Capabilities(frozenset(names | {TRUCE_FIELD[system]}))}
        planned = plan(
            lead, system, self.playbook, self._open().get((lead.id, system), ()), able, self.control(system, lead.id), ms(self.now)
        )
        for ref in sorted(planned.reads):
            self.waiting.append(self.read(ref))
        if planned.stays_dirty:
            self.dirty[lead.id, system] = "hot"
        for row in planned.rows:
            if row.kind == "create" and self._found(system, planned.email):
                continue
            told = {name: asdict(one) for name, one in row.fields.items()}
            intent = OpenIntent(
                f"intent-{len(self.once)}-{len(self.writes)}-{len(self.calls)}", row.kind, row.object, row.record_id, told, "open"
            )
            self.intents[intent.id] = (lead.id, system, intent)
            self.calls.append(Call(intent, lead.id, system, row))

    def _found(self, system: str, email: str | None) -> bool:
        """Each create is preceded by a look-up of the e-mail: a hit is published, not written."""
        hits = [
            row
            for row in self.stores[system].values()
            if row.there and email and str(row.fields.get(_email(row.ref)) or "").strip().lower() == email
        ]
        self.waiting += [self.read(row.ref) for row in hits]
        return bool(hits)

    def land(self, call: Call, *, echo: bool = True, origin: str = "unknown") -> None:
        """A call reaches the vendor: it happens, its echo and its result wait."""
        self.calls.remove(call)
        when = self.tick()
        sent = {one.name: one.sent for one in call.row.fields.values()}
        refused = [
            {"field": name, "value": value, "code": "RULE", "words": self.refuse[call.system, name]}
            for name, value in sent.items()
            if (call.system, name) in self.refuse
        ]
        taken = {name: value for name, value in sent.items() if (call.system, name) not in self.refuse}
        row, outcome = self._target(call, taken, when)
        self.writes.append((call.system, row.ref if row else "", taken))
        if row is not None and taken:
            truce_id = taken.get(TRUCE_FIELD[call.system])
            row.truce_id = str(truce_id) if truce_id else row.truce_id
            fields = {name: value for name, value in taken.items() if name != TRUCE_FIELD[call.system]}
            moved = {name: value for name, value in fields.items() if row.fields.get(name) != value}
            row.fields |= fields
            row.times |= dict.fromkeys(moved, when)
            row.at = when
            if echo:
                self.waiting.append(self._notice(row, moved, when, origin=origin))
        told = {name: one for name, one in call.row.fields.items() if one.name in taken and name != "truce_id"}
        message = done(
            call.lead,
            row.ref if row else None,
            when,
            {one.name: one.sent for one in told.values()},
            {name: one.version for name, one in told.items()},
            outcome,
            system=call.system,
            intent_id=call.intent.id,
            refused=refused,
            times={name: state.from_ms(one.at) for name, one in told.items()},
            truce_id=TRUCE_FIELD[call.system] in taken and row is not None,
        )
        lead, system, intent = self.intents[call.intent.id]
        plain = message.data.model_dump(mode="json")
        self.intents[intent.id] = (lead, system, replace(intent, state="done", outcome=plain, done_at=ms(when)))
        self.waiting.append(message)

    def _target(self, call: Call, taken: Mapping[str, Scalar], when: float) -> tuple[Stored | None, str]:
        store = self.stores[call.system]
        if call.row.kind == "update":
            row = store[f"{call.system}:{call.row.object}:{call.row.record_id}"]
            return (row, "written" if taken else "rejected") if row.there else (row, "gone")
        if len(taken) < len(call.row.fields):
            return None, "rejected"
        self.new_ids += 1
        ref = f"{call.system}:{call.row.object}:{self.new_ids}"
        store[ref] = Stored(ref, {}, {}, when)
        return store[ref], "created"

    def settle(self) -> None:
        """Let everything run to its end; a world that never comes to rest fails."""
        for _ in range(200):
            self.deliver_all()
            for lead, system in sorted(self.dirty):
                self.ring(lead, system)
            for call in list(self.calls):
                self.land(call)
            if not (self.waiting or self.dirty or self.calls):
                return
        raise AssertionError(f"no rest: dirty {self.dirty}, {len(self.waiting)} waiting")

    def sweep(self) -> None:
        """Read every record again."""
        self.tick(60)
        for store in self.stores.values():
            self.waiting += [self.read(row.ref) for row in store.values() if row.there]
        self.settle()

    # ---- what one may ask

    def leads(self) -> list[Lead]:
        """Every lead that was not joined into another."""
        return [lead for lead in self.facts.leads.values() if lead.survivor is None]

    def lead(self, ref: str) -> Lead:
        """The lead of a record."""
        found = follow(self.facts, self.facts.identities.get(("ref", ref)))
        assert found is not None
        return found

    def shown(self, name: str) -> dict[str, Scalar]:
        """What every record that is there shows for a shared field, in the vendor's words, blank as None."""
        shared = self.playbook.fields[name]
        return {
            row.ref: row.fields.get(shared.systems[system].name) or None
            for system, store in self.stores.items()
            if system in shared.systems
            for row in store.values()
            if row.there
        }


def _email(ref: str) -> str:
    return "Email" if ref.startswith(SF) else "email"
