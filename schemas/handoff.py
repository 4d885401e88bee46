"""The transfer of a lead from marketing to sales, as an object of its own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Message, Moment

HandoffState = Literal["offered", "accepted", "rejected", "expired", "worked", "closed"]


class Handoff(Message):
    """One cycle of a lead's hand-off; the id stays while owners change."""

    id: str
    lead_id: str
    cycle: int
    state: HandoffState
    owner: str
    rule: str
    kind: str = Field(default="mql", description="`mql`, or a kind of the playbook's lifecycle.yaml: `customer`, `open_deal`.")
    sla: str = Field(default="", description="The SLA of sla.yaml that it runs under; '' is the ordinary one.")
    opened_at: Moment
    changed_at: Moment
