"""Who gets it: the ordered tree whose root always matches, and the pools that take turns. Never somebody who cannot. Times are ms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.base import Scalar
from sync.lead.decision import PoolState, VendorUser
from sync.lead.tree import find
from sync.playbook.models import Assign, Playbook, Route


@dataclass(slots=True)
class Choice:
    """Who gets the lead (None: nobody may), and everything that was looked at on the way."""

    owner: str | None
    route: Route | None
    looked: list[dict[str, Any]]
    how: str = ""
    passed_over: list[dict[str, str]] = field(default_factory=list)
    pools: dict[str, PoolState] = field(default_factory=dict)
    """Pools as they are after the choice."""
    locked: frozenset[str] = frozenset()
    """Every pool that it looked at."""

    def why(self, playbook: Playbook, at: int) -> dict[str, Any]:
        """Give the choice as it is kept and shown."""
        rule = f"{self.route.where} {self.route.id}" if self.route else ""
        return {
            "owner": self.owner,
            "rule": rule,
            "how": self.how,
            "lines": self.looked,
            "passed_over": self.passed_over,
            "version": playbook.version,
            "at": at,
        }


@dataclass(frozen=True, slots=True)
class Team:
    """Who may be given a lead at this moment."""

    playbook: Playbook
    users: Mapping[str, Mapping[str, VendorUser]]
    now: int

    def _day(self) -> str:
        return datetime.fromtimestamp(self.now / 1000, _zone(self.playbook.timezone)).date().isoformat()

    def obstacle(self, email: str) -> str | None:
        """Say why a person may not be given a lead; None when they may."""
        rep = self.playbook.reps.get(email)
        if rep is None:
            return "is not in team.yaml"
        day = self._day()
        away = next((one.last for one in rep.away if one.first <= day <= one.last), None)
        if away is not None:
            return f"away to {away}"
        for name, system in self.playbook.systems.items():
            if system.side == "sales":
                known = [user for user in self.users.get(name, {}).values() if user.email.strip().lower() == email.lower()]
                if not known:
                    return f"has no user in {name}"
                if not any(user.active for user in known):
                    return f"is inactive in {name}"
        return None


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | Any:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _turn(assign: Assign, team: Team, pools: Mapping[str, PoolState], choice: Choice) -> str | None:
    """Give the next of the pool after the last one who may be given a lead."""
    name = assign.pool or ""
    pool = team.playbook.pools.get(name)
    if pool is None or not pool.members:
        choice.passed_over.append({"who": name, "why": "an empty pool"})
        return None
    state = pools.get(name, PoolState())
    start = pool.members.index(state.last) + 1 if state.last in pool.members else 0
    for step in range(len(pool.members)):
        member = pool.members[(start + step) % len(pool.members)]
        obstacle = team.obstacle(member)
        if obstacle is None:
            choice.pools[name] = PoolState(member, {**state.counts, member: state.counts.get(member, 0) + 1})
            choice.how = f"pool {name}, next in turn"
            return member
        choice.passed_over.append({"who": member, "why": obstacle})
    return None


def _pick(assign: Assign, team: Team, pools: Mapping[str, PoolState], choice: Choice, owner: str | None) -> str | None:
    if assign.sticky and owner:
        obstacle = team.obstacle(owner)
        if obstacle is None:
            choice.how = "keeps its owner"
            return owner
        choice.passed_over.append({"who": owner, "why": obstacle})
    if assign.owner:
        obstacle = team.obstacle(assign.owner)
        if obstacle is None:
            choice.how = "named by the route"
            return assign.owner
        choice.passed_over.append({"who": assign.owner, "why": obstacle})
    if assign.pool:
        found = _turn(assign, team, pools, choice)
        if found is not None:
            return found
    for step in assign.fallback:
        if step.owner is None:
            continue
        obstacle = team.obstacle(step.owner)
        if obstacle is None:
            choice.how = "fallback"
            return step.owner
        choice.passed_over.append({"who": step.owner, "why": obstacle})
    return None


def choose(values: Mapping[str, Scalar], team: Team, pools: Mapping[str, PoolState]) -> Choice:
    """Choose the owner of a lead with these values (its owner now among them)."""
    looked: list[dict[str, Any]] = []
    route = find(values, team.playbook.routes, looked)
    choice = Choice(None, route, looked)
    if route is None:
        return choice
    owner = values.get("owner")
    choice.owner = _pick(route.assign, team, pools, choice, str(owner) if owner else None)
    choice.locked = frozenset({route.assign.pool} if route.assign.pool else ())
    return choice
