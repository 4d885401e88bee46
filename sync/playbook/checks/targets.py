"""Whether what a route and its fallbacks name is there: people, pools, and a person at the end."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.routing import FILE, TARGETS
from sync.playbook.checks.people import person
from sync.playbook.document import Path
from sync.playbook.problems import did_you_mean

TERRITORY = "territory"
"""The pool that tables/territories.csv names for a lead."""


def target(files: Files, path: Path, form: forms.AssignForm, *, inherits: bool) -> None:
    """Note a target that is not exactly one (or none, where the outer route has one), or that is not there."""
    given = [name for name in TARGETS if getattr(form, name) is not None]
    if len(given) > 1 or not (given or inherits):
        said = f"both {given[0]} and {given[1]} are given" if given else "neither owner nor pool is given"
        files.problem(
            FILE, path, said, "one of them gets the lead" if given else "say who gets the lead: owner, pool, queue or table", key=True
        )
    person(files, FILE, (*path, "owner"), form.owner)
    pool(files, (*path, "pool"), form.pool)
    queue(files, (*path, "queue"), form.queue)


def pool(files: Files, path: Path, name: str | None) -> None:
    """Note a pool that team.yaml does not have."""
    if name is not None and name != TERRITORY and files.team and name not in files.team.pools:
        files.problem(FILE, path, f"unknown pool {name}", did_you_mean(name, files.team.pools))


def queue(files: Files, path: Path, form: forms.QueueForm | None) -> None:
    """Note a queue whose human is not on the team."""
    if form is not None:
        person(files, FILE, (*path, "human"), form.human)


def chain(files: Files, path: Path, route: forms.RouteForm) -> None:
    """Note a chain of fallbacks that asks somebody twice, or does not end at a person."""
    listed = isinstance(route.fallback, list)
    seen: dict[tuple[str, str], Path] = {}
    for index, step in enumerate(route.steps):
        place = (*path, "fallback", index) if listed else (*path, "fallback")
        given = [name for name in TARGETS[:3] if getattr(step, name) is not None]
        if len(given) != 1:
            said = f"both {given[0]} and {given[1]} are given" if given else "neither owner nor pool nor queue is given"
            files.problem(FILE, place, said, "one step is one of them")
            continue
        person(files, FILE, (*place, "owner"), step.owner)
        pool(files, (*place, "pool"), step.pool)
        queue(files, (*place, "queue"), step.queue)
        name = step.owner or step.pool or (step.queue.name if step.queue else "")
        if (given[0], name) in seen:
            files.problem(FILE, (*place, given[0]), f"{name} was asked already", "a chain asks each once; delete this step")
        seen[given[0], name] = place
    if route.steps and route.steps[-1].owner is None:
        place = (*path, "fallback", len(route.steps) - 1) if listed else (*path, "fallback")
        files.problem(FILE, place, "the chain does not end at a person", "end it with owner: …, somebody who is always there")
