"""Whether the people who can be given leads are known to the systems, as far as these have been read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.problems import closest

TEAM = "team.yaml"


def run(files: Files, team: forms.TeamFile, fields: forms.FieldsFile, users: Mapping[str, frozenset[str]]) -> None:
    """Warn of people whom a system that holds owners does not know; a system that was never read says nothing."""
    owner = fields.fields.get("owner")
    asked = [system for system in (owner.systems if owner else {}) if users.get(system)]
    wanted = set(_receivers(files, team))
    for email in team.reps:
        missing = [system for system in asked if email not in users[system]]
        if missing and email in wanted:
            near = next((found for system in missing if (found := _meant(email, users[system] - set(team.reps)))), None)
            hint = f"did you mean {near}?" if near else f"make a user with this e-mail there, or take {email} out"
            where = "no system" if len(missing) == len(asked) > 1 else " and ".join(missing)
            said = f"{where} knows {email}" if where == "no system" else f"{email} is no active user of {where}"
            files.problem(TEAM, ("reps", email), said, hint, key=True, warning=True)


def _receivers(files: Files, team: forms.TeamFile) -> Iterator[str]:
    """Give those who can be given leads: members of pools, owners in routes and their fallbacks, covers, owners of hand-offs' fallbacks."""
    for name in team.pools:
        yield from (one.rep for one in forms.members(team.pool(name)))
    for rep in team.reps.values():
        yield from (away.cover for away in rep.away if away.cover)
    for route in _routes(files.routing.routes if files.routing else []):
        yield from (one for one in (route.assign.owner if route.assign else None, *(step.owner for step in route.steps)) if one)
    kinds = getattr(files.lifecycle, "handoffs", {}) if files.lifecycle else {}
    yield from (kind.fallback.owner for kind in kinds.values())


def _routes(rows: list[forms.RouteForm]) -> Iterator[forms.RouteForm]:
    for route in rows:
        yield route
        yield from _routes(route.routes)


def _meant(email: str, strangers: frozenset[str]) -> str | None:
    """Give the user who is not on the team and has nearly the same name before the @."""
    names = {stranger.partition("@")[0]: stranger for stranger in sorted(strangers)}
    near = closest(email.partition("@")[0], names)
    return names[near] if near else None
