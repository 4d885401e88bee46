"""What a yes or a no to a hand-off does, whoever brings it: the CRM, a button, a command. Times are ms."""

from __future__ import annotations

from typing import Any

from sync.lead import again, business, offers
from sync.lead.cycle import Offer
from sync.lead.legs import calendar_of
from sync.lead.reconcile import claim_truce
from sync.lead.state import Lead
from sync.lead.word import ACCEPTED, sales_word
from sync.lead.work import Work
from sync.playbook.models import MQL, Reason


def accepted(work: Work, lead: Lead, at: int, actor: str, how: str) -> None:
    """Take a yes: the lead is one that sales accepted."""
    note = work.cycle(lead)
    offers.accept(work, lead, at, actor, how)
    if note.kind == MQL:
        sales_word(work, lead, ACCEPTED, at)


def restore(work: Work, lead: Lead, missed: Offer, at: int) -> None:
    """An answer in time is known only now: what followed from the silence is void."""
    note = work.cycle(lead)
    void = note.owner
    offers.end_offer(work, lead, "void", at=work.now, reason="an answer in time came late")
    missed.ended = missed.ended_at = None
    missed.reason = ""
    note.offers = [*(one for one in note.offers if one is not missed), missed]
    for n, one in enumerate(note.offers, 1):
        one.n = n
    note.owner, note.state = missed.owner, "offered"
    leg = note.legs.get("accept")
    if leg is not None and leg.breached_at is not None:
        leg.breached_at, leg.cause, leg.owner = None, "", ""
    claim_truce(lead, "owner", missed.owner, work.now)
    if void != missed.owner:
        work.notice(lead, "moved", void, to=missed.owner)
    offers.no_problem(work, lead, "not_accepted", "unrouted", "fell_back")


def rejected(work: Work, lead: Lead, reason: Reason, at: int, actor: str, comment: str) -> str:
    """Take a no, and do what the reason says follows; gives it in words."""
    note = work.cycle(lead)
    owner = note.owner
    offers.known(work, lead, work.now)
    offers.end_offer(work, lead, "rejected", at=at, reason=reason.id, comment=comment, by=actor)
    due: dict[str, Any] = {}
    if reason.then == "reassign":
        offers.stand_still(work, lead)
    else:
        due = {"final": True, **offers.finish(work, lead, "accept", at)}
    offers.said(work, lead, "rejected", f"{reason.where} {reason.id}", by=actor, reason=reason.id, comment=comment, at=at, **due)
    work.event(lead, "truce.handoff.rejected", before=note.state, after=reason.id, rule=str(reason.where), handoff=note.kind)
    lead.said_no = [*(one for one in lead.said_no if one != owner), owner][-50:]
    _tell_reason(work, lead, reason, comment, at)
    work.notice(lead, "rejected", owner, reason=reason.label, by=actor)
    if reason.then == "reassign":
        if again.pass_on(work, lead, f"{work.playbook.name_of(owner)} gave it back: {reason.label}"):
            return f"Given back: {reason.label}. {work.playbook.name_of(work.cycle(lead).owner)} has it now."
        return f"Given back: {reason.label}. Nobody else may be given it; a person is told."
    note.reason, note.comment = reason.id, comment
    stage = "recycled" if reason.then == "recycle" else "disqualified"
    if stage == "recycled":
        note.returns_at = returns_at(work, reason, at, owner)
    offers.close(work, lead, f"{reason.where} {reason.id}", stage, at=at)
    sales_word(work, lead, stage, at)
    return f"Given back: {reason.label}. The lead is {stage}."


def returns_at(work: Work, reason: Reason, at: int, owner: str) -> int | None:
    """Give when a lead that was given back for a reason may come again at the earliest; None where the reason does not say."""
    return None if reason.after is None else business.after(at, reason.after, *calendar_of(work.playbook, owner))


def _tell_reason(work: Work, lead: Lead, reason: Reason, comment: str, at: int) -> None:
    """Let both systems show why, where the playbook has a field for it."""
    slas = work.playbook.slas
    for name, value in ((slas.reason_field, reason.id), (slas.comment_field, comment)):
        if name and name in work.playbook.fields:
            claim_truce(lead, name, value or None, at)
