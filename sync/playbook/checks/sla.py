"""Whether sla.yaml adds up: somebody answers for each leg, warnings come before deadlines, and what follows can happen."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.sla import within
from sync.playbook.checks import filled, names
from sync.playbook.checks.people import person
from sync.playbook.checks.workdays import DAY, length, lengths
from sync.playbook.document import Path
from sync.playbook.models import LEGS, Clock, Leg, Within

FILE = "sla.yaml"
LEAVES = ("reassign", "fallback")
"""After these the lead is somebody else's."""


def run(files: Files, form: forms.SlaFile) -> None:
    """Note every problem of sla.yaml."""
    names.sla(files, FILE, ("default",), form.default)
    for name, sla in form.slas.items():
        person(files, FILE, ("slas", name, "accountable"), sla.accountable)
        there = legs(sla)
        if not there:
            files.problem(FILE, ("slas", name, "legs"), f"nothing is due under {name}", "add accept, first_response or work", key=True)
        for leg, one in there:
            _leg(files, ("slas", name, "legs", leg), sla, leg, one)
        if sla.offers is not None and not any("reassign" in (step.do for step in steps(one)) for _, one in there):
            files.problem(
                FILE, ("slas", name, "offers"), "offers counts people, and no leg of it reassigns", "delete it, or add reassign under then"
            )
    for name, reason in form.reasons.items():
        _reason(files, ("reasons", name), reason)
    if not form.reasons and any(sla.legs.accept for sla in form.slas.values()):
        said = "a lead can be refused, and there is no reason to choose from"
        files.problem(FILE, ("slas",), said, "add reasons: {no_fit: {label: Does not fit, then: disqualify}}", key=True)
    filled.given_back(files, form)
    _used(files, form)


def legs(sla: forms.SlaForm) -> list[tuple[Leg, forms.LegForm]]:
    """Give the legs that an SLA has, in their order."""
    return [(leg, one) for leg in LEGS if (one := getattr(sla.legs, leg)) is not None]


def steps(leg: forms.LegForm) -> list[forms.FollowUpForm]:
    """Give what follows a breach, each step in its long form."""
    return [one if isinstance(one, forms.FollowUpForm) else forms.FollowUpForm.model_validate({"do": one}) for one in leg.then]


def _leg(files: Files, path: Path, sla: forms.SlaForm, leg: Leg, form: forms.LegForm) -> None:
    clock = form.clock or sla.clock
    person(files, FILE, (*path, "accountable"), form.accountable)
    if not (form.accountable or sla.accountable):
        said = f"nobody answers for {leg} of {path[1]}"
        files.problem(FILE, path, said, "add accountable: to the leg, or to the SLA for all its legs", key=True)
    if form.warn and (day := _too_late(files, within(form.warn, clock), within(form.within, clock))) is not None:
        days = clock == "business" and "d" in (form.warn[-1], form.within[-1]) and day < DAY
        whose = f" for whoever works {length(day)} a day" if days else ""
        said = f"the warning would come before the clock begins{whose}: {form.warn} before the end of {form.within}"
        files.problem(FILE, (*path, "warn"), said, f"less than {form.within}")
    _follows(files, path, form, clock)


def _too_late(files: Files, warn: Within, whole: Within) -> int | None:
    """Give the length of a working day for which the warning is no earlier than the beginning."""
    return next((day for day in lengths(files) if warn.minutes(day) >= whole.minutes(day)), None)


def _follows(files: Files, path: Path, form: forms.LegForm, clock: Clock) -> None:
    before, gone, day = 0.0, "", min(lengths(files))
    for index, step in enumerate(steps(form)):
        here: Path = (*path, "then", index)
        after = within(step.after, clock).minutes(day) if step.after else 0
        if (step.do == "away") != (step.misses is not None):
            hint = "say misses: 3, after so many in a row" if step.do == "away" else "misses is for away"
            files.problem(FILE, here, "away after how many?" if step.do == "away" else f"misses does not go with {step.do}", hint)
        if after < before:
            files.problem(FILE, (*here, "after"), "this comes before the step above it", "the earliest step first")
        elif gone and after > before:
            said = f"this never happens: the lead is somebody else's since the step above it ({gone})"
            files.problem(FILE, here, said, f"put it above {gone}, or give it the same `after`")
        before, gone = max(before, after), gone or (step.do if step.do in LEAVES else "")


def _reason(files: Files, path: Path, form: forms.ReasonForm) -> None:
    if form.after and form.then != "recycle":
        files.problem(FILE, (*path, "after"), f"after is for recycle, and this one says {form.then}", "delete it")
    stage = {"recycle": "recycled", "disqualify": "disqualified"}.get(form.then)
    if stage and files.lifecycle and stage not in files.lifecycle.stages:
        said = f"{form.then} needs the stage {stage}, which lifecycle.yaml does not have"
        files.problem(FILE, (*path, "then"), said, f"add {stage} at the end of its stages")


def _used(files: Files, form: forms.SlaFile) -> None:
    """Note SLAs that are named and unknown, known and never named, and routes for which none counts."""
    named, silent = {form.default}, []
    for path, route_id, sla in routed(files):
        named.add(sla)
        silent += [route_id] if sla is None else []
        del path
    for _, sla in handed(files):
        named.add(sla)
    if files.goals:
        named |= {promise.sla for promise in files.goals.promises.sales}
    if silent and form.default is None:
        said = f"no SLA counts for {', '.join(silent[:3])}{' and others' if len(silent) > 3 else ''} of routing.yaml"
        files.problem(FILE, ("slas",), said, "say default: at the top of this file, or sla: in the route's assign", key=True)
    for name in form.slas:
        if files.routing and files.lifecycle and name not in named:
            files.problem(FILE, ("slas", name), f"nothing uses {name}", "name it in a route's assign, or delete it", key=True, warning=True)


def routed(files: Files) -> Iterator[tuple[Path, str, str | None]]:
    """Give each route that decides: the place of the SLA that counts for it (or of the route), its id, and the SLA's name."""

    def walk(rows: list[forms.RouteForm], path: Path, outer: str | None) -> Iterator[tuple[Path, str, str | None]]:
        for index, route in enumerate(rows):
            own = route.assign.sla if route.assign else None
            yield (*path, index, "assign", "sla") if own else (*path, index), route.id, own or outer
            yield from walk(route.routes, (*path, index, "routes"), own or outer)

    if files.routing:
        yield from walk(files.routing.routes, ("routes",), None)


def handed(files: Files) -> Iterator[tuple[Path, str | None]]:
    """Give the SLA of each kind of hand-off that is no MQL, with its place."""
    kinds = getattr(files.lifecycle, "handoffs", {}) if files.lifecycle else {}
    for name, one in kinds.items():
        yield ("handoffs", name, "sla"), one.sla


def named(files: Files) -> None:
    """Note SLAs that routing.yaml and lifecycle.yaml name and that do not exist."""
    seen: set[Path] = set()
    for path, _, name in routed(files):
        if path[-1] == "sla" and path not in seen:
            names.sla(files, "routing.yaml", path, name)
            seen.add(path)
    for path, name in handed(files):
        names.sla(files, "lifecycle.yaml", path, name)
