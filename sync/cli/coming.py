"""How `truce explain` tells what comes by itself: whom time moves, and what waits for how long."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sync.cli.handed import OWED
from sync.cli.names import Names, stage
from sync.lead.cycle import GOING, HandoffNote
from sync.lead.legs import running
from sync.lead.rights import chain
from sync.lead.state import Lead
from sync.playbook.models import Leg
from sync.trial.outlook import next_move


def coming(names: Names, now: int) -> Iterator[str]:
    """Give the line that says what happens if nothing happens, as it is `now` (ms); none for a lead without clocks."""
    if not names.doc.get("clocks") or names.playbook is None:
        return
    told = list(_moves(names, now))
    if told:
        yield f"If nothing happens   {' · '.join(told)}"


def _moves(names: Names, now: int) -> Iterator[str]:
    playbook = names.playbook
    assert playbook is not None
    hold = names.doc["why"].get("hold")
    if hold and "hold" in names.doc["clocks"]:
        yield f"{_when(names, names.doc['clocks']['hold'], now)} given to whoever its route names then: it waits for {hold['until']} ({hold['rule']})"
    lead = msgspec.convert(dict(names.doc), Lead)
    yield from _handoff(names, lead, now)
    move = next_move(lead, playbook, names.around.account.get("values") or {})
    if move is not None:
        seen = f": {move.why}" if move.why else ""
        yield f"{_when(names, move.at, now)} {stage(move.before) or 'no stage'} → {stage(move.after) or 'no stage'}{seen} ({move.rule})"


def _handoff(names: Names, lead: Lead, now: int) -> Iterator[str]:
    """Tell what follows in the leg that runs: who is reminded and told, and when somebody else gets it."""
    note = lead.handoff
    if note is None or note.state not in GOING:
        return
    if note.held_until is not None:
        yield f"{_when(names, note.held_until, now)} its clock goes on"
    found = running(note)
    if found is None:
        return
    leg, told = found
    together: dict[int, list[str]] = {}
    level = told.escalated
    for at, what, misses in told.steps:
        level += what == "escalate"
        together.setdefault(int(at), []).append(_step(names, note, leg, str(what), misses, level))
    for at, texts in together.items():
        yield f"{_when(names, at, now)} {', '.join(texts)}"


def _step(names: Names, note: HandoffNote, leg: Leg, what: str, misses: int | None, level: int) -> str:
    match what:
        case "warn" | "remind":
            return f"reminder to {names.person(note.owner)}"
        case "breach":
            return f"{OWED[leg]} is overdue"
        case "reassign":
            return f"to the next{f' in {note.pool}' if note.pool else ''}"
        case "fallback":
            return "to the last resort"
        case "away":
            return f"{names.person(note.owner)} counts as away, where it is {misses or 1} in a row"
        case _:
            return f"{names.person(_told(names, note, leg, level))} is told"


def _told(names: Names, note: HandoffNote, leg: Leg, level: int) -> str | None:
    """Give who is told at a level: up the chain of managers, above its end who answers for the leg."""
    playbook = names.playbook
    assert playbook is not None
    told = list(chain(playbook, note.owner))
    sla = playbook.slas.get(note.sla)
    rule = sla.leg(leg) if sla is not None else None
    if rule is not None and rule.accountable and rule.accountable not in told:
        told.append(rule.accountable)
    return told[min(level, len(told)) - 1] if told else None


def _when(names: Names, due: int, now: int) -> str:
    """Give when it comes; of what should have come by now, since when it is overdue."""
    at = names.day_and_time(due)
    return f"overdue since {at}:" if due <= now else at
