"""Whether routing.yaml adds up: a root that matches always and ends at a person, no route that an earlier one leaves nothing for."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks import reach, targets, times
from sync.playbook.document import Path

ROUTING = "routing.yaml"


def _always(form: forms.WhenForm | str | None) -> bool:
    return form is None or (not isinstance(form, str) and not (form.all or form.any or form.none))


def run(files: Files, routing: forms.RoutingFile) -> None:
    """Note every problem of routing.yaml."""
    seen: dict[str, Path] = {}
    for path, route in forms.walk(routing.routes):
        if route.id in seen:
            first = files.where(ROUTING, (*seen[route.id], "id"))
            files.problem(ROUTING, (*path, "id"), f"a second route {route.id}", f"the first is at {first}; an id is used once")
        seen.setdefault(route.id, path)
        inherits = len(path) > 2
        if route.assign is not None:
            targets.target(files, (*path, "assign"), route.assign, inherits=inherits)
        elif not inherits:
            files.problem(ROUTING, path, f"{route.id} does not say who gets the lead", "add assign: {pool: …}")
        targets.chain(files, path, route)
        _days(files, path, route)
    reach.run(files, routing.routes)
    _last(files, routing.routes[-1], ("routes", len(routing.routes) - 1))


def _last(files: Files, last: forms.RouteForm, path: Path) -> None:
    """Note a last route that does not match always, or does not end at a person."""
    if not _always(last.when):
        hint = "end with a route that has no `when`, so that no lead is without a person"
        files.problem(ROUTING, (*path, "when"), f"the last route, {last.id}, does not match always", hint, key=True)
    for key in ("from", "until"):
        if (last.from_ if key == "from" else last.until) is not None:
            files.problem(ROUTING, (*path, key), f"the last route, {last.id}, does not count on every day", f"delete {key}", key=True)
    if last.assign and last.assign.owner is None and not last.steps:
        hint = "add fallback: {owner: …}, for the day when the whole pool is away"
        files.problem(ROUTING, path, f"the last route, {last.id}, does not end at a person", hint)


def _days(files: Files, path: Path, route: forms.RouteForm) -> None:
    """Note days that there are not, and a route that ends before it begins."""
    first = times.day(files, (*path, "from"), route.from_, ROUTING) if route.from_ else None
    last = times.day(files, (*path, "until"), route.until, ROUTING) if route.until else None
    if first and last and first > last:
        files.problem(ROUTING, (*path, "until"), f"{route.until} is before {route.from_}", "the first day comes first; both are included")
