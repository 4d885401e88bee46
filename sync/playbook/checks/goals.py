"""Whether goals.yaml adds up: names that exist, qualities that can be, and goals that the promises reach, with the arithmetic."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

from sync.playbook import forms
from sync.playbook.build import goals as build
from sync.playbook.build.files import Files
from sync.playbook.checks import names
from sync.playbook.checks.people import person
from sync.playbook.checks.sla import routed
from sync.playbook.document import Path
from sync.playbook.models import LEGS, PLURALS, REACHED, Goal, Goals, Part, number
from sync.playbook.problems import did_you_mean

FILE = "goals.yaml"


def run(files: Files, form: forms.GoalsFile) -> None:
    """Note every problem of goals.yaml."""
    names.zone(files, FILE, ("timezone",), form.timezone)
    _currency(files, form.currency)
    names.once(files, FILE, [(("goals", index), one.id) for index, one in enumerate(form.goals)], "goal")
    rows: list[tuple[Path, str]] = [(("promises", "marketing", index), one.id) for index, one in enumerate(form.promises.marketing)]
    rows += [(("promises", "sales", index), one.id) for index, one in enumerate(form.promises.sales)]
    names.once(files, FILE, rows, "promise")
    _marketing(files, form)
    for index, promise in enumerate(form.promises.sales):
        _sales(files, ("promises", "sales", index), promise)
    _unpromised(files, form)
    built = build.goals(files, form)
    for index, goal in enumerate(built.goals):
        person(files, FILE, ("goals", index, "accountable"), goal.accountable)
        names.segment(files, FILE, ("goals", index, "segment"), goal.segment)
        _reached(files, ("goals", index), built, goal)


def _currency(files: Files, code: str) -> None:
    from babel.core import get_global

    known = {code for rows in get_global("territory_currencies").values() for code, _, until, tender in rows if tender and until is None}
    if code not in known:
        files.problem(FILE, ("currency",), f"there is no currency {code}", did_you_mean(code, known, list_up_to=0))


def _marketing(files: Files, form: forms.GoalsFile) -> None:
    seen: dict[str | None, str] = {}
    for index, promise in enumerate(form.promises.marketing):
        path: Path = ("promises", "marketing", index)
        person(files, FILE, (*path, "accountable"), promise.accountable)
        names.segment(files, FILE, (*path, "segment"), promise.segment)
        if promise.segment in seen:
            who = f"the segment {promise.segment}" if promise.segment else "all segments"
            files.problem(FILE, path, f"a second promise for {who}", f"the first is {seen[promise.segment]}; a lead counts for one promise")
        seen.setdefault(promise.segment, promise.id)
        shares = [(one, share) for one in REACHED if (share := getattr(promise.quality, one)) is not None]
        for (before, more), (after, less) in pairwise(shares):
            if less > more:
                said = f"{number(less)} become {PLURALS[after]} and only {number(more)} {PLURALS[before]}, which they were before"
                files.problem(
                    FILE, (*path, "quality", after), said, "each share is of all the MQLs, and none is larger than the one before it"
                )


def _sales(files: Files, path: Path, promise: forms.SalesForm) -> None:
    person(files, FILE, (*path, "accountable"), promise.accountable)
    names.segment(files, FILE, (*path, "segment"), promise.segment)
    names.sla(files, FILE, (*path, "sla"), promise.sla)
    promised = [leg for leg in LEGS if getattr(promise.within, leg) is not None]
    if not promised:
        files.problem(FILE, (*path, "within"), "nothing is promised here", "accept: 0.95, or first_response, or work", key=True)
    sla = files.sla.slas.get(promise.sla) if files.sla else None
    if sla is None:
        return
    there = [leg for leg in LEGS if getattr(sla.legs, leg) is not None]
    for leg in promised:
        if leg not in there:
            place = files.where("sla.yaml", ("slas", promise.sla), key=True)
            said = f"the SLA {promise.sla} has no leg {leg}"
            files.problem(FILE, (*path, "within", leg), said, f"add it at {place}, which has {', '.join(there)}", key=True)


def _unpromised(files: Files, form: forms.GoalsFile) -> None:
    """Warn of SLAs that routes name and no promise of sales speaks of: their hand-offs would count for nobody's."""
    default = files.sla.default if files.sla else None
    used = {name or default for _, _, name in routed(files)} - {promise.sla for promise in form.promises.sales}
    for name in files.sla.slas if files.sla and form.promises.sales else ():
        if name not in used:
            continue
        said = f"hand-offs under the SLA {name} count for no promise of sales"
        files.problem(FILE, ("promises", "sales"), said, f"add a promise with sla: {name}", key=True, warning=True)


def _reached(files: Files, path: Path, goals: Goals, goal: Goal) -> None:
    parts = goals.parts(goal)
    target: Path = (*path, "target")
    if not parts:
        whose = f"the segment {goal.segment}" if goal.segment else "any lead"
        said = f"marketing promises no MQLs for {whose}, so nothing leads to this goal"
        files.problem(FILE, target, said, "add a promise under promises.marketing")
        return
    total = sum(part.gives or 0.0 for part in parts)
    if total >= goal.target:
        return
    silent = next((part for part in parts if part.gives is None), None)
    sums = " + ".join(part.words for part in parts if part.gives is not None)
    if silent is not None:
        said = f"{silent.words}, and the others give {number(total)} a {goal.per}" if sums else silent.words
        files.problem(FILE, target, f"{said}: is {number(goal.target)} within reach?", _missing(goal))
        return
    said = f"the promises give {number(total)} a {goal.per}, not {number(goal.target)}: {sums}"
    files.problem(FILE, target, said, _more(goal, parts, total))


def _missing(goal: Goal) -> str:
    if goal.measure == "amount":
        return "say customer: 0.1 under its quality, and amount: what one is worth"
    return f"say {goal.measure}: 0.1 under its quality"


def _more(goal: Goal, parts: tuple[Part, ...], total: float) -> str:
    best = max(parts, key=lambda part: (part.gives or 0.0) / part.promise.mqls)
    each = (best.gives or 0.0) / best.promise.mqls
    lower = f"set the target to {number(float(int(total * 100)) / 100)}"
    if not each:
        return lower
    most = ceil((goal.target - total) / each)
    return f"{best.promise.id} has to promise {best.promise.mqls + most:,} MQLs a month, or {lower}"
