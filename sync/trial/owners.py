"""Who gets each lead when all hand-offs are known: pools take turns in the order of the log, whoever decided which lead. Pure.

Worlds decide persons apart from each other, so whose turn it is is settled here, in one pass over the hand-offs in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sync.lead import caps
from sync.lead.eligible import Team
from sync.lead.route import choose
from sync.lead.turns import PoolState, Turn
from sync.playbook.models import Playbook
from sync.trial.echoes import Users
from sync.trial.world import HandOff

KEPT_BY_SALES = "sales named them after that"
"""How a choice is told that sales itself made."""


@dataclass(slots=True)
class Owners:
    """Whom each hand-off went to."""

    by_handoff: dict[tuple[str, int], str] = field(default_factory=dict)
    """(lead id, line) → owner."""
    last: dict[str, str] = field(default_factory=dict)
    """Lead id → whom its last hand-off went to."""
    load: dict[str, int] = field(default_factory=dict)
    """Owner → hand-offs."""


@dataclass(slots=True)
class _Floor:
    """How pools and people stand between two hand-offs."""

    playbook: Playbook
    users: Users
    pools: dict[str, PoolState] = field(default_factory=dict)
    given: dict[str, Mapping[str, Mapping[int, int]]] = field(default_factory=dict)
    open: dict[str, int] = field(default_factory=dict)
    whom: dict[tuple[str, str], str] = field(default_factory=dict)
    """(lead, whom its world had chosen) → who really got it."""

    def give(self, one: HandOff) -> str:
        """Give one lead to whoever has the turn."""
        had = tuple(self.whom.get((one.lead_id, who), who) for who in one.had)
        team = Team(self.playbook, self.users, one.at, self.pools, self.given, self.open, had, one.said_no)
        turn, owner = Turn(one.lead_id, one.at, one.owner, "sticky", one.rule, self.playbook.version), one.owner
        if one.routed and one.how != KEPT_BY_SALES:
            choice = choose(one.values, team)
            owner = choice.owner or one.owner
            self.pools.update(choice.pools)
            turn = choice.turn or turn
        caps.add(self.given, replace(turn, owner=owner))
        self.open[owner] = self.open.get(owner, 0) + 1
        self.whom[one.lead_id, one.owner] = owner
        return owner


def settle(given: Iterable[HandOff], playbook: Playbook, users: Users) -> Owners:
    """Go through hand-offs in the order of time and give each its owner; open leads are those that this history handed over."""
    found, floor = Owners(), _Floor(playbook, users)
    for one in sorted(given, key=lambda one: (one.at, one.line, one.lead_id)):
        owner = floor.give(one)
        found.by_handoff[one.lead_id, one.line] = owner
        found.last[one.lead_id] = owner
        found.load[owner] = found.load.get(owner, 0) + 1
    return found
