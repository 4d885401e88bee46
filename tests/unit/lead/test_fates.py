"""Deletions close to our own writes, and who was erased in one system and still stands in another."""

from __future__ import annotations

import pytest

from sync.lead.decide import decide
from sync.lead.decision import Decision, Facts, fold
from sync.lead.state import Lead
from tests import factory
from tests.factory import CONTACT, LEAD, SF, changed, deleted, done, ms, snapshot

PLAYBOOK = factory.playbook()
VALUES = {"Email": "kim@x.example", "Country": "DE", "Title": "Head"}
OTHER = "salesforce:Lead:00Q9"


def go(facts: Facts, message: object) -> Decision:
    decision = decide(message, facts, PLAYBOOK, ms(100))  # type: ignore[arg-type]
    fold(facts, decision)
    return decision


def begin(*messages: object) -> tuple[Facts, Lead]:
    """Give facts after these messages, with a person in HubSpot whose title is known."""
    facts = factory.facts()
    for message in (snapshot(CONTACT, 2, {"email": "kim@x.example", "country": "DE", "jobtitle": "Head"}), *messages):
        go(facts, message)
    return facts, facts.leads[facts.identities["ref", CONTACT]]


def gone(facts: Facts, ref: str = LEAD) -> str | None:
    return facts.leads[facts.identities["ref", ref]].records[ref].gone


def test_who_is_deleted_in_the_second_of_our_own_write_is_deleted_however_late_its_answer_came() -> None:
    facts, lead = begin(snapshot(LEAD, 1, {**VALUES, "Title": None}))
    go(facts, done(lead.id, LEAD, 25, {"Title": "Head"}, {"title": lead.desired["title"].version}))
    go(facts, changed(LEAD, 20, {"Title": "Head"}, origin="own"))  # the vendor wrote it five seconds before it answered
    decision = go(facts, deleted(LEAD, 20))
    assert (decision.outcome, gone(facts), decision.read_orders) == ("applied", "deleted", {LEAD})
    go(facts, snapshot(LEAD, 20, VALUES, read=30))
    assert gone(facts) is None, "the read says that it was restored in that second"
    assert go(facts, deleted(LEAD, 20)).outcome == "noop"


@pytest.mark.parametrize("read", [False, True], ids=["not read since", "read since"])
def test_who_is_deleted_while_the_answer_to_our_create_is_under_way_is_deleted(read: bool) -> None:
    facts, lead = begin()
    versions = {name: lead.desired[name].version for name in ("title", "country")}
    go(facts, done(lead.id, LEAD, 25, {"Title": "Head", "Country": "DE"}, versions, "created", truce_id=True))
    if read:
        go(facts, snapshot(LEAD, 20, VALUES, read=30, truce_id=lead.id))
    decision = go(facts, deleted(LEAD, 22))
    assert (gone(facts), decision.read_orders) == ((None, set()) if read else ("deleted", {LEAD}))


def test_who_was_erased_and_stands_elsewhere_is_a_problem_until_they_are_gone_there_too() -> None:
    facts, lead = begin(snapshot(LEAD, 1, VALUES))
    (told,) = [one for one in go(facts, deleted(CONTACT, 50, "erased")).problems if one.open]
    assert (told.kind, told.key, told.system, told.ref) == ("erased_elsewhere", f"{lead.id}:{SF}", SF, LEAD)
    assert told.text == "hubspot erased this person, and salesforce still holds their data (Lead 00Q1): Truce deletes nothing there"
    again = go(facts, snapshot(LEAD, 60, {**VALUES, "Title": "CEO"}))
    assert (again.outcome, again.problems) == ("filtered", [])
    (more,) = [one for one in go(facts, snapshot(OTHER, 65, VALUES)).problems if one.open]
    assert "Lead 00Q1, Lead 00Q9" in more.text
    assert [one.ref for one in go(facts, deleted(LEAD, 70)).problems if one.open] == [OTHER]
    closed = {(one.key, one.open) for one in go(facts, deleted(OTHER, 80)).problems}
    assert (f"{lead.id}:{SF}", False) in closed
    assert not any(open_ for _, open_ in closed)
    back = go(facts, snapshot(LEAD, 90, VALUES))
    assert [(one.ref, one.open) for one in back.problems if one.system == SF] == [(LEAD, True)], "somebody took it out of the bin"


@pytest.mark.parametrize("known", [None, "deleted", "by our own write"])
def test_who_is_gone_for_good_may_have_been_erased_and_a_person_is_asked_until_it_is_known(known: str | None) -> None:
    facts, lead = begin(snapshot(LEAD, 1, VALUES))
    if known == "deleted":
        go(facts, deleted(CONTACT, 40))
    elif known:
        go(facts, done(lead.id, CONTACT, 40, {}, {}, "gone"))
    decision = go(facts, deleted(CONTACT, 50, for_good=True))
    (told,) = [one for one in decision.problems if one.open]
    assert (decision.outcome, told.kind, told.key, told.ref) == ("applied", "erased_elsewhere", f"{lead.id}:{SF}", LEAD)
    assert told.text == (
        "hubspot does not have this person even among what was deleted: erased there, or deleted long ago (truce record delete hubspot:contacts:1 "
        "--erased tells Truce so), and salesforce still holds their data (Lead 00Q1): Truce deletes nothing there"
    )
    now = facts.leads[lead.id]
    assert (now.erased, now.records[CONTACT].gone, now.value("title")) == (False, "deleted", "Head"), "nobody is forgotten on a guess"
    assert not go(facts, deleted(CONTACT, 55, for_good=True)).problems
    assert not go(facts, deleted(CONTACT, 56)).problems, "a notice that says nothing of it settles nothing"
    kept = go(facts, deleted(CONTACT, 60, for_good=False))
    assert {(one.key, one.open) for one in kept.problems} >= {(f"{lead.id}:{SF}", False)}
    assert [one.open for one in go(facts, deleted(CONTACT, 70, for_good=True)).problems if one.system == SF] == [True]
    assert [one.text.partition(",")[0] for one in go(facts, deleted(CONTACT, 80, "erased")).problems if one.open] == [
        "hubspot erased this person"
    ]


def test_what_was_deleted_long_ago_is_not_missed_in_a_bin() -> None:
    facts, lead = begin(snapshot(LEAD, 1, VALUES))
    go(facts, deleted(CONTACT, 40))
    later = deleted(CONTACT, 40 + 81 * 86_400, for_good=True)
    assert decide(later, facts, PLAYBOOK, ms(82 * 86_400)).problems == []
    assert facts.leads[lead.id].records[CONTACT].for_good is False
