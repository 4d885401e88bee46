"""Whether what is due can be done: deadlines against the hours of the people who get the leads."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.sla import within
from sync.playbook.checks import workdays
from sync.playbook.checks.sla import legs, routed
from sync.playbook.document import Path
from sync.playbook.models import Rep, Within

FILE = "sla.yaml"


def run(files: Files, form: forms.SlaFile) -> None:
    """Note deadlines that nobody can keep, and warn of those that cannot be kept on every day."""
    everyone = workdays.people(files)
    for name, sla in form.slas.items():
        wanted = _receivers(files, form, name)
        some = {email: rep for email, rep in everyone.items() if email in wanted} or everyone
        for leg, one in legs(sla):
            due = within(one.within, one.clock or sla.clock)
            path: Path = ("slas", name, "legs", leg, "within")
            if due.clock == "always":
                _always(files, path, due, some)
            else:
                _long(files, path, due, some)


def _receivers(files: Files, form: forms.SlaFile, sla: str) -> set[str]:
    """Give those who get leads under an SLA by name or from a pool; a route that takes them from a table names nobody here."""
    found: set[str] = set()
    for path, _, name in routed(files):
        if (name or form.default) != sla or not (files.team and files.routing):
            continue
        assign = _assign(files.routing, path)
        if assign and assign.owner:
            found.add(assign.owner)
        if assign and assign.pool in files.team.pools:
            found |= {one.rep for one in forms.members(files.team.pool(str(assign.pool)))}
    return found


def _assign(routing: forms.RoutingFile, path: Path) -> forms.AssignForm | None:
    """Give what the route at a path assigns, or the closest route around it."""
    rows, found = routing.routes, None
    for part in path[1:]:
        if isinstance(part, int):
            route = rows[part]
            found, rows = route.assign or found, route.routes
    return found


def _always(files: Files, path: Path, due: Within, some: dict[str, Rep]) -> None:
    """Hold a clock that never stops against the nights and weekends of those who get the leads."""
    nights = {email: stretches for email, rep in some.items() if (stretches := workdays.off(rep.hours))}
    if not nights or len(nights) < len(some):
        return  # somebody is always there
    every = [(end - start, start, end, email) for email, stretches in nights.items() for start, end in stretches]
    shortest, longest = min(every, key=lambda one: one[0]), max(every, key=lambda one: one[0])
    if due.minutes() < shortest[0]:
        said = f"{due} around the clock is shorter than any night: nobody works from {workdays.moment(shortest[1])} to {workdays.moment(shortest[2])}"
        hint = f"say clock: business, or more than {workdays.length(shortest[0])}"
        files.problem(FILE, path, said, hint)
    elif due.minutes() < longest[0]:
        who = some[longest[3]].name
        said = f"{due} around the clock cannot be kept on every day: {who} does not work from {workdays.moment(longest[1])} to {workdays.moment(longest[2])}"
        files.problem(FILE, path, said, f"say clock: business, or more than {workdays.length(longest[0])}", warning=True)


def _long(files: Files, path: Path, due: Within, some: dict[str, Rep]) -> None:
    """Warn of hours that are more than a working day: they end on another day, and many who write them mean a day."""
    longest = max((length for rep in some.values() for length in workdays.days(rep.hours)), default=0)
    if due.unit != "d" and longest and due.minutes() > longest:
        said = f"{due} of working time is {due.minutes() / longest:.2g} working days of {workdays.length(longest)}"
        files.problem(FILE, path, said, "for the same time on the next working day write 1d", warning=True)
