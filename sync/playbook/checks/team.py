"""Whether team.yaml adds up: people who exist, caps that leave something, pools that somebody is in."""

from __future__ import annotations

from functools import lru_cache

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.team import FILE
from sync.playbook.checks import times
from sync.playbook.checks.people import person
from sync.playbook.document import Path

TERRITORY = "territory"
"""The pool that tables/territories.csv names for a lead."""


def run(files: Files, team: forms.TeamFile) -> None:
    """Note every problem of team.yaml."""
    times.zone(files, ("timezone",), team.timezone)
    times.hours(files, ("hours",), team.hours)
    times.calendar(files, ("calendar",), team.calendar)
    for email, rep in team.reps.items():
        _rep(files, team, email, rep)
    for name in team.pools:
        _pool(files, team, name)


def _rep(files: Files, team: forms.TeamFile, email: str, rep: forms.RepForm) -> None:
    path: Path = ("reps", email)
    for key, other in (("manager", rep.manager), ("deputy", rep.deputy)):
        person(files, FILE, (*path, key), other)
    if rep.deputy == email:
        files.problem(FILE, (*path, "deputy"), "nobody is their own deputy", "name somebody else, or delete deputy")
    if _own_manager(team, email):
        files.problem(FILE, (*path, "manager"), f"{rep.name} would in the end be their own manager")
    if rep.timezone is not None:
        times.zone(files, (*path, "timezone"), rep.timezone)
    if rep.hours is not None:
        times.hours(files, (*path, "hours"), rep.hours)
    if rep.calendar is not None:
        times.calendar(files, (*path, "calendar"), rep.calendar)
    if rep.ramp is not None:
        times.ramp(files, (*path, "ramp"), rep.ramp)
    times.absences(files, team, email)
    _caps(files, (*path, "caps"), rep.caps, rep.name)
    for index, code in enumerate(rep.languages):
        if code not in _languages():
            files.problem(FILE, (*path, "languages", index), f"{code} is no language", _SAID.get(code, "two letters of ISO 639, as de"))


_SAID = {
    "dk": "Danish is da",
    "se": "Swedish is sv",
    "jp": "Japanese is ja",
    "cz": "Czech is cs",
    "cn": "Chinese is zh",
    "gr": "Greek is el",
}
"""Countries that are taken for languages."""


@lru_cache(maxsize=1)
def _languages() -> frozenset[str]:
    from babel import Locale  # a tenth of a second; only who names languages pays

    return frozenset(code for code in map(str, Locale("en").languages) if len(code) == 2)


def _caps(files: Files, path: Path, caps: forms.CapsForm, who: str) -> None:
    """Note a cap of nothing."""
    given: dict[tuple[str, ...], int | None] = {("day",): caps.day, ("week",): caps.week, ("open",): caps.open}
    given |= {("window", "leads"): caps.window.leads} if caps.window else {}
    for key, most in given.items():
        if most == 0:
            said = f"a cap of 0: {who} would never be given a lead"
            files.problem(FILE, (*path, *key), said, "take them out of the pool, or write an absence; a cap is 1 at least")


def _pool(files: Files, team: forms.TeamFile, name: str) -> None:
    form = team.pool(name)
    long = isinstance(team.pools[name], forms.PoolForm)
    path: Path = ("pools", name, "members") if long else ("pools", name)
    members = forms.members(form)
    if name == TERRITORY:
        files.problem(
            FILE, ("pools", name), "territory is the pool that tables/territories.csv names", "give this one another name", key=True
        )
    if not members:
        files.problem(FILE, path, f"nobody is in the pool {name}", "name at least one person", key=True)
    emails = [one.rep for one in members]
    for index, (one, given) in enumerate(zip(members, form.members, strict=True)):
        place: Path = (*path, index) if isinstance(given, str) else (*path, index, "rep")
        person(files, FILE, place, one.rep)
        if one.rep in emails[:index]:
            files.problem(FILE, place, f"{one.rep} stands in {name} twice", "delete one")
        if one.weight <= 0:
            said = f"a weight of {one.weight:g}: {one.rep} would never have a turn"
            files.problem(FILE, (*path, index, "weight"), said, "take them out of the pool, or give them more than 0")
        elif one.weight != 1 and not _weighs(files, name, form):
            said = f"weights count with by: weighted, and {name} takes turns by {form.by}"
            files.problem(FILE, (*path, index, "weight"), said, "add by: weighted to the pool")
    _caps(files, ("pools", name, "each"), form.each, f"anybody of {name}")
    _caps(files, ("pools", name, "total"), form.total, name)


def _weighs(files: Files, name: str, form: forms.PoolForm) -> bool:
    """Say whether somewhere a pool's turns are by weight."""
    routes = forms.walk(files.routing.routes) if files.routing else ()
    return form.by in ("weighted", "capacity") or any(route.assign and route.assign.by in ("weighted", "capacity") for _, route in routes)


def _own_manager(team: forms.TeamFile, email: str) -> bool:
    seen, above = {email}, team.reps[email].manager
    while above in team.reps and above is not None:
        if above in seen:
            return above == email
        seen.add(above)
        above = team.reps[above].manager
    return above == email
