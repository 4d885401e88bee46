"""A hand-off that waits for enrichment is given at once when it is there, at the latest when its time is over, and never twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.envelope import Envelope
from sync.lead import clocks
from sync.lead.decide import decide
from sync.lead.decision import Decision, Facts, fold
from sync.lead.state import Lead
from sync.playbook.models import Assign, Hold, Playbook, Route, Step, When, Where
from tests import factory
from tests.factory import CONTACT, LEAD, changed, merged, ms, snapshot, touch, when

KNOWN = when("has(lead.employees)", lambda v: True, "employees")
WAIT = Hold(KNOWN, 900, Where("routing.yaml", 5))


def book(**assign: Any) -> Playbook:
    large = Route(
        "large",
        when("lead.employees >= 500", lambda v: v["employees"] >= 500, "employees"),
        Assign("ana@acme.example"),
        Where("routing.yaml", 2),
    )
    rest = Assign("ben@acme.example", fallback=(Step("vera@acme.example"),), **({"hold": WAIT} | assign))
    return factory.playbook(routes=(large, Route("rest", When(), rest, Where("routing.yaml", 4))))


class Desk:
    """Decides one message after the other."""

    def __init__(self, **assign: Any) -> None:
        self.facts: Facts = factory.facts()
        self.playbook = book(**assign)

    def decide(self, seconds: float, message: Envelope) -> Decision:
        decision = decide(message, self.facts, self.playbook, ms(seconds))
        fold(self.facts, decision)
        return decision

    def begin(self) -> Decision:
        self.decide(1, snapshot(LEAD, 1, {"Email": "kim@x.example", "Country": "DE"}))
        self.decide(2, snapshot(CONTACT, 2, {"email": "kim@x.example", "country": "DE"}))
        return self.decide(10, touch("a", 10, ref=CONTACT))

    def lead(self, ref: str = CONTACT) -> Lead:
        return self.facts.leads[self.facts.identities["ref", ref]]

    def due(self, seconds: float, kind: str = "hold") -> Decision:
        lead = self.lead()
        return self.decide(seconds, clocks.told(lead.id, kind, lead.clocks[kind], ms(seconds)))


def test_it_waits_with_a_clock_that_says_how_long() -> None:
    desk = Desk()
    began = desk.begin()
    lead = desk.lead()
    assert (lead.value("stage"), lead.handoff, lead.value("owner")) == ("mql", None, None)
    assert lead.clocks == {"hold": ms(910)}
    note = began.clocks[lead.id, "hold"]
    assert note is not None
    assert note.data == {"expires": ms(910), "rule": "routing.yaml:5 rest"}
    assert not began.turns
    assert [line.kind for line in began.lines].count("waits") == 1
    again = desk.decide(60, touch("b", 60, ref=CONTACT))
    assert desk.lead().clocks == {"hold": ms(910)}, "what comes later does not make it longer"
    assert "waits" not in [line.kind for line in again.lines]


def test_it_is_given_at_once_when_what_it_waits_for_is_there() -> None:
    desk = Desk()
    desk.begin()
    given = desk.decide(60, changed(CONTACT, 60, {"numberofemployees": 800}))
    lead = desk.lead()
    assert lead.handoff is not None
    assert lead.handoff.owner == "ana@acme.example", "through the route as it is now"
    assert lead.clocks == {}
    assert given.clocks == {(lead.id, "hold"): None}
    assert "hold" not in lead.why


def test_it_is_given_at_its_expiry_and_once_however_often_the_clock_is_told() -> None:
    desk = Desk()
    desk.begin()
    clock = clocks.told(desk.lead().id, "hold", ms(910), ms(911))
    first = desk.decide(911, clock)
    lead = desk.lead()
    assert lead.handoff is not None
    assert lead.handoff.owner == "ben@acme.example"
    assert len(first.turns) == 1
    again = desk.decide(950, clock)
    assert (again.outcome, again.leads, again.turns) == ("noop", [], [])


def test_nobody_at_the_expiry_is_a_problem_and_the_next_message_tries_again() -> None:
    desk = Desk()
    desk.facts.users = factory.users("ben@acme.example", "vera@acme.example")
    desk.begin()
    assert any(note.kind == "unrouted" and note.open for note in desk.due(911).problems)
    desk.facts.users = factory.users()
    desk.decide(920, touch("c", 920, ref=CONTACT))
    assert desk.lead().handoff is not None


def test_in_a_later_cycle_it_waits_too_and_is_not_forgotten() -> None:
    desk = Desk(hold=None)
    desk.begin()
    assert desk.lead().handoff is not None
    desk.playbook = replace(book(), version=2)
    desk.decide(100, changed(LEAD, 100, {"Stage__c": "RECYCLED"}, origin="person"))
    desk.decide(200, touch("d", 200, ref=CONTACT))
    lead = desk.lead()
    assert lead.value("stage") == "mql"
    assert lead.handoff is not None
    assert lead.handoff.state == "closed"
    assert "hold" in lead.clocks
    desk.due(1200)
    assert (lead := desk.lead()).handoff is not None
    assert (lead.handoff.cycle, lead.handoff.state) == (2, "offered")


def test_who_leaves_the_stage_waits_no_more() -> None:
    desk = Desk()
    desk.begin()
    desk.decide(60, changed(LEAD, 60, {"Stage__c": "DISQUALIFIED"}, origin="person"))
    assert desk.lead().clocks == {}
    assert "hold" not in desk.lead().why


def test_two_who_wait_and_are_joined_are_given_once_by_the_first_expiry() -> None:
    desk = Desk()
    desk.begin()
    other = "hubspot:contacts:2"
    desk.decide(30, snapshot(other, 30, {"email": "lee@y.example", "country": "DE"}))
    desk.decide(40, touch("z", 40, ref=other))
    loser = desk.lead(other).id
    joined = desk.decide(50, merged(CONTACT, other, seconds=50))
    assert desk.lead().clocks == {"hold": ms(910)}
    assert desk.facts.leads[loser].clocks == {}
    assert joined.clocks[loser, "hold"] is None
    assert len(desk.due(911).turns) == 1


@pytest.mark.parametrize(
    ("priority", "bulk", "lane"), [("hot", True, "hot"), ("normal", False, "bulk"), (None, False, "hot"), (None, True, "bulk")]
)
def test_the_route_says_how_urgently_it_is_written(priority: Any, bulk: bool, lane: str) -> None:
    desk = Desk(hold=None, priority=priority)
    desk.playbook = replace(desk.playbook, systems={n: replace(s, bulk="pass") for n, s in desk.playbook.systems.items()})
    desk.decide(1, snapshot(LEAD, 1, {"Email": "kim@x.example", "Country": "DE"}))
    desk.decide(2, snapshot(CONTACT, 2, {"email": "kim@x.example", "country": "DE"}))
    given = desk.decide(10, touch("a", 10, ref=CONTACT, bulk=bulk))
    assert desk.lead().handoff is not None
    assert {row[2] for row in given.dirty} == {lane}


def test_what_bulk_brings_ends_the_wait_and_holds_nothing() -> None:
    """Enrichment often comes as an import: the hand-off was owed before it."""
    desk = Desk()
    desk.begin()
    desk.decide(60, changed(LEAD, 60, {"NumberOfEmployees": 900}, bulk=True))
    lead = desk.lead()
    assert lead.held is None
    assert lead.handoff is not None
    assert (lead.handoff.owner, lead.clocks.get("hold")) == ("ana@acme.example", None)


def test_an_import_during_the_wait_leaves_its_end_as_it_was() -> None:
    desk = Desk()
    desk.begin()
    desk.decide(60, changed(LEAD, 60, {"Title": "CTO"}, bulk=True))
    assert desk.lead().held is None
    desk.due(910)
    lead = desk.lead()
    assert lead.handoff is not None
    assert (lead.handoff.state, lead.handoff.owner) == ("offered", "ben@acme.example")
