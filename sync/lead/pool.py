"""Whom of a pool a lead goes to: who may have it, narrowed by memory and hours as far as somebody is left, then by turns or by load."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sync.lead.eligible import Stand, Strict, Team
from sync.lead.turns import How, PoolState, Turn, after, first, longest_waiting, tally
from sync.playbook.models import Assign, By, Pool, Values

WORDS: Mapping[By, str] = {
    "round_robin": "round robin",
    "weighted": "weighted",
    "least_open": "fewest open leads",
    "capacity": "most room",
}
BY_TURNS: tuple[By, ...] = ("round_robin", "weighted")


@dataclass(slots=True)
class Drawn:
    """Whose turn it is (None: nobody's), the pool once it is used up, and who was passed over."""

    turn: Turn | None = None
    state: PoolState | None = None
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    words: str = ""
    tally: str = ""


def draw(pool: Pool, assign: Assign, values: Values, team: Team, strict: Strict) -> Drawn:
    """Draw from a pool by an assignment's ways (its `by`, skills, language and memory)."""
    drawn, by = Drawn(), assign.by or pool.by
    said = team.pool_full(pool)
    if said is not None:
        drawn.passed_over.append((pool.name, said))
        return drawn
    stands = _may(pool, assign, values, team, strict, drawn)
    recent = set(team.had[-assign.memory :]) if assign.memory else set()
    stands = _narrow(stands, {m for m, one in stands.items() if one.owner not in recent}, "had it lately", drawn)
    stands = _narrow(stands, {m for m, one in stands.items() if team.works(one.owner)}, "outside their hours", drawn)
    weights = _weights(pool, by, stands, team, drawn)
    if not weights:
        return drawn
    state = team.pools.get(pool.name, PoolState())
    member = first(state, weights) if by in BY_TURNS else longest_waiting(state, _loads(pool, by, weights, stands, team))
    owner, turns = stands[member].owner, by in BY_TURNS
    drawn.state = after(state, member, weights, team.week(), due=turns)
    drawn.words, drawn.tally = WORDS[by], tally(drawn.state, member) if turns else ""
    number, how = drawn.state.number, _HOW[owner == member]
    drawn.turn = replace(_BLANK, at=team.now, owner=owner, how=how, pool=pool.name, number=number, member=member, by=by, eligible=weights)
    return drawn


_HOW: Mapping[bool, How] = {True: "turn", False: "cover"}
_BLANK = Turn("", 0, "", "turn", "", 0)


def _may(pool: Pool, assign: Assign, values: Values, team: Team, strict: Strict, drawn: Drawn) -> dict[str, Stand]:
    """Give the members who may have it, each with who would get it for them."""
    language = values.get(assign.language.removeprefix("lead.")) if assign.language else None
    found: dict[str, Stand] = {}
    for member in pool.members:
        stand, why = team.stand(member, strict)
        if stand is not None:
            why = team.misfit(stand.owner, assign.skills, language) or team.full_in(pool, stand.owner) or ""
        if stand is None or why:
            over = f"{team.name(stand.owner)}, who covers, {why}" if stand is not None and stand.covers else why
            drawn.passed_over.append((member, over))
        else:
            found[member] = stand
    return found


def _narrow(stands: dict[str, Stand], kept: set[str], why: str, drawn: Drawn) -> dict[str, Stand]:
    """Leave out whom something speaks against, unless nobody would be left."""
    if not kept:
        return stands
    drawn.passed_over += [(member, why) for member in stands if member not in kept]
    return {member: one for member, one in stands.items() if member in kept}


def _weights(pool: Pool, by: By, stands: Mapping[str, Stand], team: Team, drawn: Drawn) -> dict[str, float]:
    """Give each one's weight as it is today; the weights of the pool count where they are asked for."""
    found: dict[str, float] = {}
    for member in stands:
        own = 1.0 if by == "round_robin" else pool.weights.get(member, 1.0)
        weight = own * team.ramp(member)
        if weight > 0:
            found[member] = weight
        else:
            drawn.passed_over.append((member, "has no weight yet"))
    return found


def _loads(pool: Pool, by: By, weights: Mapping[str, float], stands: Mapping[str, Stand], team: Team) -> dict[str, float]:
    """Give how full each would be: open leads with this one for their weight, or as a share of what they may have open."""
    open_ = {member: team.open.get(stands[member].owner, 0) + 1 for member in weights}
    if by == "least_open":
        return {member: count / weights[member] for member, count in open_.items()}
    most = {member: _most_open(pool, stands[member].owner, team) for member in weights}
    largest = max((cap for cap in most.values() if cap is not None), default=1)
    return {member: count / (weights[member] * (most[member] or largest)) for member, count in open_.items()}


def _most_open(pool: Pool, email: str, team: Team) -> int | None:
    rep = team.playbook.reps.get(email)
    found = [cap for cap in (rep.caps.open if rep else None, pool.caps.open) if cap is not None]
    return min(found) if found else None
