"""A hand-off goes to somebody else: nobody answered in time, they said no, they left, or a person gave it to another. Times are ms."""

from __future__ import annotations

from dataclasses import replace

from sync.lead import account, offers
from sync.lead.eligible import Team
from sync.lead.handoff import alone, give, held_back, team_for, tell_owner
from sync.lead.kinds import choose_by, kind_named
from sync.lead.offers import end_offer, offer_again, problem
from sync.lead.qualify import stage_values
from sync.lead.route import Choice, choose
from sync.lead.state import Lead
from sync.lead.work import Work
from sync.playbook.models import MQL, Value


def values_of(work: Work, lead: Lead) -> dict[str, Value]:
    """Give what conditions see of the lead now."""
    found = stage_values(lead, work.playbook, work.now, account.values_of(lead, work.facts, work.playbook))
    found["owner"] = lead.value("owner")
    return found


def next_team(work: Work, lead: Lead) -> Team:
    """Give everybody as they stand towards the lead; who had this hand-off is passed over as long as somebody else is left."""
    note, team = lead.handoff, team_for(work, lead)
    had = {offer.owner for offer in note.offers} if note is not None else set()
    return replace(team, said_no=team.said_no | had)


def _search(work: Work, lead: Lead, *, last: bool) -> Choice:
    note, values, team = lead.handoff, values_of(work, lead), next_team(work, lead)
    if note is None or note.kind == MQL:
        return choose(values, team, last=last)
    kind = kind_named(work, note.kind)
    return choose_by(kind, values, team, last=last) if kind is not None else Choice(None, None, [])


def pass_on(work: Work, lead: Lead, why: str, *, last: bool = False) -> bool:
    """Offer it to the next whom the route finds; False when there is nobody else: then it stays whose it is, and a problem says so.

    The offer before has ended. After as many people as the SLA says it goes to the fallback.
    """
    note = work.cycle(lead)
    sla = offers.sla_of(work, note)
    last = last or (sla is not None and sla.offers is not None and len(note.offers) >= sla.offers)
    choice = _search(work, lead, last=last)
    work.out.basis |= choice.basis
    if choice.owner is None or choice.owner == note.owner:
        return _nobody_else(work, lead, choice, why)
    hand(work, lead, choice, why)
    return True


def _nobody_else(work: Work, lead: Lead, choice: Choice, why: str) -> bool:
    note, name = work.cycle(lead), work.playbook.name_of
    offers.stand_still(work, lead)
    note.state = "rejected" if note.offers and note.offers[-1].ended == "rejected" else "expired"
    work.line(lead, "unrouted", rule=note.rule, decided="owner", why=choice.why(work.playbook, work.now))
    problem(work, lead, "unrouted", f"{why}, and nobody else may be given it: it stays with {name(note.owner)} until a person decides")
    return False


def hand(work: Work, lead: Lead, choice: Choice, why: str, *, keep: bool = False) -> None:
    """Give the hand-off to whom a choice found. `keep`: as far as it has come."""
    note = work.cycle(lead)
    before, mql = lead.value("owner"), note.kind == MQL
    owner, rule = give(work, lead, choice, work.now, mql=mql)
    offer_again(work, lead, owner, rule, why, keep=keep, unruled=choice.unruled)
    if mql:
        tell_owner(work, lead, before, owner, rule)
    offers.no_problem(work, lead, "unrouted", "owner_away", "inactive_owner")
    if choice.kind == "fallback":
        problem(work, lead, "fell_back", f"{why}: it fell to {work.playbook.name_of(owner)}, the last resort")


def expire(work: Work, lead: Lead, why: str, *, last: bool = False) -> None:
    """Nobody answered, or worked it, in time: it goes to the next."""
    note = work.cycle(lead)
    end_offer(work, lead, "expired", at=work.now, reason=why)
    offers.stand_still(work, lead)
    offers.said(work, lead, "expired", why)
    work.event(lead, "truce.handoff.expired", before=note.state, after=note.id, rule=why, handoff=note.kind)
    pass_on(work, lead, why, last=last)


def look(work: Work, lead: Lead, source: str) -> None:
    """Whoever had the hand-off is there no more, or nobody could be found when it was to be another's: look for somebody now."""
    why = alone(work, lead)
    if why is None or held_back(work, lead, source) or (lead.held is not None and not work.lets_go):
        return
    lead.held = None
    note, told = work.cycle(lead), len(work.out.lines)
    before = note.state
    if offers.is_open(lead):
        end_offer(work, lead, "moved", at=work.now, reason=why)
        offers.stand_still(work, lead)
    if not pass_on(work, lead, why) and before == note.state:
        del work.out.lines[told:]  # it was told before
