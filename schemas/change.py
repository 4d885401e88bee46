"""What a source saw of a record: its fields with their times, or its merge, conversion or deletion."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Message, Moment, RefText, Scalar

Origin = Literal["person", "form", "import", "api", "automation", "own", "unknown"]
"""Who acted, as far as the vendor says: `own` is Truce's own user or app; `import` is a list upload or bulk job."""


class RecordChanged(Message):
    """A record's fields as a source saw them (`truce.record.changed`); possibly partial."""

    ref: RefText
    at: Moment = Field(description="The record's own time of change at the vendor, corrected by the measured clock skew.")
    fields: dict[str, Scalar] = Field(description="Values by the VENDOR's field name, in canonical form; None is blank.")
    times: dict[str, Moment] = Field(default_factory=dict, description="A field's own time, where the vendor gives one.")
    complete: bool = Field(default=False, description="True if every mapped field of the record is in `fields` (a snapshot).")
    read_at: Moment | None = Field(
        default=None,
        description="When a CONSISTENT read of the record was sent (our clock). None for notices and eventually consistent searches.",
    )
    received_at: Moment = Field(description="When Truce received it (our clock).")
    email: str | None = Field(default=None, description="The record's e-mail as the vendor has it, when the message carries it.")
    truce_id: str | None = Field(default=None, description="The Truce id on the record, when the message carries it.")
    origin: Origin = "unknown"
    actor: str | None = Field(default=None, description="The vendor's id of the user or app that acted.")
    bulk: bool = Field(default=False, description="True for changes that are no one's own act (first read, import, backfill).")
    created: bool = Field(default=False, description="True when the vendor says that the record is new.")
    intent_id: str | None = Field(
        default=None,
        description="Of an account: this is what our own write left there; `times` are those of the values that it carried.",
    )


class RecordMerged(Message):
    """The vendor merged records into one (`truce.record.merged`)."""

    survivor: RefText
    losers: tuple[RefText, ...]
    at: Moment
    received_at: Moment
    actor: str | None = None


class RecordConverted(Message):
    """A record became another one (`truce.record.converted`): a Salesforce Lead record that is now a contact."""

    ref: RefText
    became: RefText | None = None
    account: RefText | None = None
    opportunity: RefText | None = None
    at: Moment
    received_at: Moment
    actor: str | None = None


class RecordDeleted(Message):
    """A record was deleted, erased or restored (`truce.record.deleted`)."""

    ref: RefText
    at: Moment
    received_at: Moment
    how: Literal["deleted", "erased", "restored"] = "deleted"
    actor: str | None = None
    for_good: bool | None = Field(
        default=None,
        description="Of a deletion, where the vendor keeps for a while what was deleted: True if it is not there, as of one who was erased.",
    )
