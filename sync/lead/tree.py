"""The ordered tree: which route takes a lead, and what was looked at on the way. Days are ISO dates in the company's time zone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from schemas.base import Scalar
from sync.lead.qualify import trace
from sync.playbook.models import Route, Value, Values, When
from sync.playbook.models.values import key

SMALL = 16
"""A level of up to so many routes is looked through one by one, and every route of it is kept."""
KEPT = 16
"""So many routes that did not match are kept of a level, the last ones before the match: a lead's reasons stay small."""
Guard = tuple[str, frozenset[Scalar]]


@dataclass(frozen=True, slots=True)
class _Level:
    """The routes side by side: by each value that guards some of them, their places in the order; and those that nothing guards."""

    routes: tuple[Route, ...]
    asks: tuple[Callable[[Values], bool], ...]
    """Of each route whether its `when` holds: of a single line that line's own answer, with nothing around it."""
    places: tuple[str, ...]
    """Of each route where it stands, as it is told."""
    guarded: tuple[tuple[str, dict[Value, tuple[int, ...]]], ...]
    open: tuple[int, ...]

    def candidates(self, values: Values) -> Sequence[int]:
        """Give the places of the routes that may match, in order; all others surely do not."""
        found = [places for name, by_value in self.guarded if (places := by_value.get(key(values, name)))]
        if not found:
            return self.open
        return found[0] if len(found) == 1 and not self.open else sorted(chain(self.open, *found))


_KNOWN: dict[int, _Level] = {}
_NAMES: dict[int, tuple[tuple[Route, ...], frozenset[str]]] = {}
_MOST = 256


def guard(when: When) -> Guard | None:
    """Give a value and all that it may be for a `when` to hold: of the line that leaves the least, or of all lines under `any` together."""
    found = [line.guard for line in when.all if line.guard is not None]
    some = [line.guard for line in when.any if line.guard is not None]
    if some and len(some) == len(when.any) and len({name for name, _ in some}) == 1:
        found.append((some[0][0], frozenset().union(*(allowed for _, allowed in some))))
    return min(found, key=lambda one: len(one[1]), default=None)


def _level(routes: tuple[Route, ...]) -> _Level:
    held = _KNOWN.get(id(routes))
    if held is not None and held.routes is routes:
        return held
    tables: dict[str, dict[Value, list[int]]] = {}
    free = []
    for place, route in enumerate(routes):
        allowed = guard(route.when)
        if allowed is None:
            free.append(place)
        else:
            by_value = tables.setdefault(allowed[0], {})
            for value in allowed[1]:
                by_value.setdefault(value, []).append(place)
    guarded = tuple((name, {value: tuple(places) for value, places in by_value.items()}) for name, by_value in tables.items())
    asks, told = tuple(route.when.ask for route in routes), tuple(str(route.where) for route in routes)
    made = _Level(routes, asks, told, guarded, tuple(free))
    while len(_KNOWN) >= _MOST:
        _KNOWN.pop(next(iter(_KNOWN)))
    _KNOWN[id(routes)] = made
    return made


def counts(route: Route, day: str) -> bool:
    """Say whether a route is in force on a day: from its first to its last day, both inclusive. No day: always."""
    return not day or ((not route.since or route.since <= day) and (not route.until or day <= route.until))


def seen(route: Route, values: Values, day: str = "", where: str = "") -> dict[str, Any]:
    """Give how a route went, with the verdict of each line that was looked at; `where` it stands, if that is known as it is told."""
    if (route.since or route.until) and not counts(route, day):
        why = f"begins on {route.since}" if day < route.since else f"ended on {route.until}"
        return {"id": route.id, "where": where or str(route.where), "matched": False, "lines": [], "why": why}
    matched, verdicts = route.when.judge(values)
    return {"id": route.id, "where": where or str(route.where), "matched": matched, "lines": trace(verdicts)}


def find(values: Values, routes: tuple[Route, ...], looked: list[dict[str, Any]], day: str = "") -> Route | None:
    """Give the first route that matches, its children first.

    Notes the routes on the way to it, and of those before it the last that were looked at: where there are many, what a lead's values
    surely leave out is not looked at at all. `before` gives every one of them.
    """
    if not routes:
        return None
    level = _level(routes) if len(routes) > SMALL else None
    places: Sequence[int] = range(len(routes)) if level is None else level.candidates(values)
    asks: Sequence[Callable[[Values], bool]] = () if level is None else level.asks
    taken, upto = None, len(places)
    for number, place in enumerate(places):
        if (asks[place](values) if asks else routes[place].when.holds(values)) and counts(routes[place], day):
            taken, upto = routes[place], number + 1
            break
    told = level.places if level is not None else ("",) * len(routes)
    first = max(0, upto - KEPT - (taken is not None))
    looked += [seen(routes[one], values, day, told[one]) for one in places[first:upto]]
    return taken and (find(values, taken.routes, looked, day) or taken)


def before(values: Values, routes: tuple[Route, ...], day: str = "") -> list[dict[str, Any]]:
    """Give how every route went down to the one that takes a lead, in order: what `find` leaves out is in it."""
    looked = []
    for route in routes:
        looked.append(seen(route, values, day))
        if looked[-1]["matched"]:
            return looked + before(values, route.routes, day)
    return looked


def asked(routes: tuple[Route, ...]) -> frozenset[str]:
    """Give the names of all values that the routes look at."""
    held = _NAMES.get(id(routes))
    if held is not None and held[0] is routes:
        return held[1]
    while len(_NAMES) >= _MOST:
        _NAMES.pop(next(iter(_NAMES)))
    found = _asked(routes)
    _NAMES[id(routes)] = (routes, found)
    return found


def _asked(routes: tuple[Route, ...]) -> frozenset[str]:
    return frozenset().union(*(route.when.names | _asked(route.routes) for route in routes))
