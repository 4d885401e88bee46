"""The transfer of a lead from marketing to sales, as an object of its own."""

from __future__ import annotations

from typing import Literal

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
    opened_at: Moment
    changed_at: Moment
