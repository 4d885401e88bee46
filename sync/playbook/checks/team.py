"""Whether team.yaml adds up: people who exist, absences in order, pools that somebody is in."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo, available_timezones

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks.people import person
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean

TEAM = "team.yaml"


def run(files: Files, team: forms.TeamFile) -> None:
    """Note every problem of team.yaml."""
    if not _is_zone(team.timezone):
        files.problem(
            TEAM, ("timezone",), f"unknown time zone {team.timezone}", did_you_mean(team.timezone, available_timezones(), list_up_to=0)
        )
    for email, rep in team.reps.items():
        person(files, TEAM, ("reps", email, "manager"), rep.manager)
        if _own_manager(team, email):
            files.problem(TEAM, ("reps", email, "manager"), f"{rep.name} would in the end be their own manager")
        for index, away in enumerate(rep.away):
            _absence(files, ("reps", email, "away", index), away)
    for name in team.pools:
        _pool(files, team, name)


def _pool(files: Files, team: forms.TeamFile, name: str) -> None:
    long = isinstance(team.pools[name], forms.PoolForm)
    path: Path = ("pools", name, "members") if long else ("pools", name)
    members = forms.members(team.pool(name))
    if not members:
        files.problem(TEAM, path, f"nobody is in the pool {name}", "name at least one person", key=True)
    emails = [one.rep for one in members]
    for index, email in enumerate(emails):
        person(files, TEAM, (*path, index), email)
        if email in emails[:index]:
            files.problem(TEAM, (*path, index), f"{email} stands in {name} twice", "delete one")


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
