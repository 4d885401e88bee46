"""Scores, segments, the three machines (stages, statuses, opportunity stages), and the kinds of hand-off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sync.playbook.models.base import When, Where
from sync.playbook.models.fields import Side
from sync.playbook.models.routing import Step

STAGES = ("inquiry", "lead", "mql", "sal", "sql", "opportunity", "customer")
SIDE_EXITS = ("recycled", "disqualified")
Score = Literal["fit", "engagement", "score"]
To = Literal["owner", "account_owner", "opportunity_owner"]
"""Who gets a hand-off that is no MQL: the lead's owner, its account's, its open opportunity's."""


@dataclass(frozen=True, slots=True)
class Points:
    """Points for one fact of fit, or for one kind of touch."""

    points: float
    where: Where
    when: When | None = None
    kind: str | None = None
    name: str | None = None
    """A part of the touch's name, ignoring case; None is any."""
    half_life_days: float | None = None
    cap: float | None = None
    """No more than this from all touches of the line; of a line that takes points away, no less."""
    label: str = ""
    window_days: float | None = None
    """A touch older than this counts no more."""
    category: str = ""


@dataclass(frozen=True, slots=True)
class Category:
    """Lines of engagement that share one cap."""

    name: str
    cap: float
    where: Where


@dataclass(frozen=True, slots=True)
class Scanners:
    """An open or click that comes so soon after delivery is a machine's: it scores nothing."""

    within_ms: int = 10_000
    touches: frozenset[str] = frozenset({"open", "click"})


@dataclass(frozen=True, slots=True)
class Returns:
    """What a recycled lead needs to come back, besides an act of the person after it was recycled."""

    where: Where
    after_ms: int = 0
    """So long it stays recycled at least."""
    when: When = field(default_factory=When)
    label: str = ""
    """The same in words."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One lifecycle stage: what lets a lead enter it (None: only a system or a person says so)."""

    id: str
    where: Where
    when: When | None
    accountable: str
    handoff: bool = False
    """Entering it opens a hand-off (the MQL stage)."""
    exit: When | None = None
    """What takes a lead out again, back to the last stage that still lets it in."""
    back: frozenset[Side] | None = None
    """Who may move a lead backwards from here; None: as the field's policy has it."""
    returns: Returns | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the market, with definitions of its own for some stages; the first segment whose `when` holds is the lead's."""

    id: str
    where: Where
    when: When
    stages: Mapping[str, When] = field(default_factory=dict)
    """Stage → what lets a lead of this segment enter it, in place of the stage's own."""


@dataclass(frozen=True, slots=True)
class OpportunityStage:
    """One stage of opportunities: whether the deal goes on, and where its people stand then."""

    id: str
    where: Where
    state: Literal["open", "won", "lost"]
    stage: str | None = None
    """The lifecycle stage of its people; None: it moves nobody."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A hand-off that is no MQL: whose act it is for, who gets it, under which SLA."""

    id: str
    where: Where
    when: When
    to: To
    fallback: tuple[Step, ...] = ()
    sla: str = ""
    touches: frozenset[str] = frozenset({"form"})
    """The kinds of touch that open one."""


MQL = "mql"
"""The kind of a hand-off that entering the stage `handoff: true` opens."""
