"""The one question: what does this message mean? Pure: the same inputs give the same decision, ids included."""

from __future__ import annotations

from schemas.change import RecordChanged, RecordConverted, RecordDeleted, RecordMerged
from schemas.clock import ClockDue
from schemas.command import Command
from schemas.envelope import Envelope
from schemas.notice import NoticeSent
from schemas.response import ResponseRecorded
from schemas.touch import TouchRecorded
from schemas.write import WriteDone
from sync.lead import clocks, entries, fates, orders, records, responses, results, touches
from sync.lead.decision import Decision, Facts
from sync.lead.identity import unfit
from sync.lead.qualify import stage_values
from sync.lead.work import Work
from sync.playbook.models import Playbook

__all__ = ["decide", "stage_values"]


def decide(message: Envelope, facts: Facts, playbook: Playbook, now: int) -> Decision:
    """Give what follows from a message; never changes the facts, and raises nothing for content that is bad.

    `now` is the message's log-append time in ms; a lead's own last `now` counts when it is later. Content that cannot be kept is
    parked, with the name of the field in the reason.
    """
    reason = unfit(message)
    if reason is not None:
        return Decision("parked", reason)
    work = Work(message, facts, playbook, now)
    if (kind := entries.kind_of(work, message.data)) is not None:
        return entries.entered(work, message.data, kind)
    match message.data:
        case RecordChanged() as data:
            return records.changed(work, data)
        case TouchRecorded() as data:
            return touches.recorded(work, data)
        case WriteDone() as data:
            return results.done(work, data)
        case RecordMerged() as data:
            return fates.merged(work, data)
        case RecordConverted() as data:
            return fates.converted(work, data)
        case RecordDeleted() as data:
            return fates.deleted(work, data)
        case Command() as data:
            return orders.ordered(work, data)
        case ResponseRecorded() as data:
            return responses.responded(work, data)
        case NoticeSent() as data:
            return responses.card_sent(work, data)
        case ClockDue() as data:
            return clocks.due(work, data)
    return Decision("parked", f"ce_type: {message.type} is not decided by this version")
