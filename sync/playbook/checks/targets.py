"""Whether what a route and its fallbacks name is there: people, pools, and a person at the end."""

from __future__ import annotations

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.routing import FILE, TARGETS
from sync.playbook.build.tables import asked
from sync.playbook.checks.people import person
from sync.playbook.checks.team import TERRITORY
from sync.playbook.document import Path
from sync.playbook.models import TERRITORIES
from sync.playbook.models.tables import OWNER, POOL
from sync.playbook.problems import did_you_mean


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
    table(files, (*path, "table"), form.table)
    able(files, path, form)


def able(files: Files, path: Path, form: forms.AssignForm) -> None:
    """Note a language that no field says, and skills that nobody has: of the pool, or of the whole team."""
    if form.language and files.fields:
        scope, _, name = form.language.partition(".")
        section = next(one for one, about in forms.SECTIONS.items() if about == scope)
        known = getattr(files.fields, section)
        if name not in known:
            hint = did_you_mean(form.language, [f"{scope}.{one}" for one in known], list_up_to=0)
            files.problem(FILE, (*path, "language"), f"unknown field {form.language}", hint or "add it to fields.yaml")
    if not form.skills or not files.team:
        return
    reps = files.team.reps
    everybody = {skill for rep in reps.values() for skill in rep.skills}
    for index, skill in enumerate(form.skills):
        if skill not in everybody:
            hint = did_you_mean(skill, everybody) or "add it to the skills of somebody in team.yaml"
            files.problem(FILE, (*path, "skills", index), f"nobody has the skill {skill}", hint)
    if form.pool in files.team.pools and everybody.issuperset(form.skills):
        members = [one.rep for one in forms.members(files.team.pool(form.pool)) if one.rep in reps]
        if members and not any(set(form.skills) <= set(reps[one].skills) for one in members):
            said = f"nobody of {form.pool} has {' and '.join(form.skills)}"
            files.problem(FILE, (*path, "skills"), said, "every lead would go to the fallback: add somebody who has, or another pool")


def table(files: Files, path: Path, name: str | None) -> None:
    """Note a table that is not there, or whose rows name nobody or cannot be found."""
    if name is None:
        return
    if not files.has_table(name):
        files.problem(FILE, path, f"there is no tables/{name}.csv", did_you_mean(name, files.read))
        return
    found = files.read.get(name)
    if found is None:
        return
    if name == TERRITORIES:
        files.problem(FILE, path, "a lead falls into a territory, it is not looked up by a key", "write pool: territory")
    elif found.column(OWNER) is None and found.column(POOL) is None:
        files.problem(FILE, path, f"tables/{name}.csv names neither owners nor pools", "give it a column owner or pool")
    elif not asked(files, found.columns[0]):
        said = f"by which value is a lead looked up in {found.key}, the first column of tables/{name}.csv?"
        files.problem(FILE, path, said, "call the column as the field: email_domain:domain, company, account")


def pool(files: Files, path: Path, name: str | None) -> None:
    """Note a pool that team.yaml does not have."""
    if name == TERRITORY:
        found = files.read.get(TERRITORIES)
        if not files.has_table(TERRITORIES):
            files.problem(FILE, path, "there is no tables/territories.csv", "add it: country,state,postal_from,postal_to,territory,pool")
        elif found and found.column(OWNER) is None and found.column(POOL) is None:
            files.problem(FILE, path, "tables/territories.csv names neither pools nor owners", "give it a column pool")
    elif name is not None and files.team and name not in files.team.pools:
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
