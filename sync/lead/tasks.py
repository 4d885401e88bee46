"""A task for a rep in the CRM, as the core wants it. Pure; times are ms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["open", "done", "void"]


@dataclass(frozen=True, slots=True)
class TaskNote:
    """One task: what is to stand in a system. The writer makes it, keeps it so, and closes it when it is done or void."""

    key: str
    """See `task_key`."""
    lead_id: str
    system: str
    owner: str
    """The e-mail of who is to do it."""
    subject: str
    due: int
    state: State = "open"
    """`done`: it was done, here or there; `void`: nobody has to do it any more (the offer moved on)."""
    body: str = ""
    rule: str = ""
    """The line of the playbook that asks for it."""


def task_key(handoff: str, offer: int, leg: str) -> str:
    """Name a task: one for each offer and leg of a hand-off."""
    return f"{handoff}:{offer}:{leg}"
