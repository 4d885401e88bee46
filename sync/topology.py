"""Topics, keys, and who reads and writes what, as data; nothing else names a topic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Lane = Literal["hot", "bulk"]
LANES: tuple[Lane, ...] = ("hot", "bulk")
WEEK_MS = 7 * 24 * 3600 * 1000


@dataclass(frozen=True)
class Topic:
    """One topic: its name, how many partitions, what keys it, who writes and who reads it."""

    name: str
    partitions: int
    key: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    retention_ms: int = WEEK_MS
    """Never compacted and never transactional, so that offsets are contiguous."""


def changes_name(installation: str, incarnation: int) -> str:
    """Give the name of `changes`; the incarnation stands in it, because `applied` belongs to one."""
    return f"{installation}.changes.{incarnation}"


def writes_name(installation: str, system: str, lane: Lane) -> str:
    """Give the name of a system's doorbell topic in one lane."""
    return f"{installation}.writes.{system}.{lane}"


def events_name(installation: str) -> str:
    """Give the name of the public topic of CloudEvents."""
    return f"{installation}.events"


def group_name(installation: str, number: int) -> str:
    """Give the lead agents' consumer group; the number goes up when the broker no longer knows the group."""
    return f"{installation}.lead.{number}"


def writer_group(installation: str, system: str) -> str:
    """Give the consumer group of a system's writers."""
    return f"{installation}.writer.{system}"


def topics(installation: str, incarnation: int, systems: tuple[str, ...], partitions: int) -> tuple[Topic, ...]:
    """Give every topic of an installation."""
    writes = tuple(
        Topic(writes_name(installation, system, lane), partitions, "lead id", ("worker", "sweep"), (f"writer {system}",))
        for system in systems
        for lane in LANES
    )
    return (
        Topic(
            changes_name(installation, incarnation), partitions, "lead key", ("source", "writer", "worker", "notifier", "cli"), ("worker",)
        ),
        *writes,
        Topic(events_name(installation), partitions, "lead id; a goal's id", ("worker", "notifier"), ("anyone",)),
    )
