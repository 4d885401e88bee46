"""People, their times and limits, and the pools that they are in. Days are ISO dates, times of day "HH:MM"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sync.playbook.models.base import Where
from sync.playbook.models.routing import By

Span = tuple[str, str]
"""From, to: a span of one day, "09:00" to "17:30"."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When somebody works: per ISO weekday (1 is Monday) the spans of the day; empty: at any time."""

    days: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)
    timezone: str = ""
    """An IANA zone; empty: the company's."""
    calendar: str = ""
    """Public holidays that are kept: a country of `holidays`, with a subdivision after a dash: `DE-BY`. Empty: none."""


@dataclass(frozen=True, slots=True)
class Caps:
    """How much somebody may be given; None: any."""

    day: int | None = None
    week: int | None = None
    window: tuple[int, int] | None = None
    """(days, leads): so many leads in any so many days on end."""
    open: int | None = None
    """Open leads at one time, those that the CRM gave them included."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """A new hire begins with a share of the weight, and has the whole after some weeks."""

    since: str
    weeks: int
    share: float = 0.25


@dataclass(frozen=True, slots=True)
class Absence:
    """Days off, both inclusive; `cover` gets what would have been theirs."""

    first: str
    last: str
    cover: str | None = None
    since: int | None = None
    """Within those days from this moment on (ms); None: from the beginning."""
    until: int | None = None
    """Within those days to this moment (ms, exclusive); None: to the end."""


@dataclass(frozen=True, slots=True)
class Rep:
    """One person of the team; `email` names them everywhere."""

    email: str
    name: str
    where: Where
    manager: str | None = None
    away: tuple[Absence, ...] = ()
    deputy: str | None = None
    role: str = ""
    reach: Mapping[str, str] = field(default_factory=dict)
    """How to reach them: channel → address (`slack`, `phone`, `email` …)."""
    hours: Hours = Hours()
    caps: Caps = Caps()
    ramp: Ramp | None = None
    weight: float | None = None
    """In every pool, round robin too, instead of the pool's; only people set it, while Truce runs."""
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    """ISO 639-1, small letters."""


@dataclass(frozen=True, slots=True)
class Pool:
    """A named list of reps who take turns."""

    name: str
    members: tuple[str, ...]
    where: Where
    weights: Mapping[str, float] = field(default_factory=dict)
    """Member → weight; who is not named has 1."""
    by: By = "round_robin"
    caps: Caps = Caps()
    """Of each member, in this pool."""
    total: Caps = Caps()
    """Of the pool as a whole."""
