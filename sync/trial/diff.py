"""What changes between two playbooks, by meaning: not which lines of text, but which rules say something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Literal

from sync.playbook.models import Case, Playbook, Table, Where
from sync.playbook.models.doors import DoorCase
from sync.trial.meaning import READ, SPELLED, Branch, Leaf, Node, Path, meaning
from sync.trial.rows import columns, rows

Kind = Literal["added", "removed", "changed", "moved"]
FILES = {
    "systems": "fields.yaml",
    "fields": "fields.yaml",
    "account_fields": "fields.yaml",
    "opportunity_fields": "fields.yaml",
    "scope": "fields.yaml",
    "guards": "fields.yaml",
    "role_mailboxes": "fields.yaml",
    "routes": "routing.yaml",
    "reps": "team.yaml",
    "pools": "team.yaml",
    "timezone": "team.yaml",
    "fit": "lifecycle.yaml",
    "engagement": "lifecycle.yaml",
    "stages": "lifecycle.yaml",
    "statuses": "lifecycle.yaml",
    "categories": "lifecycle.yaml",
    "scanners": "lifecycle.yaml",
    "scores": "lifecycle.yaml",
    "segments": "lifecycle.yaml",
    "opportunity_stages": "lifecycle.yaml",
    "handoffs": "lifecycle.yaml",
    "goals": "goals.yaml",
    "slas": "sla.yaml",
    "alerts": "alerts.yaml",
    "content": "content.yaml",
}
"""In which file a part stands, where its entries do not say."""
WORDS = {
    "systems": "system",
    "fields": "field",
    "account_fields": "account field",
    "opportunity_fields": "opportunity field",
    "routes": "route",
    "reps": "rep",
    "pools": "pool",
    "stages": "stage",
    "segments": "segment",
    "tables": "table",
    "doors": "door",
}
SHOWN = 6
ROWS = 20
"""So many rows of one table are told."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is said otherwise: what it is about, where it stands, and how it changed."""

    kind: Kind
    path: Path
    """From the part of the playbook down to the value: ("routes", "emea", "assign", "pool")."""
    before: str
    after: str
    where: Where | None
    said: str = ""
    """The line itself, where it is not made from the rest: of rows and cases."""

    @property
    def text(self) -> str:
        """Say it in a line: `route emea · assign pool: emea-ae → amer-ae`."""
        if self.said:
            return self.said
        if self.path[-2:-1] in ((SPELLED,), (READ,)):
            return self._spelled()
        about, asked = _about(self.path)
        if asked:
            said = {"added": f"now also {asked}", "removed": f"no longer {asked}", "changed": f"now {asked} instead of {self.before}"}
            more = said.get(self.kind, asked)
            return f"{about} · {more}" if about else more
        match self.kind:
            case "added":
                return f"{about}: new{f': {self.after}' if self.after else ''}"
            case "removed":
                return f"{about}: gone{f' (was: {self.before})' if self.before else ''}"
            case "moved":
                return f"{about}: {self.after}"
        if self.path[0] == "slas" and " · " in about:  # SLA normal, accept: within 4 h → 2 h
            head, _, rest = about.partition(" · ")
            return f"{head}: {rest} {self.before or 'not said'} → {self.after or 'not said'}"
        return f"{about}: {self.before or 'not said'} → {self.after or 'not said'}"

    def _spelled(self) -> str:
        """Say how a system spells a value: `status · nurturing is spelled Nurturing in salesforce: new`."""
        *_, system, kind, value = self.path
        about = f"{self.path[1]} · {value} {kind}"
        match self.kind:
            case "added":
                return f"{about} {self.after} in {system}: new"
            case "removed":
                return f"{about} {self.before} in {system}: gone"
        return f"{about} {self.after} in {system}, was {self.before}"

    @property
    def place(self) -> str:
        """Give the file and line, or the file alone."""
        if self.where and self.where.file:
            return str(self.where)
        return f"inbound/{self.path[1]}.yaml" if self.path[0] == "doors" and len(self.path) > 1 else FILES.get(self.path[0], "")


def differences(before: Playbook, after: Playbook) -> list[Difference]:
    """Give every difference in meaning, in the order of the playbook's parts; none when both say the same."""
    found = list(_branches(meaning(before), meaning(after), ()))
    return [_placed(one, before, after) for one in found] + [*_tables(before, after), *_cases(before, after)]


def told(found: list[Difference]) -> list[tuple[str, str]]:
    """Give the lines for a person, each with its place: of one table not more than ROWS rows."""
    lines = list[tuple[str, str]]()
    for path, some in groupby(found, key=lambda one: one.path[:2] if one.path[0] == "tables" else ()):
        group = list(some)
        shown = group[:ROWS] if path else group
        lines += [(one.place, one.text) for one in shown]
        if len(shown) < len(group):
            lines.append((group[-1].where.file if group[-1].where else "", f"and {len(group) - len(shown):,} more"))
    return lines


def _placed(found: Difference, before: Playbook, after: Playbook) -> Difference:
    """Give the line of what has no rule of its own."""
    return replace(found, where=after.statuses_where or before.statuses_where) if found.path[0] == "statuses" else found


def _tables(before: Playbook, after: Playbook) -> Iterator[Difference]:
    for name in {**before.tables, **after.tables}:
        old, new, path = before.tables.get(name), after.tables.get(name), ("tables", name)
        if new is None:
            assert old is not None
            yield Difference("removed", path, _size(old), "", old.where)
        elif old is None:
            yield Difference("added", path, "", _size(new), new.where)
        else:
            if (first := columns(old)) != (then := columns(new)):
                yield Difference("changed", (*path, "columns"), first, then, new.where)
            for row in rows(old, new):
                yield Difference(row.kind, (*path, row.key), row.before, row.after, row.where, row.said)


def _size(table: Table) -> str:
    return f"{len(table.rows):,} row{'' if len(table.rows) == 1 else 's'} of {columns(table)}"


def _cases(before: Playbook, after: Playbook) -> Iterator[Difference]:
    """Say in one line which cases are new, gone, or say something else."""
    old, new = dict(_known(before)), dict(_known(after))
    told: dict[str, list[str]] = {
        "new": [name for name in new if name not in old],
        "changed": [name for name in new if name in old and _asks_for(new[name]) != _asks_for(old[name])],
        "gone": [name for name in old if name not in new],
    }
    if not any(told.values()):
        return
    counts = ", ".join(f"{len(names)} {kind}" for kind, names in told.items() if names)
    names = [name for some in told.values() for name in some]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    where = (new.get(names[0]) or old[names[0]]).where
    yield Difference("changed", ("cases",), "", "", where, f"cases: {counts} ({', '.join(names[:SHOWN])}{more})")


def _known(playbook: Playbook) -> Iterator[tuple[str, Case | DoorCase]]:
    yield from ((case.id, case) for case in playbook.cases)
    yield from ((f"{name}/{case.id}", case) for name, door in playbook.doors.items() for case in door.cases)


def _asks_for(case: Case | DoorCase) -> tuple[object, object]:
    return (case.given if isinstance(case, Case) else case.payload), case.expect


def _asks(name: str) -> str:
    return next((kind for kind in ASKED if name.startswith(kind)), "")


ASKED = {"all ": "asks", "any ": "asks, as one of several,", "none ": "excludes"}


def _about(path: Path) -> tuple[str, str]:
    """Say what a path is about, and apart from it which condition, when it is one."""
    if len(path) == 1:
        return path[0].replace("_", " "), ""
    head, rest = _owed(path) or (f"{WORDS.get(path[0], path[0].replace('_', ' '))} {path[1]}", list(path[2:]))
    while len(rest) >= 2 and rest[0] == "routes":  # a route within a route is named by itself
        head, rest = f"route {rest[1]}", rest[2:]
    kind, asked = _asks(path[-1]), ""
    if kind:
        asked = f"{ASKED[kind]} {path[-1].removeprefix(kind)}"
        head, rest = ("scope", []) if path[0] == "scope" else (head, [part for part in rest[:-1] if part != "when"])
    said = " ".join(part.replace("_", " ") if part.isidentifier() else part for part in rest)
    return (f"{head} · {said}" if said else head), asked


def _owed(path: Path) -> tuple[str, list[str]] | None:
    """Name an SLA with its leg, or a reason; None for anything else."""
    if path[0] != "slas" or len(path) < 3:
        return None
    head, rest = f"{'SLA' if path[1] == 'named' else path[1].rstrip('s')} {path[2]}", list(path[3:])
    return (f"{head}, {rest[1].replace('_', ' ')}", rest[2:]) if rest[:1] == ["legs"] and len(rest) > 1 else (head, rest)


def _branches(before: Branch, after: Branch, path: Path) -> Iterator[Difference]:
    gone = [name for name in before.parts if name not in after.parts]
    new = [name for name in after.parts if name not in before.parts]
    if len(gone) == len(new) == 1 and _asks(gone[0]) == _asks(new[0]) != "":
        yield Difference("changed", (*path, new[0]), _summary(before.parts[gone[0]]), "", after.parts[new[0]].where)
        gone, new = [], []
    for name in gone:
        yield Difference("removed", (*path, name), _summary(before.parts[name]), "", before.parts[name].where)
    for name, two in after.parts.items():
        first = before.parts.get(name)
        if first is None and name not in new:
            continue
        if first is None:
            yield Difference("added", (*path, name), "", _summary(two), two.where)
        else:
            yield from _nodes(first, two, (*path, name))
    if before.ordered and after.ordered:
        yield from _moves(before, after, path)


def _nodes(before: Node, after: Node, path: Path) -> Iterator[Difference]:
    if isinstance(before, Branch) and isinstance(after, Branch):
        yield from _branches(before, after, path)
    elif isinstance(before, Branch) or isinstance(after, Branch):
        yield Difference("changed", path, _summary(before), _summary(after), after.where)
    elif before.text != after.text:
        yield Difference("changed", path, before.text, after.text, after.where)


def _moves(before: Branch, after: Branch, path: Path) -> Iterator[Difference]:
    """Name the entries that stand at another place among those that stayed, as few as explain the new order."""
    old = [name for name in before.parts if name in after.parts]
    new = [name for name in after.parts if name in before.parts]
    kept = set(_longest([old.index(name) for name in new], new))
    for place, name in enumerate(new):
        if name not in kept:
            behind = f"now behind {new[place - 1]}" if place else "now first"
            yield Difference("moved", (*path, name), "", behind, after.parts[name].where)


def _longest(places: list[int], names: list[str]) -> list[str]:
    """Give the names of a longest run of growing places: they did not move."""
    best: list[list[int]] = []
    for n, place in enumerate(places):
        behind = max((run for m, run in enumerate(best) if places[m] < place), key=len, default=[])
        best.append([*behind, n])
    return [names[n] for n in max(best, key=len, default=[])]


def _summary(node: Node) -> str:
    """Say in a few words what a whole part is."""
    if isinstance(node, Leaf):
        return node.text
    said = [one for one in (_part(name, part) for name, part in node.parts.items()) if one]
    return " · ".join(said[:SHOWN]) + (f" and {len(said) - SHOWN} more" if len(said) > SHOWN else "")


def _part(name: str, node: Node) -> str:
    if isinstance(node, Leaf):
        if node.usual:
            return ""
        return node.text if name.startswith(tuple(ASKED)) else f"{name.replace('_', ' ')} {node.text}"
    if name == "then":  # a step says what is done by its name alone
        return f"then {', '.join(_part(step, part) or step for step, part in node.parts.items())}"
    inner = _summary(node)
    return f"{name.replace('_', ' ')} ({inner})" if inner and name not in ("when", "assign") else inner
