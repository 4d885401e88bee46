"""What a rep did with a person: the evidence of a first response."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Message, Moment, RefText


class ResponseRecorded(Message):
    """A rep called, wrote to or met a person, or completed a task on them, as a system shows it (`truce.response.recorded`)."""

    system: str
    ref: RefText = Field(description="The person's record.")
    activity_id: str
    kind: Literal["call", "email", "meeting", "task", "other"] = "other"
    by: str = Field(default="", description="The system's user id of the rep, '' where it does not say.")
    at: Moment = Field(description="When it was done.")
    received_at: Moment
