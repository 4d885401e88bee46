"""How `truce explain` tells what comes by itself: whom time moves, and what waits for how long."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sync.cli.names import Names, stage
from sync.lead.state import Lead, from_ms
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
        yield f"{_when(names.doc['clocks']['hold'], now)} given to whoever its route names then: it waits for {hold['until']} ({hold['rule']})"
    lead = msgspec.convert(dict(names.doc), Lead)
    move = next_move(lead, playbook, names.around.account.get("values") or {})
    if move is not None:
        seen = f": {move.why}" if move.why else ""
        yield f"{_when(move.at, now)} {stage(move.before) or 'no stage'} → {stage(move.after) or 'no stage'}{seen} ({move.rule})"


def _when(due: int, now: int) -> str:
    """Give when it comes; of what should have come by now, since when it is overdue."""
    return f"overdue since {moment(due)}:" if due <= now else moment(due)


def moment(ms: int) -> str:
    """Give a moment as people read it, in the time of this computer, whose zone it names."""
    return from_ms(ms).astimezone().strftime("%a %d %b %H:%M %Z")
