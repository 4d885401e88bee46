"""One cycle of a lead's hand-off as the lead's document keeps it: its offers, and its legs under their clocks. Times are ms."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

NO_RULE = "no rule"
"""The cause of a deadline that somebody missed to whom the lead fell because no rule names anybody for it."""


@dataclass(slots=True)
class Offer:
    """One assignee of a hand-off: from the decision that it is theirs until they took it to its end, or it ended here."""

    n: int
    owner: str
    rule: str
    at: int
    known_at: int | None = None
    """When it was known to have reached the owner: the CRM shows it, or the card was sent."""
    ended: Literal["rejected", "expired", "moved", "void"] | None = None
    """`void`: it was made because an answer in time was not known yet."""
    ended_at: int | None = None
    reason: str = ""
    """Of a no: which reason of sla.yaml; of a move: why."""
    comment: str = ""
    by: str = ""
    """Who ended it."""
    due_at: int | None = None
    """By when it was to be accepted."""
    unruled: bool = False
    """It fell to the owner because no rule names anybody for the lead."""


@dataclass(slots=True)
class LegNote:
    """One leg of a hand-off under its clock. What is due when was worked out when it began, and stays."""

    started_at: int
    since: int | None
    """From when on time counts that is not in `elapsed_ms` yet; None: it does not run (paused, done, or nobody has the lead)."""
    due_at: int
    version: int
    """Of the playbook that it began under."""
    within_ms: int
    """So much time it was given, on its clock, as near as one number says it."""
    steps: list[list[Any]] = field(default_factory=list)
    """What happens if nothing else does, in this order: [at, what, misses]; what: warn, breach, then remind, escalate …"""
    elapsed_ms: int = 0
    """Time on its clock before `since`, each owner's by their own calendar."""
    paused_ms: int = 0
    done_at: int | None = None
    breached_at: int | None = None
    """The deadline that was missed."""
    owner: str = ""
    """Who had it when it was missed, or done."""
    cause: str = ""
    """Why it was missed, where that is not the owner: absence, cap, parked, no rule, outage."""
    escalated: int = 0
    """How far up the chain of managers it was told."""
    tries: int = 0
    """How often its time came while a system was not read so far."""
    again_at: int | None = None
    """When it is looked at again then."""
    held_at: int | None = None
    """Since when it stands still: waiting for the customer, or for the next owner's yes."""
    anew: bool = False
    """It begins again with the next owner's yes: they have the whole time."""
    quiet_until: int | None = None
    """Until when the owner does not want to be reminded."""
    clock: str = "business"
    task: int | None = None
    """For which offer the CRM was asked for a task that is open there."""


@dataclass(slots=True)
class HandoffNote:
    """One cycle of the lead's hand-off; the id stays while owners change."""

    id: str
    cycle: int
    state: str
    """offered, accepted, worked, closed; rejected and expired while nobody else could be found."""
    owner: str
    """Who is responsible now."""
    rule: str
    opened_at: int
    kind: str = "mql"
    """`mql`, or one of those that lifecycle.yaml names under `handoffs`."""
    sla: str = ""
    """The SLA that it runs under."""
    route: str = ""
    """The id of the route that chose its first owner."""
    pool: str = ""
    priority: str = ""
    segment: str = ""
    source: str = ""
    """The act that led to it, as `form:pricing`."""
    version: int = 0
    """Of the playbook that opened it."""
    offers: list[Offer] = field(default_factory=list)
    legs: dict[str, LegNote] = field(default_factory=dict)
    accepted_at: int | None = None
    worked_at: int | None = None
    closed_at: int | None = None
    closed_as: str = ""
    """The stage that it ended in, or why it ended without one."""
    reason: str = ""
    """Of a no that ended it: which reason of sla.yaml."""
    comment: str = ""
    held_until: int | None = None
    """While its clocks stand still: when they go on at the latest."""
    returns_at: int | None = None
    """Of a recycled one: when the lead may come back at the earliest."""


IN_HANDS = ("offered", "accepted", "worked")
"""A hand-off that somebody has."""
GOING = (*IN_HANDS, "rejected", "expired")
"""A hand-off that is not over."""


def copied(note: HandoffNote) -> HandoffNote:
    """Give a copy that may be changed."""
    legs = {name: replace(leg, steps=[[*step] for step in leg.steps]) for name, leg in note.legs.items()}
    return replace(note, offers=[replace(offer) for offer in note.offers], legs=legs)
