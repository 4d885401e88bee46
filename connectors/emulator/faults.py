"""Faults on demand: what an emulator does wrong, for which requests, and how often."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

FaultKind = Literal["status", "timeout", "drop_answer", "slow", "invalid_json", "quota"]


class Fault(BaseModel):
    """One scripted fault: the next `times` requests whose method and path match are answered by it.

    `status`: answer `status` with `body` and `headers`, nothing applied. `timeout`: never answer, nothing applied.
    `drop_answer`: apply, then close the connection without an answer. `slow`: apply and answer after `seconds`.
    `invalid_json`: apply and answer something that is no JSON. `quota`: answer the vendor's own form of "quota used up".
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: FaultKind
    method: str = "*"
    path: str = ""
    """A part of the path that must occur in it, at its end where it ends with `$`; '' is any."""
    times: int = 1
    status: int = 503
    body: str = ""
    headers: dict[str, str] = {}
    seconds: float = 0.0

    def meets(self, method: str, path: str) -> bool:
        """Say whether a request is one of those that it is for."""
        return self.method in ("*", method) and (path.endswith(self.path[:-1]) if self.path.endswith("$") else self.path in path)


@dataclass
class Faults:
    """The script of one emulator."""

    latency_s: float = 0.0
    """Added to every answer."""
    _left: list[tuple[Fault, itertools.count[int]]] = field(default_factory=list)

    def add(self, fault: Fault) -> None:
        """Put a fault at the end of the script."""
        self._left.append((fault, itertools.count(1)))

    def clear(self) -> None:
        """Forget all faults."""
        self._left.clear()

    def next(self, method: str, path: str) -> Fault | None:
        """Take the fault for this request, if there is one, and count it."""
        for entry in self._left:
            fault, used = entry
            if fault.meets(method, path):
                if next(used) >= fault.times:
                    self._left.remove(entry)
                return fault
        return None
