"""An act that is no MQL: handed to whoever looks after the customer or the deal, under its own SLA; the stage stays."""

from __future__ import annotations

from typing import Any

import pytest

from sync.lead.state import Lead
from sync.playbook.models import Kind, Playbook, Points, Step, To, Where
from tests import factory
from tests.factory import HS, SF, changed, shared, snapshot, users, when
from tests.unit.lead.play import Play

VERA, JOE, ANA, BEN = "vera@acme.example", "joe@acme.example", "ana@acme.example", "ben@acme.example"


def kind(name: str, to: To, *, test: Any, names: str, **more: Any) -> Kind:
    return Kind(name, Where("lifecycle.yaml", 80), when(f"lead.{names}", test, names), to, (Step(VERA),), name, **more)


def playbook(to: To = "owner", **more: Any) -> Playbook:
    customer = kind("customer", to, test=lambda v: v["stage"] == "customer", names="stage", **more)
    return factory.playbook(handoffs=(customer,))


@pytest.fixture
def play() -> Play:
    made = Play(playbook())
    made.sales(10, Stage__c="CUSTOMER", OwnerId="005J")
    return made


def handoff(lead: Lead) -> tuple[object, ...]:
    note = lead.handoff
    return () if note is None else (note.kind, note.state, note.owner, note.sla, note.cycle)


def test_a_customers_form_goes_to_whoever_looks_after_them_and_the_stage_stays(play: Play) -> None:
    decision = play.did("a", 50)
    assert handoff(play.lead) == ("customer", "offered", JOE, "customer", 1)
    assert (play.stage, play.lead.value("owner")) == ("customer", JOE)
    offered = [event for event in decision.events if event.type == "truce.handoff.offered"]
    assert [event.data.model_dump()["kind"] for event in offered] == ["customer"]
    assert [line.data["kind"] for line in decision.lines if line.kind == "handoff"] == ["customer"]
    assert (play.lead.why["handoff"]["rule"], play.lead.why["handoff"]["how"]) == ("lifecycle.yaml:80 customer", "keeps its owner")
    assert decision.pools == {}, "nobody's turn in a pool"


def test_a_second_form_while_one_is_open_opens_no_second(play: Play) -> None:
    play.did("a", 50)
    decision = play.did("b", 60)
    assert handoff(play.lead)[-1] == 1
    assert [event.type for event in decision.events] == []


def test_what_is_no_form_or_scores_against_the_person_opens_none(play: Play) -> None:
    play.did("a", 50, kind="visit")
    assert play.lead.handoff is None
    away = Play(playbook())
    object.__setattr__(away, "playbook", factory.playbook(handoffs=away.playbook.handoffs, engagement=(Points(-30, Where("x", 1)),)))
    away.sales(10, Stage__c="CUSTOMER", OwnerId="005J")
    away.did("a", 50, "unsubscribe")
    assert away.lead.handoff is None


def test_who_may_not_be_given_a_lead_is_passed_over_for_the_fallback_and_the_crm_gets_a_living_owner() -> None:
    play = Play(playbook(), factory.facts(users=users(JOE)))
    play.sales(10, Stage__c="CUSTOMER", OwnerId="005J")
    play.did("a", 50)
    assert handoff(play.lead)[2] == VERA
    assert play.lead.why["handoff"]["passed_over"] == [{"who": JOE, "why": "is inactive in salesforce"}]
    assert play.lead.value("owner") == VERA


def test_an_owner_who_can_keep_it_keeps_the_record_when_somebody_else_gets_the_act() -> None:
    play = Play(playbook("account_owner"))
    play.sales(10, Stage__c="CUSTOMER", OwnerId="005J")
    play.did("a", 50)
    assert handoff(play.lead)[2] == VERA, "no account is known: the fallback"
    assert play.lead.why["handoff"]["passed_over"] == [{"who": "the account's owner", "why": "is not known"}]
    assert play.lead.value("owner") == JOE


def test_nobody_left_is_a_problem_that_ends_with_the_next_act() -> None:
    play = Play(playbook(), factory.facts(users=users(JOE, VERA)))
    play.sales(10, Stage__c="CUSTOMER", OwnerId="005J")
    decision = play.did("a", 50)
    assert [(note.kind, note.open) for note in decision.problems] == [("unrouted", True)]
    play.facts.users = users()
    decision = play.did("b", 60)
    assert [(note.kind, note.open) for note in decision.problems] == [("unrouted", False)]
    assert handoff(play.lead)[2] == JOE


def test_somebody_with_an_open_deal_becomes_no_mql_whatever_their_score() -> None:
    owner = shared("deal", "text", "sales", "Deal__c", None)
    deal = kind("open_deal", "owner", test=lambda v: v["deal"] == "yes", names="deal")
    play = Play(factory.playbook(handoffs=(deal,), fields={**factory.fields(), "deal": owner}))
    play.sales(10, Deal__c="yes", OwnerId="005B")
    play.did("a", 50)
    assert (play.stage, handoff(play.lead)[:3]) == ("lead", ("open_deal", "offered", BEN))
    play.sales(60, Deal__c="no")
    assert play.stage == "mql", "the deal is over, and the score still says so"
    assert handoff(play.lead)[0] == "mql"
    assert handoff(play.lead)[-1] == 2


def test_bulk_opens_none_and_the_next_act_does(play: Play) -> None:
    decision = play.did("a", 50, bulk=True)
    assert play.lead.handoff is None
    assert [note.kind for note in decision.problems] == ["held"]
    play.did("b", 60)
    assert handoff(play.lead)[:2] == ("customer", "offered")


def test_sales_sends_an_mql_back_the_hand_off_ends_and_who_said_no_is_remembered() -> None:
    play = Play(factory.playbook())
    play.did("a", 50)
    assert handoff(play.lead)[:3] == ("mql", "offered", ANA)
    decision = play.sales(60, Stage__c="RECYCLED")
    assert (play.stage, handoff(play.lead)[1], play.lead.said_no) == ("recycled", "closed", [ANA])
    assert [event.type for event in decision.events] == ["truce.lead.stage_changed", "truce.handoff.closed"]
    play.did("b", 70)
    assert (play.stage, handoff(play.lead)[1], handoff(play.lead)[-1]) == ("mql", "offered", 2)


def test_marketing_taking_a_lead_out_is_no_ones_no() -> None:
    play = Play(factory.playbook(fields={**factory.fields(), "stage": _latest()}))
    play.did("a", 50)
    play.go(changed("hubspot:contacts:1", 60, {"lifecyclestage": "disqualified"}, origin="person"))
    assert (play.stage, play.lead.said_no, handoff(play.lead)[1]) == ("disqualified", [], "closed")


def _latest() -> Any:
    stage = factory.fields()["stage"]
    return shared("stage", "picklist", "latest", stage.systems[SF], stage.systems[HS], order=stage.order)


def test_a_customer_whom_a_bulk_read_shows_is_nobodys_hand_off() -> None:
    play = Play(playbook())
    play.go(snapshot("salesforce:Lead:00Q1", 10, {"Email": "kim@x.example", "Country": "DE", "Stage__c": "CUSTOMER"}, bulk=True))
    assert play.lead.handoff is None
