"""From sla.yaml to SLAs and reasons as the core sees them."""

from __future__ import annotations

from typing import cast

from sync.playbook import forms
from sync.playbook.build.lines import Lines
from sync.playbook.document import Path
from sync.playbook.models import LEGS, Clock, FollowUp, Leg, LegRule, Reason, Sla, Slas, Unit, Within

FILE = "sla.yaml"


def within(text: str, clock: Clock) -> Within:
    """Read a length of time: `30m`, `4h`, `2d`."""
    return Within(int(text[:-1]), cast("Unit", text[-1]), clock)


def slas(lines: Lines, form: forms.SlaFile) -> Slas:
    """Build SLAs and reasons."""
    return Slas(
        {name: _sla(lines, name, one) for name, one in form.slas.items()},
        form.default,
        {name: _reason(lines, name, one) for name, one in form.reasons.items()},
        form.reason_field or "",
        form.comment_field or "",
    )


def _sla(lines: Lines, name: str, form: forms.SlaForm) -> Sla:
    legs = tuple(_leg(lines, name, form, leg, one) for leg in LEGS if (one := getattr(form.legs, leg)) is not None)
    where = lines.files.where(FILE, ("slas", name), key=True)
    return Sla(name, where, legs, form.label, form.offers, within(form.pause, form.clock) if form.pause else None)


def _leg(lines: Lines, sla: str, form: forms.SlaForm, leg: Leg, one: forms.LegForm) -> LegRule:
    clock, path = one.clock or form.clock, ("slas", sla, "legs", leg)
    return LegRule(
        leg,
        within(one.within, clock),
        one.accountable or form.accountable or "",
        lines.files.where(FILE, path, key=True),
        within(one.warn, clock) if one.warn else None,
        tuple(_follow(lines, (*path, "then", index), step, clock) for index, step in enumerate(one.then)),
        lines.when(FILE, (*path, "done"), one.done) if one.done is not None else None,
        one.task,
    )


def _follow(lines: Lines, path: Path, form: forms.FollowUpForm | str, clock: Clock) -> FollowUp:
    long = form if isinstance(form, forms.FollowUpForm) else forms.FollowUpForm.model_validate({"do": form})
    return FollowUp(long.do, lines.files.where(FILE, path), within(long.after, clock) if long.after else None, long.misses)


def _reason(lines: Lines, name: str, form: forms.ReasonForm) -> Reason:
    quality = form.then != "reassign" if form.quality is None else form.quality
    after = within(form.after, "always") if form.after else None
    return Reason(name, form.label, form.then, lines.files.where(FILE, ("reasons", name), key=True), after, form.comment, quality)
