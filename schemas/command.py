"""What a person asks for, as a message on `changes`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Message, Moment, RefText


class Command(Message):
    """A person's order (`truce.command.<name>`); applied once by its CloudEvent id."""

    name: Literal["replay", "link", "separate", "rejudge", "resync"]
    lead_id: str | None = None
    ref: RefText | None = None
    parked_id: str | None = None
    bulk: bool = Field(default=False, description="Ordered for many at once: decided and written, and no hand-off is opened by it.")
    by: str = Field(description="Who asked: an e-mail, or the operating-system user of the CLI.")
    reason: str = ""
    at: Moment
