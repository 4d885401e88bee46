"""Steps of the stage: forwards by anybody, backwards only by whom the playbook lets move a lead back. Pure. Times are ms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from schemas.base import Scalar
from sync.lead.state import Claim, Lead
from sync.playbook.models import SIDE_EXITS, Playbook, SharedField, Stage

TRUCE = "truce"
"""The pseudo-ref of what Truce itself decides."""
Holder = tuple[str, Claim]
KEPT = 20


class Stood(NamedTuple):
    """Whose word the stage is (None: nobody's), and the steps that were not followed, each with the reason."""

    won: Holder | None
    refused: dict[str, str]
    """Record ref → why its claim is not followed."""


def system_of(ref: str) -> str:
    """Give the system of a record ref; `truce` for Truce's own."""
    return ref.partition(":")[0]


def guarded(playbook: Playbook) -> bool:
    """Say whether the playbook says of any stage who may move a lead back from it."""
    return any(stage.back is not None for stage in playbook.stages)


def remember(lead: Lead, name: str, ref: str, claim: Claim) -> None:
    """Keep a step that the same record has taken back since: whether it might is the playbook's to say."""
    if name == "stage" and claim.value is not None:
        step = [ref, claim.value, claim.at]
        lead.steps = [*(one for one in lead.steps if one != step), step][-KEPT:]


def _may_go_back(holder: Holder, state: Holder, stage: Stage | None, playbook: Playbook) -> bool:
    if holder[0] == TRUCE:
        return state[0] == TRUCE
    side = _side(holder[0], playbook)
    return stage is not None and stage.back is not None and side in stage.back


def _side(ref: str, playbook: Playbook) -> str | None:
    system = playbook.systems.get(system_of(ref))
    return system.side if system is not None else None


def _may_end(holder: Holder, stage: Stage | None, playbook: Playbook) -> bool:
    side = "sales" if holder[0] == TRUCE else _side(holder[0], playbook)
    return side == "sales" or (stage is not None and stage.back is not None and side in stage.back)


def _rows(claims: Iterable[Holder], lead: Lead, stages: Mapping[Scalar, Stage], rank: Mapping[str, int]) -> list[Holder]:
    """Give every step in the order of time; one that its record took back counts where the playbook says who may."""
    taken_back = ((str(ref), Claim(value, int(at))) for ref, value, at in lead.steps if _says(stages.get(value)))
    rows = [holder for holder in (*claims, *taken_back) if holder[1].value is not None]
    return sorted(rows, key=lambda h: (h[1].at, h[1].value in SIDE_EXITS, rank.get(system_of(h[0]), 99), h[0]))


def _says(stage: Stage | None) -> bool:
    return stage is not None and stage.back is not None


def stand(lead: Lead, shared: SharedField, claims: Mapping[str, Claim], playbook: Playbook, rank: Mapping[str, int]) -> Stood:
    """Go through the steps in their order: the next stage is the new one when it is further on, or its side may move the lead back."""
    place = {value: i for i, value in enumerate(shared.order)}
    stages: dict[Scalar, Stage] = {stage.id: stage for stage in playbook.stages}
    state: Holder | None = None
    refused: dict[str, str] = {}
    for holder in _rows(claims.items(), lead, stages, rank):
        value = holder[1].value
        stage = stages.get(state[1].value) if state is not None else None
        if value in SIDE_EXITS:
            follows = _may_end(holder, stage, playbook)
        elif state is None or (state[1].value in SIDE_EXITS and holder[1].at > state[1].at):
            follows = True
        else:
            here, there = place.get(str(state[1].value), -1), place.get(str(value), -1)
            follows = there > here or (there < here and _may_go_back(holder, state, stage, playbook))
            if there < here and not follows and holder[0] != TRUCE and stage is not None and stage.back is not None:
                refused[holder[0]] = f"{_side(holder[0], playbook)} may not move {stage.id} backwards ({stage.where})"
        if follows:
            state = holder
            refused.pop(holder[0], None)
    filled = [h for h in claims.items() if h[1].value is not None]
    return Stood(state or max(filled, key=lambda h: (h[1].at, h[0]), default=None), refused)
