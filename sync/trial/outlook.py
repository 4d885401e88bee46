"""What becomes of a lead if nothing happens: its clocks, run on until one of them moves it. Pure; times are ms."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.base import Scalar
from sync.lead.index import index
from sync.lead.qualify import stage_values, stands
from sync.lead.reconcile import desire
from sync.lead.state import Lead, copy
from sync.lead.timing import STAGE, next_change
from sync.playbook.models import Playbook, Values

LOOKS = 50
"""So often a clock may come early before it is left at that."""


@dataclass(frozen=True, slots=True)
class Move:
    """The stage that time alone brings a lead to, when, and by which rule."""

    at: int
    before: Scalar
    after: Scalar
    rule: str
    why: str
    """What the line saw that decides it."""


def next_move(lead: Lead, playbook: Playbook, more: Values) -> Move | None:
    """Give the next move of the stage that comes by itself; None: none is known. `more`: what is known of account and opportunity."""
    at, made = lead.clocks.get(STAGE), copy(lead)
    before = lead.value("stage")
    for _ in range(LOOKS):
        if at is None:
            return None
        values = stage_values(made, playbook, at, more)
        why = stands(made, playbook, values, at)
        desire(made, ["stage"], playbook, index(playbook).ranks)
        after = made.value("stage")
        if after != before:
            lines = [str(line["why"]) for line in (why or {}).get("lines", ()) if line.get("matched")]
            return Move(at, before, after, str((why or {}).get("rule", "")), lines[-1] if lines else "")
        at = next_change(made, playbook, at, values)
    return None
