"""Who gets each lead when all hand-offs are known: pools take turns in the order of the log, whoever decided which lead. Pure.

Worlds decide persons apart from each other, so whose turn it is is settled here, in one pass over the hand-offs in their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sync.lead.decision import PoolState
from sync.lead.route import Team, choose
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


def settle(given: Iterable[HandOff], playbook: Playbook, users: Users) -> Owners:
    """Go through hand-offs in the order of the log and give each its owner."""
    found, pools = Owners(), dict[str, PoolState]()
    for one in sorted(given, key=lambda one: (one.line, one.lead_id)):
        owner = _owner(one, playbook, users, pools)
        found.by_handoff[one.lead_id, one.line] = owner
        found.last[one.lead_id] = owner
        found.load[owner] = found.load.get(owner, 0) + 1
    return found


def _owner(one: HandOff, playbook: Playbook, users: Users, pools: dict[str, PoolState]) -> str:
    if one.how == KEPT_BY_SALES:
        return one.owner
    choice = choose(one.values, Team(playbook, users, one.at), pools)
    pools.update(choice.pools)
    return choice.owner or one.owner
