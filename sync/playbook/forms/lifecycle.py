"""lifecycle.yaml as it is written: scores, segments, the three machines, hand-offs that are no MQL."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.touch import TouchKind
from sync.playbook.forms.base import Email, Form, Id, Name, When
from sync.playbook.models import Side, To

LeadField = Annotated[str, StringConstraints(pattern=r"^lead\.[a-z][a-z0-9_]{0,62}$")]
"""A shared field as conditions call it: `lead.hubspot_score`."""


class FitForm(Form):
    """Points for one fact about the lead."""

    points: float = Field(description="So many points; fewer than 0 takes some away.", examples=[20, -10])
    when: When = Field(description="The fact: one line, or all / any / none.", examples=["lead.employees >= 500"])
    label: str = Field(default="", description="How it is called in explanations.", examples=["large company"])


class EngagementForm(Form):
    """Points for one kind of touch; they fade by half every `half_life_days`."""

    points: float = Field(description="Points for each touch, at the moment it happens; fewer than 0 takes some away.", examples=[30, -20])
    touch: TouchKind | None = Field(default=None, description="The kind of touch; none: any.")
    name: str | None = Field(default=None, min_length=1, description="A part of the touch's name, ignoring case.", examples=["pricing"])
    half_life_days: float | None = Field(default=None, gt=0, description="After this many days the points count half.", examples=[30])
    window_days: float | None = Field(default=None, gt=0, description="A touch older than this counts no more.", examples=[90])
    cap: float | None = Field(default=None, description="No more points than this from touches of this line.", examples=[45])
    category: Name | None = Field(default=None, description="A category whose lines share one cap.", examples=["web"])
    label: str = Field(default="", description="How it is called in explanations.", examples=["asked for prices"])


class CategoryForm(Form):
    """Lines of engagement that share one cap."""

    cap: float = Field(gt=0, description="No more points than this from all lines of the category together.", examples=[30])


class ScannersForm(Form):
    """Machines that open and click every message: what they do scores nothing."""

    within_s: float = Field(
        default=10,
        ge=0,
        le=3600,
        description="A touch so many seconds after delivery is a machine's; 0: only where the vendor says so.",
        examples=[10],
    )
    touches: list[TouchKind] = Field(
        default=["open", "click"], description="The kinds of touch that a machine can do.", examples=[["open", "click"]]
    )


class ScoreForm(Form):
    """Scores taken from a shared field (the MAP's own score) instead of being summed up here."""

    fit: LeadField | None = Field(default=None, description="The field that is `lead.fit`.", examples=["lead.hubspot_fit"])
    engagement: LeadField | None = Field(default=None, description="The field that is `lead.engagement`.", examples=["lead.hubspot_score"])
    score: LeadField | None = Field(
        default=None, description="The field that is `lead.score`; else it is fit plus engagement.", examples=["lead.hubspot_score"]
    )


StageId = Literal["inquiry", "lead", "mql", "sal", "sql", "opportunity", "customer", "recycled", "disqualified"]


class SegmentForm(Form):
    """A part of the market, with definitions of its own."""

    id: Id = Field(description="Its name: `lead.segment`.", examples=["enterprise"])
    when: When = Field(description="Who belongs to it; the first segment that holds is the lead's.", examples=["lead.employees >= 500"])
    stages: dict[StageId, When] = Field(
        default={}, description="Stage → what lets a lead of this segment enter it, in place of the stage's own `when`."
    )


class ReturnsForm(Form):
    """What a recycled lead needs to come back, besides an act of the person after it was recycled."""

    after_days: float = Field(default=0, ge=0, le=3650, description="So many days it stays recycled at least.", examples=[14])
    when: When | None = Field(default=None, description="What must hold then.", examples=["touched('form', 14)"])
    label: str = Field(default="", description="The same in words, for the shared field `return_when`.", examples=["fills in a form"])


class StageForm(Form):
    """One lifecycle stage."""

    accountable: Email = Field(description="The person who answers for leads in this stage.", examples=["head.of.marketing@acme.example"])
    when: When | None = Field(
        default=None,
        description="What lets a lead enter it; without it only a system or a person says so.",
        examples=["lead.engagement >= 40"],
    )
    exit: When | None = Field(
        default=None,
        description="What takes a lead out again, back to the last stage that still lets it in; for stages that Truce itself gave.",
        examples=["lead.engagement < 20"],
    )
    handoff: bool = Field(default=False, description="Entering it hands the lead to sales (the MQL stage).")
    back: list[Side] | None = Field(
        default=None,
        description="Which sides may move a lead backwards from here, by hand or by their system; others' steps back are kept aside.",
        examples=[["sales"]],
    )
    returns: ReturnsForm | None = Field(default=None, description="For `recycled`: what a lead needs to come back.")


class StatusForm(Form):
    """One value of the lead status, the short-term work of sales on a lead."""

    label: str = Field(default="", description="How it is called.", examples=["Trying to reach"])


class OpportunityStageForm(Form):
    """One stage of opportunities."""

    is_: Literal["open", "won", "lost"] = Field(alias="is", description="Whether the deal goes on, or how it ended.")
    stage: StageId | None = Field(default=None, description="The lifecycle stage of its people then; none: it moves nobody.")
    label: str = Field(default="", description="How it is called.", examples=["Closed won"])


class HandoffFallbackForm(Form):
    """One person."""

    owner: Email = Field(description="A person of the team.", examples=["maria@acme.example"])


class HandoffForm(Form):
    """An act that is no MQL, handed to whoever looks after the account or the deal."""

    when: When = Field(description="Whose act it is for; the first kind that holds counts.", examples=["lead.stage == 'customer'"])
    to: To = Field(description="Who gets it: the lead's owner, its account's, or its open opportunity's.")
    fallback: HandoffFallbackForm = Field(description="Who gets it when that person is not known or may not be given a lead.")
    sla: Name | None = Field(default=None, description="The SLA it runs under: sla.yaml.", examples=["customer"])
    touches: list[TouchKind] = Field(default=["form"], min_length=1, description="The kinds of touch that open one.")


class LifecycleFile(Form):
    """lifecycle.yaml: the scores, and the stages from first to last, side exits at the end."""

    fit: list[FitForm] = Field(default=[], description="The best-customer profile: `lead.fit` is the sum.")
    engagement: list[EngagementForm] = Field(default=[], description="What people do: `lead.engagement` is the sum; `lead.score` is both.")
    categories: dict[Name, CategoryForm] = Field(
        default={}, description="Caps over several lines of engagement.", examples=[{"web": {"cap": 30}}]
    )
    scanners: ScannersForm = Field(default=ScannersForm(), description="What machines do with e-mails scores nothing.")
    score: ScoreForm = Field(default=ScoreForm(), description="Scores that a system computes: they are taken as they are.")
    segments: list[SegmentForm] = Field(default=[], description="Parts of the market, in order; the first that holds is the lead's.")
    stages: dict[StageId, StageForm] = Field(description="In their order; a lead stands in the last one that lets it in.")
    statuses: dict[Name, StatusForm] = Field(
        default={}, description="The lead status: the values of the shared field `status`.", examples=[{"new": {}, "working": {}}]
    )
    opportunity_stages: dict[Name, OpportunityStageForm] = Field(
        default={}, description="The stages of opportunities: the values of their shared field `stage`."
    )
    handoffs: dict[Name, HandoffForm] = Field(
        default={}, description="Acts that are no MQL: hand-offs of kinds of their own, first that holds."
    )
