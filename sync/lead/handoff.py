"""The hand-off from marketing to sales: opened once a lead enters the stage that hands over, with an owner, or held with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from schemas.base import Scalar
from sync.lead import caps, waiting
from sync.lead.cycle import GOING
from sync.lead.eligible import Team
from sync.lead.offers import begin, close, going, is_open, problem
from sync.lead.qualify import place_of
from sync.lead.queues import owner_of
from sync.lead.reconcile import TRUCE, claim_truce, desire, system_of
from sync.lead.route import Choice, choose
from sync.lead.state import Claim, Lead
from sync.lead.turns import Turn
from sync.lead.work import Work
from sync.playbook.models import MQL, SIDE_EXITS, Playbook, Stage, Values, queue_of

_FOUND = {"owner": ""}
KEPT = 50
"""So many of the people who had a lead are remembered."""


def handing(playbook: Playbook) -> Stage | None:
    """Give the stage that hands leads over."""
    return next((stage for stage in playbook.stages if stage.handoff), None)


def team_for(work: Work, lead: Lead) -> Team:
    """Give everybody as they stand now towards a lead, with what this decision gave away already."""
    facts, open_ = work.facts, dict(work.facts.open)
    for one in work.open.values():
        caps.move(open_, facts.leads.get(one.id), None if one.id == lead.id else one)
    given = dict(facts.given)
    for turn in work.out.turns:
        caps.add(given, turn)
    pools = {**facts.pools, **work.out.pools}
    return Team(work.playbook, facts.users, work.now, pools, given, open_, tuple(lead.had), frozenset(lead.said_no))


def _hold(work: Work, lead: Lead, source: str) -> None:
    """Law 10: bulk sets states and hands nobody over; one problem per source says so."""
    if lead.held is None:
        lead.held = f"bulk from {source}"
        work.line(lead, "held", reason=lead.held)
    work.problem(
        "held",
        source,
        f"hand-offs from bulk changes of {source} are held: each goes on with the next act of its person or of a rep, all by `truce rejudge --hand-over`",
        lead,
        system=source,
    )


def _settle_owner(work: Work, lead: Lead, choice: Choice, team: Team, at: int) -> str:
    """Claim the owner, and give who answers for the lead; a rep whom sales itself named later stays, unless they may not be given one."""
    owner = choice.owner or ""
    whose = owner_of(choice.queue, owner, work.playbook) if choice.queue is not None else owner
    claim_truce(lead, "owner", whose, at)
    lead.claims["owner"][TRUCE] = Claim(whose, at, TRUCE)
    desire(lead, ["owner"], work.playbook, work.rank)
    named = lead.value("owner")
    if named == whose or "owner" not in work.playbook.fields:
        return owner
    if isinstance(named, str) and team.obstacle(named) is None:
        choice.keep(named, "sales named them after that")
        lead.claims["owner"].pop(TRUCE)
        return named
    later = max(claim.at for claim in lead.claims["owner"].values()) + 1
    lead.claims["owner"][TRUCE] = Claim(whose, later, TRUCE)
    desire(lead, ["owner"], work.playbook, work.rank)
    return owner


def note_turn(work: Work, lead: Lead, choice: Choice, owner: str, rule: str) -> None:
    """Put down who got it: among the turns, with the pool's turn that it used up, and in the lead."""
    passed = tuple((one["who"], one["why"]) for one in choice.passed_over)
    made = choice.turn or Turn(lead.id, work.now, owner, choice.kind, "", 0)
    work.out.turns.append(replace(made, lead_id=lead.id, owner=owner, rule=rule, version=work.playbook.version, passed_over=passed))
    work.out.pools |= choice.pools
    lead.had = [*(one for one in lead.had if one != owner), owner][-KEPT:]


def left(work: Work, lead: Lead) -> str | None:
    """Say that whoever was given the lead, and has it still, is there no more; None while they are, or nobody was."""
    note, owner = lead.handoff, lead.value("owner")
    if note is None or note.state not in GOING or (owner not in (None, "", note.owner) and queue_of(owner) is None):
        return None
    team = Team(work.playbook, work.facts.users, work.now)
    why = team.gone(note.owner)
    return None if why is None else f"{team.name(note.owner)} {why}"


def alone(work: Work, lead: Lead) -> str | None:
    """Say why a hand-off that goes on is in nobody's hands: whoever had it is there no more, or nobody else was found; None while it is."""
    note = lead.handoff
    if note is None or not going(lead):
        return None
    return left(work, lead) or (None if is_open(lead) else "nobody else was found")


def stage_left(work: Work, lead: Lead, before: Scalar) -> None:
    """The stage moved: what was handed over ends where the lead leaves sales' hands, and who said no is remembered."""
    stage, held = handing(work.playbook), lead.desired.get("stage")
    if stage is None or held is None:
        return
    at, was, now = place_of(work.playbook, stage.id), place_of(work.playbook, before), place_of(work.playbook, held.value)
    if held.value not in SIDE_EXITS and not (now < at <= was):
        return
    system, owner = work.playbook.systems.get(system_of(held.ref)), lead.value("owner")
    if system is not None and system.side == "sales" and isinstance(owner, str) and "@" in owner:
        lead.said_no = [*(one for one in lead.said_no if one != owner), owner][-KEPT:]
    if lead.handoff is not None and lead.handoff.kind == MQL:
        close(work, lead, lead.why["stage"]["rule"], str(held.value), at=held.at)


def held_back(work: Work, lead: Lead, source: str) -> bool:
    """Hold what bulk would hand over; True when it is held."""
    system = work.playbook.systems.get(source)
    held = work.bulk and (system is None or system.bulk == "hold")
    if held:
        _hold(work, lead, source)
    return held


def nobody(work: Work, lead: Lead, what: str, before: dict[str, Any] | None) -> None:
    """Open the problem that nobody may be given the lead; its timeline tells it once, not with every message. `before`: the last choice."""
    why = lead.why[what]
    rule = why["rule"]
    if before is None or before["owner"] is not None:
        work.line(lead, "unrouted", rule=rule, decided=what, why=why)
    work.problem("unrouted", lead.id, f"nobody may be given this lead ({rule or 'no route matched'})", lead)


def somebody(work: Work, lead: Lead, what: str) -> None:
    """Close it, if the last choice of this kind (`owner`, `handoff`) found nobody."""
    if what in lead.why and lead.why[what]["owner"] is None:
        work.problem("unrouted", lead.id, "has an owner now", lead, opened=False)


def _owed(lead: Lead) -> bool:
    """Say whether the lead was never handed over as an MQL, or somebody was looked for the last time and nobody found."""
    return lead.handoff is None or lead.handoff.kind != MQL or lead.why.get("owner", _FOUND)["owner"] is None


def hand_over(work: Work, lead: Lead, values: Values, *, entered: bool, at: int, source: str) -> None:
    """Open the hand-off when the lead is in the stage that hands over and has none; `entered`: it has come there just now."""
    stage = handing(work.playbook)
    if stage is None or lead.value("stage") != stage.id:
        lead.held = None  # where it stands now nothing is to be handed over
        waiting.over(work, lead)
        return
    if entered and lead.handoff is not None and lead.handoff.kind != MQL:
        close(work, lead, f"{stage.where} {stage.id}")
    if going(lead):
        if lead.held is not None and not alone(work, lead):
            lead.held = None  # it is in somebody's hands: nothing is to be handed over
        waiting.over(work, lead)
        return
    waits = waiting.HOLD in lead.why  # no bulk began it, and none ends it
    if not (entered or waits or _owed(lead)) or (not waits and held_back(work, lead, source)):
        return
    if lead.held is not None and not work.lets_go and not entered:
        return
    lead.held = None  # from here on it is given to somebody, or an open problem of its own says that nobody can have it
    team = team_for(work, lead)
    choice = choose(values, team)
    if waiting.waits(work, lead, values, choice.route):
        return
    work.out.basis |= choice.basis
    if choice.owner is None:
        last, lead.why["owner"] = lead.why.get("owner"), choice.why(work.playbook, work.now)
        return nobody(work, lead, "owner", last)
    somebody(work, lead, "owner")
    waiting.over(work, lead)
    how = choice.route.assign if choice.route is not None else None
    work.priority = how.priority if how is not None else None
    before = lead.value("owner")
    owner, rule = give(work, lead, choice, at)
    pool = choice.turn.pool if choice.turn is not None else None
    route = choice.route.id if choice.route else ""
    begin(work, lead, owner, rule, sla=how.sla or "" if how else "", route=route, pool=pool or "", unruled=choice.unruled)
    tell_owner(work, lead, before, owner, rule)
    if choice.kind == "fallback" and how is not None and (how.pool or how.owner or how.queue or how.table):
        problem(work, lead, "fell_back", f"nobody of {rule} may be given it: it fell to {team.name(owner)}, the last resort")


def give(work: Work, lead: Lead, choice: Choice, at: int, *, mql: bool = True) -> tuple[str, str]:
    """Let the lead be whose the choice says, with why; gives who answers for it, and by which rule. Other kinds leave the owner who it is."""
    owner = choice.owner or ""
    if mql:
        owner = _settle_owner(work, lead, choice, team_for(work, lead), at)
    lead.why["owner" if mql else "handoff"] = why = choice.why(work.playbook, work.now)
    note_turn(work, lead, choice, owner, rule := str(why["rule"]))
    return owner, rule


def tell_owner(work: Work, lead: Lead, before: Scalar, owner: str, rule: str) -> None:
    """Tell that the lead is somebody else's now, where it is."""
    after = owner if "owner" not in work.playbook.fields else lead.value("owner")
    if before != after:
        work.line(lead, "owner", before=before, after=after, rule=rule)
        work.event(lead, "truce.lead.owner_changed", before=before, after=after, rule=rule)
