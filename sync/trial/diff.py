"""What changes between two playbooks, by meaning: not which lines of text, but which rules say something else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sync.playbook.models import Playbook, Where
from sync.trial.meaning import Branch, Leaf, Node, Path, meaning

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
}
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is said otherwise: what it is about, where it stands, and how it changed."""

    kind: Kind
    path: Path
    """From the part of the playbook down to the value: ("routes", "emea", "assign", "pool")."""
    before: str
    after: str
    where: Where | None

    @property
    def text(self) -> str:
        """Say it in a line: `route emea · assign pool: emea-ae → amer-ae`."""
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
        return f"{about}: {self.before or 'not said'} → {self.after or 'not said'}"

    @property
    def place(self) -> str:
        """Give the file and line, or the file alone."""
        return str(self.where) if self.where and self.where.file else FILES.get(self.path[0], "")


def differences(before: Playbook, after: Playbook) -> list[Difference]:
    """Give every difference in meaning, in the order of the playbook's parts; none when both say the same."""
    return list(_branches(meaning(before), meaning(after), ()))


def _asks(name: str) -> str:
    return next((kind for kind in ASKED if name.startswith(kind)), "")


ASKED = {"all ": "asks", "any ": "asks, as one of several,", "none ": "excludes"}


def _about(path: Path) -> tuple[str, str]:
    """Say what a path is about, and apart from it which condition, when it is one."""
    if len(path) == 1:
        return path[0].replace("_", " "), ""
    head = f"{WORDS.get(path[0], path[0].replace('_', ' '))} {path[1]}"
    rest = list(path[2:])
    while len(rest) >= 2 and rest[0] == "routes":  # a route within a route is named by itself
        head, rest = f"route {rest[1]}", rest[2:]
    kind, asked = _asks(path[-1]), ""
    if kind:
        asked = f"{ASKED[kind]} {path[-1].removeprefix(kind)}"
        head, rest = ("scope", []) if path[0] == "scope" else (head, [part for part in rest[:-1] if part != "when"])
    said = " ".join(part.replace("_", " ") if part.isidentifier() else part for part in rest)
    return (f"{head} · {said}" if said else head), asked


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
    inner = _summary(node)
    return f"{name.replace('_', ' ')} ({inner})" if inner and name not in ("when", "assign") else inner
