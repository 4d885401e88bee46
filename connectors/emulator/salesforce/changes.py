"""What changed, as Change Data Capture keeps it: an event for each object of a transaction, 72 hours long, of the objects that an admin selected."""

from __future__ import annotations

import uuid
from asyncio import Event as Bell
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from schemas.base import Scalar

ChangeType = Literal[
    "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW"
]  # fmt: skip
VERBS: Mapping[str, ChangeType] = {
    "create": "CREATE", "update": "UPDATE", "convert": "UPDATE", "delete": "DELETE", "merge": "DELETE", "restore": "UNDELETE",
}  # fmt: skip
"""The journal's verbs as change types; who is removed for good is not told (Change Data Capture guide: no event for a hard delete)."""
RETENTION = timedelta(hours=72)


@dataclass(frozen=True)
class Change:
    """One change event: which records of an object changed how; `values` are those that it carries, before they are encoded."""

    replay: int
    at: datetime
    object: str
    ids: tuple[str, ...]
    type: ChangeType
    user: str
    origin: str = ""
    transaction: str = ""
    sequence: int = 1
    values: Mapping[str, Scalar] = field(default_factory=dict)
    before: Mapping[str, Scalar] = field(default_factory=dict)


class ChangeLog:
    """The event bus of one org; nothing is kept of objects that are not selected."""

    def __init__(self, now: Callable[[], datetime], selected: Sequence[str] = ()) -> None:
        self.selected, self.delivered = list(selected), 0
        self.events: list[Change] = []
        self._now, self._tip, self._forgotten, self._bells = now, 1000, 1000, set[Bell]()

    @property
    def tip(self) -> int:
        """Give the replay id of the newest event, or where the first will come behind."""
        return self._tip

    @property
    def oldest(self) -> int:
        """Give the replay id behind which everything is still there."""
        self._forget()
        return self._forgotten

    def add(
        self, type_: ChangeType, object_: str, ids: Sequence[str], user: str, *, values: Mapping[str, Scalar] | None = None,
        before: Mapping[str, Scalar] | None = None, origin: str = "", transaction: str = "",
    ) -> None:  # fmt: skip
        """Keep an event; several records that one transaction changed in the same way are one event (guide: recordIds)."""
        if object_ not in self.selected:
            return
        transaction, last = transaction or str(uuid.uuid4()), self.events[-1] if self.events else None
        same = last is not None and last.transaction == transaction
        told = Change(
            self._tip + 1, self._now(), object_, tuple(ids), type_, user, origin, transaction, last.sequence + 1 if last and same else 1,
            dict(values or {}), dict(before or {}),
        )  # fmt: skip
        alike = replace(told, replay=0, at=told.at, ids=(), sequence=0)
        if last is not None and same and replace(last, replay=0, at=told.at, ids=(), sequence=0) == alike:
            self.events[-1] = replace(last, ids=(*last.ids, *told.ids))
        else:
            self.events.append(told)
            self._tip += 1
        self.ring()

    def after(self, replay: int) -> list[Change]:
        """Give the events behind a replay id, oldest first."""
        self._forget()
        first = self.events[0].replay if self.events else self._tip + 1
        return self.events[max(0, replay - first + 1) :]

    def forget(self) -> None:
        """Let everything be too old, as after 72 hours."""
        self._forgotten = self._tip
        self.events.clear()

    def _forget(self) -> None:
        horizon = self._now() - RETENTION
        while self.events and self.events[0].at < horizon:
            self._forgotten = self.events.pop(0).replay

    def listen(self, bell: Bell) -> None:
        """Ring this bell whenever something is new."""
        self._bells.add(bell)

    def hush(self, bell: Bell) -> None:
        """Ring it no longer."""
        self._bells.discard(bell)

    def ring(self) -> None:
        """Tell all who listen that there is something new."""
        for bell in self._bells:
            bell.set()
