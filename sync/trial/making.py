"""A case of a real lead: given as its records show it, expected as the rules judge it at a moment, personal values replaced. Pure.

It is played before it is given away: what a made-up value, or what a case cannot give, makes otherwise is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import NamedTuple

from sync.lead import account
from sync.lead.decision import Facts
from sync.lead.qualify import stage_values
from sync.lead.state import Lead
from sync.playbook.conditions import Conditions, Wrong
from sync.playbook.models import MQL, NOWHERE, Case, Condition, Expect, Given, Playbook, Route, Value, When
from sync.trial.cases import NONE, Got, outcome
from sync.trial.given import Rules, build, rules, values_of
from sync.trial.masks import Masked, masked
from sync.trial.parts import conditions_of
from sync.trial.real import MOST, given_of, untold
from sync.trial.rejudge import stands

SHOWN = 5


class Outcome(NamedTuple):
    """How the rules judge somebody, as far as a lead and a case can be compared."""

    stage: str
    rule: str
    fit: float
    engagement: float


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
    got = _play(mask.given, ready)
    name = ident or _called(got, {one.id for one in playbook.cases})
    case = Case(name, NOWHERE, mask.given, _expected(got, mask.given, playbook))
    return Made(case, tuple(_notes(mask, lead, playbook)), tuple(_differs(fresh, facts, real, mask, got, ready)))


def _play(given: Given, ready: Rules) -> Got:
    return outcome(build(Case("made", NOWHERE, given, Expect()), ready))


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


# ---- what the reader is to know


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


def lines(part: object) -> Iterator[Condition]:
    """Give every condition in a part of a playbook."""
    if isinstance(part, When):
        yield from part.lines
    elif is_dataclass(part) and not isinstance(part, type):
        for one in fields(part):
            yield from lines(getattr(part, one.name))
    elif isinstance(part, Mapping):
        yield from (line for inner in part.values() for line in lines(inner))
    elif isinstance(part, tuple):
        yield from (line for inner in part for line in lines(inner))


# ---- does it come out as the lead does?


def _differs(fresh: Lead, facts: Facts, real: Given, mask: Masked, got: Got, ready: Rules) -> Iterator[str]:
    """Say what a made-up value makes otherwise, and what a case cannot give."""
    plain = _play(real, ready)
    if _of(plain) != _of(got):
        yield f"with made-up values {_said(_of(plain), _of(got))}: {_culprits(real, mask, _of(got), ready)} made the difference"
    judged = _judged(fresh, facts, real.at, ready.awake)
    if not _same(judged, _of(plain)) and plain.handoff in (NONE, MQL):
        seen = build(Case("made", NOWHERE, real, Expect()), ready)
        names = list(_seen_otherwise(fresh, facts, real.at, ready.awake, values_of(seen)))
        why = (
            f"the case sees {', '.join(names)} otherwise"
            if names
            else "the team, its pools or the records stand otherwise than a case has them"
        )
        yield f"of the lead itself comes {_words(judged)}, of the case {_words(_of(plain))}: {why}"


def _of(got: Got) -> Outcome:
    return Outcome(got.stage, got.rule, round(got.scores["fit"], 1), round(got.scores["engagement"], 1))


def _judged(fresh: Lead, facts: Facts, at: int, playbook: Playbook) -> Outcome:
    stand = stands(fresh, facts, at, playbook)
    values = stage_values(fresh, playbook, at, account.values_of(fresh, facts, playbook))
    scores = [round(float(str(values.get(name) or 0)), 1) for name in ("fit", "engagement")]
    return Outcome(str(stand.stage or NONE), stand.route or NONE, scores[0], scores[1])


def _same(one: Outcome, other: Outcome) -> bool:
    """Compare; a moment's fading between the lead's seconds and the case's is none."""
    near = abs(one.fit - other.fit) < 0.15 and abs(one.engagement - other.engagement) < 0.15
    return near and (one.stage, one.rule) == (other.stage, other.rule)


def _culprits(real: Given, mask: Masked, got: Outcome, ready: Rules) -> str:
    """Name the values that, put back alone, change what comes out; all of them when no single one does."""
    found = [name for name in mask.replaced if _of(_play(_put_back(mask.given, name, real), ready)) != got]
    return ", ".join(found or mask.replaced)


def _put_back(given: Given, name: str, real: Given) -> Given:
    about, _, field = name.rpartition(".")
    if about == "account":
        return replace(given, account={**given.account, field: real.account[field]})
    if about == "opportunity":
        return replace(given, opportunity={**given.opportunity, field: real.opportunity[field]})
    return replace(given, lead={**given.lead, field: real.lead[field]})


def _seen_otherwise(fresh: Lead, facts: Facts, at: int, playbook: Playbook, seen: Mapping[str, Value]) -> Iterator[str]:
    own = stage_values(fresh, playbook, at, account.values_of(fresh, facts, playbook))
    asked = {
        name
        for line in lines((playbook.stages, playbook.segments, playbook.fit, playbook.handoffs, playbook.routes))
        for name in line.names
    }
    for name in sorted({*own, *seen} & asked):
        if name not in ("touches", "created_at", "fit", "engagement", "score", "cycle") and own.get(name) != seen.get(name):
            yield name
    if _acts(own) != _acts(seen):
        yield "touches"


def _acts(values: Mapping[str, Value]) -> list[tuple[str, str]]:
    acts = values.get("touches")
    return sorted((kind, name) for kind, name, _ in acts) if isinstance(acts, tuple) else []


def _said(before: Outcome, after: Outcome) -> str:
    changes = [f"{name} is {new} instead of {old}" for name, old, new in zip(Outcome._fields, before, after, strict=True) if old != new]
    return ", ".join(changes)


def _words(one: Outcome) -> str:
    return f"stage {one.stage}, rule {one.rule}, fit {one.fit:g}, engagement {one.engagement:g}"
