"""What both systems show of a lead's stages and its hand-off, in the shared fields that the playbook has for it. Times are ms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schemas.base import Scalar
from sync.lead import deals, hours, legs, offers
from sync.lead.canonical import canonical
from sync.lead.cycle import HandoffNote
from sync.lead.qualify import place_of, rested_at
from sync.lead.reconcile import TRUCE, Moved, claim_truce, desire
from sync.lead.state import Lead, from_ms
from sync.lead.work import Work
from sync.playbook.models import COMPUTED, FIRST, LATEST, MQL, NURTURE, OF_HANDOFF, OF_OPPORTUNITY, RETURN_WHEN, When

LONGEST = 255
"""So long a text field of a CRM is at least."""


def show(work: Work, lead: Lead) -> list[Moved]:
    """Claim what Truce fills in, where fields.yaml has a field of that name; gives what moved."""
    if not lead.in_scope or lead.erased:
        return []
    fields = work.playbook.fields
    mapped = [name for name in COMPUTED if name in fields]
    claimed = [name for name in mapped if _stage_date(work, lead, name)]
    claimed += _ended(work, lead, [name for name in mapped if name in OF_OPPORTUNITY])
    if RETURN_WHEN in mapped and _claim(work, lead, RETURN_WHEN, _returning(work, lead), work.now):
        claimed.append(RETURN_WHEN)
    if NURTURE in mapped and _claim(work, lead, NURTURE, _nurtured(lead), work.now):
        claimed.append(NURTURE)
    note = lead.handoff
    if note is not None:
        claimed += [name for name in mapped if name in OF_HANDOFF and _claim(work, lead, name, _OF[name](work, lead, note), work.now)]
        claimed += _asked_anew(work, lead, note)
    return desire(lead, claimed, work.playbook, work.rank)[0] if claimed else []


def _claim(work: Work, lead: Lead, name: str, value: Scalar, at: int) -> bool:
    if value is None and TRUCE not in lead.claims.get(name, {}):
        return False
    return claim_truce(lead, name, value, at)


def _moment(work: Work, name: str, at: int) -> Scalar:
    return canonical(work.playbook.fields[name], from_ms(at).isoformat())


def _entered(lead: Lead, stage: str) -> int | None:
    """Give since when the lead stands in a stage; None when it does not."""
    held = lead.desired.get("stage")
    if held is None or held.value != stage:
        return None
    judged = lead.why.get("stage")
    return lead.stage_since if judged is not None and judged["stage"] == stage and lead.stage_since is not None else held.at


def _stage_date(work: Work, lead: Lead, name: str) -> bool:
    """Claim the day of the stage that the lead stands in: the first one once, the latest one whenever it comes there."""
    stage = FIRST.get(name) or LATEST.get(name)
    at = _entered(lead, stage) if stage is not None else None
    if at is None:
        return False
    claims = lead.claims.get(name, {})
    mine = claims.get(TRUCE)
    if name in FIRST:
        return all(claim.value is None for claim in claims.values()) and _claim(work, lead, name, _moment(work, name, at), at)
    return (mine is None or mine.at < at) and _claim(work, lead, name, _moment(work, name, at), at)


def _ended(work: Work, lead: Lead, names: list[str]) -> list[str]:
    """Claim what became of the lead's opportunities."""
    found = deals.shown(work, lead) if names else None
    return [name for name in names if _claim(work, lead, name, found[name], work.now)] if found is not None else []


def _returning(work: Work, lead: Lead) -> Scalar:
    """Give what must happen for a recycled lead to come back; None for one that is not."""
    held, stage = lead.desired.get("stage"), place_of(work.playbook, "recycled")
    if held is None or held.value != "recycled" or stage < 0:
        return None
    returns = work.playbook.stages[stage].returns
    day = hours.day(rested_at(lead, work.playbook, held.at), work.playbook.timezone)
    what = "does something again" if returns is None or not returns.when.lines else returns.label or _lines(returns.when)
    return f"{what}, from {hours.short(day)} {day[:4]} on"[:LONGEST]


def _nurtured(lead: Lead) -> Scalar:
    """Say whether the lead is recycled; None for one that never was."""
    held = lead.desired.get("stage")
    if held is not None and held.value == "recycled":
        return True
    return False if TRUCE in lead.claims.get(NURTURE, {}) else None


def _lines(when: When) -> str:
    parts = (
        " and ".join(one.text for one in when.all),
        " or ".join(one.text for one in when.any),
        *(f"not ({one.text})" for one in when.none),
    )
    return " and ".join(part for part in parts if part)


def _asked_anew(work: Work, lead: Lead, note: HandoffNote) -> list[str]:
    """Blank why it was given back before once somebody else is offered it: they may say the same, and it is to be seen."""
    slas, offer = work.playbook.slas, note.offers[-1] if note.offers else None
    held = lead.desired.get(slas.reason_field) if slas.reason_field else None
    if (
        (note.cycle == 1 and len(note.offers) == 1)
        or offer is None
        or offer.ended is not None
        or held is None
        or held.value is None
        or (held.ref != TRUCE and held.at > offer.at)
    ):
        return []
    blanked = [name for name in (slas.reason_field, slas.comment_field) if name and lead.value(name) is not None]
    return [name for name in blanked if claim_truce(lead, name, None, max(work.now, lead.desired[name].at + 1))]


def _cycle(work: Work, lead: Lead, note: HandoffNote) -> Scalar:
    return note.cycle


def _state(work: Work, lead: Lead, note: HandoffNote) -> Scalar:
    return note.state


def _reason(work: Work, lead: Lead, note: HandoffNote) -> Scalar:
    """Give the route that found this person and how, or who gave it to them."""
    why = lead.why.get("owner" if note.kind == MQL else "handoff") or {}
    if why.get("owner") != note.owner:
        return (note.offers[-1].rule if note.offers else note.rule)[:LONGEST]
    route = str(why.get("rule") or "").rpartition(" ")[2]
    return ": ".join(text for text in (route, str(why.get("how") or "")) if text)[:LONGEST] or None


def _returned(work: Work, lead: Lead, note: HandoffNote) -> Scalar:
    """Give who said no last in this hand-off, and why."""
    offer = next((one for one in reversed(note.offers) if one.ended == "rejected"), None)
    if offer is None:
        return None
    reason = work.playbook.slas.reasons.get(offer.reason)
    return f"{work.playbook.name_of(offer.owner)}: {reason.label if reason is not None else offer.reason}{f' ({offer.comment})' if offer.comment else ''}"[
        :LONGEST
    ]


def _due(work: Work, lead: Lead, note: HandoffNote) -> Scalar:
    found = legs.running(note) if offers.going(lead) else None
    return _moment(work, "sla_due", found[1].due_at) if found is not None else None


def _met(work: Work, lead: Lead, note: HandoffNote) -> Scalar:
    return "no" if any(leg.breached_at is not None for leg in note.legs.values()) else "yes"


def _accepted(work: Work, lead: Lead, note: HandoffNote) -> Scalar:
    return _moment(work, "accepted_date", note.accepted_at) if note.accepted_at is not None else None


def _responded(work: Work, lead: Lead, note: HandoffNote) -> Scalar:
    return _moment(work, "first_response_date", note.worked_at) if note.worked_at is not None else None


_OF: Mapping[str, Callable[[Work, Lead, HandoffNote], Scalar]] = {
    "handoff_cycle": _cycle,
    "handoff_state": _state,
    "handoff_reason": _reason,
    "handoff_returned": _returned,
    "sla_due": _due,
    "sla_met": _met,
    "accepted_date": _accepted,
    "first_response_date": _responded,
}
