"""A hand-off is offered, reaches its owner, and runs out: each step at its time, to whom it concerns, and to nobody twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.envelope import Envelope
from schemas.notice import NoticeSent
from sync.lead import clocks
from sync.lead.offers import HANDOFF
from sync.playbook.models import Assign, Hours, Kind, Step
from tests import factory
from tests.factory import CONTACT, HS, LEAD, PEOPLE, SF, ms, snapshot, users, when
from tests.unit.lead.handing import ANA, BEN, HERE, JOE, VERA, H, Handed, M, book, leg, states, told


@pytest.fixture
def kim() -> Handed:
    return Handed(book())


def test_nobodys_clock_runs_until_they_can_know_of_it(kim: Handed) -> None:
    assert (kim.note.state, kim.note.owner, kim.note.sla) == ("offered", ANA, "fast")
    assert (kim.due, kim.note.legs) == (None, {})
    kim.shown(20)
    assert kim.note.offers[0].known_at == ms(20)
    assert (kim.due, kim.due_of()) == (20 + 20 * M, 20 + 30 * M)


def test_a_read_that_shows_the_owner_is_enough_and_comes_first_or_last(kim: Handed) -> None:
    kim.go(snapshot(LEAD, 25, {"Email": "kim@x.example", "OwnerId": PEOPLE[ANA]}), 40)
    assert kim.note.offers[0].known_at == ms(40), "from when we know that they know"
    kim.card(50)
    kim.shown(60)
    assert (kim.note.offers[0].known_at, kim.due_of()) == (ms(40), 40 + 30 * M)


def test_the_card_is_enough_and_the_clock_never_begins_in_the_past(kim: Handed) -> None:
    assert kim.go(kim_card(kim, sent=30), 300).outcome == "applied"
    assert (kim.note.offers[0].known_at, kim.due_of()) == (ms(300), 300 + 30 * M)
    assert kim.card(310).outcome == "noop"


def kim_card(kim: Handed, *, sent: float) -> Envelope:
    return factory.envelope("truce.notice.sent", NoticeSent(lead_id=kim.lead.id, handoff=kim.note.id, offer=1, at=factory.at(sent)))


@pytest.mark.parametrize(("offer", "handoff"), [(2, None), (1, "0198f3c0-0000-7000-8000-000000000001")])
def test_the_card_of_another_offer_starts_nothing(kim: Handed, offer: int, handoff: str | None) -> None:
    assert kim.card(30, offer, handoff).outcome == "noop"
    assert kim.due is None


def test_another_owner_in_the_crm_is_not_the_offer_shown(kim: Handed) -> None:
    kim.go(factory.done(kim.lead.id, LEAD, 20, {"Title": "Head"}, {"title": 1}), 20)
    assert kim.due is None


def test_warned_then_missed_then_the_next_in_turn_with_memory(kim: Handed) -> None:
    kim.shown(20)
    warned = kim.ring()
    assert (kim.now, states(warned), told(warned), kim.note.state) == (20 + 20 * M, ["warned"], [("warned", ANA)], "offered")
    late = kim.ring()
    assert (kim.now, states(late)) == (20 + 30 * M, ["breached", "escalated", "expired", "offered"])
    assert kim.offers == [(ANA, "expired"), (BEN, None)]
    assert (kim.note.owner, kim.lead.value("owner"), kim.note.state) == (BEN, BEN, "offered")
    assert told(late) == [("escalated", VERA), ("offered", BEN), ("moved", ANA)]
    assert [note.offer for note in late.notices] == [1, 2, 1]
    assert kim.due is None, "Ben does not know of it yet"
    assert kim.kinds == {"not_accepted"}, "told until somebody takes it"
    assert (kim.leg().breached_at, kim.leg().owner) == (kim.note.offers[0].due_at, ANA)


def test_the_same_ring_twice_is_one(kim: Handed) -> None:
    kim.shown(20)
    due = kim.lead.clocks[HANDOFF]
    kim.until(20 + 30 * M)
    before = kim.lead
    again = kim.go(clocks.told(kim.lead.id, HANDOFF, due, ms(40 * M)), 40 * M)
    assert (again.outcome, kim.lead) == ("noop", before)


def test_after_so_many_people_it_falls_to_the_last_resort_and_a_person_is_told() -> None:
    base = book(sla={"offers": 1})
    emea = replace(base.routes[0], assign=Assign(pool="emea", fallback=(Step(VERA),)))
    kim = Handed(replace(base, routes=(emea,)))
    kim.shown(20)
    kim.until(31 * M)
    assert kim.offers == [(ANA, "expired"), (VERA, None)], "not to Ben, although he is in the pool"
    assert kim.kinds == {"fell_back", "not_accepted"}
    kim.order("accept", 40 * M)
    assert (kim.note.owner, kim.note.state, kim.kinds) == (VERA, "accepted", set())


def test_where_nobody_else_is_left_it_stays_and_says_so() -> None:
    kim = Handed(book(sla={"offers": 9}))
    kim.shown(20)
    kim.until(31 * M)
    kim.shown(32 * M)
    done = kim.until(70 * M)[-1]
    assert states(done) == ["breached", "escalated", "expired"]
    assert kim.note.state == "expired"
    assert kim.note.owner == BEN
    assert "unrouted" in kim.kinds
    assert kim.due is None


def test_managers_are_told_up_the_chain_once_each() -> None:
    reps = {ANA: BEN, BEN: VERA}
    playbook = book(leg("accept", "30m", "escalate", "escalate+1h", "escalate+2h"))
    playbook = replace(playbook, reps={e: replace(rep, manager=reps.get(e)) for e, rep in playbook.reps.items()})
    kim = Handed(playbook)
    kim.shown(20)
    rings = kim.until(9 * H)
    assert [one for ring in rings for one in told(ring)] == [("escalated", BEN), ("escalated", VERA), ("escalated", VERA)]
    assert [[n.data["level"] for n in ring.notices] for ring in rings] == [[1], [2], [3]]
    assert (kim.note.owner, kim.kinds, kim.due) == (ANA, {"not_accepted"}, None)


def test_who_lets_three_run_out_is_taken_for_away() -> None:
    kim = Handed(book(leg("accept", "30m", "reassign", "away*3")))
    kim.shown(20)
    [note] = kim.until(31 * M)[-1].presence
    assert (note.person, note.misses, note.leg) == (ANA, 3, "accept")


def test_first_response_missed_goes_up_and_then_to_another_with_the_time_of_a_new_owner(kim: Handed) -> None:
    kim.shown(20)
    kim.order("accept", 60)
    assert (kim.due_of("first_response"), kim.due) == (60 + H, 60 + 45 * M)
    kim.until(60 + 2 * H)
    assert (kim.note.owner, kim.kinds) == (ANA, {"not_worked"})
    kim.until(60 + 3 * H)
    assert kim.offers == [(ANA, "expired"), (BEN, None)]
    assert (kim.note.state, kim.kinds) == ("offered", {"not_worked"})
    kim.shown(4 * H)
    kim.order("accept", 4 * H + 60)
    assert kim.due_of("first_response") == 5 * H + 60
    assert kim.leg("first_response").owner == ANA, "who missed it stays known"


def test_working_hours_and_zone_are_the_owners_own() -> None:
    base = book()
    hours = Hours(dict.fromkeys(range(1, 6), (("09:00", "17:00"),)), "America/New_York")
    kim = Handed(replace(base, reps={email: replace(rep, hours=hours) for email, rep in base.reps.items()}))
    assert kim.note.owner == ANA
    kim.shown(20)
    assert kim.due_of() == 5 * H + 30 * M, "09:00 in New York is 14:00 UTC"
    assert kim.leg().within_ms == 30 * M * 1000
    kim.order("accept", 60)
    assert kim.leg().elapsed_ms == 0, "she was not at work yet"


def test_a_new_playbook_moves_no_deadline_that_runs(kim: Handed) -> None:
    kim.shown(20)
    before = kim.leg().due_at, kim.leg().version
    kim.playbook = replace(book(leg("accept", "5m", "escalate"), leg("first_response", "2h")), version=2, checksum="two")
    kim.marketing(100, jobtitle="Head")
    assert (kim.leg().due_at, kim.leg().version, kim.note.version) == (*before, 1)
    kim.order("accept", 200)
    assert (kim.leg("first_response").version, kim.due_of("first_response")) == (2, 200 + 2 * H)


def test_an_sla_that_is_gone_leaves_what_runs_as_it_is(kim: Handed) -> None:
    kim.shown(20)
    kim.playbook = replace(kim.playbook, slas=type(kim.playbook.slas)(), version=2, checksum="two")
    kim.marketing(100, jobtitle="Head")
    kim.until(31 * M)
    assert kim.offers[0] == (ANA, "expired")
    assert kim.note.owner == BEN


def test_after_an_outage_there_is_a_warning_and_some_time_and_no_wave(kim: Handed) -> None:
    kim.shown(20)
    kim.ring()
    late = kim.ring(late=3 * 24 * H)
    assert states(late) == ["delayed"]
    assert told(late) == [("warned", ANA)]
    assert (kim.offers, kim.leg().cause) == ([(ANA, None)], "outage")
    assert kim.due == kim.now + 30 * M
    assert kim.leg().breached_at is None
    kim.order("accept", kim.now + 60)
    assert (kim.note.state, kim.leg().breached_at) == ("accepted", None)


def test_who_was_not_warned_in_time_is_told_once_after_an_outage(kim: Handed) -> None:
    kim.shown(20)
    late = kim.ring(late=4 * 24 * H)
    assert told(late) == [("warned", ANA)], "with the new deadline, and not with the old one too"
    assert kim.offers == [(ANA, None)]


def test_what_is_missed_after_the_grace_follows_in_its_order(kim: Handed) -> None:
    kim.shown(20)
    kim.ring()
    kim.ring(late=2 * H)
    assert states(kim.ring()) == ["breached", "escalated", "expired", "offered"]
    assert kim.note.owner == BEN


def test_nobody_loses_a_lead_while_the_crm_is_not_read_that_far(kim: Handed) -> None:
    kim.shown(20)
    kim.ring()
    behind = kim.ring(seen={SF: 60})
    assert (states(behind), kim.offers) == ([], [(ANA, None)])
    assert kim.kinds == {"unreachable"}, "half an hour without a read"
    first = kim.due
    assert first is not None
    assert first > kim.now
    kim.ring(seen={SF: 60})
    assert kim.due is not None
    assert kim.due - kim.now > first - (20 + 30 * M), "ever more seldom"
    assert len(kim.problems) == 1
    read = kim.ring()
    assert states(read) == ["breached", "escalated", "expired", "offered"]
    assert "unreachable" not in kim.kinds


def test_the_time_from_one_poll_to_the_next_is_waited_for_and_no_problem(kim: Handed) -> None:
    kim.shown(20)
    kim.ring()
    waits = kim.ring(seen={SF: 26 * M})
    assert (states(waits), kim.offers, kim.kinds) == ([], [(ANA, None)], set())
    assert states(kim.ring()) == ["breached", "escalated", "expired", "offered"]


def test_an_answer_found_in_the_crm_after_a_while_was_in_time(kim: Handed) -> None:
    kim.shown(20)
    kim.ring()
    kim.ring(seen={SF: 60})
    kim.sales(25 * M, Stage__c="SAL")
    assert (kim.note.state, kim.note.accepted_at, kim.leg().breached_at) == ("accepted", ms(25 * M), None)


def test_another_system_that_is_behind_holds_nothing_up(kim: Handed) -> None:
    kim.shown(20)
    kim.ring()
    assert states(kim.ring(seen={SF: 31 * M, HS: 0})) == ["breached", "escalated", "expired", "offered"]


def test_an_owner_who_leaves_hands_it_on_at_the_next_act_and_the_clock_is_the_next_ones(kim: Handed) -> None:
    kim.shown(20)
    kim.facts.users = users(ANA)
    kim.did("b", 60)
    assert kim.offers == [(ANA, "moved"), (BEN, None)]
    assert kim.due is None
    kim.shown(90)
    assert kim.due_of() == 90 + 30 * M


def test_a_clock_that_rings_after_the_owner_left_moves_it_on_too(kim: Handed) -> None:
    kim.shown(20)
    kim.facts.users = users(ANA)
    kim.ring()
    assert (kim.note.owner, kim.offers[0]) == (BEN, (ANA, "moved"))


def test_a_customers_act_has_an_sla_and_no_wait_for_the_crm() -> None:
    customer = Kind("customer", HERE, when("lead.stage", lambda v: v["stage"] == "customer", "stage"), "owner", (Step(VERA),), "fast")
    kim = Handed(book(handoffs=(customer,)), open=False)
    kim.sales(10, Stage__c="CUSTOMER", OwnerId=PEOPLE[JOE])
    kim.did("a", 50)
    assert (kim.note.kind, kim.note.owner, kim.due_of()) == ("customer", JOE, 50 + 30 * M)
    kim.order("accept", 60)
    kim.responded(90, JOE)
    assert (kim.note.state, kim.note.closed_as, kim.stage) == ("closed", "worked", "customer")
    assert kim.due is None


def test_a_customers_act_that_is_not_taken_goes_to_the_fallback_and_the_owner_stays() -> None:
    customer = Kind("customer", HERE, when("lead.stage", lambda v: v["stage"] == "customer", "stage"), "owner", (Step(VERA),), "fast")
    kim = Handed(book(handoffs=(customer,)), open=False)
    kim.sales(10, Stage__c="CUSTOMER", OwnerId=PEOPLE[JOE])
    kim.did("a", 50)
    kim.until(50 + 30 * M)
    assert kim.offers == [(JOE, "expired"), (VERA, None)]
    assert kim.lead.value("owner") == JOE
    assert kim.due_of() == 50 + 60 * M


def test_a_conversion_ends_it_at_its_own_time_and_is_the_answer(kim: Handed) -> None:
    kim.shown(20)
    kim.go(factory.converted(LEAD, "salesforce:Contact:003A", 10 * M), 12 * M)
    assert (kim.note.state, kim.note.closed_as, kim.note.closed_at) == ("closed", "sql", ms(10 * M))
    assert (kim.note.accepted_at, kim.note.worked_at, kim.leg().breached_at) == (ms(10 * M), ms(10 * M), None)
    assert (kim.due, kim.kinds) == (None, set())


def test_a_conversion_before_the_deadline_that_is_known_after_it_missed_nothing() -> None:
    kim = Handed(book(leg("accept", "30m", "escalate"), leg("first_response", "1h", "escalate")))
    kim.shown(20)
    kim.ring()
    assert kim.kinds == {"not_accepted"}
    kim.go(factory.converted(LEAD, "salesforce:Contact:003A", 10 * M), 40 * M)
    assert kim.leg().breached_at is None
    assert (kim.note.closed_at, kim.kinds) == (ms(10 * M), set())


def test_two_people_in_one_hand_off_each_become_one(kim: Handed) -> None:
    other = "salesforce:Lead:00Q2"
    kim.go(snapshot(other, 30, {"Email": "kim2@x.example", "Country": "US"}))
    lee = "hubspot:contacts:2"
    kim.go(snapshot(lee, 31, {"email": "kim2@x.example", "country": "US"}))
    kim.go(factory.touch("c", 50, ref=lee))
    loser = kim.facts.leads[kim.facts.identities["ref", other]]
    assert loser.handoff is not None
    kim.shown(55)
    merged = kim.go(factory.merged(LEAD, other, seconds=60))
    assert (kim.note.state, kim.note.owner, kim.due_of()) == ("offered", ANA, 55 + 30 * M)
    gone = kim.facts.leads[loser.id]
    assert gone.handoff is not None
    assert (gone.handoff.state, gone.handoff.closed_as, gone.clocks) == ("closed", "joined", {})
    assert ("closed", loser.handoff.owner) in told(merged)


def test_of_two_that_are_joined_the_one_that_is_open_goes_on() -> None:
    kim = Handed(book(), open=False)
    other, lee = "salesforce:Lead:00Q2", "hubspot:contacts:2"
    kim.go(snapshot(other, 3, {"Email": "kim2@x.example", "Country": "US"}))
    kim.go(snapshot(lee, 4, {"email": "kim2@x.example", "country": "US"}))
    kim.go(factory.touch("c", 50, ref=lee))
    loser = kim.facts.leads[kim.facts.identities["ref", other]]
    assert loser.handoff is not None
    kim.go(factory.merged(LEAD, other, seconds=60))
    assert (kim.note.id, kim.note.state, kim.note.owner) == (loser.handoff.id, "offered", loser.handoff.owner)
    assert kim.lead.value("owner") == kim.note.owner


def test_nobodys_lead_that_is_joined_is_one_problem_and_not_two() -> None:
    kim = Handed(book(), open=False)
    other, lee = "salesforce:Lead:00Q2", "hubspot:contacts:2"
    kim.go(snapshot(other, 3, {"Email": "kim2@x.example", "Country": "DE"}))
    kim.go(snapshot(lee, 4, {"email": "kim2@x.example", "country": "DE"}))
    kim.facts.users = users(ANA, BEN)
    kim.go(factory.touch("c", 50, ref=lee))
    loser = kim.facts.identities["ref", other]
    assert list(kim.problems) == [("unrouted", loser)]
    kim.go(factory.merged(LEAD, other, seconds=60))
    assert list(kim.problems) == [("unrouted", kim.lead.id)]
    kim.facts.users = users()
    kim.did("d", 70)
    assert (kim.note.owner in (ANA, BEN), kim.problems) == (True, {})


def test_erasure_leaves_no_clock(kim: Handed) -> None:
    kim.shown(20)
    kim.go(factory.deleted(LEAD, 30, "erased"))
    assert (kim.lead.clocks, kim.lead.handoff) == ({}, None)


def test_out_of_scope_ends_it(kim: Handed) -> None:
    kim.shown(20)
    kim.go(factory.changed(CONTACT, 30, {"country": "BR"}, origin="person"))
    kim.go(factory.changed(LEAD, 31, {"Country": "BR"}, origin="person"))
    assert (kim.note.state, kim.note.closed_as, kim.lead.clocks) == ("closed", "out of scope", {})
