"""From goals.yaml to goals and promises as the core sees them."""

from __future__ import annotations

from typing import get_args

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.models import LEGS, REACHED, Goal, Goals, Month, MqlPromise, Weekday, WorkPromise

FILE = "goals.yaml"


def goals(files: Files, form: forms.GoalsFile) -> Goals:
    """Build goals and promises."""
    return Goals(
        timezone=form.timezone or "",
        week_starts=get_args(Weekday).index(form.week_starts) + 1,
        fiscal_year_starts=get_args(Month).index(form.fiscal_year_starts) + 1,
        currency=form.currency,
        goals=tuple(_goal(files, index, one) for index, one in enumerate(form.goals)),
        marketing=tuple(_marketing(files, index, one) for index, one in enumerate(form.promises.marketing)),
        sales=tuple(_sales(files, index, one) for index, one in enumerate(form.promises.sales)),
    )


def _goal(files: Files, index: int, form: forms.GoalForm) -> Goal:
    where = files.where(FILE, ("goals", index))
    return Goal(form.id, form.name, form.measure, form.target, form.per, form.accountable, where, form.segment)


def _marketing(files: Files, index: int, form: forms.MarketingForm) -> MqlPromise:
    where = files.where(FILE, ("promises", "marketing", index))
    quality = {one: share for one in REACHED if (share := getattr(form.quality, one)) is not None}
    return MqlPromise(form.id, form.mqls, form.accountable, where, form.segment, quality, form.amount)


def _sales(files: Files, index: int, form: forms.SalesForm) -> WorkPromise:
    where = files.where(FILE, ("promises", "sales", index))
    within = {leg: share for leg in LEGS if (share := getattr(form.within, leg)) is not None}
    return WorkPromise(form.id, form.sla, form.accountable, where, within, form.segment)
