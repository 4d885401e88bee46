"""One act of a person: a form, a visit, a click, a meeting."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Message, Moment, RefText, Scalar

TouchKind = Literal["form", "visit", "click", "open", "meeting", "campaign", "other"]


class TouchRecorded(Message):
    """A person did something (`truce.touch.recorded`); the same act read twice has the same `activity_id`."""

    system: str
    activity_id: str = Field(description="Unique per system, the same however often and by whichever way the act is read.")
    kind: TouchKind
    name: str = Field(default="", description="Which form, page, e-mail …, by the vendor's name of it.")
    at: Moment
    received_at: Moment
    ref: RefText | None = Field(default=None, description="The record of the person, when known.")
    email: str | None = None
    consent: dict[str, bool] = Field(default_factory=dict, description="What the person said: channel or type → may be contacted.")
    details: dict[str, Scalar] = Field(default_factory=dict)
    delivered_at: Moment | None = Field(
        default=None, description="When the message that was opened or clicked had been delivered, where the vendor says so."
    )
    machine: bool = Field(default=False, description="True when the vendor itself says that a machine did it, not the person.")
    bulk: bool = False
