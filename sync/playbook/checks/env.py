"""Whether the files of env/ fit the rest: names that exist, every queue with an id, each environment for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.checks import systems
from sync.playbook.document import Path, written
from sync.playbook.problems import did_you_mean

ROUTING = "routing.yaml"


def run(files: Files) -> None:
    """Note every problem of every environment, whichever is chosen."""
    queues = dict(_queues(files.routing)) if files.routing else None
    for file, form in sorted(files.within("env", forms.EnvFile).items()):
        if files.fields:
            _systems(files, file, form, files.fields)
        if files.team:
            _names(files, file, ("caps",), form.caps, files.team.reps, "is not in team.yaml")
        channels = getattr(getattr(files, "alerts", None), "channels", None)
        if channels is not None:
            _names(files, file, ("channels",), form.channels, channels, "is no channel of alerts.yaml")
        if queues is not None:
            _ids(files, file, form, queues)
    if queues and not files.environment:
        _unchosen(files, queues)


def _systems(files: Files, file: str, form: forms.EnvFile, fields: forms.FieldsFile) -> None:
    _names(files, file, ("systems",), form.systems, fields.systems, "is no system of fields.yaml")
    for name, one in form.systems.items():
        rules, known = fields.systems.get(name), systems.objects(fields, name)
        if rules is None or known is None:
            continue
        for object_ in one.objects:
            every = {*known, rules.account, rules.opportunity} - {""}
            if object_ not in every:
                path = ("systems", name, "objects", object_)
                files.problem(file, path, f"unknown object {object_}", did_you_mean(object_, every), key=True)
    for queue, ids in form.queues.items():
        _names(files, file, ("queues", queue), ids, fields.systems, "is no system of fields.yaml")


def _ids(files: Files, file: str, form: forms.EnvFile, queues: dict[str, Path]) -> None:
    """Note queues without an id here, and ids of queues that no route names."""
    _names(files, file, ("queues",), form.queues, queues, "is a queue of no route")
    for name, path in queues.items():
        if not form.queues.get(name):
            where = files.where(ROUTING, path)
            hint = f"add queues: {{{name}: {{salesforce: 00G…}}}} ({where} gives leads to it)"
            files.problem(file, ("queues",), f"the queue {name} has no id here", hint, key=True)


def _unchosen(files: Files, queues: dict[str, Path]) -> None:
    """Warn of queues whose id is known nowhere, because no environment is chosen: their humans get the leads."""
    some = sorted(file.removeprefix("env/").removesuffix(".yaml") for file in files.within("env", forms.EnvFile))
    told = [problem.path for problem in files.documents[ROUTING].problems]
    for name, path in queues.items():
        if any(one.startswith(written(path[:-1])) for one in told):
            continue  # one thing after the other
        hint = f"write env/production.yaml with queues: {{{name}: {{salesforce: 00G…}}}}, and set TRUCE_ENVIRONMENT to production"
        hint = f"set TRUCE_ENVIRONMENT to {' or '.join(some)}" if some else hint
        text = f"no environment is chosen, so the id of the queue {name} is not known, and its human gets the leads"
        files.problem(ROUTING, path, text, hint, warning=True)


def _names(files: Files, file: str, path: Path, given: Iterable[str], known: Iterable[str], said: str) -> None:
    names = list(known)
    for name in given:
        if name not in names:
            files.problem(file, (*path, name), f"{name} {said}", did_you_mean(name, names) or "delete it", key=True)


def _queues(routing: forms.RoutingFile) -> Iterator[tuple[str, Path]]:
    """Give each queue that a route names, and where."""
    stack: list[tuple[Path, forms.RouteForm]] = [(("routes", i), one) for i, one in enumerate(routing.routes)]
    while stack:
        path, route = stack.pop()
        if route.assign and route.assign.queue:
            yield route.assign.queue.name, (*path, "assign", "queue", "name")
        several = isinstance(route.fallback, list)
        for index, step in enumerate(route.steps):
            if step.queue:
                yield step.queue.name, (*path, "fallback", *([index] if several else []), "queue", "name")
        stack += [((*path, "routes", i), one) for i, one in enumerate(route.routes)]
