"""Scores and stages."""

from __future__ import annotations

from dataclasses import dataclass

from sync.playbook.models.base import When, Where

STAGES = ("inquiry", "lead", "mql", "sal", "sql", "opportunity", "customer")
SIDE_EXITS = ("recycled", "disqualified")


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
    label: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One lifecycle stage: what lets a lead enter it (None: only a system or a person says so)."""

    id: str
    where: Where
    when: When | None
    accountable: str
    handoff: bool = False
    """Entering it opens a hand-off (the MQL stage)."""
