"""A lead as Truce tells it to others: the public view, not the state document."""

from __future__ import annotations

from schemas.base import Message, Moment, RefText, Scalar


class LeadView(Message):
    """One human being across systems, with what every system should show."""

    id: str
    stage: str | None = None
    stage_since: Moment | None = None
    owner: str | None = None
    in_scope: bool = True
    fields: dict[str, Scalar] = {}
    records: tuple[RefText, ...] = ()
    playbook_version: int | None = None
