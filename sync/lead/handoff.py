"""The hand-off from marketing to sales: opened once a lead enters the stage that hands over, with an owner, or held with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from schemas.base import Scalar
from schemas.envelope import derived_id
from sync.lead import caps, waiting
from sync.lead.cycle import HandoffNote
from sync.lead.eligible import Team
from sync.lead.qualify import place_of
from sync.lead.queues import owner_of
from sync.lead.reconcile import TRUCE, claim_truce, desire, system_of
from sync.lead.route import Choice, choose
from sync.lead.state import Claim, Lead
from sync.lead.turns import Turn
from sync.lead.work import Work
from sync.playbook.models import MQL, SIDE_EXITS, Playbook, Stage, Values, queue_of

_FOUND = {"owner": ""}
OPEN = ("offered", "accepted", "worked")
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


def offer(work: Work, lead: Lead, owner: str, rule: str, kind: str = MQL, sla: str = "") -> None:
    """Open a hand-off to somebody."""
    cycle = lead.handoff.cycle + 1 if lead.handoff else 1
    ident = derived_id(work.message.id, "handoff", lead.id, cycle)
    lead.handoff = HandoffNote(ident, cycle, "offered", owner, rule, work.now, kind, sla)
    work.hot = True
    why = lead.why["owner" if kind == MQL else "handoff"]
    work.line(lead, "handoff", state="offered", owner=owner, rule=rule, cycle=cycle, kind=kind, why=why)
    work.event(lead, "truce.handoff.offered", after=ident, rule=rule, handoff=kind)


def is_open(lead: Lead) -> bool:
    """Say whether the lead is in somebody's hands."""
    return lead.handoff is not None and lead.handoff.state in OPEN


def left(work: Work, lead: Lead) -> str | None:
    """Say that whoever was given the lead, and has it still, is there no more; None while they are, or nobody was."""
    note, owner = lead.handoff, lead.value("owner")
    if note is None or note.state not in OPEN or (owner not in (None, "", note.owner) and queue_of(owner) is None):
        return None
    team = Team(work.playbook, work.facts.users, work.now)
    why = team.gone(note.owner)
    return None if why is None else f"{team.name(note.owner)} {why}"


def close(work: Work, lead: Lead, reason: str) -> None:
    """End the open hand-off, if there is one."""
    note = lead.handoff
    if note is None or note.state not in OPEN:
        return
    lead.handoff = replace(note, state="closed")
    work.line(lead, "handoff", state="closed", owner=note.owner, rule=reason, cycle=note.cycle, kind=note.kind)
    work.event(lead, "truce.handoff.closed", before=note.state, after=note.id, rule=reason, handoff=note.kind)


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
        close(work, lead, lead.why["stage"]["rule"])


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
    alone = left(work, lead)
    if is_open(lead) and alone is None:
        lead.held = None  # it is in somebody's hands: nothing is to be handed over
        waiting.over(work, lead)
        return
    waits = waiting.HOLD in lead.why  # no bulk began it, and none ends it
    if not (entered or waits or alone is not None or _owed(lead)) or (not waits and held_back(work, lead, source)):
        return
    if lead.held is not None and not work.hot and not entered:
        return
    if alone is not None:
        close(work, lead, alone)
    lead.held = None  # from here on it is given to somebody, or an open problem of its own says that nobody can have it
    team = team_for(work, lead)
    choice = choose(values, team)
    if waiting.waits(work, lead, values, choice.route):
        return
    work.out.basis |= choice.basis
    before = lead.value("owner")
    if choice.owner is None:
        last, lead.why["owner"] = lead.why.get("owner"), choice.why(work.playbook, work.now)
        return nobody(work, lead, "owner", last)
    somebody(work, lead, "owner")
    waiting.over(work, lead)
    work.priority = choice.route.assign.priority if choice.route is not None else None
    owner = _settle_owner(work, lead, choice, team, at)
    lead.why["owner"] = choice.why(work.playbook, work.now)
    rule = lead.why["owner"]["rule"]
    note_turn(work, lead, choice, owner, rule)
    offer(work, lead, owner, rule)
    after = owner if "owner" not in work.playbook.fields else lead.value("owner")
    if before != after:
        work.line(lead, "owner", before=before, after=after, rule=rule)
        work.event(lead, "truce.lead.owner_changed", before=before, after=after, rule=rule)
