"""What sales says to Truce counts as if the CRM said it: a yes, a no and what follows are stages of the lead. Times are ms."""

from __future__ import annotations

from sync.lead.offers import HANDOFF
from sync.lead.qualify import place_of
from sync.lead.reconcile import TRUCE
from sync.lead.state import Claim, Lead
from sync.lead.work import Work

ACCEPTED = "sal"
"""The stage of a lead that sales accepted."""


def sales_word(work: Work, lead: Lead, stage: str, at: int) -> None:
    """Let the lead stand in a stage because sales says so to Truce: as if the CRM said it. Nothing happens where the playbook has no such stage."""
    if place_of(work.playbook, stage) < 0 or "stage" not in work.playbook.fields or lead.handoff is None:
        return
    crm = work.playbook.sales[:1]
    ref = f"{crm[0]}:{HANDOFF}:{lead.handoff.id}" if crm else TRUCE
    held = lead.desired.get("stage")
    lead.claims.setdefault("stage", {})[ref] = Claim(stage, max(at, held.at + 1) if held is not None else at, "person")
