"""Clocks of a lead: what is to happen to it at a time, one per kind. Set where it follows from a decision; told back when it is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from schemas import envelope
from schemas.clock import ClockDue
from schemas.envelope import Envelope, derived_id
from sync.lead import again, sla
from sync.lead.decision import Decision
from sync.lead.identity import as_lead_id
from sync.lead.offers import HANDOFF, going
from sync.lead.settle import settle
from sync.lead.state import from_ms
from sync.lead.work import FUTURE_MS, Work

SOURCE = "clock"
"""Stands where the system stands that an act came from."""


def told(lead_id: str, kind: str, due_at: int, now: int, source: str = SOURCE, seen: Mapping[str, datetime] | None = None) -> Envelope:
    """Make the message that a clock is due; the same clock has the same id, however often it is told. `seen`: how far each system was read."""
    data = ClockDue(lead_id=lead_id, kind=kind, due_at=from_ms(due_at), seen=dict(seen or {}))
    return envelope.new("truce.clock.due", data, source=source, ident=derived_id("clock", lead_id, kind, due_at), time=from_ms(now))


def due(work: Work, data: ClockDue) -> Decision:
    """The time of a clock has come: the lead is judged again, as of that time; one that was set anew meanwhile is left alone."""
    ident, at = as_lead_id(data.lead_id), round(data.due_at.timestamp() * 1000)
    if ident is None:
        return work.end("parked", "lead_id: is no lead's id")
    known = work.facts.leads.get(ident)
    if known is None or data.kind not in known.clocks:
        work.out.clocks[ident, data.kind] = None
        return work.end("noop", "the lead has no such clock")
    if known.clocks[data.kind] > at:
        return work.end("noop", "the clock was set anew")
    # the time that stands in it counts where it is a little ahead: the database's clock, which said that it is due, is not Kafka's
    work.now = max(work.now, known.now, min(at, work.now + FUTURE_MS))
    lead = work.take(known)
    del lead.clocks[data.kind]
    work.out.clocks[ident, data.kind] = None
    if data.kind == HANDOFF and going(lead):
        again.look(work, lead, SOURCE)  # who is there no more is not warned, and misses nothing
        sla.due(work, lead, data)
        settle(work, lead, ["owner"], at=work.now, source=SOURCE)
    else:
        settle(work, lead, [], at=work.now, source=SOURCE, force=True)
    return work.end("applied")
