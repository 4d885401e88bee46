"""Evidence about a hand-off that nobody gave as an order: a rep did something with the person, or the card reached its owner. Times are ms."""

from __future__ import annotations

from schemas.notice import NoticeSent
from schemas.response import ResponseRecorded
from sync.lead import offers
from sync.lead.decision import Decision
from sync.lead.identity import as_lead_id, by_ref
from sync.lead.offers import going
from sync.lead.settle import settle
from sync.lead.state import Lead, to_ms
from sync.lead.word import ACCEPTED, sales_word
from sync.lead.work import Work
from sync.playbook.models import MQL


def responded(work: Work, data: ResponseRecorded) -> Decision:
    """A rep called, wrote to or met the person, or completed a task on them."""
    known = by_ref(work.facts, data.ref)
    if known is None or known.erased or not going(known):
        return work.end("noop", "no hand-off waits for a response")
    note, at = known.handoff, work.clamp(data.at, data.received_at)
    if note is None or note.worked_at is not None or at < note.opened_at:
        return work.end("noop", "no leg waits for a response of that time")
    lead = work.take(known)
    work.hot = True
    user = work.facts.users.get(data.system, {}).get(data.by)
    _first_response(work, lead, at, user.email.lower() if user is not None and user.email else data.system, f"{data.kind} in {data.system}")
    return work.end("applied")


def _first_response(work: Work, lead: Lead, at: int, by: str, how: str) -> None:
    note = work.cycle(lead)
    taken = note.state not in ("accepted", "worked")
    offers.respond(work, lead, at, by, how)
    if taken and note.kind == MQL:
        sales_word(work, lead, ACCEPTED, at)
    settle(work, lead, ["stage"], at=at, source=how)


def card_sent(work: Work, data: NoticeSent) -> Decision:
    """The card of an offer has reached its owner: their clock begins."""
    lead = work.find(as_lead_id(data.lead_id))
    note = lead.handoff if lead is not None else None
    if lead is None or note is None or note.id != as_lead_id(data.handoff) or not going(lead):
        return work.end("noop", "that hand-off is over")
    if len(note.offers) != data.offer or note.offers[-1].known_at is not None or note.offers[-1].ended is not None:
        return work.end("noop", "that offer is over, or known to have arrived")
    offers.known(work, lead, to_ms(data.at))
    settle(work, lead, [], judge=False)
    return work.end("applied")
