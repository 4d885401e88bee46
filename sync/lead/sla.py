"""The time of a hand-off's leg has come: a warning, a breach, and what follows from it. Pure. Times are ms.

Only what is known counts: a deadline is missed when every sales system has been read up to it, so that an answer which was given there in
time is known. Until then it is looked at again, ever more seldom, and one problem per system says that it is behind, once that is longer than
from one poll to the next. What comes later than `LATE_MS` through no fault of the person (we were away, or a system was) is warned of first and has some time more.
"""

from __future__ import annotations

from collections.abc import Iterable

from schemas.clock import ClockDue
from sync.lead import danger, legs, offers
from sync.lead.again import expire
from sync.lead.cycle import IN_HANDS, HandoffNote, LegNote
from sync.lead.eligible import Team
from sync.lead.legs import calendar_of
from sync.lead.presence import PresenceNote
from sync.lead.rights import chain
from sync.lead.state import Lead, to_ms
from sync.lead.work import Work
from sync.playbook.models import Leg

LATE_MS = 900_000
GRACE_MS = 3_600_000
"""So much time, on the leg's clock, somebody has after an outage at the most."""
AGAIN_MS = 1_000
"""How soon it is looked at again whether a system was read; twice as long each time: a poll is on its way as a rule."""
SELDOM_MS = 600_000
_WORDS = {"accept": "not accepted", "first_response": "no first response", "work": "not worked to its end"}
_CAUSE = {"accept": "not_accepted", "first_response": "not_worked", "work": "not_worked"}


def due(work: Work, lead: Lead, data: ClockDue) -> None:
    """Do what is due by now, in its order."""
    note = work.cycle(lead)
    if note.held_until is not None and note.held_until <= work.now:
        offers.go_on(work, lead, "the clock")
    while (found := _next(lead.handoff)) is not None and found[1].steps[0][0] <= work.now:
        leg, held = found
        at, what, misses = held.steps[0]
        if what != "warn" and (behind := _behind(work, data, int(at))):
            return _wait(work, held, danger.unread(behind, work.playbook, work.now))
        if what == "warn" and work.now - held.due_at > LATE_MS:
            held.steps.pop(0)  # the deadline is forgiven next, which tells them of the new one
            continue
        if held.tries:
            _read_again(work, held)
        if work.now - at > LATE_MS and what != "warn":
            _forgive(work, lead, leg, held)
            continue
        held.steps.pop(0)
        _do(work, lead, leg, held, str(what), misses)


def _next(note: HandoffNote | None) -> tuple[Leg, LegNote] | None:
    found = legs.running(note) if note is not None and note.state in IN_HANDS else None
    return found if found is not None and found[1].steps else None


def _behind(work: Work, data: ClockDue, at: int) -> dict[str, int]:
    """Give the sales systems that had not been read up to a moment when the message was sent, each with until when they were."""
    return {name: to_ms(data.seen[name]) for name in work.playbook.sales if name in data.seen and to_ms(data.seen[name]) < at}


def _wait(work: Work, held: LegNote, silent: Iterable[str]) -> None:
    """Look again later; `silent` are the systems whose next poll should have come long ago: that is a problem."""
    held.tries += 1
    held.again_at = work.now + min(AGAIN_MS * 2 ** min(held.tries - 1, 10), SELDOM_MS)
    for system in silent:
        text = f"{system} has not been read as far as deadlines that have passed: whether they were missed is not known; nobody loses a lead until it is"
        work.problem("unreachable", f"{system}:deadlines", text, None, system=system)


def _read_again(work: Work, held: LegNote) -> None:
    held.tries, held.again_at = 0, None
    for name in work.playbook.sales:
        work.problem("unreachable", f"{name}:deadlines", "read again", None, opened=False, system=name)


def _forgive(work: Work, lead: Lead, leg: Leg, held: LegNote) -> None:
    """Nobody pays for an outage: the owner is told, and has some time from now."""
    note = work.cycle(lead)
    legs.grace(held, work.now, calendar_of(work.playbook, note.owner), GRACE_MS)
    if held.breached_at is None:  # what was missed before had its own cause
        held.cause = "outage"
    work.line(lead, "handoff", state="delayed", owner=note.owner, leg=leg, due=held.due_at, handoff=note.id)
    work.notice(lead, "warned", note.owner, leg=leg, due=held.due_at)


def _do(work: Work, lead: Lead, leg: Leg, held: LegNote, what: str, misses: int | None) -> None:
    note = work.cycle(lead)
    match what:
        case "warn":
            work.notice(lead, "warned", note.owner, leg=leg, due=held.due_at)
            work.event(lead, "truce.handoff.warned", after=note.id, leg=leg, handoff=note.kind)
            work.line(lead, "handoff", state="warned", owner=note.owner, leg=leg, due=held.due_at, handoff=note.id)
        case "breach":
            _breach(work, lead, leg, held)
        case "remind":
            work.notice(lead, "reminded", note.owner, leg=leg, due=held.due_at)
        case "escalate":
            _escalate(work, lead, leg, held)
        case "away":
            why = f"let {misses or 1} in a row run out ({leg})"
            work.out.presence.append(PresenceNote(note.owner, work.now, why=why, misses=misses or 1, leg=leg))
        case "reassign" | "fallback":
            expire(work, lead, _why(work, note, leg), last=what == "fallback")
        case _:
            pass


def _why(work: Work, note: HandoffNote, leg: Leg) -> str:
    return f"{_WORDS[leg]} by {work.playbook.name_of(note.owner)} in time"


def _breach(work: Work, lead: Lead, leg: Leg, held: LegNote) -> None:
    note = work.cycle(lead)
    if held.breached_at is None:
        held.breached_at, held.owner = held.due_at, note.owner
        held.cause = held.cause or _cause(work, lead, note.owner)
    rule = offers.rule_of(work, note, leg)
    work.event(lead, "truce.handoff.breached", after=note.id, rule=str(rule.where) if rule is not None else "", leg=leg, handoff=note.kind)
    where = f" ({rule.where} {note.sla})" if rule is not None else ""
    work.line(lead, "handoff", state="breached", owner=note.owner, leg=leg, due=held.due_at, cause=held.cause, handoff=note.id)
    offers.problem(work, lead, _CAUSE[leg], _why(work, note, leg) + where)


def _cause(work: Work, lead: Lead, owner: str) -> str:
    """Say why it was missed, where that is not that they were slow."""
    team = Team(work.playbook, work.facts.users, work.now)
    if team.absence(owner) is not None or team.gone(owner) is not None:
        return "absence"
    if lead.blocked or any(record.refused for record in lead.records.values()):
        return "parked"
    rep = work.playbook.reps.get(owner)
    return "cap" if rep is not None and team.full(rep) is not None else legs.cause_of(work.cycle(lead))


def _escalate(work: Work, lead: Lead, leg: Leg, held: LegNote) -> None:
    """Tell the next person up the chain of managers; above its end who answers for the leg."""
    note, held.escalated = work.cycle(lead), held.escalated + 1
    found = chain(work.playbook, note.owner)
    rule = offers.rule_of(work, note, leg)
    if rule is not None and rule.accountable and rule.accountable not in found:
        found = (*found, rule.accountable)
    if not found:
        return
    told = found[min(held.escalated, len(found)) - 1]
    if held.escalated > 1 or not _alerted(work, note, leg):
        work.notice(lead, "escalated", told, owner=note.owner, leg=leg, due=held.due_at, level=held.escalated)
    work.line(lead, "handoff", state="escalated", owner=note.owner, to=told, leg=leg, handoff=note.id)


def _alerted(work: Work, note: HandoffNote, leg: Leg) -> bool:
    """Say whether the manager is told of the breach by alerts.yaml anyway: once is enough."""
    root = work.playbook.alerts.root
    found = root.find({**offers.labels(note), "cause": _CAUSE[leg], "owner": note.owner}) if root is not None else None
    return found is not None and "manager" in found.to
