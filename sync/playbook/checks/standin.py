"""Whether everyone who answers for something has somebody above or beside them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks.alerts import walk
from sync.playbook.checks.sla import legs

TEAM = "team.yaml"


def accountable(files: Files) -> dict[str, list[str]]:
    """Give who answers for what: e-mail → the things, in the order of the files."""
    found: dict[str, list[str]] = {}
    for email, what in _named(files):
        if email and what not in found.setdefault(email, []):
            found[email].append(what)
    return found


def _named(files: Files) -> Iterator[tuple[str | None, str]]:
    if files.lifecycle:
        yield from ((stage.accountable, f"the stage {name}") for name, stage in files.lifecycle.stages.items())
    if files.goals:
        yield from ((goal.accountable, f"the goal {goal.id}") for goal in files.goals.goals)
        yield from ((one.accountable, f"the promise {one.id}") for one in files.goals.promises.marketing)
        yield from ((one.accountable, f"the promise {one.id}") for one in files.goals.promises.sales)
    if files.sla:
        for name, sla in files.sla.slas.items():
            yield from ((leg.accountable or sla.accountable, f"the SLA {name}") for _, leg in legs(sla))
    if files.alerts:
        yield files.alerts.route.accountable, "alerts"
        yield from ((route.accountable, f"the alerts {route.id}") for _, route in walk(files.alerts.route.routes))


def run(files: Files, team: forms.TeamFile) -> None:
    """Warn of people who answer for something and have neither manager nor deputy."""
    for email, things in accountable(files).items():
        rep = team.reps.get(email)
        if rep is not None and not (rep.manager or rep.deputy):
            said = f"{rep.name} answers for {_listed(things)} and has neither manager nor deputy"
            files.problem(TEAM, ("reps", email), said, "add deputy:, who is asked when they are away", key=True, warning=True)


def dated(files: Files, team: forms.TeamFile, today: date) -> None:
    """Warn of people who answer for something, are away today, and have no deputy."""
    day = today.isoformat()
    for email, things in accountable(files).items():
        rep = team.reps.get(email)
        for index, away in enumerate(rep.away if rep else ()):
            if rep and away.from_ <= day <= away.to and not rep.deputy:
                said = f"{rep.name} is away until {away.to} and answers for {_listed(things)}"
                files.problem(TEAM, ("reps", email, "away", index), said, "add deputy:, who is asked meanwhile", warning=True)


def _listed(things: list[str]) -> str:
    return things[0] if len(things) == 1 else f"{things[0]} and {len(things) - 1} more"
