"""Whom of a pool a lead goes to: who may have it, narrowed by memory and hours as far as somebody is left, then by turns or by load."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

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
KEPT = 1_024
"""So many line-ups of a minute are kept: the same pools are asked again and again."""
_NEW = PoolState()


@dataclass(slots=True)
class Drawn:
    """Whose turn it is (None: nobody's), the pool once it is used up, and who was passed over."""

    turn: Turn | None = None
    state: PoolState | None = None
    passed_over: Sequence[tuple[str, str]] = ()
    words: str = ""
    tally: str = ""


class LineUp(NamedTuple):
    """The members who may have a lead: who would get it for each, each one's weight; and who was passed over."""

    stands: Mapping[str, Stand]
    weights: Mapping[str, float]
    passed_over: Sequence[tuple[str, str]]


def draw(pool: Pool, assign: Assign, values: Values, team: Team, strict: Strict) -> Drawn:
    """Draw from a pool by an assignment's ways (its `by`, skills, language and memory)."""
    by = assign.by or pool.by
    said = team.pool_full(pool)
    if said is not None:
        return Drawn(passed_over=((pool.name, said),))
    stands, weights, passed_over = _line_up(pool, assign, values, team, strict)
    if not weights:
        return Drawn(passed_over=passed_over)
    state = team.pools.get(pool.name, _NEW)
    turns = by in BY_TURNS
    member = first(state, weights) if turns else longest_waiting(state, _loads(pool, by, weights, stands, team))
    state = after(state, member, weights, team.week(), due=turns)
    owner = stands[member].owner
    how: How = "turn" if owner == member else "cover"
    turn = Turn("", team.now, owner, how, "", 0, pool=pool.name, number=state.number, member=member, by=by, eligible=weights)
    return Drawn(turn, state, passed_over, WORDS[by], tally(state, member) if turns else "")


def _line_up(pool: Pool, assign: Assign, values: Values, team: Team, strict: Strict) -> LineUp:
    """Give who may have the lead; what any other lead of this minute would find too is looked for once."""
    spoken = str(values.get(assign.language.removeprefix("lead.")) or "") if assign.language else ""
    if (assign.memory and team.had) or (strict.refusals and team.said_no):
        return _lined_up(pool, assign, spoken, team, strict)
    known = cast("dict[object, LineUp]", team.this_minute())
    asked = (pool.name, assign.by, strict.holidays, assign.skills, spoken)
    found = known.get(asked)
    if found is None:
        found = _lined_up(pool, assign, spoken, team, strict)
        if not team.capped(pool):
            if len(known) >= KEPT:
                known.clear()
            known[asked] = found
    return found


def _lined_up(pool: Pool, assign: Assign, spoken: str, team: Team, strict: Strict) -> LineUp:
    passed_over: list[tuple[str, str]] = []
    stands = _may(pool, assign, spoken, team, strict, passed_over)
    recent = set(team.had[-assign.memory :]) if assign.memory else set()
    stands = _narrow(stands, {m for m, one in stands.items() if one.owner not in recent}, "had it lately", passed_over)
    stands = _narrow(stands, {m for m, one in stands.items() if team.works(one.owner)}, "outside their hours", passed_over)
    return LineUp(stands, _weights(pool, assign.by or pool.by, stands, team, passed_over), passed_over)


def _may(pool: Pool, assign: Assign, spoken: str, team: Team, strict: Strict, passed_over: list[tuple[str, str]]) -> dict[str, Stand]:
    """Give the members who may have it, each with who would get it for them."""
    found: dict[str, Stand] = {}
    for member in pool.members:
        stand, why = team.stand(member, strict)
        if stand is not None:
            why = team.misfit(stand.owner, assign.skills, spoken) or team.full_in(pool, stand.owner) or ""
        if stand is None or why:
            over = f"{team.name(stand.owner)}, who covers, {why}" if stand is not None and stand.covers else why
            passed_over.append((member, over))
        else:
            found[member] = stand
    return found


def _narrow(stands: dict[str, Stand], kept: set[str], why: str, passed_over: list[tuple[str, str]]) -> dict[str, Stand]:
    """Leave out whom something speaks against, unless nobody would be left."""
    if not kept:
        return stands
    passed_over += [(member, why) for member in stands if member not in kept]
    return {member: one for member, one in stands.items() if member in kept}


def _weights(pool: Pool, by: By, stands: Mapping[str, Stand], team: Team, passed_over: list[tuple[str, str]]) -> dict[str, float]:
    """Give each one's weight as it is today; the weights of the pool count where they are asked for."""
    found: dict[str, float] = {}
    for member in stands:
        rep = team.playbook.reps.get(member)
        said = rep.weight if rep is not None else None
        own = said if said is not None else 1.0 if by == "round_robin" else pool.weights.get(member, 1.0)
        weight = own * team.ramp(member)
        if weight > 0:
            found[member] = weight
        else:
            passed_over.append((member, "has no weight"))
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
