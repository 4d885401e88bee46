"""What an emulator really received and did: the ground truth of every test, kept in memory and served as JSON lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from schemas.base import Scalar


@dataclass(frozen=True)
class Effect:
    """One thing that changed in the emulated system: a record created, updated, merged, converted, deleted, restored or associated."""

    n: int
    at: datetime
    client: str
    """Who did it: the API client or user, as the protocol tells (`truce` for our own writes)."""
    verb: Literal["create", "update", "merge", "convert", "delete", "restore", "erase", "consent", "associate", "dissociate"]
    object: str
    id: str
    before: Mapping[str, Scalar]
    after: Mapping[str, Scalar]
    """Only the fields that the request named; before and after may be equal (a write that changed nothing)."""


@dataclass(frozen=True)
class Call:
    """One HTTP request as it was answered."""

    n: int
    at: datetime
    client: str
    method: str
    path: str
    status: int
    rows: int
    """How many records the request named."""
    writing: bool
    seconds: float


@dataclass
class Journal:
    """Every effect and every call, in order."""

    effects: list[Effect] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def effect(self, client: str, verb: str, object_: str, ident: str, before: Mapping[str, Scalar], after: Mapping[str, Scalar]) -> None:
        """Note one effect."""
        self.effects.append(Effect(len(self.effects), datetime.now(UTC), client, verb, object_, ident, dict(before), dict(after)))  # type: ignore[arg-type]

    def call(self, client: str, method: str, path: str, status: int, rows: int, *, writing: bool, seconds: float) -> None:
        """Note one call."""
        self.calls.append(Call(len(self.calls), datetime.now(UTC), client, method, path, status, rows, writing, seconds))

    def count(self, kind: Literal["effects", "calls"]) -> int:
        """Give how many entries there are, which is the next one's number."""
        return len(self.effects if kind == "effects" else self.calls)

    def lines(self, kind: Literal["effects", "calls"], since: int = 0) -> Iterator[dict[str, object]]:
        """Give entries from number `since` on as plain objects."""
        for entry in (self.effects if kind == "effects" else self.calls)[since:]:
            yield {**vars(entry), "at": entry.at.isoformat()}
