"""Which problems are one message: the tree of alerts.yaml decides who is told, its `group_by` what is said together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.envelope import derived_id
from sync.playbook.models.alerts import AlertRoute, Alerts

CAUSES: Mapping[str, str] = {"connection": "unreachable", "unplannable": "write_refused", "no_clock": "no_handoff"}
"""Kinds of problem that alerts.yaml has no word of its own for → the cause that they are matched by."""


@dataclass(frozen=True, slots=True)
class Group:
    """Problems that are said together: the node of the tree, and what they have in common."""

    id: str
    route: str
    labels: Mapping[str, str]


def labels(problem: Mapping[str, Any]) -> dict[str, str]:
    """Give what a problem (a row: kind, system, owner, labels) is matched and grouped by."""
    found = {name: str(value) for name, value in (problem.get("labels") or {}).items() if value}
    found["cause"] = CAUSES.get(problem["kind"], problem["kind"])
    for name in ("system", "owner"):
        if problem.get(name):
            found[name] = str(problem[name])
    return found


def place(alerts: Alerts, problem: Mapping[str, Any]) -> Group:
    """Give the group that a problem belongs to; without a tree all of one cause are one."""
    mine = labels(problem)
    route = alerts.root.find(mine) if alerts.root else None
    by: tuple[str, ...] = route.group_by if route else ("cause",)
    common = {name: mine.get(name, "") for name in by}
    ident = route.id if route else "root"
    return Group(derived_id("alert", ident, *(f"{name}={common[name]}" for name in sorted(common))), ident, common)


def node(alerts: Alerts, ident: str) -> AlertRoute | None:
    """Give the node with this id; the root for one that is no longer there, None without a tree."""
    todo = [alerts.root] if alerts.root else []
    while todo:
        one = todo.pop()
        if one.id == ident:
            return one
        todo += one.routes
    return alerts.root
