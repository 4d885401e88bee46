"""From routing.yaml to the tree as the core sees it."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.lines import Lines
from sync.playbook.document import Path
from sync.playbook.models import Assign, Route, Step

FILE = "routing.yaml"


def routes(lines: Lines, form: forms.RoutingFile) -> tuple[Route, ...]:
    """Build the tree; a route without a fallback takes the next outer one's, at last that of the file's last route."""
    last = form.routes[-1]
    return _routes(lines, form.routes, ("routes",), last.fallback.owner if last.fallback else last.assign.owner)


def _routes(lines: Lines, rows: list[forms.RouteForm], path: Path, fallback: str | None) -> tuple[Route, ...]:
    return tuple(_route(lines, one, (*path, i), fallback) for i, one in enumerate(rows))


def _route(lines: Lines, form: forms.RouteForm, path: Path, outer: str | None) -> Route:
    fallback = form.fallback.owner if form.fallback else outer
    steps = (Step(owner=fallback),) if fallback else ()
    assign = Assign(form.assign.owner, form.assign.pool, form.assign.by, ("owner",) if form.assign.sticky else (), steps)
    when = lines.when(FILE, (*path, "when"), form.when)
    return Route(form.id, when, assign, lines.files.where(FILE, path), _routes(lines, form.routes, (*path, "routes"), fallback))
