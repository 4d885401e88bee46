"""lifecycle.yaml as it is written: scores and stages."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sync.playbook.forms.base import Email, Form, When


class FitForm(Form):
    """Points for one fact about the lead."""

    points: float
    when: When = Field(description="The fact: one line, or all / any / none.", examples=["lead.employees >= 500"])
    label: str = Field(default="", description="How it is called in explanations.")


class EngagementForm(Form):
    """Points for one kind of touch; they fade by half every `half_life_days`."""

    points: float
    touch: Literal["form", "visit", "click", "open", "meeting", "campaign", "other"] | None = Field(
        default=None, description="The kind of touch; none: any."
    )
    name: str | None = Field(default=None, min_length=1, description="A part of the touch's name, ignoring case.", examples=["pricing"])
    half_life_days: float | None = Field(default=None, gt=0, description="After this many days the points count half.")
    cap: float | None = Field(default=None, description="No more points than this from touches of this kind.")
    label: str = Field(default="", description="How it is called in explanations.")


class StageForm(Form):
    """One lifecycle stage."""

    accountable: Email = Field(description="The person who answers for leads in this stage.")
    when: When | None = Field(default=None, description="What lets a lead enter it; without it only a system or a person says so.")
    handoff: bool = Field(default=False, description="Entering it hands the lead to sales (the MQL stage).")


StageId = Literal["inquiry", "lead", "mql", "sal", "sql", "opportunity", "customer", "recycled", "disqualified"]


class LifecycleFile(Form):
    """lifecycle.yaml: the scores, and the stages from first to last, side exits at the end."""

    fit: list[FitForm] = Field(default=[], description="The best-customer profile: `lead.fit` is the sum.")
    engagement: list[EngagementForm] = Field(default=[], description="What people do: `lead.engagement` is the sum; `lead.score` is both.")
    stages: dict[StageId, StageForm] = Field(description="In their order; a lead stands in the last one that lets it in.")
