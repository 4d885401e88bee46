"""What a change of the shared fields would mean for the records that there are: values that no longer fit, records to be told, rules that asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from dataclasses import field as part_of

from schemas.base import Scalar
from sync.lead.canonical import Unfit, canonical
from sync.lead.state import Lead, Record
from sync.playbook.models import Playbook, SharedField, When, Where

EXAMPLES = 10
"""So many examples are kept of each consequence, the first in the order of the leads."""


@dataclass(slots=True)
class Consequence:
    """One thing that follows: about which field, where it stands, how many records or rules, and the first of them."""

    field: str
    where: str
    text: str
    count: int = 0
    examples: list[str] = part_of(default_factory=list)

    def add(self, example: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(example)


@dataclass(frozen=True, slots=True)
class _Changed:
    """A field that both playbooks have and of which something changed."""

    before: SharedField
    after: SharedField
    unfit: Consequence | None
    told: Mapping[str, Consequence]
    """System → the records there that are to be told."""
    kept_back: frozenset[str]
    """Of these, the systems from which observe mode alone kept it: a record that shows the value already is not told."""


def consequences(before: Playbook, after: Playbook, leads: Iterable[Lead]) -> list[Consequence]:
    """Give what follows for these leads and rules, in the order of the fields; nothing for a field that stays as it is."""
    gone = {name: _gone(shared, before) for name, shared in before.fields.items() if name not in after.fields}
    changed = [one for name in after.fields if (one := _changed(name, before, after)) is not None]
    for lead in leads:
        for name, lost in gone.items():
            if lead.value(name) is not None:
                lost.add(lead.id)
        for watched in changed:
            _look(lead, watched, after)
    found = [
        *gone.values(),
        *(one.unfit for one in changed if one.unfit is not None),
        *(told for one in changed for told in one.told.values()),
    ]
    return [one for one in found if one.count or one.field in gone]


def _gone(shared: SharedField, before: Playbook) -> Consequence:
    users = sorted({f"{where}" for where in using(before, shared.name)})
    used = f"; asked by {', '.join(users)}" if users else "; no rule asks for it"
    systems = " and ".join(shared.systems)
    return Consequence(shared.name, str(shared.where), f"{shared.name} is no longer kept equal in {systems}{used}; leads that have a value")


def _changed(name: str, before: Playbook, after: Playbook) -> _Changed | None:
    new = after.fields[name]
    old = before.fields.get(name, new)
    kept_back = frozenset(system for system in new.systems if _was_kept_back(name, system, before, after))
    told = {
        system: _to_tell(new, system, at_once=system in kept_back) for system in new.systems if _tells_anew(name, system, before, after)
    }
    fits = old.kind != new.kind or _values(old) != _values(new)
    unfit = Consequence(name, str(new.where), f"{name}: values that do not fit {_kind(new)}") if fits else None
    return _Changed(old, new, unfit, told, kept_back) if told or unfit else None


def _kind(shared: SharedField) -> str:
    values = _values(shared)
    return f"the values {', '.join(sorted(values))}" if values else f"type {shared.kind}"


def _to_tell(shared: SharedField, system: str, *, at_once: bool) -> Consequence:
    when = "at once" if at_once else "truce rejudge tells them all; else each with its next change"
    return Consequence(
        shared.name, str(shared.where), f"{shared.name}: records of {system} that get it as {shared.systems[system].name} ({when})"
    )


def _was_kept_back(name: str, system: str, before: Playbook, after: Playbook) -> bool:
    """Say whether observe mode alone kept a field from a system, so that its records show it under the same name and spelling."""
    if name not in before.fields or system not in before.systems or (old := before.fields[name].systems.get(system)) is None:
        return False
    new = after.fields[name].systems[system]
    observed = "observe" in (old.mode, before.systems[system].mode)
    return observed and not old.read_only and (old.name, dict(old.to_vendor)) == (new.name, dict(new.to_vendor))


def _writes(playbook: Playbook, name: str, system: str) -> bool:
    spelled = playbook.fields[name].systems[system]
    return not spelled.read_only and spelled.mode == "write" and playbook.systems[system].mode == "write"


def _tells_anew(name: str, system: str, before: Playbook, after: Playbook) -> bool:
    """Say whether a system is to be told a field that it was not told, or not under that name or spelling."""
    if system not in after.systems or not _writes(after, name, system):
        return False
    old = before.fields[name].systems.get(system) if name in before.fields else None
    if old is None or system not in before.systems or not _writes(before, name, system):
        return True
    new = after.fields[name].systems[system]
    return (old.name, dict(old.to_vendor)) != (new.name, dict(new.to_vendor))


def _values(shared: SharedField) -> frozenset[str]:
    if shared.kind != "picklist":
        return frozenset()
    return frozenset(value for spelled in shared.systems.values() for value in spelled.to_vendor)


def _fits(shared: SharedField, value: Scalar) -> bool:
    values = _values(shared)
    if values:
        return str(value) in values
    try:
        canonical(shared, value)
    except Unfit:
        return False
    return True


def _look(lead: Lead, watched: _Changed, after: Playbook) -> None:
    value = lead.value(watched.after.name)
    if value is None:
        return
    shown = "(personal)" if watched.after.personal or watched.before.personal else str(value)[:60]
    if watched.unfit is not None and not _fits(watched.after, value):
        watched.unfit.add(f"{shown} ({_ref(lead, watched.after, after)})")
        return
    for system, told in watched.told.items():
        primary = lead.primary(system)
        if primary is not None and not (system in watched.kept_back and _shows(primary, watched.after.name, value)):
            told.add(f"{primary.ref} {shown}")


def _shows(record: Record, name: str, value: Scalar) -> bool:
    seen = record.fields.get(name)
    return seen is not None and seen.value == value


def _ref(lead: Lead, shared: SharedField, playbook: Playbook) -> str:
    return next((r.ref for system in shared.systems if system in playbook.systems and (r := lead.primary(system)) is not None), lead.id)


def using(playbook: Playbook, name: str) -> Iterator[Where]:
    """Give the place of every condition that looks at a shared field."""
    seen: set[int] = set()

    def walk(value: object) -> Iterator[Where]:
        if isinstance(value, When):
            yield from (line.where for line in value.lines if name in line.names)
        elif is_dataclass(value) and not isinstance(value, type) and id(value) not in seen:
            seen.add(id(value))
            for part in fields(value):
                yield from walk(getattr(value, part.name, None))
        elif isinstance(value, Mapping):
            for one in value.values():
                yield from walk(one)
        elif isinstance(value, tuple | list):
            for one in value:
                yield from walk(one)

    yield from walk(playbook)
