"""Clocks follow from decisions: set with what time will do, moved by what happens, ended with the lead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync.lead import clocks
from sync.lead.decision import Decision
from sync.playbook.models import Playbook, Returns, When, Where
from tests import factory
from tests.factory import CONTACT, LEAD, command, deleted, merged, ms, snapshot, when
from tests.unit.lead.play import DAY, Play

HALF = 30 * DAY


def book(exit_below: float = 40, **more: Any) -> Playbook:
    """60 points of a demo fade by half in 30 days; an MQL falls back below so many."""
    out = when(f"lead.engagement < {exit_below}", lambda v: v["engagement"] < exit_below, "engagement")
    returns = Returns(Where("lifecycle.yaml", 40), 14 * DAY * 1000, When())
    stages = tuple(
        replace(one, exit=out if one.id == "mql" else None, returns=returns if one.id == "recycled" else None) for one in factory.stages()
    )
    return factory.playbook(stages=stages, **more)


def fires(play: Play) -> Decision:
    """The clock of the stage is due."""
    at = play.lead.clocks["stage"]
    return play.go(clocks.told(play.lead.id, "stage", at, at), (at - ms(0)) / 1000)


def days(play: Play) -> float:
    """When the clock of the stage is due, in days after the start."""
    return round((play.lead.clocks["stage"] - ms(0)) / 1000 / DAY, 2)


def test_a_lead_has_a_clock_for_the_moment_at_which_it_falls_and_falls_then() -> None:
    play = Play(book())
    assert play.lead.clocks == {}, "nothing was done that could fade"
    play.did("a", 10)
    assert days(play) == 17.55, "60 is less than 40 then"
    fires(play)
    if play.stage == "mql":  # a fraction of a millisecond early: the clock is set again, for the next one
        assert play.lead.clocks["stage"] == play.lead.now + 1
        fires(play)
    assert play.stage == "lead"
    assert play.lead.clocks == {}
    assert fell(play) == "test.yaml:1 mql.exit"


def fell(play: Play) -> str:
    return str(play.lead.why["stage"]["rule"])


def test_what_the_person_does_meanwhile_moves_the_clock_and_the_old_one_counts_no_more() -> None:
    play = Play(book())
    play.did("a", 10)
    first = play.lead.clocks["stage"]
    play.did("b", 5 * DAY)
    assert play.lead.clocks["stage"] > first
    late = play.go(clocks.told(play.lead.id, "stage", first, first), 17.6 * DAY)
    assert (late.outcome, late.reason, late.leads) == ("noop", "the clock was set anew", [])


def test_other_rules_give_other_clocks_when_the_lead_is_judged_again() -> None:
    play = Play(book())
    play.did("a", 10)
    play.playbook = replace(book(50), version=2)
    play.go(command("rejudge", 20, lead_id=play.lead.id))
    assert days(play) == 7.9
    play.playbook = replace(factory.playbook(), version=3)
    decision = play.go(command("rejudge", 30, lead_id=play.lead.id))
    assert play.lead.clocks == {}
    assert decision.clocks == {(play.lead.id, "stage"): None}


def test_who_is_erased_deleted_or_out_of_scope_has_no_clock() -> None:
    for end in (
        [deleted(LEAD, 50, "erased")],
        [deleted(LEAD, 50), deleted(CONTACT, 51)],
        [snapshot(CONTACT, 50, {"email": "kim@x.example", "country": "BR"})],
    ):
        play = Play(book())
        play.did("a", 10)
        assert "stage" in play.lead.clocks
        clears = [play.go(message) for message in end][-1].clocks
        assert (play.lead.clocks, clears) == ({}, {(play.lead.id, "stage"): None})


def test_of_two_who_are_joined_one_has_a_clock_for_what_both_did() -> None:
    play, other = Play(book()), "hubspot:contacts:2"
    play.did("a", 10)
    alone = play.lead.clocks["stage"]
    play.go(snapshot(other, 20, {"email": "lee@y.example", "country": "DE"}))
    play.go(factory.touch("b", 30, ref=other))
    loser = play.facts.identities["ref", other]
    play.go(merged(CONTACT, other, seconds=50))
    assert play.lead.clocks["stage"] > alone
    assert play.facts.leads[loser].clocks == {}


def test_who_was_recycled_and_came_back_too_early_is_an_mql_when_the_rest_is_over() -> None:
    play = Play(book(5))
    play.did("a", 10)
    play.sales(100, Stage__c="RECYCLED")
    assert "stage" not in play.lead.clocks, "without an act of the person time brings nobody back"
    play.did("b", DAY)
    assert (play.stage, days(play)) == ("recycled", 14.0)
    fires(play)
    assert play.stage == "mql"
    assert play.lead.handoff is not None
    assert (play.lead.handoff.cycle, play.lead.handoff.state) == (2, "offered")
