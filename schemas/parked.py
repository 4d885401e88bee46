"""Something set aside with the reason, replayable; people see it as a "sync error"."""

from __future__ import annotations

from typing import Literal

from schemas.base import Message, Moment, RefText, Scalar


class Parked(Message):
    """One message or one write that was set aside; nothing of it is lost."""

    id: str
    kind: Literal["message", "write"]
    reason: str
    code: str = ""
    system: str | None = None
    ref: RefText | None = None
    lead_id: str | None = None
    field: str | None = None
    value: Scalar = None
    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    parked_at: Moment
