"""What Truce tells the world on `events`: CloudEvents with these types and data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Message, Moment, Scalar

EventType = Literal[
    "truce.lead.created",
    "truce.lead.stage_changed",
    "truce.lead.owner_changed",
    "truce.handoff.offered",
    "truce.handoff.accepted",
    "truce.handoff.rejected",
    "truce.handoff.expired",
    "truce.handoff.reassigned",
    "truce.handoff.worked",
    "truce.handoff.warned",
    "truce.handoff.breached",
    "truce.handoff.paused",
    "truce.handoff.resumed",
    "truce.handoff.closed",
    "truce.problem.opened",
]


GoalEventType = Literal["truce.goal.reached", "truce.goal.lost", "truce.goal.missed"]


class LeadEvent(Message):
    """Something happened to a lead; carries no personal value beyond what the type needs."""

    lead_id: str
    at: Moment
    type: EventType
    before: Scalar = None
    after: Scalar = None
    rule: str = Field(default="", description="file:line and id of the rule that decided, '' when no rule did.")
    leg: str = Field(default="", description="Of a warning or a breach: which leg, accept, first_response or work.")
    kind: str = Field(default="", description="Of a hand-off that is no MQL: its kind, `customer` or `open_deal`.")
    playbook_version: int = 0


class GoalEvent(Message):
    """A goal that both sides share is reached, lost again, or missed when its period ended; each change of it once, by the message's id."""

    goal: str = Field(description="Its id in goals.yaml, and the message's key.")
    name: str
    at: Moment
    type: GoalEventType
    before: str = Field(default="", description="What was told of it last in this period: reached, lost, missed, or '' for nothing yet.")
    measure: str = Field(description="mql, sal, sql, opportunity, customer, or amount: the money of opportunities won.")
    segment: str = Field(default="", description="Whose leads count; '' stands for all.")
    first_day: str = Field(description="The period's first day, ISO.")
    last_day: str = Field(description="Its last day, inclusive.")
    target: float
    got: float = Field(description="How much of it there is now, as `truce report goals` says it.")
    currency: str = Field(default="", description="Of an amount.")
    playbook_version: int = 0
