"""What people say to a hand-off: yes, no, to another, wait; each once, in time or late, with one polite answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync.playbook.models import Slas
from tests import factory
from tests.factory import PEOPLE, ms, users, when
from tests.unit.lead.handing import ANA, BEN, JOE, VERA, H, Handed, M, book, leg, states, told


@pytest.fixture
def kim() -> Handed:
    made = Handed(book())
    made.shown(20)
    return made


def test_a_yes_by_button_is_an_accepted_lead_and_starts_the_next_leg(kim: Handed) -> None:
    decision = kim.order("accept", 5 * M)
    assert [(one.ok, one.text) for one in decision.answers] == [(True, "Accepted. First response due 10:05.")]
    assert (kim.note.state, kim.note.accepted_at, kim.stage) == ("accepted", ms(5 * M), "sal")
    assert kim.leg().done_at == ms(5 * M)
    assert kim.leg().elapsed_ms == (5 * M - 20) * 1000
    assert (kim.due, kim.due_of("first_response")) == (5 * M + 45 * M, 5 * M + H)
    assert ("accepted", ANA) in told(decision)
    assert {system for _, system, _ in decision.dirty} == {"salesforce", "hubspot"}, "both systems are to show it"


def test_the_second_yes_is_told_who_was_first(kim: Handed) -> None:
    kim.order("accept", 60)
    before = kim.lead
    assert kim.said("accept", 90, VERA) == (False, "Ana accepted this at 09:01, so that changed nothing.")
    assert kim.said("accept", 90, ANA) == (False, "You accepted this at 09:01, so that changed nothing.")
    assert kim.lead == before


def test_a_yes_before_the_card_and_the_crm_showed_it_counts_all_the_same() -> None:
    early = Handed(book())
    early.order("accept", 15)
    assert (early.note.state, early.note.accepted_at, early.note.offers[0].known_at) == ("accepted", ms(15), ms(15))
    assert early.due_of("first_response") == 15 + H


def test_a_yes_by_somebody_who_does_not_answer_for_the_owner_changes_nothing(kim: Handed) -> None:
    ok, text = kim.said("accept", 60, JOE)
    assert (ok, text) == (False, "This has been with Ana since 09:00, so that changed nothing.")
    assert kim.note.state == "offered"
    assert kim.said("accept", 70, VERA)[0], "her manager may"


def test_sales_moves_the_stage_and_that_is_the_yes(kim: Handed) -> None:
    decision = kim.sales(60, Stage__c="SAL")
    assert (kim.note.state, kim.note.accepted_at) == ("accepted", ms(60))
    assert states(decision) == ["accepted"]
    kim.sales(70, Stage__c="SQL")
    assert (kim.note.state, kim.note.closed_as, kim.due) == ("closed", "sql", None)


def test_lines_that_say_what_a_yes_looks_like_in_the_crm() -> None:
    done = when("lead.title == 'working'", lambda v: v["title"] == "working", "title")
    kim = Handed(book(leg("accept", "30m", "reassign", done=done), leg("first_response", "1h")))
    kim.shown(20)
    kim.sales(60, Title="thinking")
    assert kim.note.state == "offered"
    kim.sales(90, Title="working")
    assert (kim.note.state, kim.note.accepted_at) == ("accepted", ms(90))


def test_what_was_so_before_the_offer_is_no_answer_to_it() -> None:
    done = when("lead.title == 'working'", lambda v: v["title"] == "working", "title")
    kim = Handed(book(leg("accept", "30m", "reassign", done=done)), open=False)
    kim.sales(5, Title="working")
    kim.did("a", 10)
    kim.shown(20)
    assert kim.note.state == "offered"


def test_a_call_is_yes_and_first_response_at_once(kim: Handed) -> None:
    decision = kim.responded(10 * M)
    assert (kim.note.state, kim.note.accepted_at, kim.note.worked_at) == ("worked", ms(10 * M), ms(10 * M))
    assert (kim.stage, kim.due) == ("sal", None)
    assert states(decision) == ["accepted", "worked"]
    assert kim.responded(11 * M).outcome == "noop"


def test_a_call_from_before_the_offer_is_none_to_it(kim: Handed) -> None:
    assert kim.responded(5, arrives=60).outcome == "noop"
    assert kim.note.state == "offered"


def test_a_call_in_time_that_is_known_late_missed_nothing(kim: Handed) -> None:
    kim.order("accept", 60)
    kim.until(60 + H)
    assert kim.kinds == {"not_worked"}
    kim.responded(30 * M, arrives=90 * M)
    assert (kim.note.worked_at, kim.leg("first_response").breached_at, kim.kinds) == (ms(30 * M), None, set())


def test_the_same_click_twice_is_one(kim: Handed) -> None:
    first = kim.order("accept", 60, ident="click")
    again = kim.order("accept", 61, ident="click")
    assert (len(first.events), [one.ok for one in again.answers], again.events) == (len(first.events), [False], [])
    assert kim.note.accepted_at == ms(60)


def test_a_no_goes_on_to_the_next_who_has_not_had_it(kim: Handed) -> None:
    decision = kim.order("reject", 60, code="not_mine", comment="my cousin's firm")
    assert [one.text for one in decision.answers] == ["Given back: not mine. Ben has it now."]
    assert kim.offers == [(ANA, "rejected"), (BEN, None)]
    assert (kim.note.offers[0].reason, kim.note.offers[0].comment, kim.note.offers[0].by) == ("not_mine", "my cousin's firm", ANA)
    assert (kim.note.state, kim.lead.value("owner"), kim.due) == ("offered", BEN, None)
    assert kim.lead.value("no_reason") is None, "Ben may say the same, and it will be seen"
    kim.shown(120)
    assert kim.due_of() == 120 + 30 * M
    assert kim.note.state == "offered", "the first one's reason, which the CRM shows now, is not the second one's"


def test_a_no_that_nobody_else_can_take_is_a_persons_problem(kim: Handed) -> None:
    kim.order("reject", 60, code="not_mine")
    kim.shown(70)
    ok, text = kim.said("reject", 80, BEN, code="not_mine")
    assert (ok, text) == (True, "Given back: not mine. Nobody else may be given it; a person is told.")
    assert (kim.note.state, kim.kinds, kim.due) == ("rejected", {"unrouted"}, None)
    assert kim.said("accept", 90, BEN)[0], "whose it still is may change their mind"
    assert (kim.note.state, kim.note.owner, kim.kinds) == ("accepted", BEN, set())


@pytest.mark.parametrize(("code", "stage", "comment"), [("no_budget", "recycled", ""), ("junk", "disqualified", "mickey mouse")])
def test_a_no_that_ends_it(kim: Handed, code: str, stage: str, comment: str) -> None:
    ok, text = kim.said("reject", 60, code=code, comment=comment)
    assert (ok, text) == (True, f"Given back: {code.replace('_', ' ')}. The lead is {stage}.")
    assert (kim.stage, kim.note.state, kim.note.closed_as, kim.note.reason, kim.note.comment) == (stage, "closed", stage, code, comment)
    assert (kim.due, kim.lead.said_no, kim.kinds) == (None, [ANA], set())
    assert kim.said("accept", 90)[1].startswith("Ana gave this back at 09:01"), "and that is what a later click is told"


@pytest.mark.parametrize("code", ["", "because"])
def test_a_no_needs_a_reason_that_there_is(kim: Handed, code: str) -> None:
    ok, text = kim.said("reject", 60, code=code)
    assert not ok
    assert text.startswith("A no needs one of these reasons: not_mine (not mine), bad_timing (bad timing)")
    assert (kim.note.state, kim.offers) == ("offered", [(ANA, None)])


def test_a_no_that_needs_a_sentence(kim: Handed) -> None:
    assert kim.said("reject", 60, code="junk", comment="  ") == (False, "“junk” needs a sentence of explanation.")
    assert kim.note.state == "offered"


def test_a_no_where_the_playbook_has_no_reasons() -> None:
    kim = Handed(book(slas=Slas()))
    assert kim.said("reject", 60, code="junk")[1] == "A no needs one of these reasons: none: sla.yaml names no reasons."


def test_a_reason_filled_in_in_the_crm_is_a_no(kim: Handed) -> None:
    decision = kim.sales(60, Reason__c="not_mine", Comment__c="wrong patch")
    assert states(decision) == ["rejected", "offered"]
    assert kim.offers == [(ANA, "rejected"), (BEN, None)]
    assert (kim.note.offers[0].comment, kim.lead.value("owner")) == ("wrong patch", BEN)
    assert kim.sales(70, Reason__c="no such").lines is not None
    assert kim.note.owner == BEN


def test_a_yes_in_time_that_arrives_after_the_end_makes_the_end_void(kim: Handed) -> None:
    kim.until(31 * M)
    kim.shown(32 * M)
    decision = kim.order("accept", 25 * M, ANA, arrives=40 * M)
    assert [one.ok for one in decision.answers] == [True]
    assert (kim.note.owner, kim.note.state, kim.note.accepted_at, kim.lead.value("owner")) == (ANA, "accepted", ms(25 * M), ANA)
    assert kim.offers == [(BEN, "void"), (ANA, None)]
    assert [one.n for one in kim.note.offers] == [1, 2]
    assert (kim.leg().breached_at, kim.leg().done_at, kim.kinds) == (None, ms(25 * M), set())
    assert ("moved", BEN) in told(decision)
    assert kim.due_of("first_response") == 25 * M + H


def test_but_not_once_the_next_has_said_yes(kim: Handed) -> None:
    kim.until(31 * M)
    kim.shown(32 * M)
    kim.order("accept", 33 * M, BEN)
    assert kim.said("accept", 25 * M, ANA, arrives=40 * M) == (False, "Ben accepted this at 09:33, so that changed nothing.")
    assert kim.note.owner == BEN


def test_and_not_when_it_was_late(kim: Handed) -> None:
    kim.until(31 * M)
    ok, text = kim.said("accept", 31 * M, ANA)
    assert (ok, text) == (False, "This has been with Ben since 09:30, so that changed nothing.")
    assert kim.note.owner == BEN


def test_waiting_for_the_customer_stops_the_clock_at_most_so_long_and_keeps_what_is_gone(kim: Handed) -> None:
    assert kim.said("hold_clock", 30)[1].startswith("Accept it first")
    kim.order("accept", 60)
    ok, text = kim.said("hold_clock", 60 + 20 * M, until=factory.at(3 * 24 * H))
    assert (ok, text) == (True, "The clock stands still until 13:21: its SLA allows no more than 4 h.")
    assert kim.due == 60 + 20 * M + 4 * H
    assert kim.said("hold_clock", 30 * M)[0] is False
    ok, _ = kim.said("run_clock", 60 + 80 * M)
    assert ok
    assert kim.due_of("first_response") == 60 + 80 * M + 40 * M, "forty minutes were left"
    assert (kim.leg("first_response").elapsed_ms, kim.leg("first_response").paused_ms) == (20 * M * 1000, H * 1000)
    assert kim.said("run_clock", 90 * M) == (False, "Its clock runs, so that changed nothing.")
    kim.responded(60 + 90 * M)
    assert kim.leg("first_response").elapsed_ms == 30 * M * 1000


def test_the_clock_goes_on_by_itself_when_the_wait_is_over(kim: Handed) -> None:
    kim.order("accept", 60)
    kim.order("hold_clock", 60 + 20 * M, until=factory.at(60 + 50 * M))
    assert states(kim.ring()) == ["resumed"]
    assert kim.due_of("first_response") == 60 + 90 * M


def test_where_the_sla_allows_no_pause_there_is_none() -> None:
    kim = Handed(book(sla={"pause": None}))
    kim.order("accept", 60)
    assert kim.said("hold_clock", 70) == (
        False,
        "The clock of this hand-off cannot be stopped (sla.yaml fast: no pause), so that changed nothing.",
    )


def test_given_to_a_person_before_anybody_said_yes(kim: Handed) -> None:
    assert kim.said("reassign", 60, VERA, to=JOE) == (True, "Joe has it now.")
    assert kim.offers == [(ANA, "moved"), (JOE, None)]
    assert (kim.note.state, kim.lead.value("owner"), kim.due) == ("offered", JOE, None)
    kim.shown(100)
    assert kim.due_of() == 100 + 30 * M


@pytest.mark.parametrize(("clocks", "state"), [("keep", "accepted"), ("restart", "offered")])
def test_given_on_by_a_run_with_its_clock_or_anew(kim: Handed, clocks: str, state: str) -> None:
    kim.order("accept", 60)
    kim.order("reassign", 60 + 20 * M, VERA, to=JOE, clocks=clocks, run="run-1")
    assert (kim.note.owner, kim.note.state) == (JOE, state)
    if clocks == "keep":
        assert kim.due_of("first_response") == 60 + H
    else:
        assert kim.due is None
        kim.shown(60 + 30 * M)
        assert kim.due_of() == 60 + H
        kim.order("accept", 60 + 40 * M, JOE)
        assert kim.due_of("first_response") == 60 + 100 * M, "an hour of his own"


def test_given_to_a_pool_and_to_whom_the_route_finds(kim: Handed) -> None:
    assert kim.said("reassign", 60, VERA, to="pool:sdr")[0]
    first = kim.note.owner
    assert first in (BEN, JOE)
    ok, text = kim.said("reassign", 70, VERA)
    assert kim.note.owner != first or not ok, text


@pytest.mark.parametrize(
    ("to", "text"),
    [
        ("nobody@x.example", "nobody@x.example may not be given it: is not in team.yaml, so that changed nothing."),
        ("pool:none", "there is no pool none, so that changed nothing."),
        (ANA, "Ana has it already, so that changed nothing."),
        (JOE, "Joe may not be given it: is inactive in salesforce, so that changed nothing."),
    ],
)
def test_given_to_somebody_who_may_not_have_it(kim: Handed, to: str, text: str) -> None:
    kim.facts.users = users(JOE)
    assert kim.said("reassign", 60, VERA, to=to) == (False, text)
    assert (kim.offers, kim.note.state) == ([(ANA, None)], "offered")


def test_an_owner_whom_sales_names_in_the_crm_has_it_as_far_as_it_has_come(kim: Handed) -> None:
    kim.sales(60, OwnerId=PEOPLE[JOE])
    assert kim.offers == [(ANA, "moved"), (JOE, None)]
    assert kim.due_of() == 60 + 30 * M, "the CRM shows him"
    kim.order("accept", 100, JOE)
    decision = kim.sales(10 * M, OwnerId=PEOPLE[BEN])
    assert (kim.note.state, kim.note.owner, kim.due_of("first_response")) == ("accepted", BEN, 100 + H)
    assert told(decision)[:2] == [("offered", BEN), ("moved", JOE)]


def test_a_note_is_kept_and_answered_and_moves_nothing(kim: Handed) -> None:
    before = kim.note
    decision = kim.order("note", 60, comment="on holiday until Monday")
    assert [one.text for one in decision.answers] == ["Noted."]
    assert [line.data["comment"] for line in decision.lines if line.kind == "note"] == ["on holiday until Monday"]
    assert kim.note == before


@pytest.mark.parametrize("name", ["note", "accept", "reject", "reassign"])
def test_what_is_too_long_is_refused_wherever_it_comes_from(kim: Handed, name: str) -> None:
    ok, text = kim.said(name, 60, comment="x" * 1_200, code="not_mine", to=JOE)
    assert (ok, text.startswith("What was written is too long (at most 1,000 characters, this has 1,200")) == (False, True)
    assert kim.note.state == "offered"
    assert kim.said("note", 70, comment="x" * 1_000)[0]


def test_an_answer_to_an_earlier_hand_off_is_told_so(kim: Handed) -> None:
    old = kim.note.id
    kim.order("reject", 60, code="no_budget")
    kim.did("b", 100)
    assert kim.note.cycle == 2
    assert kim.said("accept", 110, ANA, handoff=old) == (
        False,
        "That hand-off is over; the lead has come again since, so that changed nothing.",
    )
    assert kim.note.state == "offered"


def test_without_a_hand_off_there_is_nothing_to_accept_but_an_owner_to_name() -> None:
    kim = Handed(book(), open=False)
    assert kim.said("accept", 60, ANA, handoff=None) == (False, "This lead was never handed over, so that changed nothing.")
    assert kim.said("reassign", 70, VERA, to=JOE, handoff=None) == (True, "Joe has it now.")
    assert kim.lead.value("owner") == JOE


def test_a_yes_where_the_playbook_knows_no_stages_of_sales(kim: Handed) -> None:
    kim.playbook = replace(kim.playbook, stages=tuple(stage for stage in kim.playbook.stages if stage.id != "sal"))
    assert kim.said("accept", 60)[0]
    assert (kim.note.state, kim.stage) == ("accepted", "mql")


def test_who_gave_it_on_and_why_stands_with_the_owner_and_in_the_timeline(kim: Handed) -> None:
    decision = kim.order("reassign", 60, VERA, to=JOE, comment="Joe knows them")
    assert kim.lead.why["owner"]["how"] == "given on by Vera: Joe knows them"
    assert any(line.data.get("why") == kim.lead.why["owner"]["how"] for line in decision.lines)


def test_whoever_says_yes_from_elsewhere_is_not_taken_for_the_owner(kim: Handed) -> None:
    kim.order("accept", 60)
    assert kim.said("accept", 90, "an-admin") == (False, "Ana accepted this at 09:01, so that changed nothing.")
