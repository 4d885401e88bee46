"""What a playbook means, as plain data: conditions as their text, lists by the names of what is in them, no positions in files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace

from sync.playbook.models import Playbook, SharedField, SystemField, When, Where
from sync.playbook.models.doors import DoorRule, Pick, VisitRule
from sync.playbook.models.sla import Within

Path = tuple[str, ...]
SILENT = {"where", "scope_where", "statuses_where", "version", "checksum"}
APART = {"tables", "territories", "cases", "doors"}
"""Parts of a playbook that are compared row by row and case by case, not here."""
SPELLED, READ = "is spelled", "is read as"
"""How a system spells the values of a picklist, and what else is read as one of them."""
NAMED = {"id", "email", "about", "leg", "do"}
"""What the way to an entry says already."""
NAMES = ("id", "email", "name", "label", "text", "object", "leg", "do")
"""By what the entries of a list are told apart, the first that they have."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value, as people read it, and the rule that it belongs to."""

    text: str
    where: Where | None
    usual: bool = False
    """What stands there when nobody says anything."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Named values in their order."""

    parts: Mapping[str, Leaf | Branch]
    where: Where | None
    ordered: bool = False
    """Their order means something: routes, segments, systems."""


Node = Leaf | Branch


def meaning(playbook: Playbook) -> Branch:
    """Give everything that a playbook says, but for the rows of its tables and its cases."""
    found = _node(_without_doors(playbook), None)
    assert isinstance(found, Branch)
    doors = Branch({name: Branch({"rules": _listed(door.rules, None)}, None) for name, door in playbook.doors.items()}, None)
    return replace(found, parts={name: part for name, part in found.parts.items() if name not in APART} | {"doors": doors})


def _without_doors(playbook: Playbook) -> Playbook:
    """Leave out what follows from doors by itself: each stands among the systems, and in the fields that it sets."""

    def bare(some: Mapping[str, SharedField]) -> dict[str, SharedField]:
        told = playbook.told
        return {
            name: replace(one, systems={system: how for system, how in one.systems.items() if system in told}) for name, one in some.items()
        }

    return replace(playbook, systems=playbook.told, fields=bare(playbook.fields)) if playbook.doors else playbook


def _node(value: object, where: Where | None) -> Node:
    if isinstance(value, When):
        return _when(value, where)
    if isinstance(value, DoorRule):
        return _door_rule(value)
    if isinstance(value, Within):
        return Leaf(f"{value.spelled}{' around the clock' if value.clock == 'always' and value.unit != 'd' else ''}", where)
    if is_dataclass(value) and not isinstance(value, type):
        here = getattr(value, "where", None) or where
        known = [f for f in fields(value) if f.name not in SILENT and not f.name.startswith("_")]
        parts = {f.name: _node(one, here) for f in known if _says(one := getattr(value, f.name))}
        if isinstance(value, SystemField):
            parts = {name: part for name, part in parts.items() if name not in ("to_vendor", "from_vendor")} | _spelled(value, here)
        usual = {f.name for f in known if f.name in NAMED or getattr(value, f.name) == f.default}
        return Branch({name: _usual(one) if name in usual else one for name, one in parts.items()}, here)
    if isinstance(value, Mapping):
        return Branch({str(key): _node(one, where) for key, one in value.items()}, where)
    if isinstance(value, tuple) and value and not isinstance(value[0], str | int | float | tuple):
        return _listed(value, where)
    return Leaf(_text(value), where)


def _door_rule(rule: DoorRule) -> Branch:
    """Say what a kind of payload says, each line by itself: `email body.contact.email`, `field company body.company.name`."""
    picks: dict[str, Pick | None] = {"when": rule.when, "at": rule.at}
    parts = dict[str, Node]()
    if isinstance(rule.says, VisitRule):
        picks |= {f"visit {one.name}": getattr(rule.says, one.name) for one in fields(rule.says)}
    else:
        parts["who is unknown"] = Leaf(
            "created" if rule.says.unknown == "create" else "ignored", rule.where, usual=rule.says.unknown == "create"
        )
        touch = rule.says.touch
        parts |= {"touch": Leaf(touch.kind, rule.where)} if touch is not None else {}
        picks |= {"email": rule.says.email, "truce id": rule.says.truce_id}
        picks |= {"touch name": touch.name, "touch id": touch.id} if touch is not None else {}
        picks |= {f"field {name}": one for name, one in rule.says.fields.items()} | {
            f"consent {name}": one for name, one in rule.says.consent.items()
        }
    parts |= {name: Leaf(one.text, one.where) for name, one in picks.items() if one is not None}
    return Branch(parts, rule.where)


def _spelled(value: SystemField, where: Where | None) -> dict[str, Node]:
    """Say of each value of a picklist how the system spells it, and what else is read as it."""
    more = {vendor: one for vendor, one in value.from_vendor.items() if value.to_vendor.get(one) != vendor}
    named: dict[str, Mapping[str, str]] = {SPELLED: value.to_vendor, READ: more}
    return {kind: Branch({name: Leaf(text, where) for name, text in said.items()}, where) for kind, said in named.items()}


def _usual(node: Node) -> Node:
    return replace(node, usual=True) if isinstance(node, Leaf) else node


def _says(value: object) -> bool:
    """Leave out what stands for nothing: a value that was not given."""
    return value is not None and not (isinstance(value, tuple | frozenset | str | Mapping) and not value)


def _when(when: When, where: Where | None) -> Node:
    parts = {f"{kind} {line.text}": Leaf(line.text, line.where) for kind in ("all", "any", "none") for line in getattr(when, kind)}
    return Branch(parts, where) if parts else Leaf("always", where)


def _listed(values: tuple[object, ...], where: Where | None) -> Branch:
    parts: dict[str, Node] = {}
    for place, one in enumerate(values, 1):
        name = next((str(found) for key in NAMES if (found := getattr(one, key, None))), "") or _signature(one, place)
        while name in parts:
            name += "'"
        parts[name] = _node(one, where)
    return Branch(parts, where, ordered=True)


def _signature(value: object, place: int) -> str:
    """Name an entry without a name by what it asks, so that a change of its points is a change and not another entry."""
    when = getattr(value, "when", None)
    said = [line.text for line in when.lines] if isinstance(when, When) else []
    kinds = [str(found) for key in ("owner", "pool", "kind", "name", "to") if (found := getattr(value, key, None))]
    return " ".join([*kinds, *said]) or f"number {place}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple | list):
        return ", ".join(map(_text, value))
    if isinstance(value, frozenset | set):
        return ", ".join(sorted(map(_text, value)))
    return str(value)
