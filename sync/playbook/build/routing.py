"""From routing.yaml to the tree as the core sees it: what a route inherits is written out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sync.playbook import forms
from sync.playbook.build.durations import seconds
from sync.playbook.build.lines import Lines
from sync.playbook.document import Path
from sync.playbook.models import Assign, Hold, Queue, Route, Step, Sticky

FILE = "routing.yaml"
TARGETS = ("owner", "pool", "queue", "table")


@dataclass(frozen=True, slots=True)
class _Outer:
    """What a route has from the outer one, where it says nothing itself."""

    assign: Assign
    since: str = ""
    until: str = ""


def routes(lines: Lines, form: forms.RoutingFile) -> tuple[Route, ...]:
    """Build the tree; a route without a fallback takes the next outer one's, at last that of the file's last route."""
    last = form.routes[-1]
    chain = _steps(last) or ((Step(owner=last.assign.owner),) if last.assign and last.assign.owner else ())
    return _routes(lines, form.routes, ("routes",), _Outer(Assign(fallback=chain)))


def _routes(lines: Lines, rows: list[forms.RouteForm], path: Path, outer: _Outer) -> tuple[Route, ...]:
    return tuple(_route(lines, one, (*path, i), outer) for i, one in enumerate(rows))


def _route(lines: Lines, form: forms.RouteForm, path: Path, outer: _Outer) -> Route:
    assign = _assign(lines, form.assign, (*path, "assign"), outer.assign)
    assign = replace(assign, fallback=_steps(form) or assign.fallback)
    since, until = form.from_ or outer.since, form.until or outer.until
    inner = _routes(lines, form.routes, (*path, "routes"), _Outer(assign, since, until))
    when = lines.when(FILE, (*path, "when"), form.when)
    return Route(form.id, when, assign, lines.files.where(FILE, path), inner, since, until)


def _steps(form: forms.RouteForm) -> tuple[Step, ...]:
    return tuple(Step(one.owner, one.pool, _queue(one.queue)) for one in form.steps)


def _queue(form: forms.QueueForm | None) -> Queue | None:
    return None if form is None else Queue(form.name, form.human)


def _assign(lines: Lines, form: forms.AssignForm | None, path: Path, outer: Assign) -> Assign:
    """Give what the route says, over what the outer one says; a target of its own replaces the outer one and its `by`."""
    if form is None:
        return outer
    mine = outer
    if any(getattr(form, name) is not None for name in TARGETS):
        mine = replace(outer, owner=form.owner, pool=form.pool, queue=_queue(form.queue), table=form.table, by=None)
    return replace(
        mine,
        by=form.by or mine.by,
        sticky=outer.sticky if form.sticky is None else _sticky(form.sticky),
        skills=outer.skills if form.skills is None else tuple(form.skills),
        language=(form.language or "").removeprefix("lead.") or outer.language,
        memory=outer.memory if form.memory is None else form.memory,
        hold=_hold(lines, form, path) or outer.hold,
        priority=form.priority or outer.priority,
        sla=form.sla or outer.sla,
    )


def _sticky(given: bool | list[Sticky]) -> tuple[Sticky, ...]:
    if isinstance(given, bool):
        return ("owner",) if given else ()
    return tuple(given)


def _hold(lines: Lines, form: forms.AssignForm, path: Path) -> Hold | None:
    if form.hold is None:
        return None
    until = lines.when(FILE, (*path, "hold", "until"), form.hold.until)
    return Hold(until, seconds(form.hold.at_most), lines.files.where(FILE, (*path, "hold"), key=True))
