"""The first-sync report as it grows: counts and a few examples, however many people there are; what is to be listed is given out as lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from schemas.base import Ref
from schemas.keys import normal_email
from sync.lead.identity import address
from sync.lead.state import Lead
from sync.playbook.models import Playbook
from sync.trial.first.compare import MOST, Difference, FieldCount, compared
from sync.trial.first.lines import Line, listed
from sync.trial.first.person import Together
from sync.trial.first.unmapped import Unmapped
from sync.trial.first.writes import Target, Writes


@dataclass(slots=True)
class Tally:
    """Counts people; memory does not grow with them."""

    playbook: Playbook
    """With every system in write mode: what it would be told does not depend on whether it may be told yet."""
    targets: dict[str, Target]
    now: int
    records: Counter[str] = field(default_factory=Counter)
    people: int = 0
    where: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """Systems → people who have a record in just these."""
    by: Counter[str] = field(default_factory=Counter)
    """By what a record came to somebody known → records."""
    asked: Counter[str] = field(default_factory=Counter)
    asked_of: dict[str, list[str]] = field(default_factory=dict)
    """Reason → some of the records."""
    several: Counter[str] = field(default_factory=Counter)
    """System → addresses that more than one record there has."""
    without: Counter[str] = field(default_factory=Counter)
    accounted: int = 0
    """People who are matched to an account that was read."""
    outside: Counter[str] = field(default_factory=Counter)
    """Rule → people whom it leaves outside the scope."""
    fields: dict[str, FieldCount] = field(default_factory=dict)
    values: Unmapped = field(init=False)
    writes: dict[str, Writes] = field(init=False)

    def __post_init__(self) -> None:
        lists = {(system, *where): values for system, target in self.targets.items() for where, values in target.lists.items()}
        self.values = Unmapped(self.playbook, lists)
        self.writes = {system: Writes(target) for system, target in self.targets.items()}

    def take(self, group: Together) -> Iterator[Line]:
        """Count those whom some records are; gives what is to be listed of them."""
        yield from self._addresses(group)
        self.by.update(group.matched.values())
        for note in group.unfit:
            self.values.parked(note)
        emails = {data.ref: address(data, self.playbook) or "" for data in group.seen}
        for ref, (reason, _) in group.asked.items():
            self.asked[reason] += 1
            if len(self.asked_of.setdefault(reason, [])) < MOST:
                self.asked_of[reason].append(ref)
            yield Line("ambiguous", (ref, emails.get(ref, ""), reason))
        asked = {lead for _, leads in group.asked.values() for lead in leads}
        for lead in group.leads:
            yield from self._person(lead, emails, asked=lead.id in asked)

    def _addresses(self, group: Together) -> Iterator[Line]:
        """Count records, those without an address, and addresses that are several records'."""
        known: dict[tuple[str, str], list[str]] = {}
        for data in group.seen:
            system, email = Ref.parse(data.ref).system, normal_email(address(data, self.playbook))
            self.records[system] += 1
            if email is None:
                self.without[system] += 1
                yield Line("without_email", (system, data.ref))
            else:
                known.setdefault((system, email), []).append(data.ref)
        for (system, email), refs in known.items():
            if len(refs) > 1:
                self.several[system] += 1
                yield from (Line("several", (system, email, ref)) for ref in refs)

    def _person(self, lead: Lead, emails: dict[str, str], *, asked: bool) -> Iterator[Line]:
        self.people += 1
        here = tuple(name for name in self.playbook.systems if lead.live(name))
        self.where[here] += 1
        if lead.undecided is None and not lead.in_scope:
            self.outside[lead.scope_rule] += 1
        if lead.undecided is not None or not lead.in_scope:
            return
        self.values.shown(lead)
        self.accounted += "account" in lead.why
        for shared, found in compared(lead, self.playbook):
            self.fields.setdefault(shared.name, FieldCount.of(shared)).take(found)
            yield from listed("differing", found) if isinstance(found, Difference) else ()
        made = [system for system, writes in self.writes.items() if writes.take(lead, system, self.playbook, self.now, duplicate=asked)]
        if len(here) == 1:
            yield from (Line(f"only_in_{here[0]}", (ref, emails.get(ref, ""), " ".join(made))) for ref in lead.records)

    def held_after(self) -> dict[str, int]:
        """Give the systems that the playbook's guards would pause on the way → after so many records."""
        guards, found = self.playbook.guards, {}
        for system, writes in self.writes.items():
            share = max(1, int(guards.share_of_records * self.records[system]))
            if writes.updated > share or writes.updated + writes.created > guards.writes_per_hour:
                found[system] = min(guards.writes_per_hour, share if writes.updated > share else guards.writes_per_hour)
        return found

    def plain(self) -> dict[str, Any]:
        """Give the report as plain data."""
        return {
            "records": dict(self.records),
            "people": self.people,
            "in": [{"systems": list(systems), "people": count} for systems, count in self.where.most_common()],
            "matched_by": dict(self.by),
            "ambiguous": [{"reason": one, "records": count, "examples": self.asked_of[one]} for one, count in self.asked.most_common()],
            "several_records_of_one_address": dict(self.several),
            "records_without_email": dict(self.without),
            "with_account": self.accounted,
            "outside_the_scope": dict(self.outside.most_common()),
            "fields": [self.fields[name].plain() for name in self.playbook.fields if name in self.fields],
            "unmapped": self.values.plain(),
            "writes": {system: one.plain() for system, one in self.writes.items()},
        }
