"""Whether routing.yaml adds up: a root that matches always and ends at a person, no route that an earlier one leaves nothing for."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks.people import person
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean

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
        _assign(files, path, route)
    _order(files, routing.routes, ("routes",))
    last, path = routing.routes[-1], ("routes", len(routing.routes) - 1)
    if not _always(last.when):
        hint = "end with a route that has no `when`, so that no lead is without a person"
        files.problem(ROUTING, (*path, "when"), f"the last route, {last.id}, does not match always", hint, key=True)
    if last.assign.pool and not last.fallback:
        hint = "add fallback: {owner: …}, for the day when the whole pool is away"
        files.problem(ROUTING, path, f"the last route, {last.id}, does not end at a person", hint)


def _assign(files: Files, path: Path, route: forms.RouteForm) -> None:
    assign = route.assign
    if (assign.owner is None) == (assign.pool is None):
        said = "both owner and pool are given" if assign.owner else "neither owner nor pool is given"
        files.problem(ROUTING, (*path, "assign"), said, "one of them gets the lead", key=True)
    person(files, ROUTING, (*path, "assign", "owner"), assign.owner)
    if route.fallback:
        person(files, ROUTING, (*path, "fallback", "owner"), route.fallback.owner)
    if assign.pool is not None and files.team and assign.pool not in files.team.pools:
        files.problem(ROUTING, (*path, "assign", "pool"), f"unknown pool {assign.pool}", did_you_mean(assign.pool, files.team.pools))


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
