"""What sales says and shows: approved messages by segment and stage, and the material behind them, each with somebody who keeps it fresh."""

from __future__ import annotations

from dataclasses import dataclass

from sync.playbook.models.base import Where


@dataclass(frozen=True, slots=True)
class Material:
    """One document, in its current version."""

    id: str
    title: str
    kind: str
    version: str
    owner: str
    review_by: str
    """ISO date: by then somebody has looked whether it still holds."""
    where: Where
    url: str = ""
    stages: tuple[str, ...] = ()
    """Empty: every stage."""
    segments: tuple[str, ...] = ()
    """Empty: every segment."""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyMessage:
    """What is said to leads of a segment in a stage, as approved."""

    say: str
    stage: str
    approved_by: str
    review_by: str
    where: Where
    segment: str | None = None
    """None: every segment that has no message of its own."""
    material: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Content:
    """content.yaml; empty where there is none."""

    material: tuple[Material, ...] = ()
    messages: tuple[KeyMessage, ...] = ()

    def message(self, stage: str, segment: str | None) -> KeyMessage | None:
        """Give what is said to a lead: the segment's own message, else the one for all."""
        found = [one for one in self.messages if one.stage == stage and one.segment in (segment, None)]
        return next((one for one in found if one.segment is not None), found[0] if found else None)

    def fitting(self, stage: str, segment: str | None) -> tuple[Material, ...]:
        """Give the material for a stage and segment."""
        return tuple(
            one for one in self.material if (not one.stages or stage in one.stages) and (not one.segments or segment in one.segments)
        )
