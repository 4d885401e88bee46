"""A case of a real lead: given as its records show it, expected as the rules judge it at a moment, personal values replaced. Pure.

It is played before it is given away: what a made-up value, or what a case cannot give, makes otherwise is named.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sync.lead.decision import Facts
from sync.lead.state import Lead
from sync.playbook.conditions import Conditions, Wrong
from sync.playbook.models import NOWHERE, Case, Condition, Expect, Given, Playbook, Route
from sync.trial.cases import NONE, Got
from sync.trial.given import rules
from sync.trial.masks import Masked, masked
from sync.trial.parts import conditions_of, lines
from sync.trial.real import MOST, given_of, untold
from sync.trial.unlike import differs, played

SHOWN = 5


@dataclass(frozen=True, slots=True)
class Made:
    """A case that was made, and what whoever reads it is to know."""

    case: Case
    notes: tuple[str, ...]
    """What was replaced, and which rules look at it: may stand beside the case."""
    differs: tuple[str, ...]
    """What comes out otherwise than of the lead itself, and by which value; none when it comes out the same. It may tell in which table the
    person is, so that it is for whoever made the case alone."""


def make(lead: Lead, facts: Facts, playbook: Playbook, now: int, ident: str = "") -> Made:
    """Make a case of a lead, as it is judged at `now`; without a name it is called by what comes of it."""
    ready, fresh = rules(playbook), untold(lead, playbook)
    # whom the hand-off that is judged anew went to did not have the lead before it
    real = given_of(fresh, facts, playbook, now, lead.had if lead.handoff is None else lead.had[:-1])
    mask = masked(real, playbook)
    got = played(mask.given, ready)
    name = ident or _called(got, {one.id for one in playbook.cases})
    case = Case(name, NOWHERE, mask.given, _expected(got, mask.given, playbook))
    return Made(case, tuple(_notes(mask, lead, playbook)), tuple(differs(fresh, facts, real, mask, got, ready)))


def _called(got: Got, taken: set[str]) -> str:
    """Name a case by its stage and rule, so that nothing in it leads back to the person."""
    stem = "-".join(part.replace("_", "-") for part in ("lead", got.stage, got.rule) if part != NONE)
    return next(name for number in range(1, len(taken) + 2) if (name := stem if number == 1 else f"{stem}-{number}") not in taken)


def _expected(got: Got, given: Given, playbook: Playbook) -> Expect:
    """Expect what came of it; the owner only where no pool's turn has chosen them, for turns go on."""
    scores = {name: round(got.scores[name], 1) for name in ("fit", "engagement")}
    owner = None if got.owner == given.lead.get("owner") or _by_turns(got.rule, playbook) else got.owner
    return Expect(got.stage, scores, None if owner == NONE else owner, got.rule, got.handoff, got.problems)


def _by_turns(rule: str, playbook: Playbook) -> bool:
    return next((route.assign.pool is not None for route in _routes(playbook.routes) if route.id == rule), False)


def _routes(some: tuple[Route, ...]) -> Iterator[Route]:
    for route in some:
        yield route
        yield from _routes(route.routes)


def _notes(mask: Masked, lead: Lead, playbook: Playbook) -> Iterator[str]:
    for name in mask.replaced:
        asking = list(dict.fromkeys(_asking(name, playbook)))
        more = f" and {len(asking) - SHOWN} more" if len(asking) > SHOWN else ""
        yield f"{name} is made up" + (
            f"; rules look at it, and may say otherwise of the real one: {', '.join(asking[:SHOWN])}{more}" if asking else ""
        )
    for name in mask.left_out:
        yield f"{name} is left out: it is personal, and nothing can be made up for it"
    if len(lead.touches) > MOST:
        yield f"only the newest {MOST} of {len(lead.touches)} touches are given"


def _asking(name: str, playbook: Playbook) -> Iterator[str]:
    """Give the places of what looks at a value: conditions that ask for more than whether it is there, and tables by which people are found."""
    conditions = conditions_of(playbook)
    names = {name, "email_domain"} if name == "email" else {name}
    for part in (playbook.scope, playbook.stages, playbook.segments, playbook.fit, playbook.handoffs, playbook.routes, playbook.systems):
        yield from (str(line.where) for line in lines(part) if names & line.names and names & _needed(line, conditions))
    for route in _routes(playbook.routes):
        table = playbook.tables.get(route.assign.table or "")
        if table is not None and names & set(table.of):
            yield f"{route.where} (table {table.name})"


def _needed(line: Condition, conditions: Conditions) -> set[str]:
    try:
        return conditions.read(line.text).scanned.needed
    except Wrong:
        return set(line.names)
