"""What the systems show of a hand-off: that it reached its owner, that they took it, what came of it. Looked at after every change of a lead."""

from __future__ import annotations

from sync.lead import offers, todo
from sync.lead.answers import rejected, returns_at
from sync.lead.handoff import handing
from sync.lead.offers import accept, close, end_offer, going, is_open, known, respond
from sync.lead.qualify import place_of
from sync.lead.reconcile import TRUCE, claim_truce, desire, system_of
from sync.lead.state import Lead
from sync.lead.work import Work
from sync.playbook.models import MQL, SIDE_EXITS, Leg, Reason, Values, When, queue_of

QUALIFIED = "sql"
"""The stage at which a hand-off has come to its good end."""


def watch(work: Work, lead: Lead, values: Values | None) -> None:
    """Let the hand-off be where the lead's records say that it is; `values`: what conditions see, where something moved."""
    if going(lead):
        if not lead.in_scope:
            close(work, lead, lead.scope_rule, "out of scope")
        else:
            stage_moved(work, lead)
            if going(lead):
                _refused(work, lead)
            if going(lead):
                _owner(work, lead)
                _known(work, lead)
                if values is not None:
                    _done(work, lead, values)
    _why_given_back(work, lead)
    if lead.handoff is not None or offers.HANDOFF in lead.clocks:
        offers.set_clock(work, lead)
        todo.tell(work, lead)


def _known(work: Work, lead: Lead) -> None:
    note = lead.handoff
    if note is not None and note.offers and note.offers[-1].known_at is None and note.offers[-1].ended is None and reached(work, lead):
        known(work, lead, work.now)


def reached(work: Work, lead: Lead) -> bool:
    """Say whether the CRM shows that the lead is the owner's; where it cannot show it, deciding it is enough."""
    note, shared = lead.handoff, work.playbook.fields.get("owner")
    if note is None or note.kind != MQL or shared is None:
        return True
    wanted, shows = lead.value("owner"), False
    for name, system in work.playbook.systems.items():
        spelled = shared.systems.get(name)
        if system.side != "sales" or spelled is None:
            continue
        shows = True
        primary = lead.primary(name, system.primary)
        seen = primary.fields.get("owner") if primary is not None else None
        if seen is not None and seen.value == wanted and (wanted == note.owner or queue_of(wanted) is not None):
            return True
    return not shows


def stage_moved(work: Work, lead: Lead) -> None:
    """The stage moved on: sales took it, or it came to its end; kinds that are no MQL end by their legs."""
    note, held, first = lead.handoff, lead.desired.get("stage"), handing(work.playbook)
    if note is None or held is None or note.kind != MQL or first is None or held.value in SIDE_EXITS:
        return
    place, given = place_of(work.playbook, held.value), place_of(work.playbook, first.id)
    if place <= given:
        return
    goal = place_of(work.playbook, QUALIFIED)
    if goal < 0 or place >= goal:
        close(work, lead, held.rule, str(held.value), at=held.at)
    elif note.state == "offered" and note.offers and held.at > note.offers[-1].at:
        accept(work, lead, held.at, system_of(held.ref), held.rule)


def _reason(work: Work, lead: Lead) -> tuple[Reason, int, str] | None:
    """Give the reason that sales filled in in the CRM for the offer that was the last, when, and the sentence with it."""
    note, slas = lead.handoff, work.playbook.slas
    held = lead.desired.get(slas.reason_field) if slas.reason_field else None
    if note is None or not note.offers or held is None or held.ref == TRUCE or held.at <= note.offers[-1].at:
        return None
    reason, comment = slas.reasons.get(str(held.value)), lead.value(slas.comment_field) if slas.comment_field else None
    return None if reason is None else (reason, held.at, str(comment or ""))


def _refused(work: Work, lead: Lead) -> None:
    """Sales filled in the reason in the CRM: they give it back."""
    note, found = lead.handoff, _reason(work, lead)
    if note is not None and found is not None and is_open(lead):
        reason, at, comment = found
        rejected(work, lead, reason, at, note.owner, comment)
        desire(lead, ["stage", "owner"], work.playbook, work.rank)


def _why_given_back(work: Work, lead: Lead) -> None:
    """Sales moved the stage themselves, and said why with it or after it."""
    note = lead.handoff
    if note is None or note.state != "closed" or note.reason or note.closed_as not in SIDE_EXITS:
        return
    if (found := _reason(work, lead)) is not None:
        note, (reason, at, comment) = work.cycle(lead), found
        note.reason, note.comment = reason.id, comment
        if note.closed_as == "recycled":
            note.returns_at = returns_at(work, reason, note.closed_at or at, note.owner)
        leg, rule = note.legs.get("accept"), f"{reason.where} {reason.id}"
        due = {"due": leg.due_at} if leg is not None and (leg.done_at or 0) >= (note.closed_at or 0) else {}
        offers.said(
            work, lead, "rejected", rule, by=note.owner, reason=reason.id, comment=comment, at=note.closed_at or at, final=True, **due
        )
        work.event(lead, "truce.handoff.rejected", before="closed", after=reason.id, rule=str(reason.where), handoff=note.kind)


def _owner(work: Work, lead: Lead) -> None:
    """Sales named another owner in the CRM: the hand-off is theirs."""
    note, held = lead.handoff, lead.desired.get("owner")
    if note is None or held is None or note.kind != MQL or held.ref == TRUCE:
        return
    owner = held.value
    if not isinstance(owner, str) or owner == note.owner or queue_of(owner) is not None or owner not in work.playbook.reps:
        return
    move(work, lead, owner, system_of(held.ref), f"named in {system_of(held.ref)}", at=held.at)


def move(work: Work, lead: Lead, owner: str, by: str, why: str, *, at: int) -> None:
    """A person gave the hand-off to somebody: it is open with them from now on, as far as it has come."""
    offers.stand_still(work, lead)
    end_offer(work, lead, "moved", at=at, reason=why, by=by)
    offers.offer_again(work, lead, owner, why, why, keep=True)
    claim_truce(lead, "owner", owner, at)  # it stays theirs when the record that says so is merged away
    offers.no_problem(work, lead, "unrouted", "owner_away", "inactive_owner")


def _done(work: Work, lead: Lead, values: Values) -> None:
    """A leg is done when the lines say so of what somebody did after it was offered."""
    note = lead.handoff
    sla = offers.sla_of(work, note) if note is not None else None
    if note is None or sla is None or not note.offers:
        return
    for rule in sla.legs:
        if rule.done is None or not going(lead) or not rule.done.holds(values):
            continue
        at = _when(lead, rule.done)
        if at is not None and at > note.offers[0].at:
            _took(work, lead, rule.leg, at, f"{rule.where} {rule.leg}")


def _when(lead: Lead, lines: When) -> int | None:
    """Give when somebody did what makes these lines hold."""
    times = [held.at for name in lines.names if (held := lead.desired.get(name)) is not None and held.ref != TRUCE]
    return max(times, default=None)


def _took(work: Work, lead: Lead, leg: Leg, at: int, rule: str) -> None:
    note = lead.handoff
    if note is None:
        return
    if leg == "accept" and note.state == "offered":
        accept(work, lead, at, note.owner, rule)
    elif leg == "first_response" and note.worked_at is None:
        respond(work, lead, at, note.owner, rule)
    elif leg == "work":
        close(work, lead, rule, "worked", at=at)
