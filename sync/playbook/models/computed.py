"""Shared fields that Truce itself fills in, by their names: stage dates and where a hand-off stands, so that ordinary CRM reports work."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sync.playbook.models.fields import FieldKind

DATED = ("mql", "sal", "sql", "recycled")
"""Stages whose first (`mql_date`) and latest (`mql_latest`) day is kept."""
HANDOFF_STATES = ("offered", "accepted", "worked", "rejected", "expired", "closed")
YES_NO = ("yes", "no")
"""Not a flag: who was never handed over has neither, and a CRM's checkbox cannot be blank."""


class Computed(NamedTuple):
    """What one such field shows."""

    kinds: tuple[FieldKind, ...]
    text: str
    values: tuple[str, ...] = ()
    """Of a picklist: all that it may show."""


_WHEN: tuple[FieldKind, ...] = ("time", "date")
FIRST: Mapping[str, str] = {f"{stage}_date": stage for stage in DATED}
"""Field → the stage that the lead first entered then; a date that is there stays."""
LATEST: Mapping[str, str] = {f"{stage}_latest": stage for stage in DATED}
"""Field → the stage that the lead entered last then."""
OF_HANDOFF: Mapping[str, Computed] = {
    "handoff_cycle": Computed(("number",), "how often the lead was handed over"),
    "handoff_state": Computed(("picklist", "text"), "where its last hand-off stands", HANDOFF_STATES),
    "handoff_reason": Computed(("text",), "why this person got the lead"),
    "handoff_returned": Computed(("text",), "who gave the hand-off back last, and why"),
    "sla_due": Computed(_WHEN, "by when the next step of the hand-off is due"),
    "sla_met": Computed(("picklist", "text"), "whether no deadline of the hand-off was missed so far", YES_NO),
    "accepted_date": Computed(_WHEN, "when the hand-off was accepted"),
    "first_response_date": Computed(_WHEN, "when the person was first called, written to or met after it"),
}
OF_OPPORTUNITY: Mapping[str, Computed] = {
    "opportunity_result": Computed(("picklist", "text"), "how the person's latest opportunity ended", ("won", "lost")),
    "opportunity_amount": Computed(("number",), "what that one was about"),
    "opportunity_currency": Computed(("text",), "in which currency"),
    "opportunity_closed": Computed(("date",), "when it ended"),
    "won_amount": Computed(("number",), "the money of all of the person's opportunities that were won, in the currency of goals.yaml"),
    "won_currency": Computed(("text",), "in which currency that is: what was won in others is not added"),
}
"""What became of the opportunities that a person is in."""
RETURN_WHEN, NURTURE = "return_when", "nurture"
OWN = frozenset({*LATEST, *OF_HANDOFF, *OF_OPPORTUNITY, RETURN_WHEN, NURTURE})
"""Nobody else's claim counts once Truce has said what it is."""
COMPUTED: Mapping[str, Computed] = {
    **{name: Computed(_WHEN, f"when the lead first became {stage}") for name, stage in FIRST.items()},
    **{name: Computed(_WHEN, f"when the lead last became {stage}") for name, stage in LATEST.items()},
    **OF_HANDOFF,
    **OF_OPPORTUNITY,
    RETURN_WHEN: Computed(("text",), "what must happen for a recycled lead to come back"),
    NURTURE: Computed(("flag",), "whether the lead is recycled: as a static list of marketing, who is kept in touch with"),
}
"""All of them, by the name that fields.yaml gives them."""
