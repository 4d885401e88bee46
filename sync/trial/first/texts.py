"""Free texts that another system takes only from its own list: those that are not on it would be refused there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from schemas.base import Scalar
from sync.playbook.models import Playbook, SharedField, SystemField
from sync.trial.first.block import block, named, slug

KEPT = 2_000
"""So many different values of one field are told apart."""
Lists = Mapping[tuple[str, str, str], Sequence[str]]
"""(system, object, vendor's field) → the only values that it takes."""


@dataclass(slots=True)
class Texts:
    """Counts the values of texts that some system has a list for."""

    playbook: Playbook
    lists: Lists
    found: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    """Our field → system → value → records."""
    shared: dict[str, SharedField] = field(default_factory=dict)

    def take(self, shared: SharedField, system: str, value: Scalar) -> None:
        """Count one value."""
        if shared.kind != "text" or not isinstance(value, str) or not value or not self._of(shared):
            return
        name = named(shared)
        self.shared[name] = shared
        held = self.found.setdefault(name, {}).setdefault(system, Counter())
        if value in held or len(held) < KEPT:
            held[value[:200]] += 1

    def _of(self, shared: SharedField) -> dict[str, Sequence[str]]:
        """Give the lists of a field, of the systems that are told."""
        found = {}
        for system, how in shared.systems.items():
            rules = self.playbook.systems[system]
            object_ = {"lead": rules.person, "account": rules.account, "opportunity": rules.opportunity}[shared.about]
            values = self.lists.get((system, object_, how.name_of(object_)))
            if values and how.mode == "write" and not how.read_only:
                found[system] = values
        return found

    def strange(self) -> Iterator[tuple[str, str, str, str, Counter[str]]]:
        """Give (system, vendor's field, our field, which lists, values) of what is not on another system's list."""
        for name, systems in sorted(self.found.items()):
            lists = self._of(self.shared[name])
            for system, counted in sorted(systems.items()):
                lacks = [other for other, values in lists.items() if other != system and any(one not in values for one in counted)]
                gone = {one: many for one, many in counted.items() if any(one not in lists[other] for other in lacks)}
                if gone:
                    kind = f"not on the list of {' and '.join(lacks)}"
                    yield system, self.shared[name].systems[system].name, name, kind, Counter(gone)

    def blocks(self) -> Iterator[list[str]]:
        """Give for each such field the lines of fields.yaml that make a picklist of it."""
        for name in dict.fromkeys(one[2] for one in self.strange()):
            shared = self.shared[name]
            listed = picked(shared, self._of(shared))
            unread = {
                system: Counter({value: many for value, many in counted.items() if value not in listed.systems[system].from_vendor})
                for system, counted in self.found[name].items()
            }
            yield block(listed, unread, self.playbook, grows=False)


def picked(shared: SharedField, lists: Mapping[str, Sequence[str]]) -> SharedField:
    """Give the field as a picklist of what is on the lists; a value that two lists call alike is one."""
    every = _named(value for values in lists.values() for value in values)

    def spelled(system: str, how: SystemField) -> SystemField:
        to_vendor = every | _named(lists.get(system, ()))
        return replace(how, to_vendor=to_vendor, from_vendor={value: ours for ours, value in to_vendor.items()})

    return replace(
        shared, kind="picklist", normalise=None, systems={system: spelled(system, how) for system, how in shared.systems.items()}
    )


def _named(values: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        found.setdefault(slug(value), value)
    return found
