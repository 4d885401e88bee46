"""Somebody was told: what the notifier reports of a message that reached its person."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Message, Moment


class NoticeSent(Message):
    """An offer's card has reached its owner (`truce.notice.sent`): from then on they can answer it."""

    lead_id: str
    handoff: str
    offer: int = Field(description="Which offer of the hand-off it was about.")
    channel: str = Field(default="", description="By which channel of alerts.yaml.")
    at: Moment
