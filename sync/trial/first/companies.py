"""Accounts and opportunities in the first-sync report: which are one account for sure, what would be told of it, how deals stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sync.lead.accounts import company, plan_account
from sync.lead.copies import Copying, copying, plan_copy
from sync.lead.ledger import COPY_OF, Entry, Ledger
from sync.lead.reconcile import system_of
from sync.playbook.models import Playbook
from sync.trial.first.compare import Difference, FieldCount, entries_compared
from sync.trial.first.lines import Line, listed
from sync.trial.first.writes import Target, Writes


@dataclass(slots=True)
class Companies:
    """Counts accounts; memory does not grow with them."""

    playbook: Playbook
    targets: Mapping[str, Target]
    now: int
    records: Counter[str] = field(default_factory=Counter)
    where: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """Systems → accounts that have a record in just these."""
    several: Counter[str] = field(default_factory=Counter)
    """System → accounts of which it has several records of one domain."""
    without: Counter[str] = field(default_factory=Counter)
    """System → records without a domain of a company."""
    fields: dict[str, FieldCount] = field(default_factory=dict)
    writes: dict[str, Writes] = field(init=False)

    def __post_init__(self) -> None:
        self.writes = {name: Writes(target) for name, target in self.targets.items() if self.playbook.systems[name].account}

    def take(self, entries: Sequence[Entry]) -> Iterator[Line]:
        """Count records that share domains, or one that has none; gives what is to be listed of them."""
        systems = [system_of(one.ref) for one in entries]
        here = tuple(name for name in self.playbook.systems if name in systems)
        self.records.update(systems)
        self.where[here] += 1
        for one, system in zip(entries, systems, strict=True):
            if not one.domains:
                self.without[system] += 1
                yield Line("accounts_without_domain", (system, one.ref, one.text("name")))
            elif systems.count(system) > 1:
                yield Line("accounts_several", (system, " ".join(one.domains), one.ref, one.text("name")))
        self.several.update(name for name in here if systems.count(name) > 1)
        if len(here) == 1:
            yield from (Line(f"accounts_only_in_{here[0]}", (one.ref, one.text("name"), " ".join(one.domains))) for one in entries)
        yield from self._compared(Ledger(entries), entries)

    def _compared(self, ledger: Ledger, entries: Sequence[Entry]) -> Iterator[Line]:
        same = company(entries[0], ledger)
        for shared, found in entries_compared(same, self.playbook.account_fields, self.playbook):
            self.fields.setdefault(shared.name, FieldCount.of(shared)).take(found)
            yield from listed("accounts_differing", found) if isinstance(found, Difference) else ()
        for one in same:
            writes = self.writes.get(system_of(one.ref))
            if writes is not None:
                target = writes.target
                writes.add(plan_account(one, ledger, self.playbook, target.capabilities, target.control, self.now))

    def plain(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "records": dict(self.records),
            "in": [{"systems": list(systems), "accounts": count} for systems, count in self.where.most_common()],
            "several_records_of_one_domain": dict(self.several),
            "records_without_domain": dict(self.without),
            "fields": [self.fields[name].plain() for name in self.playbook.account_fields if name in self.fields],
            "writes": {system: one.plain() for system, one in self.writes.items()},
        }


@dataclass(slots=True)
class Deals:
    """Counts opportunities."""

    playbook: Playbook
    targets: Mapping[str, Target]
    now: int
    records: Counter[str] = field(default_factory=Counter)
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    """System → open, won, lost → how many."""
    stages: dict[str, Counter[str]] = field(default_factory=dict)
    """System → our stage → how many; blank: one that nobody knows, or none."""
    unaccounted: Counter[str] = field(default_factory=Counter)
    """System → those whose account was not read, or that name none."""
    alone: Counter[str] = field(default_factory=Counter)
    """System → those in which nobody is who was read: they move no one's stage."""
    copies: dict[str, Writes] = field(init=False)

    def __post_init__(self) -> None:
        self.copies = {name: Writes(self.targets[name]) for name in copying(self.playbook) if name in self.targets}

    def take(self, one: Entry, ledger: Ledger, known: Callable[[str], bool]) -> Iterator[Line]:
        """Count one; `known` says whether a person whom it names was read."""
        system = system_of(one.ref)
        self.records[system] += 1
        self.outcomes.setdefault(system, Counter())[one.outcome] += 1
        self.stages.setdefault(system, Counter())[one.text("stage") or ""] += 1
        if ledger.account(one.text("account")) is None:
            self.unaccounted[system] += 1
            yield Line("opportunities_without_account", (system, one.ref, one.text("name")))
        if not any(known(person) for person in one.people):
            self.alone[system] += 1
            yield Line("opportunities_without_people", (system, one.ref, one.text("name")))
        for name, writes in self.copies.items():
            if system in self.playbook.sales:
                self._copied(one, name, ledger, writes)

    def _copied(self, one: Entry, system: str, ledger: Ledger, writes: Writes) -> None:
        copy = next((other for other in ledger.entries.values() if other.text(COPY_OF) == one.ref and system_of(other.ref) == system), None)
        what = Copying(ledger, self.playbook, writes.target.capabilities, writes.target.control, self.now, {}, self.now)
        writes.add(plan_copy(one.ref, copy, system, what).plan)

    def plain(self) -> dict[str, Any]:
        """Give it as plain data."""
        return {
            "records": dict(self.records),
            "outcomes": {system: dict(one) for system, one in self.outcomes.items()},
            "stages": {system: dict(one.most_common()) for system, one in self.stages.items()},
            "without_account": dict(self.unaccounted),
            "without_people": dict(self.alone),
            "copies": {system: one.plain() for system, one in self.copies.items()},
        }
