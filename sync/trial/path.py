"""The path through the rules: each stage's lines and each route that was looked at, with the values they saw. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sync.lead.qualify import definition
from sync.lead.score import every_line
from sync.playbook.models import Values
from sync.trial.given import Built, values_of


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was looked at: matched or not, and each of its lines with what it saw."""

    kind: Literal["score", "stage", "handoff", "route", "passed over", "note"]
    where: str
    id: str
    matched: bool
    why: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


def path(built: Built) -> Iterator[Step]:
    """Give what was looked at, in the order of the flow: scope, scores, stages from last to first, routes, people passed over."""
    lead, playbook = built.lead, built.playbook
    values = values_of(built)
    if not lead.in_scope:
        yield Step("note", "", "outside the scope", False, (lead.scope_rule,))
        return
    for line in every_line(values, lead.touches, playbook, built.at):
        yield Step(
            "score", line["where"], str(line["label"] or ""), True, (f"{line['points']:+g}", *([line["why"]] if line.get("why") else []))
        )
    yield from _stages(built, values)
    for kind in playbook.handoffs:
        matched, verdicts = kind.when.judge(values)
        yield Step("handoff", str(kind.where), kind.id, matched, tuple(v.why for v in verdicts))
    yield from _routes(lead.why.get("owner") or {})


def _stages(built: Built, values: Values) -> Iterator[Step]:
    for stage in reversed(built.playbook.stages):
        when = definition(stage, values, built.playbook)
        if when is not None:
            matched, verdicts = when.judge(values)
            yield Step("stage", str(stage.where), stage.id, matched, tuple(v.why for v in verdicts))


def _routes(chosen: Mapping[str, Any]) -> Iterator[Step]:
    if not chosen:
        yield Step("note", "", "no route was asked", False, ("the lead entered no stage that hands over",))
        return
    for line in chosen["lines"]:
        yield Step("route", line["where"], line["id"], line["matched"], tuple(one["why"] for one in line["lines"]))
    for one in chosen["passed_over"]:
        yield Step("passed over", "", one["who"], False, (one["why"],))
    yield Step("note", "", str(chosen["owner"] or "nobody"), chosen["owner"] is not None, (chosen["how"] or "nobody can be given it",))
