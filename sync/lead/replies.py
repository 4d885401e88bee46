"""What a person says to a hand-off: yes, no, give it to another, wait, a note; each order has one answer, in words for who gave it. Times are ms."""

from __future__ import annotations

from schemas.command import Command, too_long
from sync.lead import again, business, hours, legs, offers
from sync.lead.answers import accepted, rejected, restore
from sync.lead.cycle import HandoffNote, Offer
from sync.lead.decision import AnswerNote, Decision
from sync.lead.eligible import HAD
from sync.lead.handoff import somebody
from sync.lead.identity import as_lead_id
from sync.lead.legs import calendar_of
from sync.lead.offers import going
from sync.lead.reconcile import claim_truce
from sync.lead.rights import may_answer, no_mover
from sync.lead.route import Choice, assign
from sync.lead.settle import settle
from sync.lead.state import Lead, to_ms
from sync.lead.work import FUTURE_MS, Work
from sync.playbook.models import Assign

NAMES = ("accept", "reject", "reassign", "note", "hold_clock", "run_clock", "snooze")
"""The orders that are about a hand-off."""
NOTHING = "so that changed nothing"
_OWED = {"accept": "to be accepted by", "first_response": "first response due", "work": "to be worked off by"}


def _answer(work: Work, lead: Lead | None, text: str, *, ok: bool = True) -> Decision:
    work.out.answers.append(AnswerNote(work.message.id, lead.id if lead is not None else None, ok, text))
    return work.end("applied" if ok else "noop", "" if ok else text)


def moment(work: Work, at: int, email: str) -> str:
    """Give a moment as whoever asked reads it: by the clock that they ask by, else by that of `email`; on another day Fri 27 Nov 10:21."""
    order = work.message.data
    asked = order.zone if isinstance(order, Command) else ""
    return hours.moment(at, work.now, asked or calendar_of(work.playbook, email).hours.timezone or work.playbook.timezone)


def _actor(data: Command, note: HandoffNote) -> str:
    """Give on whose behalf an order is given."""
    if data.who:
        return data.who.lower()
    return data.by.lower() if "@" in data.by else note.owner


def answered(work: Work, lead: Lead, data: Command) -> Decision:
    """Decide one order about the lead's hand-off."""
    at = min(to_ms(data.at), work.now + FUTURE_MS)
    note = lead.handoff
    if data.name == "reassign" and not going(lead):
        return _owner_only(work, lead, data)
    if note is None:
        return _answer(work, lead, f"This lead was never handed over, {NOTHING}.", ok=False)
    if data.handoff and as_lead_id(data.handoff) != note.id:
        return _answer(work, lead, f"That hand-off is over; the lead has come again since, {NOTHING}.", ok=False)
    if not going(lead):
        return _answer(work, lead, f"{_over(work, note)}, {NOTHING}.", ok=False)
    if (long := too_long(data.comment)) is not None:
        return _answer(work, lead, f"What was written is too long ({long}), {NOTHING}.", ok=False)
    actor = _actor(data, note)
    match data.name:
        case "accept":
            return _accept(work, lead, data, actor, at)
        case "reject":
            return _reject(work, lead, data, actor, at)
        case "reassign":
            return _reassign(work, lead, data, at)
        case "note":
            work.line(lead, "note", by=data.by, comment=data.comment, handoff=note.id)
            settle(work, lead, [], judge=False)
            return _answer(work, lead, "Noted.")
        case "hold_clock":
            return _hold(work, lead, data, actor)
        case "snooze":
            return _snooze(work, lead, data, actor)
        case _:
            return _run(work, lead, data)


def _over(work: Work, note: HandoffNote) -> str:
    last = note.offers[-1] if note.offers else None
    if last is not None and last.ended == "rejected":
        return f"{work.playbook.name_of(last.by or last.owner)} gave this back at {moment(work, last.ended_at or work.now, note.owner)} ({last.reason})"
    return f"This was closed at {moment(work, note.closed_at or work.now, note.owner)} ({note.closed_as})"


def _in_time(note: HandoffNote, actor: str, at: int) -> Offer | None:
    """Give the expired offer that somebody did accept in time, as is known only now; None once the next owner has accepted."""
    if note.state not in ("offered", "expired"):
        return None
    for offer in reversed(note.offers):
        if offer.owner == actor and offer.ended == "expired" and offer.due_at is not None and offer.at <= at <= offer.due_at:
            return offer
    return None


def _note(lead: Lead) -> HandoffNote:
    """Give the hand-off to look at: an order that changes nothing leaves it, and its row, as they are."""
    if lead.handoff is None:
        raise LookupError("the lead has no hand-off")
    return lead.handoff


def _accept(work: Work, lead: Lead, data: Command, actor: str, at: int) -> Decision:
    note = _note(lead)
    if note.state in ("accepted", "worked"):
        who = "You" if note.owner in (data.who.lower() if data.who else "", data.by.lower()) else work.playbook.name_of(note.owner)
        return _answer(work, lead, f"{who} accepted this at {moment(work, note.accepted_at or work.now, actor)}, {NOTHING}.", ok=False)
    if _in_time(note, actor, at) is not None and (missed := _in_time(work.cycle(lead), actor, at)) is not None:
        restore(work, lead, missed, at)
    elif not may_answer(work, actor, note.owner):
        since = moment(work, note.offers[-1].at, actor)
        return _answer(work, lead, f"This has been with {work.playbook.name_of(note.owner)} since {since}, {NOTHING}.", ok=False)
    accepted(work, lead, at, actor, _how(data))
    settle(work, lead, ["stage", "owner"], at=at, source=_how(data))
    now = work.cycle(lead)
    leg = now.legs.get("first_response")
    due = f" First response due {moment(work, leg.due_at, actor)}." if leg is not None and leg.done_at is None else ""
    return _answer(work, lead, f"Accepted.{due}")


def _how(data: Command) -> str:
    return data.reason or "answered"


def _reject(work: Work, lead: Lead, data: Command, actor: str, at: int) -> Decision:
    note, reasons = _note(lead), work.playbook.slas.reasons
    if not may_answer(work, actor, note.owner):
        return _answer(work, lead, f"This is with {work.playbook.name_of(note.owner)} now, {NOTHING}.", ok=False)
    reason = reasons.get(data.code)
    if reason is None:
        known = ", ".join(f"{one.id} ({one.label})" for one in reasons.values()) or "none: sla.yaml names no reasons"
        return _answer(work, lead, f"A no needs one of these reasons: {known}.", ok=False)
    if reason.comment and not data.comment.strip():
        return _answer(work, lead, f"“{reason.label}” needs a sentence of explanation.", ok=False)
    text = rejected(work, lead, reason, at, actor, data.comment)
    settle(work, lead, list(lead.claims), at=at, source=_how(data), force=True)
    return _answer(work, lead, text)


def _reassign(work: Work, lead: Lead, data: Command, at: int) -> Decision:
    note = _note(lead)
    if (refusal := no_mover(work, lead, data, note.owner)) is not None:
        return _answer(work, lead, f"{refusal}, {NOTHING}.", ok=False)
    before, why = note.owner, data.comment or data.reason or f"given on by {data.by}"
    if data.to is None:
        offers.end_offer(work, lead, "moved", at=at, reason=why, by=data.by)
        moved = again.pass_on(work, lead, why)
    else:
        choice, obstacle = _to(work, lead, data.to)
        if obstacle is not None or choice is None:
            return _answer(work, lead, f"{obstacle}, {NOTHING}.", ok=False)
        if choice.owner == before:
            return _answer(work, lead, f"{work.playbook.name_of(before)} has it already, {NOTHING}.", ok=False)
        moved = True
        work.out.basis |= choice.basis
        _give_to(work, lead, choice, data, why, at)
    settle(work, lead, ["owner"], at=at, source=why, force=True)
    owner = work.cycle(lead).owner
    said = f"{work.playbook.name_of(owner)} has it now." if moved else "Nobody else may be given it; a person is told."
    return _answer(work, lead, said, ok=moved)


def _give_to(work: Work, lead: Lead, choice: Choice, data: Command, why: str, at: int) -> None:
    offers.stand_still(work, lead)
    offers.end_offer(work, lead, "moved", at=at, reason=why, by=data.by)
    if data.clocks == "restart":
        offers.begin_anew(work, lead)
    choice.how = f"given on by {work.playbook.name_of(data.by)}{f': {why}' if data.comment or data.reason else ''}"
    again.hand(work, lead, choice, choice.how, keep=data.clocks == "keep" and data.run is not None)


def _to(work: Work, lead: Lead, to: str) -> tuple[Choice | None, str | None]:
    """Choose somebody by name or pool, whom it may be given to; else why not."""
    name, pool = to.lower(), to.removeprefix("pool:")
    if to.startswith("pool:"):
        if pool not in work.playbook.pools:
            return None, f"there is no pool {pool}"
        choice = assign(Choice(None, None, []), Assign(pool=pool), again.values_of(work, lead), again.next_team(work, lead))
        return (choice, None) if choice.owner is not None else (None, f"nobody of {pool} may be given it now")
    why = again.next_team(work, lead).obstacle(name) if name in work.playbook.reps else "is not in team.yaml"
    if why is not None and why != HAD:
        return None, f"{work.playbook.name_of(name)} may not be given it: {why}"
    choice = Choice(None, None, [])
    choice.keep(name, "given by a person")
    return choice, None


def _owner_only(work: Work, lead: Lead, data: Command) -> Decision:
    """A lead without a hand-off under way has another owner from now on."""
    if data.to is None:
        return _answer(work, lead, f"Nothing of this lead is handed over, and nobody is named, {NOTHING}.", ok=False)
    before = lead.value("owner")
    if (refusal := no_mover(work, lead, data, before if isinstance(before, str) else "")) is not None:
        return _answer(work, lead, f"{refusal}, {NOTHING}.", ok=False)
    choice, obstacle = _to(work, lead, data.to)
    if choice is None:
        return _answer(work, lead, f"{obstacle}, {NOTHING}.", ok=False)
    work.out.basis |= choice.basis
    held = lead.desired.get("owner")
    claim_truce(lead, "owner", choice.owner, max(work.now, held.at + 1) if held is not None else work.now)
    lead.why["owner"] = choice.why(work.playbook, work.now)
    somebody(work, lead, "owner")
    settle(work, lead, ["owner"], source=data.reason)
    work.line(lead, "owner", before=before, after=choice.owner, rule=data.reason or f"given on by {data.by}")
    return _answer(work, lead, f"{work.playbook.name_of(str(choice.owner))} has it now.")


def _hold(work: Work, lead: Lead, data: Command, actor: str) -> Decision:
    note = _note(lead)
    sla = offers.sla_of(work, note)
    if sla is None or sla.pause is None:
        return _answer(work, lead, f"The clock of this hand-off cannot be stopped (sla.yaml {note.sla}: no pause), {NOTHING}.", ok=False)
    if note.state not in ("accepted", "worked"):
        return _answer(work, lead, f"Accept it first: until then nobody waits for the customer, {NOTHING}.", ok=False)
    if not may_answer(work, actor, note.owner):
        return _answer(work, lead, f"This is with {work.playbook.name_of(note.owner)}, {NOTHING}.", ok=False)
    if note.held_until is not None:
        return _answer(work, lead, f"It stands still until {moment(work, note.held_until, actor)} already, {NOTHING}.", ok=False)
    most = business.after(work.now, sla.pause, *calendar_of(work.playbook, note.owner))
    until = min(most, to_ms(data.until)) if data.until is not None else most
    offers.hold(work, lead, max(until, work.now + 1), data.by, data.comment or data.reason)
    settle(work, lead, [], judge=False)
    allows = f": its SLA allows no more than {sla.pause.spelled}" if data.until is not None and until < to_ms(data.until) else ""
    return _answer(work, lead, f"The clock stands still until {moment(work, until, actor)}{allows}.")


def _snooze(work: Work, lead: Lead, data: Command, actor: str) -> Decision:
    """Keep reminders quiet; what is owed stays owed, by when it was."""
    note = _note(lead)
    if not may_answer(work, actor, note.owner):
        return _answer(work, lead, f"This is with {work.playbook.name_of(note.owner)}, {NOTHING}.", ok=False)
    if data.until is not None:
        offers.known(work, lead, work.now)
    found = legs.running(work.cycle(lead))
    if found is None or data.until is None:
        return _answer(work, lead, f"No clock of this runs, {NOTHING}.", ok=False)
    name, leg = found
    due = f"{_OWED[name]} {moment(work, leg.due_at, actor)}"
    if leg.due_at <= work.now:
        return _answer(work, lead, f"{due}: that is over, {NOTHING}.", ok=False)
    until = legs.snooze(leg, max(to_ms(data.until), work.now + 1))
    work.line(lead, "snoozed", by=actor, until=until, leg=name, handoff=note.id)
    work.notice(lead, "snoozed", note.owner)
    settle(work, lead, [], judge=False)
    runs = f"The clock runs on: {due}." if until < leg.due_at else f"It cannot be quiet for longer: {due}."
    return _answer(work, lead, f"No reminder before {moment(work, until, actor)}. {runs}")


def _run(work: Work, lead: Lead, data: Command) -> Decision:
    if _note(lead).held_until is None:
        return _answer(work, lead, f"Its clock runs, {NOTHING}.", ok=False)
    offers.go_on(work, lead, data.by)
    settle(work, lead, [], judge=False)
    return _answer(work, lead, "The clock goes on.")
