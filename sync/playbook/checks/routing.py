"""Whether routing.yaml adds up: a root that matches always and ends at a person, no route that an earlier one leaves nothing for."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks import targets
from sync.playbook.document import Path

ROUTING = "routing.yaml"


def _walk(routes: list[forms.RouteForm], path: Path = ("routes",)) -> Iterator[tuple[Path, forms.RouteForm]]:
    for index, route in enumerate(routes):
        yield (*path, index), route
        yield from _walk(route.routes, (*path, index, "routes"))


def _always(form: forms.WhenForm | str | None) -> bool:
    return form is None or (not isinstance(form, str) and not (form.all or form.any or form.none))


def run(files: Files, routing: forms.RoutingFile) -> None:
    """Note every problem of routing.yaml."""
    seen: dict[str, Path] = {}
    for path, route in _walk(routing.routes):
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
    _order(files, routing.routes, ("routes",))
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


def _lines(form: forms.WhenForm | str | None) -> frozenset[str] | None:
    """Give the lines of a `when` that is nothing but `all`, spaces aside; None when it is more."""
    if isinstance(form, str):
        return frozenset({"".join(form.split())})
    if form is None or form.any or form.none:
        return frozenset() if form is None else None
    return frozenset("".join(line.split()) for line in form.all)


def _order(files: Files, routes: list[forms.RouteForm], path: Path) -> None:
    """Find routes that an earlier one leaves nothing for: it asks for no more than they do."""
    for index, route in enumerate(routes):
        _order(files, route.routes, (*path, index, "routes"))
        wanted = _all_of(route.when)
        for number, other in enumerate(routes[:index]):
            taken = _lines(other.when)
            if taken is not None and taken <= wanted:
                place = files.where(ROUTING, (*path, number))
                hint = f"every lead that fits is taken by {other.id} ({place}); move it above"
                files.problem(ROUTING, (*path, index, "id"), "never reached", hint)
                break


def _all_of(form: forms.WhenForm | str | None) -> frozenset[str]:
    if form is None:
        return frozenset()
    lines = [form] if isinstance(form, str) else form.all
    return frozenset("".join(line.split()) for line in lines)
