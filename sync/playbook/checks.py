"""What a shape cannot say: names that lead nowhere, rules never reached, a lead that would be left without a person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from sync.playbook import field_checks, forms
from sync.playbook.build import Files
from sync.playbook.document import Path
from sync.playbook.models import SIDE_EXITS
from sync.playbook.problems import did_you_mean

LIFECYCLE, ROUTING, TEAM = "lifecycle.yaml", "routing.yaml", "team.yaml"


def run(files: Files) -> None:
    """Note every problem that several keys or files make together."""
    if files.fields:
        field_checks.run(files, files.fields)
    if files.team:
        _team(files, files.team)
    if files.lifecycle:
        _lifecycle(files, files.lifecycle)
    if files.routing:
        _routing(files, files.routing)


def _person(files: Files, file: str, path: Path, email: str | None, *, key: bool = False) -> None:
    if email is not None and files.team and email not in files.team.reps:
        files.problem(file, path, f"{email} is not in team.yaml", did_you_mean(email, files.team.reps, list_up_to=0), key=key)


def _team(files: Files, team: forms.TeamFile) -> None:
    if not _is_zone(team.timezone):
        files.problem(
            TEAM, ("timezone",), f"unknown time zone {team.timezone}", did_you_mean(team.timezone, available_timezones(), list_up_to=0)
        )
    for email, rep in team.reps.items():
        _person(files, TEAM, ("reps", email, "manager"), rep.manager)
        if _own_manager(team, email):
            files.problem(TEAM, ("reps", email, "manager"), f"{rep.name} would in the end be their own manager")
        for index, away in enumerate(rep.away):
            _absence(files, ("reps", email, "away", index), away)
    for name, members in team.pools.items():
        if not members:
            files.problem(TEAM, ("pools", name), f"nobody is in the pool {name}", "name at least one person", key=True)
        for index, email in enumerate(members):
            _person(files, TEAM, ("pools", name, index), email)
            if email in members[:index]:
                files.problem(TEAM, ("pools", name, index), f"{email} stands in {name} twice", "delete one")


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _own_manager(team: forms.TeamFile, email: str) -> bool:
    seen, above = {email}, team.reps[email].manager
    while above in team.reps and above is not None:
        if above in seen:
            return above == email
        seen.add(above)
        above = team.reps[above].manager
    return above == email


def _absence(files: Files, path: Path, away: forms.AwayForm) -> None:
    days = {}
    for key, text in (("from", away.from_), ("to", away.to)):
        try:
            days[key] = date.fromisoformat(text)
        except ValueError:
            files.problem(TEAM, (*path, key), f"there is no day {text}")
    if len(days) == 2 and days["from"] > days["to"]:
        files.problem(TEAM, (*path, "to"), f"{away.to} is before {away.from_}", "the first day comes first; both are included")


def _lifecycle(files: Files, lifecycle: forms.LifecycleFile) -> None:
    for name, stage in lifecycle.stages.items():
        _person(files, LIFECYCLE, ("stages", name, "accountable"), stage.accountable)
    handing = [name for name, stage in lifecycle.stages.items() if stage.handoff]
    if not handing:
        files.problem(LIFECYCLE, ("stages",), "no stage hands leads to sales", "put handoff: true on mql", key=True)
    for name in handing[1:]:
        files.problem(LIFECYCLE, ("stages", name, "handoff"), f"{handing[0]} hands over already", "one stage has handoff: true")
    for name in handing:
        if name in SIDE_EXITS:
            files.problem(
                LIFECYCLE, ("stages", name, "handoff"), f"{name} is a side exit and hands nothing over", "put handoff: true on mql"
            )
    names = list(lifecycle.stages)
    for index, name in enumerate(names):
        after = [other for other in names[index + 1 :] if other not in SIDE_EXITS]
        if name in SIDE_EXITS and after:
            files.problem(
                LIFECYCLE, ("stages", name), f"{name} is a side exit and stands before {after[0]}", "side exits come last", key=True
            )


def _walk(routes: list[forms.RouteForm], path: Path = ("routes",)) -> Iterator[tuple[Path, forms.RouteForm]]:
    for index, route in enumerate(routes):
        yield (*path, index), route
        yield from _walk(route.routes, (*path, index, "routes"))


def _always(form: forms.WhenForm | str | None) -> bool:
    return form is None or (not isinstance(form, str) and not (form.all or form.any or form.none))


def _routing(files: Files, routing: forms.RoutingFile) -> None:
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
    _person(files, ROUTING, (*path, "assign", "owner"), assign.owner)
    if route.fallback:
        _person(files, ROUTING, (*path, "fallback", "owner"), route.fallback.owner)
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
