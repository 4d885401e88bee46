"""What a choice may depend on besides the lead: rows to be locked, leads to be counted, before it holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from sync.lead import caps
from sync.lead.index import index
from sync.lead.turns import PoolState
from sync.playbook.models import By, Caps, Playbook, Pool

NONE: frozenset[str] = frozenset()
UNCAPPED = Caps()
KEPT = 1_024
"""So many answers are kept per playbook: the same routes ask again and again."""
Asked = tuple[frozenset[str], tuple[tuple[str, By | None], ...]]


@dataclass(frozen=True, slots=True)
class Basis:
    """Names of pools, and e-mails of people with a cap."""

    locked: frozenset[str] = NONE
    counted: frozenset[str] = NONE
    """Those of `locked` whose given leads are counted."""
    open: frozenset[str] = NONE
    """People whose open leads are counted."""
    days: int = 0
    """So many days back."""

    def __or__(self, other: Basis) -> Basis:
        """Give both together."""
        locked, counted, open_ = self.locked | other.locked, self.counted | other.counted, self.open | other.open
        return Basis(locked, counted, open_, max(self.days, other.days))


NOTHING = Basis()


def _covers(playbook: Playbook, email: str) -> Iterable[str]:
    rep = playbook.reps.get(email)
    return (one.cover for one in rep.away if one.cover) if rep is not None else ()


def _person(playbook: Playbook, email: str) -> Basis:
    rep = playbook.reps.get(email)
    if rep is None or rep.caps == UNCAPPED:
        return NOTHING
    mine, days = frozenset({email}), caps.days(rep.caps)
    return Basis(mine, mine if days else NONE, mine if rep.caps.open is not None else NONE, days)


def _pool(pool: Pool, by: By | None, people: frozenset[str]) -> Basis:
    mine, days = frozenset({pool.name}), max(caps.days(pool.caps), caps.days(pool.total))
    opens = (by or pool.by) in ("least_open", "capacity") or pool.caps.open is not None or pool.total.open is not None
    return Basis(mine, mine if days else NONE, people if opens else NONE, days)


def of(playbook: Playbook, people: Iterable[str], pools: Sequence[tuple[Pool, By | None]]) -> Basis:
    """Give what it takes to choose among these people and pools, those who may cover somebody among them."""
    known = cast("dict[Asked, Basis]", index(playbook).kept.setdefault("basis", {}))
    asked = frozenset(people), tuple((pool.name, by) for pool, by in pools)
    found = known.get(asked)
    if found is None:
        if len(known) >= KEPT:
            known.clear()
        found = known[asked] = _of(playbook, asked[0], pools)
    return found


def _of(playbook: Playbook, people: frozenset[str], pools: Sequence[tuple[Pool, By | None]]) -> Basis:
    found, everybody = NOTHING, set(people)
    for pool, by in pools:
        team = {*pool.members, *(cover for member in pool.members for cover in _covers(playbook, member))}
        found |= _pool(pool, by, frozenset(team))
        everybody |= team
    for email in everybody | {cover for one in everybody for cover in _covers(playbook, one)}:
        if (one := _person(playbook, email)) is not NOTHING:
            found |= one
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """How pools and people stand: as it was seen last, or as it is under the locks."""

    pools: Mapping[str, PoolState] = field(default_factory=dict)
    given: Mapping[str, Mapping[str, Mapping[int, int]]] = field(default_factory=dict)
    open: Mapping[str, int] = field(default_factory=dict)

    def holds(self, truth: Standing) -> bool:
        """Say whether what was thought of these pools and people is so."""
        return (
            all(self.pools.get(name, PoolState()) == state for name, state in truth.pools.items())
            and all(self.given.get(name, {}) == owners for name, owners in truth.given.items())
            and all(self.open.get(name, 0) == count for name, count in truth.open.items())
        )

    def learn(self, truth: Standing) -> Standing:
        """Give what is known with the truth in it."""
        return Standing({**self.pools, **truth.pools}, {**self.given, **truth.given}, {**self.open, **truth.open})
