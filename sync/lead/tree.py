"""The ordered tree: which route takes a lead, and what was looked at on the way. Days are ISO dates in the company's time zone."""

from __future__ import annotations

from typing import Any

from sync.lead.qualify import trace
from sync.playbook.models import Route, Values


def counts(route: Route, day: str) -> bool:
    """Say whether a route is in force on a day: from its first to its last day, both inclusive. No day: always."""
    return not day or ((not route.since or route.since <= day) and (not route.until or day <= route.until))


def find(values: Values, routes: tuple[Route, ...], looked: list[dict[str, Any]], day: str = "") -> Route | None:
    """Give the first route that matches, its children first; notes all that were looked at."""
    for route in routes:
        if not counts(route, day):
            why = f"begins on {route.since}" if day < route.since else f"ended on {route.until}"
            looked.append({"id": route.id, "where": str(route.where), "matched": False, "lines": [], "why": why})
            continue
        matched, verdicts = route.when.judge(values)
        looked.append({"id": route.id, "where": str(route.where), "matched": matched, "lines": trace(verdicts)})
        if matched:
            return find(values, route.routes, looked, day) or route
    return None
