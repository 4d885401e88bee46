"""`manifest.yaml` as data: what others may know of a connector without importing it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.base import Scalar
from schemas.touch import TouchKind

POLL_SHARE = 0.2
"""So much of a day's quota may go into polls."""
SPARE_CALLS = 2
"""Calls of a poll beside those that find nothing: what changed is read."""


class Quota(BaseModel):
    """At most `calls` in any sliding window of `seconds`, at the vendor; of no seconds: so many at once."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str = Field(description="Which of the vendor's limits this is: `calls`, `search`, `daily` …")
    calls: int
    seconds: float


class Manifest(BaseModel):
    """`manifest.yaml` of a connector folder: all that others may know without importing it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    vendor: str
    title: str
    side: Literal["sales", "marketing"]
    person_object: str = Field(description="The vendor's object for one person that is read and written: Lead, contacts …")
    person_objects: tuple[str, ...] = Field(
        default=(), description="All its objects for a person, the one that counts first where a person is in several (default: that one)."
    )
    account_object: str = Field(default="", description="The vendor's object for one company: Account, companies …")
    opportunity_object: str = Field(default="", description="The vendor's object for one deal: Opportunity, deals …")
    task_object: str = Field(default="", description="The vendor's object for a rep's task, which the sink can make: Task, tasks …")
    response_objects: tuple[str, ...] = Field(
        default=(), description="Its objects for what a rep did with a person, read as responses: Task, Event, calls, meetings …"
    )
    truce_id_field: str = Field(description="The unique external-id field that holds the Truce id.")
    quotas: tuple[Quota, ...]
    batch_read: int
    batch_write: int
    in_flight: int = Field(description="Requests that may be under way at once.")
    webhook: bool = Field(description="True if the vendor calls us; then `poll_s` is only the backstop.")
    poll_s: float = Field(description="Seconds between polls, where no quota of the day says another pace and the settings neither.")
    cursor: Literal["time", "opaque"] = "time"
    touches: dict[TouchKind, str] = Field(
        default={}, description="What people did that is told, each kind in the words of README's table, with the option that asks for it."
    )
    lists: str = Field(
        default="", description="What people are put on and taken from as fields of theirs, and by which option: README's words."
    )
    deletions_s: float = Field(
        default=0.0, description="Seconds between looks for who was deleted, where a poll of changes does not tell them."
    )
    polls_deletions: bool = Field(default=True, description="True if a poll tells who was deleted; else webhooks do, and the daily sweep.")
    swept: str = Field(default="", description="Which ends no poll tells, so that without a webhook the daily sweep alone notices them.")
    restores: bool = Field(default=False, description="True if what was deleted there can be brought back.")
    converted: tuple[str, Scalar] | None = Field(
        default=None, description="Which value of which field a person's record has that became another one: all others are open."
    )
    words: dict[str, tuple[str, str]] = Field(
        default={},
        description="What one of an object's records and several are called where that is not its name; also of `field` and `user`.",
    )
    makes_opportunities: bool = Field(default=False, description="True if the sink makes opportunities, not only reads them.")
    pushes: str = Field(default="", description="How it tells changes as they happen where that is no webhook, and by which option.")
    permissions: str = Field(description="What the credentials must be allowed to do: one sentence of README's table.")
    record_url: str = Field(
        default="", description="Where a person opens a person's record: {url}, {object}, {id}, and options by their names."
    )
    besides: dict[str, str] = Field(
        default={}, description="Files of its folder beside the six, each with why one of the six could not hold it."
    )

    @property
    def people(self) -> tuple[str, ...]:
        """Its objects for a person, the one that counts first where a person is in several."""
        return self.person_objects or (self.person_object,)

    def called(self, what: str, many: int = 1) -> str:
        """Say what so many of an object's records, of a `field` or of a `user` are called there."""
        usual = {"field": ("field", "fields"), "user": ("active user", "active users")}
        one, several = self.words.get(what) or usual.get(what) or (what, what)
        return one if many == 1 else several

    def pace_s(self, calls: int) -> float:
        """Seconds between polls of so many calls: what the share of the day's quota allows, never below a second."""
        daily = [quota for quota in self.quotas if quota.seconds >= 3600]
        share = max((quota.seconds * (calls + SPARE_CALLS) / (quota.calls * POLL_SHARE) for quota in daily), default=0.0)
        return max(1.0, share, self.poll_s if self.webhook or not daily else share)
