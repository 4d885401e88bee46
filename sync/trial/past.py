"""Where a lead stood at an earlier time, told by its timeline: its values, its stage and owner, and the decisions that made them so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.base import Scalar
from sync.playbook.models import MQL


@dataclass(slots=True)
class Past:
    """A lead as its timeline leaves it at one time."""

    values: dict[str, Scalar] = field(default_factory=dict)
    why: dict[str, dict[str, Any]] = field(default_factory=dict)
    stage_since: int | None = None
    lines: list[Mapping[str, Any]] = field(default_factory=list)
    """Everything that had happened by then, oldest first."""

    def doc(self) -> dict[str, Any]:
        """Give it in the shape of a lead's document, as far as the timeline tells it."""
        return {
            "desired": {name: {"value": value} for name, value in self.values.items()},
            "why": self.why,
            "stage_since": self.stage_since,
        }


def at(lines: Iterable[Mapping[str, Any]], until_ms: int) -> Past:
    """Fold a timeline (rows with `at` as a datetime, `kind`, `data`; oldest first) up to and with a time."""
    past = Past()
    for line in lines:
        when = int(line["at"].timestamp() * 1000)
        if when > until_ms:
            break
        past.lines.append(line)
        _fold(past, str(line["kind"]), line["data"], when)
    return past


def _fold(past: Past, kind: str, data: Mapping[str, Any], when: int) -> None:
    for name, change in (data.get("fields") or {}).items() if kind == "decided" else ():
        past.values[name] = change.get("after")
    if kind in ("stage", "owner"):
        past.values[kind] = data.get("after")
        past.stage_since = when if kind == "stage" else past.stage_since
    if isinstance(data.get("why"), Mapping):
        past.why[_decided(kind, data)] = dict(data["why"])


def _decided(kind: str, data: Mapping[str, Any]) -> str:
    """Say what the decision on a line was about: the stage, the owner, or a hand-off that is no MQL."""
    if kind == "handoff":
        return "owner" if data.get("kind", MQL) == MQL else "handoff"
    return str(data.get("decided", kind))
