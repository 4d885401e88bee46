"""Which rules and which outcomes of their lines some case reaches, and which none does. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, Literal, NamedTuple

from schemas.base import Scalar
from sync.lead.score import every_line
from sync.playbook.models import Case, Condition, Playbook, Route, Values, Verdict, When, Where
from sync.trial.given import Built, values_of

Kind = Literal["route", "stage", "segment", "handoff", "fit", "engagement"]
Rule = tuple[Kind, str, str]
"""Kind, place and name of a rule."""


class Branch(NamedTuple):
    """A line that was never true, or never false."""

    where: Where
    text: str
    never: Literal["true", "false"]


@dataclass(slots=True)
class Coverage:
    """What the cases reach."""

    rules: int = 0
    branches: int = 0
    """Two of each line: true and false."""
    unreached: list[Rule] = field(default_factory=list)
    never: list[Branch] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, for `--json`."""
        return {
            "rules": {"all": self.rules, "reached": self.rules - len(self.unreached)},
            "branches": {"all": self.branches, "reached": self.branches - len(self.never)},
            "unreached": [{"kind": kind, "where": where, "name": name} for kind, where, name in self.unreached],
            "never": [{"where": str(one.where), "text": one.text, "never": one.never} for one in self.never],
        }


class _Watched:
    """A line that notes how it went; not indexed by a value, so that it is always asked."""

    __slots__ = ("_line", "guard", "names", "outcomes", "text", "timed", "where")

    def __init__(self, line: Condition) -> None:
        self._line = line
        self.text, self.where, self.names, self.timed = line.text, line.where, line.names, line.timed
        self.guard: tuple[str, frozenset[Scalar]] | None = None
        self.outcomes: set[bool] = set()

    def holds(self, values: Values) -> bool:
        """Hold as the line does."""
        return self.judge(values).matched

    def judge(self, values: Values) -> Verdict:
        """Judge as the line does."""
        verdict = self._line.judge(values)
        self.outcomes.add(verdict.matched)
        return verdict


class Watch:
    """A playbook whose lines note how they went, and which of its rules the cases reached."""

    def __init__(self, playbook: Playbook) -> None:
        self._lines: list[_Watched] = []
        self.playbook: Playbook = self._watched(playbook)
        """Decides as the playbook does."""
        self._reached: set[Rule] = set()

    def _watched(self, part: Any) -> Any:
        """Give a part of the playbook with every line in it watched."""
        if isinstance(part, When):
            return When(*(tuple(self._line(line) for line in some) for some in (part.all, part.any, part.none)))
        if isinstance(part, tuple) and not hasattr(part, "_fields"):
            return tuple(self._watched(one) for one in part)
        if isinstance(part, Mapping):
            return {name: self._watched(one) for name, one in part.items()}
        if not is_dataclass(part) or isinstance(part, type | Case | Where):
            return part
        made = {one.name: self._watched(getattr(part, one.name)) for one in fields(part) if one.init}
        return replace(part, **made) if any(made[name] is not getattr(part, name) for name in made) else part

    def _line(self, line: Condition) -> _Watched:
        self._lines.append(_Watched(line))
        return self._lines[-1]

    def reached(self, built: Built) -> None:
        """Note the rules that a case reached."""
        lead, playbook = built.lead, self.playbook
        values = values_of(built)
        places = {line["where"] for line in every_line(values, lead.touches, playbook, built.at)}
        routed = str((lead.why.get("owner") or {}).get("rule") or "")
        stage = lead.why.get("stage") or {}
        chosen = {routed, lead.handoff.rule if lead.handoff is not None else routed}
        came = str(stage.get("rule") or "") if stage.get("stage") == lead.value("stage") else ""
        for rule in _rules(playbook):
            kind, where, name = rule
            said = f"{where} {name}"
            if kind in ("fit", "engagement"):
                hit = where in places
            elif kind == "segment":
                hit = values.get("segment") == name
            else:
                hit = said == came if kind == "stage" else said in chosen
            if hit:
                self._reached.add(rule)

    def coverage(self) -> Coverage:
        """Say what no case reached, in the order of the files."""
        every = list(_rules(self.playbook))
        never = [
            Branch(line.where, line.text, "true" if outcome else "false")
            for line in self._lines
            for outcome in (True, False)
            if outcome not in line.outcomes
        ]
        never.sort(key=lambda one: (one.where.file, one.where.line, one.where.column, one.never))
        return Coverage(len(every), 2 * len(self._lines), [rule for rule in every if rule not in self._reached], never)


def _rules(playbook: Playbook) -> Iterator[Rule]:
    yield from (("fit", str(one.where), one.label) for one in playbook.fit)
    yield from (("engagement", str(one.where), one.label) for one in playbook.engagement)
    yield from (
        ("stage", str(stage.where), stage.id)
        for stage in playbook.stages
        if stage.when is not None or any(stage.id in one.stages for one in playbook.segments)
    )
    yield from (("segment", str(one.where), one.id) for one in playbook.segments)
    yield from (("handoff", str(one.where), one.id) for one in playbook.handoffs)
    yield from _routes(playbook.routes)


def _routes(routes: tuple[Route, ...]) -> Iterator[Rule]:
    for route in routes:
        yield "route", str(route.where), route.id
        yield from _routes(route.routes)
