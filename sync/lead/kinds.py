"""An act that is no MQL, by a customer or somebody with an open deal: a hand-off to whoever looks after them; the stage stays."""

from __future__ import annotations

from sync.lead.eligible import Team
from sync.lead.handoff import held_back, nobody, note_turn, somebody, team_for
from sync.lead.offers import begin, going, known
from sync.lead.qualify import Verdicts, trace
from sync.lead.queues import owner_of
from sync.lead.reconcile import claim_truce, desire
from sync.lead.route import STICKY, Choice, assign
from sync.lead.state import Lead
from sync.lead.work import Work
from sync.playbook.models import Assign, Kind, To, Values

WHOSE: dict[To, str] = {
    "owner": "the lead's owner",
    "account_owner": "the account's owner",
    "opportunity_owner": "the opportunity's owner",
}


def choose_by(kind: Kind, values: Values, team: Team, *, last: bool = False) -> Choice:
    """Choose whoever looks after somebody by a kind's own words; `last`: of its fallbacks only."""
    choice = assign(Choice(None, None, []), Assign(sticky=(kind.to,), fallback=kind.fallback), values, team, last=last)
    if not values.get(STICKY[kind.to][0]):
        choice.passed_over.insert(0, {"who": WHOSE[kind.to], "why": "is not known"})
    return choice


def kind_named(work: Work, ident: str) -> Kind | None:
    """Give a kind of hand-off by its id; None where the playbook has it no more."""
    return next((kind for kind in work.playbook.handoffs if kind.id == ident), None)


def pass_on(work: Work, lead: Lead, found: tuple[Kind, Verdicts], values: Values, *, at: int, source: str) -> None:
    """Give an act that is no MQL to whoever looks after the person; nothing happens while the lead is in somebody's hands."""
    kind, verdicts = found
    if going(lead) or held_back(work, lead, source):
        return
    lead.held = None
    choice, rule = choose_by(kind, values, team_for(work, lead)), f"{kind.where} {kind.id}"
    work.out.basis |= choice.basis
    somebody(work, lead, "handoff")
    last = lead.why.get("handoff")
    lead.why["handoff"] = {**choice.why(work.playbook, work.now), "rule": rule, "kind": kind.id, "lines": trace(verdicts)}
    if choice.owner is None:
        return nobody(work, lead, "handoff", last)
    note_turn(work, lead, choice, choice.owner, rule)
    begin(work, lead, choice.owner, rule, kind.id, sla=kind.sla)
    known(work, lead, work.now)
    before = lead.value("owner")
    if "owner" in work.playbook.fields and (not before or team_for(work, lead).obstacle(str(before)) is not None):
        whose = owner_of(choice.queue, choice.owner, work.playbook) if choice.queue is not None else choice.owner
        claim_truce(lead, "owner", whose, at)  # somebody must have it in the CRM; who has it and can keep it does
        desire(lead, ["owner"], work.playbook, work.rank)
