"""What would be told to each system once it may be written: the planner's own rows, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors.base import Capabilities, Manifest
from sync.lead.plan import Control, Plan, plan
from sync.lead.seen import TRUCE_ID
from sync.lead.state import Lead
from sync.playbook.models import Playbook


@dataclass(frozen=True, slots=True)
class Target:
    """One system as the planner has to know it."""

    manifest: Manifest
    capabilities: Mapping[str, Capabilities]
    """By the vendor's object."""
    users: Mapping[str, str]
    """E-mail → the vendor's id, active users only."""
    lists: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    """(object, vendor's field) → the only values that it takes."""

    @property
    def control(self) -> Control:
        """Nothing is paused, and everything was read."""
        return Control(self.manifest.truce_id_field, users=self.users, read_fully=True)


@dataclass(slots=True)
class Writes:
    """So much would be told to one system."""

    target: Target
    updated: int = 0
    """Records that would get other values, or the Truce id."""
    marked: int = 0
    """Of these, records that would get the Truce id only."""
    created: int = 0
    values: Counter[str] = field(default_factory=Counter)
    """Shared field → records in which it would be another."""
    left: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(field, reason) → differences that would not be told."""
    not_made: Counter[str] = field(default_factory=Counter)
    """Reason → people of whom no record would be made."""

    def take(self, lead: Lead, system: str, playbook: Playbook, now: int, *, duplicate: bool = False) -> bool:
        """Plan one person; says whether a record of them would be made. `duplicate`: a record that only a person can place may be theirs."""
        control = replace(self.target.control, duplicate=duplicate)
        found = plan(lead, system, playbook, (), self.target.capabilities, control, now)
        self.add(found)
        made = any(row.kind == "create" for row in found.rows)
        if lead.in_scope and not lead.live(system) and not made:
            self.not_made[self._why(lead, system, playbook, [one.reason for one in found.left if not one.field])] += 1
        return made

    def add(self, found: Plan) -> None:
        """Count what a plan would tell."""
        for row in found.rows:
            told = [name for name in row.fields if name != TRUCE_ID]
            self.values.update(told)
            if row.kind == "create":
                self.created += 1
            else:
                self.updated, self.marked = self.updated + 1, self.marked + (not told)
        self.left.update((one.field, one.reason) for one in found.left if one.field)

    def _why(self, lead: Lead, system: str, playbook: Playbook, said: list[str]) -> str:
        making = lead.makes.get(system)
        if not playbook.systems[system].creates:
            return "the playbook makes nobody there"
        if making is None or not making.object:
            return f"no rule lets them in ({making.rule})" if making else "no rule lets them in"
        return said[0] if said else "its e-mail is not written there"

    @property
    def calls(self) -> int:
        """Say how many calls it takes at the least: full batches, and a look-up before what is created."""
        size = self.target.manifest.batch_write
        return -(-self.updated // size) + 2 * -(-self.created // size)

    def plain(self) -> dict[str, Any]:
        """Give it as plain data."""
        left = [{"field": name, "reason": reason, "records": count} for (name, reason), count in self.left.most_common()]
        return {
            "updated": self.updated, "only_marked": self.marked, "created": self.created, "values": dict(self.values.most_common()), "not_told": left,
            "not_created": dict(self.not_made.most_common()), "calls": self.calls,
        }  # fmt: skip
