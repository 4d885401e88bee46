"""Somebody leaves: what was handed to them is handed on at the next act, held where bulk judges it again, and never taken from whom sales named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.command import Command
from schemas.envelope import Envelope, new
from sync.playbook.models import Playbook
from tests import factory
from tests.factory import SF, at
from tests.unit.lead.play import Play

ANA, BEN = "ana@acme.example", "ben@acme.example"


def without(who: str) -> Playbook:
    """Give the playbook after somebody was taken out of team.yaml."""
    book = factory.playbook()
    pools = {name: replace(pool, members=tuple(m for m in pool.members if m != who)) for name, pool in book.pools.items()}
    return replace(book, version=2, reps={email: rep for email, rep in book.reps.items() if email != who}, pools=pools)


@pytest.fixture
def play() -> Play:
    made = Play(factory.playbook())
    made.did("a", 50)
    assert made.lead.handoff is not None
    assert (made.lead.handoff.owner, made.lead.value("owner")) == (ANA, ANA)
    return made


def order(play: Play, seconds: float, *, bulk: bool) -> Envelope:
    data = Command(name="rejudge", lead_id=play.lead.id, bulk=bulk, by="nora", reason="Ana left", at=at(seconds))
    return new("truce.command.rejudge", data, source="cli", ident=f"o{seconds}", time=at(seconds))


def owner(play: Play) -> tuple[object, object, object]:
    note = play.lead.handoff
    assert note is not None
    return note.owner, note.cycle, play.lead.value("owner")


def test_the_next_act_hands_it_to_somebody_who_is_there(play: Play) -> None:
    play.playbook = without(ANA)
    decision = play.did("b", 60)
    assert owner(play) == (BEN, 1, BEN)
    said = [(line.data["state"], line.data["before"], line.data["why"]) for line in decision.lines if line.kind == "handoff"]
    assert said == [("offered", ANA, f"{ANA} is not in team.yaml")]
    assert play.lead.handoff is not None
    assert [(one.owner, one.ended) for one in play.lead.handoff.offers] == [(ANA, "moved"), (BEN, None)]


def test_who_is_shut_out_of_the_crm_has_left_too(play: Play) -> None:
    play.facts.users = factory.users(ANA)
    play.did("b", 60)
    assert owner(play) == (BEN, 1, BEN)


def test_whom_the_crm_does_not_know_yet_keeps_it(play: Play) -> None:
    play.facts.users = {SF: {}}
    play.did("b", 60)
    assert owner(play) == (ANA, 1, ANA)


def test_many_at_once_are_held_until_a_person_hands_them_over(play: Play) -> None:
    play.playbook = without(ANA)
    play.go(order(play, 60, bulk=True))
    assert owner(play) == (ANA, 1, ANA)
    assert play.lead.held is not None
    play.go(order(play, 70, bulk=False))
    assert owner(play) == (BEN, 1, BEN)
    assert play.lead.held is None


def test_whom_sales_named_meanwhile_keeps_it(play: Play) -> None:
    play.sales(55, OwnerId="005V")
    play.playbook = without(ANA)
    play.did("b", 60)
    assert owner(play) == ("vera@acme.example", 1, "vera@acme.example")


def test_nobody_there_is_a_problem_until_somebody_is(play: Play) -> None:
    book = without(ANA)
    play.playbook = replace(book, pools={}, routes=book.routes[:1])
    decision = play.did("b", 60)
    assert [(one.kind, one.open) for one in decision.problems if one.kind == "unrouted"] == [("unrouted", True)]
    play.did("c", 70)
    assert play.lead.handoff is not None
    assert (play.lead.handoff.state, play.lead.handoff.owner) == ("expired", ANA)
    play.playbook = book
    decision = play.did("d", 80)
    assert owner(play) == (BEN, 1, BEN)
    assert [(one.kind, one.open) for one in decision.problems if one.kind == "unrouted"] == [("unrouted", False)]


def test_a_lead_that_came_back_when_nobody_was_there_is_tried_again(play: Play) -> None:
    """In a second cycle as in the first."""
    play.sales(55, Stage__c="RECYCLED")
    play.facts.users = factory.users(*factory.PEOPLE)
    play.did("b", 60, name="demo")
    play.sales(65, Stage__c="MQL")
    assert (play.stage, play.lead.handoff and play.lead.handoff.state) == ("mql", "closed")
    play.facts.users = factory.users()
    play.did("c", 90)
    assert play.lead.handoff is not None
    assert (play.lead.handoff.state, play.lead.handoff.cycle) == ("offered", 2)


@pytest.mark.parametrize("back", [True, False])
def test_what_is_in_somebodys_hands_is_not_held(play: Play, back: bool) -> None:
    """Bulk held it because she left; then she came back, or sales gave it to somebody."""
    play.playbook = without(ANA)
    play.go(order(play, 60, bulk=True))
    assert play.lead.held is not None
    if back:
        play.playbook = replace(factory.playbook(), version=3)
    else:
        play.sales(70, OwnerId="005V")
    play.did("b", 80)
    assert play.lead.held is None
