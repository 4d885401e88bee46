"""goals.yaml as it is written: what the company counts by, shared goals, and what each side promises for them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from sync.playbook.forms.base import Email, Form, Id, Name
from sync.playbook.models import Measure, Month, Period, Weekday

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of the whole: 0.75 is three quarters."""
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
_SEGMENT = "A segment of lifecycle.yaml"


class GoalForm(Form):
    """A goal that both sides reach or miss together."""

    id: Id = Field(description="How reports and events call it; used once.", examples=["new-customers"])
    name: str = Field(min_length=1, description="The goal in words.", examples=["New customers"])
    measure: Measure = Field(
        description="What is counted: leads that reach a stage (mql, sal, sql, opportunity, customer), or `amount`: the money of won opportunities.",
        examples=["customer", "amount"],
    )
    target: float = Field(gt=0, description="How much of it is to be reached in each period.", examples=[30, 400000])
    per: Period = Field(description="The period: month, quarter or year; quarters and years by the fiscal year.", examples=["quarter"])
    segment: Id | None = Field(
        default=None, description=f"{_SEGMENT}, when only its leads count; without it all do.", examples=["enterprise"]
    )
    accountable: Email = Field(description="The person who answers for it before both sides.", examples=["head.of.sales@acme.example"])


class QualityForm(Form):
    """Which share of the MQLs gets at least so far."""

    sal: Share | None = Field(default=None, description="The share of the MQLs that sales accepts.", examples=[0.75])
    sql: Share | None = Field(default=None, description="The share of the MQLs that become SQLs.", examples=[0.4])
    opportunity: Share | None = Field(default=None, description="The share of the MQLs that become opportunities.", examples=[0.25])
    customer: Share | None = Field(default=None, description="The share of the MQLs that become customers.", examples=[0.08])


class MarketingForm(Form):
    """What marketing owes: so many MQLs of such quality in each month."""

    id: Id = Field(description="How reports call it; used once.", examples=["enterprise-mqls"])
    segment: Id | None = Field(
        default=None, description=f"{_SEGMENT} that it is for; without it: the leads of all segments that have no promise of their own.",
        examples=["enterprise"],
    )  # fmt: skip
    mqls: int = Field(ge=1, description="MQLs in each month.", examples=[40])
    quality: QualityForm = Field(
        default=QualityForm(), description="Their quality: the share of the MQLs that gets at least so far.",
        examples=[{"sal": 0.75, "sql": 0.4, "opportunity": 0.25, "customer": 0.08}],
    )  # fmt: skip
    amount: float | None = Field(
        default=None, gt=0, description="What one customer of these is worth on average, in the company's currency.", examples=[24000]
    )
    accountable: Email = Field(description="The person who answers for it.", examples=["head.of.marketing@acme.example"])


class WithinForm(Form):
    """For which share of the hand-offs each leg is done within its time."""

    accept: Share | None = Field(default=None, description="The share that is accepted within the time of the SLA.", examples=[0.95])
    first_response: Share | None = Field(default=None, description="The share with a first response in time.", examples=[0.9])
    work: Share | None = Field(default=None, description="The share that is worked to an end in time.", examples=[0.85])


class SalesForm(Form):
    """What sales owes: such a share of the hand-offs accepted, answered and worked within the time of its SLA."""

    id: Id = Field(description="How reports call it; used once.", examples=["hot-leads"])
    sla: Name = Field(description="Which hand-offs: those under this SLA of sla.yaml, which says within what time.", examples=["hot"])
    segment: Id | None = Field(
        default=None, description=f"{_SEGMENT}, when only its leads count; without it all do.", examples=["enterprise"]
    )
    within: WithinForm = Field(
        description="Leg → the share of the hand-offs for which it is done within its time.",
        examples=[{"accept": 0.95, "first_response": 0.9, "work": 0.85}],
    )
    accountable: Email = Field(description="The person who answers for it.", examples=["head.of.sales@acme.example"])


class PromisesForm(Form):
    """What each side owes the other."""

    marketing: list[MarketingForm] = Field(default=[], description="What marketing owes: number and quality of MQLs, by segment.")
    sales: list[SalesForm] = Field(default=[], description="What sales owes: hand-offs accepted, answered and worked in time, by SLA.")


class GoalsFile(Form):
    """goals.yaml: what the company counts by, shared goals, and each side's promise."""

    timezone: str | None = Field(
        default=None,
        description="The zone (IANA) by which reports begin their days; without it that of team.yaml.",
        examples=["Europe/Berlin"],
    )
    week_starts: Weekday = Field(default="monday", description="The day on which a week begins.", examples=["monday"])
    fiscal_year_starts: Month = Field(
        default="january", description="The month on whose first day the fiscal year begins; quarters follow it.", examples=["february"]
    )
    currency: Currency = Field(default="EUR", description="The currency of every amount here, as ISO 4217 has it.", examples=["EUR", "USD"])
    goals: list[GoalForm] = Field(default=[], description="Goals that both sides reach or miss together.")
    promises: PromisesForm = Field(default=PromisesForm(), description="What each side owes the other, so that the goals are reached.")
