"""A time that has come: what was to happen to a lead when nothing else did."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Message, Moment


class ClockDue(Message):
    """A clock of a lead is due (`truce.clock.due`); it counts while the lead has the clock, so that it may be told twice."""

    lead_id: str
    kind: str = Field(description="What the clock is for: `stage` judges the stage again, because by now time has changed it.")
    due_at: Moment
    seen: dict[str, Moment] = Field(
        default={},
        description="System → until when its changes stood on `changes` before this message did; one that is not there is not read.",
    )
