"""What became of a hand-off, told from one line of the timeline: who did what, or what was due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sync.alerts.wording import spell
from sync.cli.names import Names, stage
from sync.lead.cycle import IN_HANDS
from sync.lead.legible import plain

OWED: Mapping[str, str] = {"accept": "the answer", "first_response": "the first response", "work": "working it off"}
"""What is owed in each leg."""

BY: Mapping[str, str] = {"accept": "accept by", "first_response": "first response by", "work": "to be worked off by"}


def because(data: Mapping[str, Any]) -> str:
    """Say by which rule, or by whose word."""
    why = data.get("why")
    said = data.get("rule") or (why if isinstance(why, str) else "")
    return f": {said}" if said else ""


def owed(names: Names, now: int) -> str:
    """Say what is owed in an open hand-off and by when: accept by 09:44 (12 min left); '' where no clock runs."""
    note = names.doc.get("handoff") or {}
    legs = note.get("legs") or {}
    leg = next((name for name in BY if (legs.get(name) or {}).get("since") is not None), None)
    if leg is None or note.get("state") not in IN_HANDS:
        return ""
    due = legs[leg]["due_at"]
    gone = f"{BY[leg].removesuffix(' by')} was due {names.at(due, now)} ({spell(now - due)} ago)"
    return f"{BY[leg]} {names.at(due, now)} ({spell(due - now)} left)" if due > now else gone


def handed(names: Names, data: Mapping[str, Any], now: int) -> str:
    """Tell one line about a hand-off, as it is `now` (ms)."""
    state, who = str(data.get("state", "")), names.person(data.get("owner"))
    by = names.person(data.get("by") or data.get("owner"))
    owed, due = OWED.get(str(data.get("leg")), "it"), names.at(data.get("due"), now)
    match state:
        case "accepted":
            return f"{by} accepted the hand-off{_for(by, who)}{because(data)}"
        case "rejected":
            return f"{by} gave the hand-off back{_for(by, who)}{because(data)}{quoted(data)}"
        case "worked":
            return f"{by} made the first response{_for(by, who)}{because(data)}"
        case "expired":
            return f"hand-off taken back from {who}{because(data)}"
        case "closed":
            return f"hand-off closed{f' as {stage(found)}' if (found := data.get('closed_as')) else ''}{because(data)}"
        case "paused":
            return f"{by} stopped its clock until {names.at(data.get('until'), now)}, waiting for the customer{because(data)}"
        case "resumed":
            return f"its clock goes on, by {by}"
        case "warned":
            return f"{who} is reminded: {owed} is due {due}"
        case "breached":
            return f"{who} missed {owed}, due {due}{f' ({cause})' if (cause := data.get('cause')) else ''}"
        case "delayed":
            return f"{who} has more time for {owed}: nobody pays for an outage"
        case "escalated":
            return f"{names.person(data.get('to'))} is told that {who} missed {owed}"
    return f"hand-off {state} to {who} ({data.get('kind', 'mql')}, cycle {data.get('cycle', '?')}){because(data)}"


def _for(by: str, who: str) -> str:
    return f" for {who}" if by != who else ""


def quoted(data: Mapping[str, Any]) -> str:
    """Give what somebody wrote with it, in quotes, as one line that shows what it is; '' for nothing."""
    return f" “{plain(str(data['comment']))}”" if data.get("comment") else ""
