"""Where a lead stood earlier is told by its timeline alone."""

from __future__ import annotations

from typing import Any

from sync.trial import past
from tests.factory import at, ms


def line(seconds: float, kind: str, /, **data: Any) -> dict[str, Any]:
    return {"at": at(seconds), "kind": kind, "data": data}


LINES = [
    line(1, "decided", fields={"title": {"before": None, "after": "CTO"}, "country": {"before": None, "after": "NO"}}),
    line(2, "stage", before=None, after="mql", rule="lifecycle.yaml:41 mql", why={"stage": "mql", "version": 1}),
    line(2, "owner", before=None, after="ana@acme.example", rule="routing.yaml:14 emea", why={"owner": "ana@acme.example", "version": 1}),
    line(9, "decided", fields={"title": {"before": "CTO", "after": "CEO"}}),
    line(10, "stage", before="mql", after="sal", rule="salesforce", why={"stage": "sal", "version": 2}),
]


def test_it_stands_as_it_stood_then() -> None:
    found = past.at(LINES, ms(5))
    assert found.values == {"title": "CTO", "country": "NO", "stage": "mql", "owner": "ana@acme.example"}
    assert (found.why["stage"]["version"], found.stage_since, len(found.lines)) == (1, ms(2), 3)


def test_the_moment_itself_belongs_to_it_and_what_came_later_does_not() -> None:
    assert past.at(LINES, ms(9)).values["title"] == "CEO"
    assert past.at(LINES, ms(9)).values["stage"] == "mql"
    assert past.at(LINES, ms(10)).values["stage"] == "sal"


def test_before_anything_happened_nothing_is_known() -> None:
    assert past.at(LINES, ms(0)).doc() == {"desired": {}, "why": {}, "stage_since": None}


def test_what_an_offered_hand_off_was_decided_by_is_told_under_its_own_name() -> None:
    """An MQL's hand-off tells of the owner, any other kind's of the hand-off, and one that nobody could have says which it was."""
    mql = line(3, "handoff", state="offered", kind="mql", why={"owner": "ana@acme.example"})
    customer = line(4, "handoff", state="offered", kind="customer", why={"owner": "ben@acme.example"})
    closed = line(5, "handoff", state="closed", kind="customer", rule="accepted")
    unrouted = line(6, "unrouted", decided="owner", why={"owner": None})
    found = past.at([mql, customer, closed], ms(5))
    assert {what: why["owner"] for what, why in found.why.items()} == {"owner": "ana@acme.example", "handoff": "ben@acme.example"}
    assert past.at([mql, customer, closed, unrouted], ms(6)).why["owner"] == {"owner": None}
