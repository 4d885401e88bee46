"""One message as Kafka gave it, read as far as it can be, with what must be locked before it is decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schemas import envelope
from schemas.clock import ClockDue
from schemas.envelope import Envelope, derived_id
from sync.agents.rules import Want
from sync.lead.decision import Decision, ParkedNote, ProblemNote, Wanted
from sync.lead.identity import as_lead_id
from sync.runtime.guard import Failure, attempt
from sync.store.parked import Original


class Delivered(Protocol):
    """A record of Kafka, as aiokafka has it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


@dataclass(slots=True)
class Input:
    """One message on its way through a batch."""

    record: Delivered
    read: Envelope | Failure
    wanted: Wanted

    @property
    def partition(self) -> int:
        """The partition it came from."""
        return self.record.partition

    @property
    def offset(self) -> int:
        """Its offset there."""
        return self.record.offset

    @property
    def source(self) -> str:
        """Who sent it, as far as it says so."""
        if isinstance(self.read, Envelope):
            return self.read.source
        told = next((value for name, value in self.record.headers or () if name == "ce_source" and value), b"?")
        return told[: envelope.MAX_ATTRIBUTE].decode(errors="replace")

    def original(self, traceback: str | None = None) -> Original:
        """Give its bytes, to be kept."""
        r = self.record
        return Original(r.topic, r.partition, r.offset, r.key, r.value, r.headers, traceback)

    @property
    def parked_id(self) -> str:
        """The id under which it is parked, if it is."""
        return derived_id("parked", self.record.topic, self.record.partition, self.record.offset)

    @property
    def clock(self) -> tuple[str, str, int] | None:
        """The clock (lead id, kind, due) that it tells, None where it tells none."""
        data = self.read.data if isinstance(self.read, Envelope) else None
        lead = as_lead_id(data.lead_id) if isinstance(data, ClockDue) else None
        return (lead, data.kind, round(data.due_at.timestamp() * 1000)) if isinstance(data, ClockDue) and lead else None


NOTHING = Wanted()


def prepare(record: Delivered, want: Want, secret: bytes) -> Input:
    """Read a message and say what it needs; never raises: what cannot be read carries its failure."""
    read = attempt(envelope.read, record.value, record.headers)
    if isinstance(read, Failure):
        return Input(record, read, NOTHING)
    wanted = attempt(want, read, secret)
    return Input(record, wanted, NOTHING) if isinstance(wanted, Failure) else Input(record, read, wanted)


def set_aside(message: Input, why: Failure) -> Decision:
    """Decide that a message is parked with its bytes and the reason."""
    lead = message.clock[0] if message.clock else None
    note = ParkedNote(message.parked_id, "message", why.reason, why.code, lead_id=lead)
    problem = ProblemNote("message_parked", why.code, True, f"messages that cannot be handled ({why.code}): `truce parked` shows them")
    return Decision("parked", why.reason, parked=[note], problems=[problem])
