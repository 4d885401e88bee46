"""Who may answer a hand-off for whoever has it, and who may give a lead to somebody else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.command import Command
from sync.lead.eligible import Team
from sync.lead.offers import OWN, going, labels, sla_of
from sync.lead.state import Lead
from sync.lead.work import Work
from sync.playbook.models import Playbook

SHELL = "cli"
"""The source of what an operator orders in a terminal."""


def chain(playbook: Playbook, email: str) -> tuple[str, ...]:
    """Give somebody's managers, the nearest first."""
    found: list[str] = []
    rep = playbook.reps.get(email)
    while rep is not None and rep.manager and rep.manager not in (email, *found):
        found.append(rep.manager)
        rep = playbook.reps.get(rep.manager)
    return tuple(found)


def above(playbook: Playbook, email: str) -> tuple[str, ...]:
    """Give everybody who may speak for somebody: the chain of managers, and each one's deputy."""
    bosses = [(boss, playbook.reps.get(boss)) for boss in chain(playbook, email)]
    return tuple(one for boss, rep in bosses for one in (boss, rep.deputy if rep is not None else None) if one)


def stand_ins(work: Work, owner: str) -> tuple[str, ...]:
    """Give everybody who may answer for an owner: whoever stands above or in for them."""
    rep, absence = work.playbook.reps.get(owner), Team(work.playbook, work.facts.users, work.now).absence(owner)
    here = (rep.deputy if rep is not None else None, absence.cover if absence is not None else None)
    return (*above(work.playbook, owner), *(one for one in here if one))


def may_answer(work: Work, actor: str, owner: str) -> bool:
    """Say whether somebody may answer for the owner; for who is not on the team anybody may."""
    return actor == owner or owner not in work.playbook.reps or actor in stand_ins(work, owner)


def answering(playbook: Playbook, labels: Mapping[str, str], owners: Iterable[str]) -> tuple[str, ...]:
    """Give who may keep an alert quiet: whoever answers for it by alerts.yaml, and whoever stands above them or above those whom it is about."""
    root = playbook.alerts.root
    named = root.find(labels).accountable if root is not None else ""
    return tuple(
        dict.fromkeys(one for one in (named, *above(playbook, named), *(boss for who in owners for boss in above(playbook, who))) if one)
    )


def accountable(work: Work, lead: Lead) -> tuple[str, ...]:
    """Give who answers for a lead by the playbook: for its promises, for what is told of them, and for its stage."""
    found = [stage.accountable for stage in work.playbook.stages if stage.id == lead.value("stage")]
    note, root = lead.handoff, work.playbook.alerts.root
    if note is not None and going(lead):
        sla = sla_of(work, note)
        found = [*(leg.accountable for leg in sla.legs), *found] if sla is not None else found
        mine = {**labels(note), "owner": note.owner}
        found += [root.find({**mine, "cause": cause}).accountable for cause in (*OWN, "unrouted")] if root is not None else []
    return tuple(dict.fromkeys(one for one in found if one))


def no_mover(work: Work, lead: Lead, data: Command, owner: str) -> str | None:
    """Say why who ordered it may not give a lead to somebody else, and who may; None when they may.

    Whoever has it may, who stands above or in for them, and who answers for it; what is nobody's anybody may give. A terminal's operator and a
    run may, too: both are noted by name.
    """
    if not owner or data.run is not None or (data.who is None and ("@" not in data.by or work.message.source == SHELL)):
        return None
    actor, name = (data.who or data.by).lower(), work.playbook.name_of
    answers, bosses = accountable(work, lead), chain(work.playbook, owner)
    if actor in (owner, *stand_ins(work, owner), *answers):
        return None
    own = (owner,) if owner in work.playbook.reps else ()
    others = list(dict.fromkeys(name(one) for one in (*own, *bosses[:1], *answers[:1])))
    listed = " or ".join(one for one in (", ".join(others[:-1]), *others[-1:]) if one) or "an operator of Truce"
    return f"This is with {name(owner)}: {listed} can give it to somebody else"
