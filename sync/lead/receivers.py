"""Who gets the leads of somebody who goes: a person, whoever's turn it is in a pool, or whom each lead's route finds next. Nobody is asked twice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from schemas import envelope
from schemas.command import Command
from schemas.envelope import Envelope, derived_id
from sync.lead import caps
from sync.lead.eligible import ROUNDS, Team
from sync.lead.offers import is_open
from sync.lead.pool import draw
from sync.lead.presence import Away, Presence, present
from sync.lead.route import choose
from sync.lead.state import Lead
from sync.lead.turns import How, PoolState, Turn
from sync.playbook.models import Absence, Assign, Playbook, Values

POOL = "pool:"
_PLAIN = Assign()


@dataclass(frozen=True, slots=True)
class Passed:
    """One lead that is to be somebody else's: who gets it (None: nobody may), and why they."""

    lead_id: str
    what: str
    """`handoff`: an open one; `lead`: theirs without one."""
    handoff: str | None
    before: str
    after: str | None
    why: str


def order(
    one: Passed, run: str, *, by: str, at: datetime, clocks: Literal["keep", "restart"] = "keep", reason: str = "", source: str = "cli"
) -> Envelope:
    """Make the order that gives one lead to somebody else; for the same lead of a run it is the same order."""
    command = Command(
        name="reassign", lead_id=one.lead_id, handoff=one.handoff, by=by, who=one.before, to=one.after, clocks=clocks, run=run,
        reason=reason, at=at,
    )  # fmt: skip
    return envelope.new("truce.command.reassign", command, source=source, ident=derived_id("reassign", run, one.lead_id), time=at)


def without(playbook: Playbook, person: str, now: int) -> Playbook:
    """Give the team without somebody: what they have is to go, so they get none of it, and their cover no more than others."""
    return present(playbook, {person: Presence((Away(now),))})


def held(lead: Lead, person: str) -> str | None:
    """Say what of somebody a lead is: `handoff`, `lead` (theirs, and nothing handed over is open), or nothing."""
    if is_open(lead) and lead.handoff is not None:
        return "handoff" if lead.handoff.owner == person else None
    return "lead" if caps.holder(lead) == person else None


def pass_on(leads: Iterable[tuple[Lead, Values]], person: str, to: str | None, team: Team) -> list[Passed]:
    """Give for each lead of a person who gets it, in order: each counts against the next, so that turns, loads and caps are kept.

    `to`: an e-mail, `pool:NAME`, or None for whom the routes find. `team` is without the person.
    """
    found = []
    for lead, values in leads:
        what = held(lead, person)
        if what is None:
            continue
        note = lead.handoff if what == "handoff" else None
        asked_before = {offer.owner for offer in note.offers} if note is not None else set()
        asked = replace(team, had=tuple(lead.had), said_no=frozenset(lead.said_no) | {person} | asked_before)
        after, why, pools = _one(values, person, to, asked)
        handoff = note.id if note is not None else None
        found.append(Passed(lead.id, what, handoff, person, after, why))
        team = _counted(team, after, pools)
    return found


def _one(values: Values, person: str, to: str | None, team: Team) -> tuple[str | None, str, Mapping[str, PoolState]]:
    if to is None:
        choice = choose(values, team)
        over = "; ".join(f"{team.name(one['who'])} {one['why']}" for one in choice.passed_over)
        return (choice.owner if choice.owner != person else None), choice.how or over, choice.pools
    if not to.startswith(POOL):
        stand, why = team.stand(to, ROUNDS[-1])
        return (None, why, {}) if stand is None else (stand.owner, f"covers {team.name(to)}" if stand.covers else "named", {})
    pool = team.playbook.pools[to.removeprefix(POOL)]
    for strict in ROUNDS:
        drawn = draw(pool, _PLAIN, values, team, strict)
        if drawn.turn is not None and drawn.state is not None:
            return drawn.turn.owner, f"pool {pool.name}, {drawn.words}", {pool.name: drawn.state}
    return None, "; ".join(f"{team.name(who)} {why}" for who, why in drawn.passed_over), {}


def _counted(team: Team, owner: str | None, pools: Mapping[str, PoolState]) -> Team:
    if owner is None:
        return team
    how: How = "named"
    given = dict(team.given)
    caps.add(given, Turn("", team.now, owner, how, "", 0, pool=next(iter(pools), None)))
    open_ = {**team.open, owner: team.open.get(owner, 0) + 1}
    return replace(team, given=given, open=open_, pools={**team.pools, **pools})


@dataclass(frozen=True, slots=True)
class Held:
    """An open hand-off as the cover's keeper sees it."""

    lead_id: str
    key: str
    handoff: str
    owner: str
    state: str


@dataclass(frozen=True, slots=True)
class Lent:
    """A hand-off that went to somebody's cover."""

    run: str
    lead_id: str
    handoff: str
    person: str
    cover: str


UNWORKED = ("offered", "accepted")
"""What nobody worked on yet: it goes to the cover, and comes back; what is being worked on stays where it is."""


def lend(held_: Iterable[Held], lent: Iterable[Lent], team: Team) -> list[tuple[Held, str]]:
    """Give the open hand-offs of absent people that go to whoever covers them now, each once in an absence."""
    before = {(one.run, one.lead_id) for one in lent}
    found = []
    for one in held_:
        leave = team.absence(one.owner) if one.state in UNWORKED else None
        if leave is None or leave.cover is None or (run_of(one.owner, leave), one.lead_id) in before:
            continue
        stand, _ = team.stand(one.owner, ROUNDS[-1])
        if stand is not None and stand.covers == one.owner:
            found.append((one, stand.owner))
    return found


def give_back(held_: Iterable[Held], lent: Iterable[Lent], team: Team) -> tuple[list[tuple[Held, Lent]], list[Lent]]:
    """Give what goes back to people who are there again, and what is settled because it was worked, moved on or ended meanwhile."""
    now = {one.lead_id: one for one in held_}
    back: list[tuple[Held, Lent]] = []
    settled: list[Lent] = []
    for one in lent:
        if team.absence(one.person) is not None:
            continue
        mine = now.get(one.lead_id)
        if mine is not None and mine.handoff == one.handoff and mine.owner == one.person:
            continue  # the order that gives it to the cover is not decided yet, or was refused
        if mine is not None and mine.handoff == one.handoff and mine.owner == one.cover and mine.state in UNWORKED:
            if team.obstacle(one.person) is None:
                back.append((mine, one))
        else:
            settled.append(one)
    return back, settled


def run_of(person: str, leave: Absence) -> str:
    """Name the run in which somebody's hand-offs go to their cover for one absence."""
    return f"cover:{person}:{leave.first if leave.since is None else leave.since}"
