"""The easy ways to be wrong, each by itself, over the whole core with the real planner."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import factory
from tests.factory import CONTACT, HS, LEAD, SECRET, SF, changed, deleted, merged, ms, snapshot, touch
from tests.world import World


def known() -> World:
    """One person in both systems, equal, everything at rest."""
    world = World()
    world.add(LEAD, {"Email": "kim@x.example", "LastName": "Larsen", "Company": "X"}, bulk=True)
    world.add(CONTACT, {"email": "kim@x.example", "lastname": "Larsen"}, bulk=True)
    world.settle()
    world.sweep()
    world.writes.clear()
    return world


@pytest.mark.parametrize("doorbells_first", [True, False])
def test_two_doorbells_lose_no_field_and_no_opt_out(doorbells_first: bool) -> None:
    world = known()
    world.edit(LEAD, {"Title": "Head"})
    world.edit(LEAD, {"HasOptedOutOfEmail": True})
    world.deliver(world.waiting.pop(0))
    lead = world.lead(LEAD).id
    if doorbells_first:
        world.ring(lead, HS)
    world.deliver(world.waiting.pop(0))
    world.ring(lead, HS)
    world.ring(lead, HS)
    world.settle()
    row = world.stores[HS][CONTACT].fields
    assert (row["jobtitle"], row["hs_email_optout"]) == ("Head", True)
    assert len([write for write in world.writes if write[0] == HS]) <= 2


def test_a_newer_decision_between_doorbell_and_landing_is_written_too() -> None:
    world = known()
    world.edit(LEAD, {"Title": "Head"})
    world.deliver_all()
    lead = world.lead(LEAD).id
    world.ring(lead, HS)
    world.edit(LEAD, {"Title": "Chief", "HasOptedOutOfEmail": True})
    world.deliver_all()
    world.land(world.calls[0])
    world.settle()
    row = world.stores[HS][CONTACT].fields
    assert (row["jobtitle"], row["hs_email_optout"]) == ("Chief", True)


@pytest.mark.parametrize("told_before_the_result", [True, False])
def test_our_older_write_lands_after_a_newer_edit_in_the_same_system(told_before_the_result: bool) -> None:
    world = known()
    world.edit(LEAD, {"Title": "older"})
    world.deliver_all()
    world.ring(world.lead(LEAD).id, HS)
    world.edit(CONTACT, {"jobtitle": "newer"})
    if told_before_the_result:
        world.deliver_all()
    world.land(world.calls[0])
    assert world.stores[HS][CONTACT].fields["jobtitle"] == "older"
    world.settle()
    assert set(world.shown("title").values()) == {"newer"}


@pytest.mark.parametrize("fate", ["deleted", "merged"])
def test_a_doorbell_for_a_record_that_is_gone_creates_nothing(fate: str) -> None:
    world = known()
    world.edit(LEAD, {"Title": "Head"})
    world.deliver_all()
    lead = world.lead(LEAD).id
    world.ring(lead, HS)
    world.stores[HS][CONTACT].there = False
    if fate == "merged":
        world.add("hubspot:contacts:9", {"email": "kim@x.example", "lastname": "Larsen"}, tell=False)
        world.waiting.append(merged("hubspot:contacts:9", CONTACT, seconds=world.tick()))
    else:
        world.waiting.append(deleted(CONTACT, world.tick()))
    world.deliver_all()
    world.land(world.calls[0])
    world.dirty[lead, HS] = "hot"
    world.settle()
    there = [row.ref for row in world.stores[HS].values() if row.there]
    assert there == (["hubspot:contacts:9"] if fate == "merged" else [])
    assert len(world.leads()) == 1
    if fate == "merged":
        assert world.stores[HS]["hubspot:contacts:9"].fields["jobtitle"] == "Head"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_new_person_in_both_systems_at_once_has_one_record_each(order: tuple[int, int]) -> None:
    world = World()
    world.add(LEAD, {"Email": "new@x.example", "LastName": "New"}, created=True)
    world.add(CONTACT, {"email": "New@X.example ", "lastname": "New"}, created=True)
    first, second = (world.waiting[i] for i in order)
    world.waiting.clear()
    world.deliver(first)
    for lead, system in sorted(world.dirty):
        world.ring(lead, system)
    world.deliver(second)
    world.settle()
    assert {s: len(store) for s, store in world.stores.items()} == {SF: 1, HS: 1}
    assert len(world.leads()) == 1
    assert {row.truce_id for store in world.stores.values() for row in store.values()} == {world.leads()[0].id}


def test_a_notice_about_an_unknown_record_without_email_is_a_read_order() -> None:
    world = World()
    decision = world.deliver(changed(CONTACT, 1, {"jobtitle": "Head"}))
    assert (decision.outcome, decision.read_orders, decision.leads) == ("noop", {CONTACT}, [])


def test_the_echo_of_our_own_create_makes_no_second_lead() -> None:
    world = World()
    world.add(CONTACT, {"email": "new@x.example", "lastname": "New"})
    world.deliver_all()
    world.ring(world.leads()[0].id, SF)
    world.land(world.calls[0])
    made = next(iter(world.stores[SF]))
    world.waiting.insert(0, changed(made, world.now, {"Title": None}))
    world.waiting.insert(0, world.read(made, email=None))
    assert world.stores[SF][made].truce_id == world.leads()[0].id
    world.settle()
    assert len(world.leads()) == 1
    assert len(world.stores[SF]) == 1


def test_an_address_given_to_another_person_is_two_leads() -> None:
    world = known()
    world.edit(LEAD, {"Email": "kim.new@x.example"})
    world.settle()
    world.add("salesforce:Lead:00Q2", {"Email": "kim@x.example", "LastName": "Other"}, created=True)
    world.settle()
    one, two = world.lead(LEAD), world.lead("salesforce:Lead:00Q2")
    assert one.id != two.id
    assert two.undecided is None
    assert (one.value("email"), two.value("email")) == ("kim.new@x.example", "kim@x.example")
    assert world.facts.identities["email", world_key("kim@x.example")] == two.id
    world.deliver(touch("t9", world.now, email="kim@x.example"))
    assert [t.id for t in world.lead("salesforce:Lead:00Q2").touches] == ["t9"]


def world_key(email: str) -> str:
    """The keyed hash of an e-mail."""
    from schemas.keys import keyed

    return keyed(SECRET, email)


@pytest.mark.parametrize(
    ("email", "first", "second"),
    [
        ("info@x.example", {"lastname": "A"}, {"LastName": "A"}),
        ("pat@x.example", {"firstname": "Pat", "lastname": "A"}, {"FirstName": "Sam", "LastName": "A"}),
    ],
)
def test_two_people_with_one_mailbox_are_asked_about_not_fused(email: str, first: dict[str, str], second: dict[str, str]) -> None:
    world = World()
    world.facts.identities.clear()
    world.add(LEAD, {"Email": email, **second})
    world.deliver_all()
    world.add(CONTACT, {"email": email, **first})
    decision = world.deliver(world.waiting.pop())
    world.settle()
    assert [note.open for note in decision.duplicates] == [True]
    assert [(p.kind, p.open) for p in decision.problems] == [("duplicate", True)]
    assert len(world.leads()) == 2
    assert {s: len(store) for s, store in world.stores.items()} == {SF: 1, HS: 1}, "created nowhere meanwhile"


def test_a_persons_answer_links_or_separates() -> None:
    for answer in ("link", "separate"):
        world = World()
        world.add(LEAD, {"Email": "pat@x.example", "FirstName": "Pat"})
        world.deliver_all()
        world.add(CONTACT, {"email": "pat@x.example", "firstname": "Patricia"})
        world.settle()
        lead = world.lead(LEAD).id
        decision = world.deliver(
            factory.command(answer, lead_id=lead, ref=CONTACT) if answer == "link" else factory.command(answer, ref=CONTACT)
        )
        assert [note.open for note in decision.duplicates] == [False]
        world.settle()
        assert len(world.leads()) == (1 if answer == "link" else 2)
        assert all(lead.undecided is None for lead in world.leads())
        if answer == "link":
            assert set(world.shown("first_name").values()) == {"Patricia"}


def test_the_records_time_moves_and_the_field_did_not() -> None:
    world = known()
    world.edit(CONTACT, {"jobtitle": "Head"})
    world.settle()
    claims = dict(world.lead(LEAD).claims["title"])
    desired = world.lead(LEAD).desired["title"]
    row = world.stores[SF][LEAD]
    row.at = world.tick(100)
    decision = world.deliver(world.read(LEAD))
    assert (decision.outcome, decision.dirty) == ("noop", set())
    assert world.lead(LEAD).claims["title"] == claims
    assert world.lead(LEAD).desired["title"] == desired


def test_first_sight_of_not_opted_out_is_no_opt_in() -> None:
    world = World()
    world.add(LEAD, {"Email": "kim@x.example", "HasOptedOutOfEmail": True})
    world.deliver_all()
    world.add(CONTACT, {"email": "kim@x.example", "hs_email_optout": False})
    world.settle()
    assert set(world.shown("email_opt_out").values()) == {True}
    world.edit(CONTACT, {"hs_email_optout": False})
    world.settle()
    assert set(world.shown("email_opt_out").values()) == {True}, "an edit opts nobody in either: it is written back"


def test_the_same_form_read_twice_is_scored_once() -> None:
    world = known()
    form = touch("form-7", world.now, ref=CONTACT, email="kim@x.example", name="newsletter")
    once = world.deliver(form)
    again = world.deliver(factory.envelope(form.type, form.data))
    assert (once.outcome, again.outcome) == ("applied", "noop")
    assert world.lead(LEAD).value("engagement_score") == 15


def test_a_result_is_applied_once_and_an_old_one_does_not_hide_a_newer_value() -> None:
    world = known()
    lead = world.lead(LEAD)
    world.deliver(changed(CONTACT, 500, {"jobtitle": "newest"}, times={"jobtitle": 500}))
    late = factory.done(lead.id, CONTACT, 400, {"jobtitle": "ours"}, {"title": 1})
    world.deliver(late)
    assert world.lead(LEAD).records[CONTACT].fields["title"].value == "newest"
    assert world.deliver(late).reason == "seen before"


def test_a_message_about_a_lead_that_was_joined_goes_to_the_survivor() -> None:
    world = known()
    lead = world.lead(LEAD)
    gone = replace(lead, id="11111111-1111-5111-8111-111111111111", survivor=lead.id, records={}, claims={}, desired={})
    world.facts.leads[gone.id] = gone
    world.deliver(factory.done(gone.id, CONTACT, world.now + 5, {"jobtitle": "x"}, {}))
    assert world.lead(LEAD).records[CONTACT].fields["title"].value == "x"
    assert ms(world.now) <= world.lead(LEAD).now


def test_an_old_snapshot_is_no_news() -> None:
    world = known()
    old = world.read(LEAD)
    world.edit(LEAD, {"Title": "Head"})
    world.settle()
    decision = world.deliver(old)
    assert decision.outcome == "noop"
    assert decision.reason.startswith("stale")
    assert set(world.shown("title").values()) == {"Head"}
    same = snapshot(LEAD, 1, {"Title": None}, read=2)
    assert world.deliver(same).outcome == "noop"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_record_that_is_read_before_all_of_it_is_saved_loses_nothing(place: int) -> None:
    """Some vendors make a record first and save its phone afterwards, so that a read in between shows our own create without it."""
    world = World()
    world.add(CONTACT, {"email": "kim@x.example", "lastname": "Larsen", "company": "X", "phone": "+4722110000"})
    world.deliver_all()
    world.ring(world.lead(CONTACT).id, SF)
    world.land(world.calls[0], origin="own")
    (row,) = world.stores[SF].values()
    assert row.fields["Phone"] == "+4722110000"
    early = {"Email": "kim@x.example", "LastName": "Larsen", "Company": "X", "Phone": None, "OwnerId": None}
    told = snapshot(row.ref, row.at, early, read=row.at + 0.5, truce_id=row.truce_id, email="kim@x.example", origin="own")
    world.waiting.insert(min(place, len(world.waiting)), told)
    world.settle()
    world.sweep()
    assert set(world.shown("phone").values()) == {"+4722110000"}
