"""Who is there: what people said of themselves while Truce runs, laid over team.yaml. Moments are ms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal

from sync.lead import hours
from sync.lead.basis import UNCAPPED
from sync.playbook.models import Absence, Caps, Playbook, Pool, Rep

EVER = "9999-12-31"
"""The last day of an absence whose end nobody knows."""
FAR_MS = 100 * 366 * hours.DAY_MS
"""An end that is further away is none: no calendar counts so far."""
Source = Literal["cli", "slack", "api", "calendar", "sla"]


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody is not there from a moment on, until another (None: until they say that they are back)."""

    since: int
    until: int | None = None
    cover: str | None = None
    """E-mail of who gets meanwhile what would have been theirs."""


@dataclass(frozen=True, slots=True)
class Presence:
    """What was said of one person, newest first."""

    away: tuple[Away, ...] = ()
    back: tuple[Away, ...] = ()
    """They are there in that time, whatever team.yaml says."""
    weight: float | None = None
    """Instead of the weight that pools give them."""
    caps: Caps = UNCAPPED
    """What stands here counts instead of the same cap of team.yaml."""


@dataclass(frozen=True, slots=True)
class PresenceNote:
    """Somebody is taken for away by a decision: a person who let too much run out."""

    person: str
    since: int
    until: int | None = None
    cover: str | None = None
    why: str = ""
    by: str = "truce"
    source: Source = "sla"
    misses: int | None = None
    """Only if this one makes so many in a row that they let run out; None: in any case."""
    leg: str = ""
    """Of which leg."""


def present(playbook: Playbook, said: Mapping[str, Presence]) -> Playbook:
    """Give the playbook with the team as it is: absences, covers, caps and weights as people set them; nobody is added."""
    known = {email: one for email, one in said.items() if email in playbook.reps}
    if not known:
        return playbook
    reps = {email: _rep(playbook.reps[email], one, playbook.timezone) for email, one in known.items()}
    weights = {email: one.weight for email, one in known.items() if one.weight is not None}
    pools = {name: _pool(pool, weights) for name, pool in playbook.pools.items()}
    return replace(playbook, reps={**playbook.reps, **reps}, pools=pools)


def _rep(rep: Rep, said: Presence, home: str) -> Rep:
    zone = rep.hours.timezone or home
    own = tuple(piece for one in rep.away for piece in _without(one, said.back))
    caps = replace(rep.caps, **{one.name: value for one in fields(Caps) if (value := getattr(said.caps, one.name)) is not None})
    return replace(rep, away=(*(_absence(one, zone) for one in said.away), *own), caps=caps, weight=said.weight)


def _absence(away: Away, zone: str) -> Absence:
    until = None if away.until is None or away.until - away.since > FAR_MS else away.until
    last = EVER if until is None else hours.day(max(away.since, until - 1), zone)
    return Absence(hours.day(away.since, zone), last, away.cover, away.since, until)


def _without(absence: Absence, back: Iterable[Away]) -> list[Absence]:
    """Cut the time out of an absence in which somebody is there all the same."""
    left = [absence]
    for one in back:
        left = [
            piece for held in left for piece in (replace(held, until=_least(held.until, one.since)), _rest(held, one)) if piece is not None
        ]
    return left


def _rest(absence: Absence, back: Away) -> Absence | None:
    """Give what follows of it once somebody goes again."""
    return None if back.until is None else replace(absence, since=max(absence.since or 0, back.until))


def _least(one: int | None, other: int) -> int:
    return other if one is None else min(one, other)


def _pool(pool: Pool, weights: Mapping[str, float]) -> Pool:
    mine = {member: weights[member] for member in pool.members if member in weights}
    return replace(pool, weights={**pool.weights, **mine}) if mine else pool


def on_leave(rep: Rep, now: int, home: str) -> Absence | None:
    """Give the absence that somebody is on; `home` is the company's zone."""
    if not rep.away:
        return None
    today = hours.day(now, rep.hours.timezone or home)
    return next((one for one in rep.away if one.first <= today <= one.last and holds(one, now)), None)


def holds(absence: Absence, now: int) -> bool:
    """Say whether a moment lies in an absence that has moments besides days; to the minute, as all of a team is looked at."""
    at = now - now % hours.MINUTE_MS
    since = (absence.since or 0) // hours.MINUTE_MS * hours.MINUTE_MS
    return since <= at and (absence.until is None or at < absence.until)


def told(absence: Absence, zone: str) -> str:
    """Say how long somebody is away, as people say it."""
    if absence.last == EVER:
        return "away until they are back"
    if absence.until is not None and absence.until != hours.day_span(absence.until, zone)[0]:
        return f"away to {hours.short(absence.last)} {hours.wall(absence.until, zone):%H:%M}"
    return f"on leave to {hours.short(absence.last)}"
