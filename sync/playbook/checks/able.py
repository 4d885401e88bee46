"""Whether somebody of each pool can do what the routes that ask it want, inherited or not, and whom nobody stands above."""

from __future__ import annotations

from collections.abc import Iterator

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks.standin import accountable
from sync.playbook.document import Path

ROUTING, TEAM = "routing.yaml", "team.yaml"
Asked = tuple[Path, forms.RouteForm, str | None, tuple[str, ...] | None, str | None]
"""A route: its place, itself, and the pool, skills and language that count for it."""


def run(files: Files) -> None:
    """Warn of what nobody of a pool can do, and of people without a manager and a deputy."""
    if not files.team:
        return
    for path, route, pool, skills, language in _asked(files.routing.routes if files.routing else []):
        if pool in files.team.pools:
            members = [files.team.reps[one.rep] for one in forms.members(files.team.pool(pool)) if one.rep in files.team.reps]
            own = route.assign or forms.AssignForm()
            if members and (own.pool is None) is not (own.skills is None):  # both its own: that is a problem, told elsewhere
                _skills(files, path, route, pool, skills or (), members)
            if members and language and (own.language or own.pool):
                _language(files, path, pool, language, members)
    _alone(files, files.team)


def _asked(
    rows: list[forms.RouteForm],
    path: Path = ("routes",),
    pool: str | None = None,
    skills: tuple[str, ...] | None = None,
    language: str | None = None,
) -> Iterator[Asked]:
    for index, route in enumerate(rows):
        own = route.assign or forms.AssignForm()
        target = own.owner or own.pool or own.queue or own.table
        here = (own.pool if target else pool, tuple(own.skills) if own.skills is not None else skills, own.language or language)
        yield (*path, index), route, *here
        yield from _asked(route.routes, (*path, index, "routes"), *here)


def _skills(files: Files, path: Path, route: forms.RouteForm, pool: str, skills: tuple[str, ...], members: list[forms.RepForm]) -> None:
    if skills and not any(set(skills) <= set(rep.skills) for rep in members):
        text = f"nobody of {pool} has {' and '.join(skills)}, which {route.id} asks for: every lead goes to the fallback"
        files.problem(
            ROUTING, (*path, "assign"), text, "add it to the skills of somebody in team.yaml, or name another pool", key=True, warning=True
        )


def _language(files: Files, path: Path, pool: str, language: str, members: list[forms.RepForm]) -> None:
    spoken = {code for rep in members for code in rep.languages}
    place: Path = (*path, "assign", "language")
    if not spoken:
        text = f"nobody of {pool} says which languages they speak: every lead that has a {language} goes to the fallback"
        files.problem(ROUTING, place, text, "add languages: [en, de] to its people in team.yaml", warning=True)
        return
    scope, _, name = language.partition(".")
    section = next((one for one, about in forms.SECTIONS.items() if about == scope), "fields")
    field = getattr(files.fields, section).get(name) if files.fields else None
    missing = [value for value in (field.values if field else []) if value.lower() not in spoken]
    if missing:
        text = f"nobody of {pool} speaks {', '.join(missing)}, which {language} can be: such leads go to the fallback"
        files.problem(ROUTING, place, text, "add the language to somebody in team.yaml, or name another pool for it", warning=True)


def _alone(files: Files, team: forms.TeamFile) -> None:
    """Warn of people in pools of whose undone leads nobody is told."""
    told = accountable(files)
    pooled = {one.rep for name in team.pools for one in forms.members(team.pool(name))}
    for email, rep in team.reps.items():
        if email in pooled and email not in told and not (rep.manager or rep.deputy):
            text = f"{rep.name} is given leads and has neither manager nor deputy: nobody is told when one stays undone"
            files.problem(TEAM, ("reps", email), text, "add manager: with somebody of team.yaml", key=True, warning=True)
