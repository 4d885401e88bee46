"""What the writer did with a record, as a message back to the lead agent."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Message, Moment, RefText, Scalar

Outcome = Literal["written", "created", "linked", "rejected", "gone", "void", "unknown"]


class FieldRefused(Message):
    """One field that a vendor would not take, in the vendor's own words."""

    field: str = Field(description="The vendor's field name; '' when the vendor named none.")
    value: Scalar = None
    code: str = ""
    words: str = ""


class WriteDone(Message):
    """The outcome of one intent (`truce.write.done`)."""

    intent_id: str
    lead_id: str
    system: str
    ref: RefText | None = Field(default=None, description="The record written, created or linked; None when there is none.")
    outcome: Outcome
    fields: dict[str, Scalar] = Field(default_factory=dict, description="Vendor field → value that the vendor now holds because of us.")
    versions: dict[str, int] = Field(default_factory=dict, description="Shared field → desired version that was written.")
    times: dict[str, Moment] = Field(default_factory=dict, description="Shared field → the desired value's own time: what `observed` gets.")
    truce_id: bool = Field(default=False, description="True when the record carries the Truce id because of this write.")
    refused: tuple[FieldRefused, ...] = ()
    parked_id: str | None = None
    sent_at: Moment
    done_at: Moment = Field(description="When the vendor had it: the vendor's own time where it gives one, else our time of the answer.")
    answered_at: Moment | None = Field(
        default=None,
        description="Our time of the answer where `done_at` is the vendor's: what was read of the record before it may not know of this write.",
    )
