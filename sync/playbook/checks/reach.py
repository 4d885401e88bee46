"""Routes that no lead can reach, where that can be proved: earlier ones leave nothing for them, or they ask for what cannot be.

The work is bounded: past a number of comparisons that no playbook of people comes near, no more is proved.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sync.playbook import forms
from sync.playbook.build.files import Files
from sync.playbook.build.routing import FILE
from sync.playbook.checks.allowed import Allowed, Plain
from sync.playbook.checks.claims import MOST, Claim, claim
from sync.playbook.conditions.tokens import spelled as called
from sync.playbook.document import Path, written

BUDGET = 60_000
"""Comparisons of two routes in one playbook, at most."""
VALUES = 200
"""A list of more values is looked at as a whole only."""
ALWAYS = ("", "9999-12-31")


@dataclass(frozen=True, slots=True)
class Known:
    """A route that stands before, and the days on which it counts."""

    path: Path
    id: str
    claim: Claim
    days: tuple[str, str]


@dataclass(slots=True)
class Budget:
    """What may still be compared."""

    left: int = BUDGET


@dataclass(slots=True)
class _Shelf:
    """Earlier routes that ask about the same fields, so kept that few of them need a look."""

    names: frozenset[str]
    lines: frozenset[str]
    by: str | None = None
    """The field by whose listed values, or lower bound, they are kept."""
    values: dict[Plain, list[Known]] = field(default_factory=dict)
    bounds: list[float] = field(default_factory=list)
    bounded: list[tuple[float, int, Known]] = field(default_factory=list)
    rest: list[Known] = field(default_factory=list)

    def add(self, known: Known, order: int) -> None:
        """Keep one more."""
        for name in sorted(known.claim.fields):
            allowed = known.claim.fields[name]
            if self.by not in (None, name):
                continue
            listed = allowed.values()
            if listed is not None and len(listed) <= VALUES and not allowed.blank:
                self.by = name
                for value in listed:
                    self.values.setdefault(value, []).append(known)
                return
            if allowed.low is not None and isinstance(allowed.low[0], float) and not allowed.blank:
                self.by = name
                insort(self.bounded, (allowed.low[0], order, known), key=lambda one: one[:2])
                return
        self.rest.append(known)

    def candidates(self, wanted: Claim) -> Iterator[Known]:
        """Give those that might cover it."""
        asked = wanted.fields.get(self.by or "")
        if asked is not None:
            listed = asked.values()
            if listed:
                yield from self.values.get(next(iter(sorted(listed, key=str))), ())
            low = min((v for v in listed if isinstance(v, float)), default=None) if listed else asked.low[0] if asked.low else None
            if isinstance(low, float):
                yield from (one for _, _, one in self.bounded[: bisect_right(self.bounded, low, key=lambda one: one[0])])
        yield from self.rest


@dataclass(slots=True)
class Before:
    """The earlier routes of one list, or other things of which the first that holds counts."""

    budget: Budget
    shelves: dict[tuple[frozenset[str], frozenset[str]], _Shelf] = field(default_factory=dict)
    count: int = 0

    def add(self, known: Known) -> None:
        """Keep one more."""
        key = (frozenset(known.claim.fields), known.claim.lines)
        self.shelves.setdefault(key, _Shelf(*key)).add(known, self.count)
        self.count += 1

    def taken(self, wanted: Claim, days: tuple[str, str]) -> list[Known]:
        """Give the earlier routes that together leave nothing of it; none where that cannot be seen."""
        one = self._whole(wanted, days)
        return [one] if one else self._by_value(wanted, days) or self._by_alternative(wanted, days)

    def _whole(self, wanted: Claim, days: tuple[str, str]) -> Known | None:
        names = wanted.fields.keys()
        for shelf in self.shelves.values():
            if not (shelf.names <= names and shelf.lines <= wanted.lines):
                continue
            for known in shelf.candidates(wanted):
                self.budget.left -= 1
                if self.budget.left < 0:
                    return None
                if known.days[0] <= days[0] and days[1] <= known.days[1] and known.claim.covers(wanted):
                    return known
        return None

    def _each(self, parts: list[Claim], days: tuple[str, str]) -> list[Known]:
        found: list[Known] = []
        for part in parts:
            one = self._whole(part, days)
            if one is None:
                return []
            found += [one] if one not in found else []
        return found

    def _by_value(self, wanted: Claim, days: tuple[str, str]) -> list[Known]:
        for name, allowed in wanted.fields.items():
            listed = allowed.values()
            if listed and len(listed) <= VALUES and not allowed.blank:
                parts = [replace(wanted, fields={**wanted.fields, name: Allowed(only=frozenset({one}))}) for one in sorted(listed, key=str)]
                found = self._each(parts, days)
                if found:
                    return found
        return []

    def _by_alternative(self, wanted: Claim, days: tuple[str, str]) -> list[Known]:
        for group in wanted.groups[:3]:
            if len(group) <= MOST:
                others = tuple(one for one in wanted.groups if one is not group)
                found = self._each([replace(wanted, groups=others).both(one) for one in group], days)
                if found:
                    return found
        return []


def run(files: Files, routes: list[forms.RouteForm]) -> None:
    """Note every route that is never reached."""
    _look(files, routes, ("routes",), Claim(), ALWAYS, None, Budget())


def _look(
    files: Files,
    routes: list[forms.RouteForm],
    path: Path,
    outer: Claim,
    days: tuple[str, str],
    parent: forms.RouteForm | None,
    budget: Budget,
) -> None:
    before = Before(budget)
    for index, route in enumerate(routes):
        place: Path = (*path, index)
        own = None if _wrong(files, (*place, "when")) else claim(route.when)
        if own is None:
            continue
        mine = (max(days[0], route.from_ or ""), min(days[1], route.until or ALWAYS[1]))
        whole = outer.both(own)
        reached = _reached(files, place, route, outer, whole, own, mine, before, parent)
        if reached:
            _look(files, route.routes, (*place, "routes"), whole, mine, route, budget)
            before.add(Known(place, route.id, own, mine))
            if parent is not None and mine == days and own.covers(outer) and index == len(routes) - 1 and _targets(parent):
                said = f"every lead of {parent.id} is taken here, so that {parent.id}'s own assign is never used"
                files.problem(
                    FILE, (*place, "id"), said, f"give {route.id} a `when`, or delete it and let {parent.id} say who gets the lead"
                )


def _wrong(files: Files, path: Path) -> bool:
    """Say whether a line of this `when` cannot be used: then nothing is said of the route."""
    place = written(path)
    return any(problem.path.startswith(place) for problem in files.documents[FILE].problems)


def _targets(parent: forms.RouteForm) -> bool:
    """Say whether the outer route names somebody, and not only what the finer ones inherit."""
    given = parent.assign
    inherited = any(child.assign is None or not _target(child.assign) for child in parent.routes)
    return given is not None and _target(given) and not inherited


def _target(assign: forms.AssignForm) -> bool:
    return bool(assign.owner or assign.pool or assign.queue or assign.table)


def _reached(
    files: Files,
    place: Path,
    route: forms.RouteForm,
    outer: Claim,
    whole: Claim,
    own: Claim,
    days: tuple[str, str],
    before: Before,
    parent: forms.RouteForm | None,
) -> bool:
    """Note a route that is never reached; says whether it is reached, as far as can be seen."""
    empty = whole.nothing
    if empty is not None and outer.nothing is None:
        if own.nothing is not None or parent is None:
            said, hint = f"never reached: {called(empty)} cannot be all that these lines ask for", "change one of the lines"
        else:
            said = f"never reached: {parent.id} lets no such {called(empty)} in"
            hint = f"see {files.where(FILE, (*place[:-2], 'when'))}; move it out of {parent.id}, or change its lines"
        files.problem(FILE, (*place, "id"), said, hint)
        return False
    if days[0] > days[1]:
        return False  # told where the dates are looked at
    taken = before.taken(whole, days)
    if taken:
        who = " and ".join(f"{one.id} ({files.where(FILE, one.path)})" for one in taken[:3])
        files.problem(FILE, (*place, "id"), "never reached", f"every lead that fits is taken by {who}; move it above")
        return False
    return True
