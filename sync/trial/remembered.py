"""History as the store still knows it: each lead's last acts and touches, told again as messages. Pure; times are ms.

The store keeps the last act on each field in each record, not every act before it: values are as of their last change, and what was
overwritten is not seen. What is older than the beginning counts as known from the start, and nobody is handed over because of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from schemas import envelope
from schemas.base import Message, Scalar
from schemas.change import RecordChanged, RecordConverted, RecordDeleted
from schemas.touch import TouchRecorded
from sync.lead.reconcile import TRUCE
from sync.lead.state import Lead, Record, from_ms
from sync.playbook.models import Playbook, SharedField
from sync.trial.history import Recorded, recorded

CAVEAT = "From the store: values are as of their last change, and what was overwritten is not seen. A history file holds every message."


class Act(NamedTuple):
    """One row of the touches table."""

    system: str
    id: str
    kind: str
    name: str
    at: int


def _spelled(shared: SharedField, system: str, value: Scalar) -> Scalar:
    spelled = shared.systems[system]
    return spelled.to_vendor.get(str(value), value) if value is not None and spelled.to_vendor else value


def _shown(lead: Lead, record: Record, playbook: Playbook) -> Mapping[int, dict[str, tuple[Scalar, str]]]:
    """Give what the record's own acts said, by their time: vendor field → (value, origin)."""
    found: dict[int, dict[str, tuple[Scalar, str]]] = {record.first_seen: {}}
    for name, claims in lead.claims.items():
        shared, claim = playbook.fields.get(name), claims.get(record.ref)
        if shared is not None and claim is not None and record.system in shared.systems:
            row = found.setdefault(claim.at, {})
            row[shared.systems[record.system].name] = (_spelled(shared, record.system, claim.value), claim.origin)
    return found


def _of_record(lead: Lead, record: Record, since: int, playbook: Playbook) -> Iterator[tuple[int, str, Message]]:
    email = lead.value("email")
    for at, row in _shown(lead, record, playbook).items():
        moment, origins = from_ms(at), {origin for _, origin in row.values()} & {"person", "form", "import", "api", "automation"}
        yield at, "truce.record.changed", RecordChanged.model_validate(
            {
                "ref": record.ref, "at": moment, "received_at": moment, "email": email, "bulk": at < since,
                "fields": {name: value for name, (value, _) in row.items()}, "times": dict.fromkeys(row, moment),
                "origin": "import" if "import" in origins else min(origins, default="unknown"),
            }
        )  # fmt: skip
    moment = from_ms(record.last_at)
    if record.gone == "converted":
        yield record.last_at, "truce.record.converted", RecordConverted(ref=record.ref, became=record.became, at=moment, received_at=moment)
    elif record.gone == "deleted":
        yield record.last_at, "truce.record.deleted", RecordDeleted(ref=record.ref, at=moment, received_at=moment)


def _touched(lead: Lead, act: Act, since: int) -> TouchRecorded:
    moment = from_ms(act.at)
    ref = next((ref for ref, record in sorted(lead.records.items()) if record.system == act.system), None)
    return TouchRecorded.model_validate(
        {
            "system": act.system, "activity_id": act.id, "kind": act.kind, "name": act.name, "at": moment, "received_at": moment,
            "ref": ref, "email": lead.value("email"), "bulk": act.at < since,
        }
    )  # fmt: skip


def messages(lead: Lead, acts: Iterable[Act], since: int, playbook: Playbook) -> Iterator[tuple[int, str, str, Message]]:
    """Give (time, id, type, data) of everything that the store knows of a lead."""
    for ref, record in sorted(lead.records.items()):
        if record.gone not in ("merged", "erased") and ref != TRUCE:
            for at, kind, data in _of_record(lead, record, since, playbook):
                yield at, f"{ref} {at} {kind}", kind, data
    for act in acts:
        yield act.at, f"{act.system} {act.id}", "truce.touch.recorded", _touched(lead, act, since)


def log(rows: Iterable[tuple[int, str, str, Message]]) -> list[Recorded]:
    """Put messages in the order of time, as a log would have them."""
    found = []
    for line, (at, ident, kind, data) in enumerate(sorted(rows, key=lambda row: (row[0], row[1])), 1):
        value, headers = envelope.write(envelope.new(kind, data, source="store", ident=ident, time=from_ms(at)))
        found.append(recorded(line, at, value, headers))
    return found
