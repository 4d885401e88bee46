"""From the files as written to the playbook as the core sees it: conditions compiled, every rule with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sync.playbook import forms
from sync.playbook.conditions import Conditions, Wrong
from sync.playbook.document import Document, Path, column_of
from sync.playbook.models import (
    Assign,
    Condition,
    Guards,
    Playbook,
    Points,
    Pool,
    Rep,
    Route,
    SharedField,
    Stage,
    System,
    SystemField,
    When,
    Where,
)
from sync.playbook.traps import cut


@dataclass(frozen=True)
class Files:
    """The files that could be read, each with its document; what could not is None and has its problems in the document."""

    documents: Mapping[str, Document]
    fields: forms.FieldsFile | None
    lifecycle: forms.LifecycleFile | None
    routing: forms.RoutingFile | None
    team: forms.TeamFile | None

    def where(self, file: str, path: Path, *, key: bool = False) -> Where:
        """Give the place of a value (or of its key)."""
        document = self.documents[file]
        spot = document.key(path) if key else document.spot(path)
        return Where(file, spot.line, spot.column)

    def problem(self, file: str, path: Path, text: str, suggestion: str = "", *, key: bool = False) -> None:
        """Note a problem at a place."""
        document = self.documents[file]
        document.problem(path, text, suggestion, at=document.key(path) if key else None)


class Builder:
    """Builds each part; a condition that cannot be used becomes a problem, and is left out."""

    def __init__(self, files: Files) -> None:
        self.files = files
        fields = files.fields.fields if files.fields else None
        kinds = {name: form.type for name, form in fields.items()} if fields is not None else None
        called = {name: f"{files.where('fields.yaml', ('fields', name), key=True)}, {form.type}" for name, form in (fields or {}).items()}
        values = {name: self.values(name, form) for name, form in (fields or {}).items() if form.type == "picklist"}
        self.conditions = Conditions(kinds, called, values)

    def when(self, file: str, path: Path, form: forms.WhenForm | str | None) -> When:
        """Compile the lines of one `when`."""
        if form is None:
            return When()
        if isinstance(form, str):
            return When(all=self._lines(file, [(path, form)]))
        parts = [
            self._lines(file, [((*path, name, i), line) for i, line in enumerate(getattr(form, name))]) for name in ("all", "any", "none")
        ]
        return When(*parts)

    def _lines(self, file: str, lines: list[tuple[Path, str]]) -> tuple[Condition, ...]:
        return tuple(found for path, text in lines if (found := self._line(file, path, text)) is not None)

    def _line(self, file: str, path: Path, text: str) -> Condition | None:
        document = self.files.documents[file]
        spot = document.spot(path)
        short = (
            cut(document.line(spot.line), spot.column - 1, text, spot.end_column - 1)
            if spot.style is None and spot.end_line == spot.line
            else None
        )
        if short:
            at = type(spot)(spot.line, short.column)
            document.problem(path, short.text, short.suggestion, at=at)
            return None
        try:
            return self.conditions.compile(text, Where(file, spot.line, spot.column))
        except Wrong as wrong:
            for mistake in wrong.mistakes:
                at = type(spot)(spot.line, column_of(document, spot, mistake.at))
                document.problem(path, mistake.text, mistake.suggestion, at=at, width=mistake.width)
            return None

    def systems(self, form: forms.FieldsFile) -> dict[str, System]:
        """Build the systems, in the order that settles ties."""
        return {name: self._system(name, one) for name, one in form.systems.items()}

    def _system(self, name: str, form: forms.SystemForm) -> System:
        path = ("systems", name, "create")
        create = None if form.create == "never" else self.when("fields.yaml", path, None if form.create == "always" else form.create)
        return System(
            *(name, form.vendor, form.side, form.mode, create, form.object, dict(form.defaults), form.bulk, form.country),
            objects=dict(form.objects),
        )

    def fields(self, form: forms.FieldsFile) -> dict[str, SharedField]:
        """Build the shared fields."""
        return {name: self._field(name, one) for name, one in form.fields.items()}

    def _field(self, name: str, form: forms.FieldForm) -> SharedField:
        values = self.values(name, form)
        systems = {system: _mapping(one, values) for system, one in form.systems.items()}
        personal = form.type in ("email", "phone") if form.personal is None else form.personal
        order = tuple(form.order) or (values if form.policy == "most_advanced" else ())
        where = self.files.where("fields.yaml", ("fields", name), key=True)
        return SharedField(name, form.type, form.policy, systems, where, personal, order, form.consent)

    def values(self, name: str, form: forms.FieldForm) -> tuple[str, ...]:
        """Give the values that a picklist may have: those of `stage` are the stages, in their order."""
        if name == "stage" and self.files.lifecycle and not form.values:
            return tuple(self.files.lifecycle.stages)
        return tuple(form.values)

    def stages(self, form: forms.LifecycleFile) -> tuple[Stage, ...]:
        """Build the stages, in their order."""
        return tuple(self._stage(name, one) for name, one in form.stages.items())

    def _stage(self, name: str, form: forms.StageForm) -> Stage:
        path = ("stages", name)
        when = None if form.when is None else self.when("lifecycle.yaml", (*path, "when"), form.when)
        return Stage(name, self.files.where("lifecycle.yaml", path, key=True), when, form.accountable, form.handoff)

    def fit(self, form: forms.LifecycleFile) -> tuple[Points, ...]:
        """Build the points of fit."""
        return tuple(self._fit(("fit", i), one) for i, one in enumerate(form.fit))

    def _fit(self, path: Path, form: forms.FitForm) -> Points:
        when = self.when("lifecycle.yaml", (*path, "when"), form.when)
        for name in sorted(when.names & {"fit", "engagement", "score"}):
            self.files.problem("lifecycle.yaml", (*path, "when"), f"fit is summed before lead.{name} is known", "ask for a shared field")
        return Points(form.points, self.files.where("lifecycle.yaml", path), when, label=form.label)

    def engagement(self, form: forms.LifecycleFile) -> tuple[Points, ...]:
        """Build the points of engagement."""
        return tuple(
            Points(
                one.points,
                self.files.where("lifecycle.yaml", ("engagement", i)),
                None,
                one.touch,
                one.name,
                one.half_life_days,
                one.cap,
                one.label,
            )
            for i, one in enumerate(form.engagement)
        )

    def routes(self, form: forms.RoutingFile) -> tuple[Route, ...]:
        """Build the tree; a route without a fallback takes the next outer one's, at last that of the file's last route."""
        last = form.routes[-1]
        return self._routes(form.routes, ("routes",), last.fallback.owner if last.fallback else last.assign.owner)

    def _routes(self, rows: list[forms.RouteForm], path: Path, fallback: str | None) -> tuple[Route, ...]:
        return tuple(self._route(one, (*path, i), fallback) for i, one in enumerate(rows))

    def _route(self, form: forms.RouteForm, path: Path, outer: str | None) -> Route:
        fallback = form.fallback.owner if form.fallback else outer
        assign = Assign(form.assign.owner, form.assign.pool, form.assign.by, form.assign.sticky, fallback)
        when = self.when("routing.yaml", (*path, "when"), form.when)
        return Route(form.id, when, assign, self.files.where("routing.yaml", path), self._routes(form.routes, (*path, "routes"), fallback))

    def reps(self, form: forms.TeamFile) -> dict[str, Rep]:
        """Build the people, by e-mail."""
        return {
            email: Rep(
                email,
                one.name,
                self.files.where("team.yaml", ("reps", email), key=True),
                one.manager,
                tuple((a.from_, a.to) for a in one.away),
            )
            for email, one in form.reps.items()
        }

    def pools(self, form: forms.TeamFile) -> dict[str, Pool]:
        """Build the pools."""
        return {
            name: Pool(name, tuple(members), self.files.where("team.yaml", ("pools", name), key=True))
            for name, members in form.pools.items()
        }


def build(files: Files, version: int, checksum: str) -> Playbook | None:
    """Build what can be built, noting every problem on the way; None when a file could not be read."""
    builder = Builder(files)
    fields, lifecycle, routing, team = files.fields, files.lifecycle, files.routing, files.team
    systems = builder.systems(fields) if fields else {}
    shared = builder.fields(fields) if fields else {}
    scope = builder.when("fields.yaml", ("scope",), fields.scope) if fields else When()
    stages, fit, engagement = (
        (builder.stages(lifecycle), builder.fit(lifecycle), builder.engagement(lifecycle)) if lifecycle else ((), (), ())
    )
    routes = builder.routes(routing) if routing else ()
    if not (fields and lifecycle and routing and team):
        return None
    scoped = "scope" in fields.model_fields_set
    built = Playbook(
        version=version,
        checksum=checksum,
        systems=systems,
        fields=shared,
        scope=scope,
        scope_where=files.where("fields.yaml", ("scope",), key=True) if scoped else None,
        stages=stages,
        fit=fit,
        engagement=engagement,
        routes=routes,
        reps=builder.reps(team),
        pools=builder.pools(team),
        guards=Guards(**fields.guards.model_dump()),
        timezone=team.timezone,
    )
    return built if fields.role_mailboxes is None else replace(built, role_mailboxes=tuple(fields.role_mailboxes))


def _mapping(form: str | forms.MappingForm, values: tuple[str, ...]) -> SystemField:
    if isinstance(form, str):
        same = {value: value for value in values}
        return SystemField(form, to_vendor=same, from_vendor=same)
    to_vendor = dict(form.values) or {value: value for value in values}
    back: dict[str, str] = {}
    for ours, theirs in to_vendor.items():
        back.setdefault(theirs, ours)
    return SystemField(form.name, form.mode, to_vendor, back | form.reads, form.read_only)
