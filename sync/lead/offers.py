"""A hand-off's own life: offered, known to its owner, accepted, worked, closed; who has it, and the clock of each leg. Times are ms.

Nothing here chooses anybody and nothing judges a stage: see `handoff` and `again`. Every change is a line of the timeline, an event, and what
has to be told to whom.
"""

from __future__ import annotations

from typing import Any

from schemas.envelope import derived_id
from sync.lead import legs
from sync.lead.cycle import GOING, IN_HANDS, HandoffNote, Offer
from sync.lead.legs import Calendar, calendar_of
from sync.lead.state import Lead
from sync.lead.work import Work
from sync.playbook.models import LEGS, MQL, Leg, LegRule, Sla

HANDOFF = "handoff"
"""The kind of clock under which the legs of a lead's hand-off stand: the first of what they wait for."""
OWN = ("not_accepted", "not_worked", "fell_back", "owner_away", "inactive_owner", "no_handoff")
"""Problems whose key is the hand-off's id: over with it."""


def going(lead: Lead) -> bool:
    """Say whether the lead has a hand-off that is not over."""
    return lead.handoff is not None and lead.handoff.state in GOING


def is_open(lead: Lead) -> bool:
    """Say whether the lead is in somebody's hands."""
    return lead.handoff is not None and lead.handoff.state in IN_HANDS


def sla_of(work: Work, note: HandoffNote) -> Sla | None:
    """Give the SLA that a hand-off runs under."""
    return work.playbook.slas.get(note.sla)


def labels(note: HandoffNote) -> dict[str, str]:
    """Give what alerts may match and group a problem of this hand-off by."""
    found = {"priority": note.priority or "normal", "sla": note.sla, "segment": note.segment, "pool": note.pool}
    return {name: value for name, value in found.items() if value}


def problem(work: Work, lead: Lead, kind: str, text: str) -> None:
    """Open a problem of the lead's hand-off."""
    note = work.cycle(lead)
    work.problem(kind, _key(lead, note, kind), text, lead, owner=note.owner, labels=labels(note))


def _key(lead: Lead, note: HandoffNote, kind: str) -> str:
    """Give what makes it one problem: that nobody is found is the lead's, whatever hand-off it has."""
    return lead.id if kind == "unrouted" else note.id


def no_problem(work: Work, lead: Lead, *kinds: str) -> None:
    """Close problems of the lead's hand-off."""
    note = lead.handoff
    if note is not None:
        for kind in kinds:
            work.problem(kind, _key(lead, note, kind), "over", lead, opened=False)


def said(work: Work, lead: Lead, state: str, rule: str, **more: Any) -> None:
    """Put down what became of the hand-off: a line of the timeline."""
    note = work.cycle(lead)
    work.line(lead, "handoff", state=state, owner=note.owner, rule=rule, cycle=note.cycle, kind=note.kind, handoff=note.id, **more)


def _by(work: Work, email: str) -> Calendar:
    return calendar_of(work.playbook, email)


def begin(
    work: Work, lead: Lead, owner: str, rule: str, kind: str = MQL, *, sla: str = "", route: str = "", pool: str = "", unruled: bool = False
) -> None:
    """Open a hand-off to somebody: a new cycle. `unruled`: because no rule names anybody for the lead."""
    last = lead.handoff
    cycle = last.cycle + 1 if last else 1
    ident = derived_id(work.message.id, "handoff", lead.id, cycle)
    act = lead.touches[-1] if lead.touches else None
    sla = sla or work.playbook.slas.default or ""
    note = lead.handoff = HandoffNote(ident, cycle, "offered", owner, rule, work.now, kind, sla, route, pool)
    note.priority, note.segment = work.priority or ("hot" if work.hot else "normal"), lead.segment
    note.source = f"{act.kind}:{act.name}" if act is not None and act.name else act.kind if act is not None else ""
    note.version = work.playbook.version
    work.out.handoffs[ident] = (lead.id, note)
    work.touch(lead)
    work.hot = True
    _offer(work, lead, owner, rule, unruled=unruled)
    why = lead.why["owner" if kind == MQL else "handoff"]
    said(work, lead, "offered", rule, why=why, offer=1, **({"unruled": True} if unruled else {}))
    work.event(lead, "truce.handoff.offered", after=ident, rule=rule, handoff=kind)


def _offer(work: Work, lead: Lead, owner: str, rule: str, *, unruled: bool) -> None:
    note = work.cycle(lead)
    note.offers.append(Offer(len(note.offers) + 1, owner, rule, work.now, unruled=unruled))
    note.owner, note.state, note.accepted_at, note.held_until = owner, "offered", None, None
    work.notice(lead, "offered", owner)


def offer_again(work: Work, lead: Lead, owner: str, rule: str, why: str, *, keep: bool = False, unruled: bool = False) -> None:
    """Offer the same hand-off to somebody else: the one before ended. `keep`: what was accepted stays so, and its clocks go on.

    `unruled`: it fell to them because no rule names anybody for the lead.
    """
    note = work.cycle(lead)
    before, state, accepted_at = note.owner, note.state, note.accepted_at
    keep = keep and state in ("accepted", "worked")
    stand_still(work, lead)
    _offer(work, lead, owner, rule, unruled=unruled)
    work.hot = True
    if keep:
        note.state, note.accepted_at, note.offers[-1].known_at = state, accepted_at, work.now
        take_over(work, lead, before)
    marks = {name: True for name, holds in (("goes_on", keep), ("unruled", unruled)) if holds}
    said(work, lead, "offered", rule, before=before, why=why, offer=len(note.offers), **marks)
    work.event(lead, "truce.handoff.reassigned", before=before, after=owner, rule=rule, handoff=note.kind)
    if before != owner:
        work.notice(lead, "moved", before, to=owner)


def end_offer(work: Work, lead: Lead, how: str, *, at: int, reason: str = "", comment: str = "", by: str = "") -> None:
    """End the offer that is open: rejected, expired, moved or void."""
    note = work.cycle(lead)
    offer = note.offers[-1] if note.offers else None
    if offer is None or offer.ended is not None:
        return
    note.held_until = None  # whoever waited for the customer waits no more
    offer.ended = how  # type: ignore[assignment]
    offer.ended_at, offer.reason, offer.comment, offer.by = max(at, offer.at), reason, comment, by
    accept = note.legs.get("accept")
    if accept is not None and accept.done_at is None:
        offer.due_at = accept.due_at
        legs.stop(accept, offer.ended_at, _by(work, offer.owner))


def known(work: Work, lead: Lead, at: int) -> None:
    """The offer has reached its owner: their clock begins, never earlier than now, nor than the offer."""
    note = work.cycle(lead)
    offer = note.offers[-1] if note.offers else None
    if offer is None or offer.known_at is not None or offer.ended is not None:
        return
    offer.known_at = max(work.now, at, offer.at)
    if note.state == "offered":
        start(work, lead, None, offer.known_at)
        leg = note.legs.get("accept")
        offer.due_at = leg.due_at if leg is not None and leg.done_at is None else None


def start(work: Work, lead: Lead, after: Leg | None, at: int) -> None:
    """Start the first leg of the SLA that comes after one and is not done, by the calendar of who has it now.

    None: the first of all, for whoever it was offered to just now; what somebody before them accepted is to be accepted again.
    """
    note = work.cycle(lead)
    for name in LEGS[LEGS.index(after) + 1 if after is not None else 0 :]:
        rule, held = rule_of(work, note, name), note.legs.get(name)
        if rule is None or (held is not None and held.done_at is not None and name != "accept"):
            continue
        mine = _by(work, note.owner)
        if held is None:
            note.legs[name] = legs.begin(rule, at, mine, work.playbook.version)
        elif name == "accept" or held.anew or held.breached_at is not None or held.elapsed_ms >= held.within_ms:
            note.legs[name] = legs.anew(held, rule, at, mine, work.playbook.version)
        else:
            legs.go_on(held, at, _by(work, _before(note)), mine)
        return


def _before(note: HandoffNote) -> str:
    """Give who had it before whoever has it now."""
    return note.offers[-2].owner if len(note.offers) > 1 else note.owner


def take_over(work: Work, lead: Lead, before: str) -> None:
    """Whoever has it now goes on with what was begun: time that is gone counts, what is left goes by their calendar."""
    note = work.cycle(lead)
    mine = _by(work, note.owner)
    for name in LEGS:
        leg, again = note.legs.get(name), rule_of(work, note, name)
        if leg is None or leg.held_at is None or leg.done_at is not None:
            continue
        if leg.breached_at is not None and again is not None:
            note.legs[name] = legs.anew(leg, again, work.now, mine, work.playbook.version)
        else:
            legs.go_on(leg, work.now, _by(work, before), mine)


def begin_anew(work: Work, lead: Lead) -> None:
    """Whoever has it next has the whole time of what is not done: what is gone does not count for them."""
    for leg in work.cycle(lead).legs.values():
        leg.anew = leg.done_at is None


def stand_still(work: Work, lead: Lead) -> None:
    """Stop every leg that runs."""
    note = work.cycle(lead)
    for leg in note.legs.values():
        legs.stop(leg, work.now, _by(work, note.owner))


def finish(work: Work, lead: Lead, name: Leg, at: int) -> dict[str, int]:
    """End a leg that was done at `at`; gives by when it was due, where it had begun and was not done before."""
    note = work.cycle(lead)
    leg = note.legs.get(name)
    if leg is None or leg.done_at is not None:
        return {}
    missed = leg.breached_at
    legs.finish(leg, max(at, leg.started_at), note.owner, _by(work, note.owner))
    if missed is None and leg.breached_at is not None:
        leg.cause = leg.cause or legs.cause_of(note)
    return {"due": leg.due_at}


def accept(work: Work, lead: Lead, at: int, by: str, how: str) -> None:
    """The owner says yes: it is theirs, and the first response is due from then on."""
    note = work.cycle(lead)
    at = max(at, note.offers[-1].at if note.offers else note.opened_at)
    known(work, lead, at)
    due = finish(work, lead, "accept", at)
    note.state, note.accepted_at = "accepted" if note.worked_at is None else "worked", at
    said(work, lead, "accepted", how, by=by, at=at, **due)
    work.event(lead, "truce.handoff.accepted", before="offered", after=note.id, rule=how, handoff=note.kind)
    no_problem(work, lead, "not_accepted", "owner_away", "fell_back", "unrouted")
    start(work, lead, "accept", at)
    work.notice(lead, "accepted", note.owner, by=by, at=at)


def respond(work: Work, lead: Lead, at: int, by: str, how: str) -> None:
    """The person was called, written to or met: the first response; it accepts, too, where that was not said."""
    note = work.cycle(lead)
    if note.state not in ("accepted", "worked"):
        accept(work, lead, at, by, how)
    if note.worked_at is not None:
        return
    at = max(at, note.accepted_at or note.opened_at)
    due = finish(work, lead, "first_response", at)
    note.state, note.worked_at, note.held_until = "worked", at, None
    said(work, lead, "worked", how, by=by, at=at, **due)
    work.event(lead, "truce.handoff.worked", before="accepted", after=note.id, rule=how, handoff=note.kind)
    no_problem(work, lead, "not_worked")
    start(work, lead, "first_response", at)
    work.notice(lead, "worked", note.owner, at=at)
    if note.kind != MQL and "work" not in note.legs:
        close(work, lead, how, "worked", at=at)


def close(work: Work, lead: Lead, rule: str, as_: str = "", *, at: int | None = None) -> None:
    """End the hand-off that is going on, if there is one: what was still owed is owed no more, its problems are over."""
    if not going(lead):
        return
    note = work.cycle(lead)
    before, ended = note.state, max(work.now if at is None else at, note.opened_at)
    owed = {name: leg.due_at for name, leg in note.legs.items() if leg.done_at is None}
    due = [finish(work, lead, name, ended) for name in LEGS][-1]
    note.state, note.closed_at, note.closed_as, note.held_until = "closed", ended, as_ or note.closed_as or "over", None
    said(work, lead, "closed", rule, closed_as=note.closed_as, at=ended, owed=owed, **due)
    work.event(lead, "truce.handoff.closed", before=before, after=note.id, rule=rule, handoff=note.kind)
    no_problem(work, lead, *OWN, *(["unrouted"] if before in ("rejected", "expired") else []))
    work.notice(lead, "closed", note.owner, closed_as=note.closed_as)
    work.clock(lead, HANDOFF, None)


def set_clock(work: Work, lead: Lead) -> None:
    """Let the lead's clock stand at what its hand-off waits for first."""
    note = lead.handoff
    due: list[int] = []
    if note is not None and note.state in GOING:
        due = [at for leg in note.legs.values() if (at := legs.next_at(leg)) is not None]
        due += [note.held_until] if note.held_until is not None else []
    work.clock(lead, HANDOFF, min(due, default=None))


def hold(work: Work, lead: Lead, until: int, by: str, reason: str) -> None:
    """Stop the clocks: the customer is waited for."""
    note = work.cycle(lead)
    stand_still(work, lead)
    note.held_until = until
    said(work, lead, "paused", reason, by=by, until=until)
    work.event(lead, "truce.handoff.paused", after=note.id, handoff=note.kind)


def go_on(work: Work, lead: Lead, by: str) -> None:
    """Let the clocks go on where they stood."""
    note = work.cycle(lead)
    note.held_until, mine = None, _by(work, note.owner)
    for leg in note.legs.values():
        legs.go_on(leg, work.now, mine, mine, waited=True)
    said(work, lead, "resumed", "", by=by)
    work.event(lead, "truce.handoff.resumed", after=note.id, handoff=note.kind)


def rule_of(work: Work, note: HandoffNote, leg: Leg) -> LegRule | None:
    """Give a leg as the playbook in force has it."""
    sla = sla_of(work, note)
    return sla.leg(leg) if sla is not None else None
