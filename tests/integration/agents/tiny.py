"""A tiny decider for tests of delivery: it counts the messages of each record, rings one doorbell, and fails on demand."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.change import RecordChanged
from schemas.envelope import Envelope, derived_id, new
from schemas.event import LeadEvent
from sync.agents.rules import Rules
from sync.lead.basis import Basis
from sync.lead.decision import Decision, Facts, Line, Wanted
from sync.lead.state import Desired, Lead, Record, copy, from_ms, to_ms
from sync.lead.turns import PoolState, after
from sync.playbook.models import Guards, Playbook, When

SYSTEM = "crm"
STAGES = ("odd", "even")


def wanted(message: Envelope, secret: bytes) -> Wanted:
    """The record's identity; `once` when the message says so."""
    data = message.data
    assert isinstance(data, RecordChanged)
    if data.fields.get("greedy"):
        raise ValueError("what I want cannot be said")
    identities = frozenset({("ref", data.ref), *((("email", data.email),) if data.email else ())})
    touch = data.fields.get("touch")
    return Wanted(
        identities,
        touches=frozenset({(SYSTEM, str(touch))} if touch else ()),
        once=message.id if data.fields.get("once") else None,
    )


def decide(message: Envelope, facts: Facts, playbook: Playbook, now_ms: int) -> Decision:
    """Add one to the lead's count; `explode` raises, `nul` makes a line that PostgreSQL refuses, `pool` takes a turn."""
    data = message.data
    assert isinstance(data, RecordChanged)
    if data.fields.get("explode"):
        raise RuntimeError("the decision blew up")
    ident = facts.identities.get(("ref", data.ref)) or (facts.identities.get(("email", data.email)) if data.email else None)
    lead = copy(facts.leads[ident]) if ident else Lead(derived_id(message.id, "lead"), data.ref, to_ms(data.at), now_ms)
    before = lead.desired.get("count")
    lead.desired["count"] = Desired(int(str(before.value)) + 1 if before else 1, now_ms, data.ref, lead.rev + 1, "tiny.yaml:1")
    lead.rev, lead.now = lead.rev + 1, max(lead.now, now_ms)
    system, kind, _ = data.ref.split(":")
    lead.records[data.ref] = Record(data.ref, system, kind, first_seen=now_ms, last_at=now_ms)
    line = {"id": message.id, "n": data.fields.get("n"), "bad": "\x00" if data.fields.get("nul") else ""}
    decision = Decision("applied", leads=[lead], identities={("ref", data.ref): lead.id}, lines=[Line(lead.id, now_ms, "message", line)])
    if data.email:
        decision.identities["email", data.email] = lead.id
    decision.dirty.add((lead.id, SYSTEM, "bulk" if data.bulk else "hot"))
    _more(decision, message, data, facts, lead, now_ms)
    return decision


def _more(decision: Decision, message: Envelope, data: RecordChanged, facts: Facts, lead: Lead, now_ms: int) -> None:
    if data.fields.get("quiet") and lead.rev > 1:
        return
    event = LeadEvent(lead_id=lead.id, at=from_ms(now_ms), type="truce.lead.created", after=lead.rev)
    decision.events.append(new("truce.lead.created", event, source="truce", ident=derived_id(message.id, "event"), time=from_ms(now_ms)))
    touch = data.fields.get("touch")
    if touch and (SYSTEM, str(touch)) not in facts.touches:
        decision.touches.append((SYSTEM, str(touch), lead.id, "form", "", now_ms))
    name = data.fields.get("pool")
    if name:
        pool = facts.pools.get(str(name), PoolState())
        decision.pools[str(name)] = after(pool, "ana", {"ana": 1.0}, "")
        decision.basis = Basis(frozenset({str(name)}))


def load(files: Mapping[str, bytes], version: int) -> Playbook:
    """An empty playbook of that version; a file named `broken` does not load."""
    if "broken" in files:
        raise ValueError("broken")
    return Playbook(version, "", {}, {}, When(), None, (), (), (), (), {}, {}, Guards())


def rules() -> Rules:
    """Everything tiny."""
    return Rules(decide, wanted, load)
