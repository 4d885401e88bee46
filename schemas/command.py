"""What a person asks for, as a message on `changes`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from schemas.base import Message, Moment, RefText

MOST_COMMENT = 1_000
"""So many characters a comment, a note or a reason may have."""


def too_long(text: str) -> str | None:
    """Say that a comment is too long, and by how much it has to be shorter; None when it is not."""
    over = len(text) - MOST_COMMENT
    return f"at most {MOST_COMMENT:,} characters, this has {len(text):,}: make it {over:,} shorter" if over > 0 else None


class Command(Message):
    """A person's order (`truce.command.<name>`); applied once by its CloudEvent id."""

    name: Literal[
        "replay", "link", "separate", "rejudge", "resync", "accept", "reject", "reassign", "note", "hold_clock", "run_clock", "snooze"
    ]  # fmt: skip
    lead_id: str | None = None
    ref: RefText | None = None
    parked_id: str | None = None
    bulk: bool = Field(default=False, description="Ordered for many at once: decided and written, and no hand-off is opened by it.")
    by: str = Field(description="Who asked: an e-mail, or the operating-system user of the CLI.")
    reason: str = ""
    handoff: str | None = Field(default=None, description="The hand-off that is answered; None: the lead's open one.")
    offer: int | None = Field(default=None, description="Which offer of it the person saw; None: the one that is open.")
    who: str | None = Field(default=None, description="E-mail of the person on whose behalf; None: whose hand-off it is.")
    to: str | None = Field(default=None, description="For reassign: an e-mail or `pool:NAME`; None: to whom the route finds next.")
    code: str = Field(default="", description="For reject: the id of a reason of sla.yaml.")
    comment: str = ""
    until: Moment | None = Field(
        default=None, description="For hold_clock: when it goes on at the latest; for snooze: until when nobody is reminded."
    )
    clocks: Literal["keep", "restart"] = Field(default="keep", description="For reassign: whether time that is gone counts for the next.")
    run: str | None = Field(default=None, description="The run of `truce reassign` that it belongs to.")
    at: Moment = Field(description="When the person acted: Slack's action time, or our receipt.")
    zone: str = Field(default="", description="The zone (IANA) in which whoever asked reads the answer; empty: as the playbook says.")
