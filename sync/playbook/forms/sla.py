"""sla.yaml as it is written: SLAs with their legs, and the reasons for giving a lead back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Discriminator, Field, StringConstraints, Tag

from sync.playbook.forms.base import Email, Form, Name, When, written
from sync.playbook.models import Clock, Do, Outcome

WorkingTime = Annotated[str, StringConstraints(pattern=r"^[1-9]\d{0,3}[smhd]$")]
"""One number of one unit: 30m, 4h, 2d; seconds (90s) for demonstrations."""
_TIME = (
    "30m, 4h, 2d: one number, one unit. On the business clock minutes and hours are working time, and a day is a working day: "
    "1d from Wednesday 14:00 is Thursday 14:00."
)


class FollowUpForm(Form):
    """One thing that follows, so long after the deadline."""

    do: Do = Field(
        description="remind: the owner again · escalate: their manager is told, then that one's manager · reassign: to the next whom the route finds, "
        "who had it is passed over · away: the owner counts as away until they say otherwise · fallback: to the route's fallback person.",
        examples=["escalate"],
    )
    after: WorkingTime | None = Field(
        default=None, description=f"So long after the deadline, if it is still not done; without it: at once. {_TIME}", examples=["4h"]
    )
    misses: int | None = Field(
        default=None, ge=1, le=50, description="For away: after so many legs in a row that the person let run out.", examples=[3]
    )


Then = Annotated[Annotated[Do, Tag("short")] | Annotated[FollowUpForm, Tag("long")], Discriminator(written)]


class LegForm(Form):
    """One leg of a hand-off: by when it is due, and what follows if it is not done."""

    within: WorkingTime = Field(description=f"It is due after so long. {_TIME}", examples=["30m", "2d"])
    clock: Clock | None = Field(
        default=None,
        description="business: only the working time of the responsible person counts · always: every hour. Without it as the SLA says.",
    )
    warn: WorkingTime | None = Field(default=None, description=f"So long before that the owner is reminded. {_TIME}", examples=["10m"])
    then: list[Then] = Field(
        min_length=1,
        description="What follows when it is not done in time, in this order: remind | escalate | reassign | away | fallback, "
        "at the deadline or some time after it.",
        examples=[["reassign", "escalate"], ["remind", {"do": "escalate", "after": "4h"}, {"do": "away", "misses": 3}]],
    )
    done: When | None = Field(
        default=None,
        description="What shows in the lead's values that it is done, besides Slack, the command line and a completed task in the CRM.",
        examples=["lead.status == 'working'"],
    )
    task: bool = Field(default=False, description="The CRM gets a task for the owner, due at the deadline.")
    accountable: Email | None = Field(
        default=None, description="The person who answers for this leg; without it the SLA's.", examples=["head.of.sales@acme.example"]
    )


class LegsForm(Form):
    """The legs of a hand-off, in their order."""

    accept: LegForm | None = Field(default=None, description="From the moment the owner is offered the lead until they say yes or no.")
    first_response: LegForm | None = Field(default=None, description="From yes until the first call, e-mail or meeting.")
    work: LegForm | None = Field(default=None, description="From the first response until the lead is an SQL, recycled or disqualified.")


class SlaForm(Form):
    """What is owed by when for one kind of hand-off."""

    label: str = Field(default="", description="What it is for, in words.", examples=["Asked for prices or a demo"])
    accountable: Email | None = Field(
        default=None, description="The person who answers for its legs, where a leg names nobody.", examples=["head.of.sales@acme.example"]
    )
    clock: Clock = Field(
        default="business",
        description="business: only the working time of the responsible person counts (hours, holidays, time zone) · always: every hour of every day.",
    )
    legs: LegsForm = Field(description="What is due, leg by leg. A leg begins when the one before it that stands here is done.")
    offers: int | None = Field(
        default=None, ge=1, le=50, description="After so many people in a row it goes to the route's fallback person.", examples=[3]
    )
    pause: WorkingTime | None = Field(
        default=None,
        description=f"The owner may stop the clock (waiting for the customer) for so long at most; without it not at all. {_TIME}",
        examples=["5d"],
    )


class ReasonForm(Form):
    """A reason to give a lead back, and what follows."""

    label: str = Field(min_length=1, description="As people choose it.", examples=["No budget this year"])
    then: Outcome = Field(description="reassign: to the next · recycle: back to marketing · disqualify: no lead any more.")
    after: WorkingTime | None = Field(
        default=None, description="For recycle: it comes back after so many days at the earliest, every day counted.", examples=["90d"]
    )
    comment: bool = Field(default=False, description="Ask for a sentence of explanation.")
    quality: bool | None = Field(
        default=None,
        description="Does it count against the quality that marketing promised? Without it: not when the lead only goes to somebody else.",
    )


class SlaFile(Form):
    """sla.yaml: what is owed by when, and the reasons for giving a lead back."""

    slas: dict[Name, SlaForm] = Field(min_length=1, description="The SLAs by the names that routing.yaml and lifecycle.yaml use.")
    default: Name | None = Field(default=None, description="The SLA of hand-offs whose route names none.", examples=["normal"])
    reasons: dict[Name, ReasonForm] = Field(
        default={}, description="Why a lead may be given back: nobody rejects without one of these.", examples=[{"no_fit": {"label": "Does not fit", "then": "disqualify"}}]
    )  # fmt: skip
    reason_field: Name | None = Field(
        default=None,
        description="The shared field of fields.yaml that holds why a lead was given back: a rep who fills it in in the CRM gives the lead back, "
        "and a no that was said in Slack or here is written there. Its values are the reasons.",
        examples=["reject_reason"],
    )
    comment_field: Name | None = Field(
        default=None, description="The shared field that holds the sentence that goes with it.", examples=["reject_comment"]
    )
