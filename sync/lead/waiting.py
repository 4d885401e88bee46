"""A hand-off that waits for enrichment: until the lines of its route's `hold` hold, never past the moment that was set when it began."""

from __future__ import annotations

from sync.lead.state import Lead
from sync.lead.work import Work
from sync.playbook.models import Route, Values, When

HOLD = "hold"
"""The kind of clock that ends the wait, and what `why` tells of it."""


def waits(work: Work, lead: Lead, values: Values, route: Route | None) -> bool:
    """Say whether nobody is to be chosen yet; the clock is set when the wait begins, and what the route is by then does not move it."""
    hold, begun = route.assign.hold if route is not None else None, lead.why.get(HOLD)
    if route is None or hold is None or hold.until.holds(values):
        return False
    if begun is None:
        begun = {
            "rule": f"{hold.where} {route.id}",
            "until": said(hold.until),
            "expires": work.now + hold.at_most_s * 1000,
            "version": work.playbook.version,
            "at": work.now,
        }
        lead.why[HOLD] = begun
        work.line(lead, "waits", rule=begun["rule"], until=begun["until"], expires=begun["expires"])
    if work.now >= begun["expires"]:
        return False
    work.clock(lead, HOLD, begun["expires"], expires=begun["expires"], rule=begun["rule"])
    return True


def over(work: Work, lead: Lead) -> None:
    """End the wait: somebody has the lead, or nothing is to be handed over any more."""
    lead.why.pop(HOLD, None)
    work.clock(lead, HOLD, None)


def said(when: When) -> str:
    """Give lines as one text."""
    every = [line.text for line in when.all] + [" or ".join(line.text for line in when.any)] * bool(when.any)
    return " and ".join([*every, *(f"not {line.text}" for line in when.none)])
