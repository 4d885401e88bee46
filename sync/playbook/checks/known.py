"""Whether the people of team.yaml are known to the systems, as far as these have been read."""

from __future__ import annotations

from collections.abc import Mapping

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.problems import closest

TEAM = "team.yaml"


def run(files: Files, team: forms.TeamFile, fields: forms.FieldsFile, users: Mapping[str, frozenset[str]]) -> None:
    """Warn of people whom a system that holds owners does not know; a system that was never read says nothing."""
    owner = fields.fields.get("owner")
    asked = [system for system in (owner.systems if owner else {}) if users.get(system)]
    for email in team.reps:
        missing = [system for system in asked if email not in users[system]]
        if missing:
            near = next((found for system in missing if (found := _meant(email, users[system] - set(team.reps)))), None)
            hint = f"did you mean {near}?" if near else f"make a user with this e-mail there, or take {email} out"
            where = "no system" if len(missing) == len(asked) > 1 else " and ".join(missing)
            said = f"{where} knows {email}" if where == "no system" else f"{email} is no active user of {where}"
            files.problem(TEAM, ("reps", email), said, hint, key=True, warning=True)


def _meant(email: str, strangers: frozenset[str]) -> str | None:
    """Give the user who is not on the team and has nearly the same name before the @."""
    names = {stranger.partition("@")[0]: stranger for stranger in sorted(strangers)}
    near = closest(email.partition("@")[0], names)
    return names[near] if near else None
