"""Stages: exits, who may move a lead back, what a recycled one needs to return, segments with definitions of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sync.playbook.models import Playbook, Returns, Segment, Stage, Where
from tests import factory
from tests.factory import CONTACT, changed, when
from tests.unit.lead.play import DAY, Play

HERE = Where("lifecycle.yaml", 60)
ANA = "ana@acme.example"


def stages(**changes: dict[str, Any]) -> Playbook:
    """Give the factory's playbook with these stages changed."""
    made: list[Stage] = [replace(one, **changes.get(one.id, {})) for one in factory.stages()]
    return factory.playbook(stages=tuple(made))


COLD = when("lead.engagement < 20", lambda v: v["engagement"] < 20, "engagement", line=44)


def test_a_stage_is_left_when_its_exit_holds_for_the_last_one_that_still_lets_the_lead_in() -> None:
    play = Play(stages(mql={"exit": COLD}))
    play.did("a", 50)
    assert play.stage == "mql"
    play.marketing(50 + 40 * DAY, jobtitle="Head")
    assert play.stage == "mql", "24 points are left"
    decision = play.marketing(50 + 50 * DAY, jobtitle="Chief")
    assert play.stage == "lead"  # type: ignore[comparison-overlap]
    assert play.lead.why["stage"]["rule"] == "test.yaml:44 mql.exit"
    assert play.lead.handoff is not None
    assert play.lead.handoff.state == "closed"
    assert [event.type for event in decision.events] == ["truce.lead.stage_changed", "truce.handoff.closed"]
    play.did("b", 51 * DAY)
    assert (play.stage, play.lead.handoff.cycle) == ("mql", 2), "it comes back as anybody does"


def test_what_sales_says_of_a_lead_no_exit_takes_back() -> None:
    play = Play(stages(mql={"exit": COLD}, sal={"exit": COLD}))
    play.did("a", 50)
    play.sales(60, Stage__c="SAL")
    play.marketing(100 * DAY, jobtitle="Head")
    assert play.stage == "sal"


def test_nobody_enters_a_stage_that_they_would_leave_at_once() -> None:
    always = when("lead.engagement < 100", lambda v: v["engagement"] < 100, "engagement")
    play = Play(stages(mql={"exit": always}))
    play.did("a", 50)
    assert play.stage == "lead"


@pytest.mark.parametrize(("back", "stage"), [({"sales"}, "lead"), ({"marketing"}, "mql"), (set(), "mql")])
def test_sales_moves_a_lead_back_only_where_it_may(back: set[Any], stage: str) -> None:
    play = Play(stages(mql={"back": frozenset(back)}))
    play.did("a", 50)
    decision = play.sales(60, Stage__c="LEAD")
    assert play.stage == stage
    if stage == "mql":
        assert play.lead.aside["stage"]["reason"] == "sales may not move mql backwards (lifecycle.yaml:12)"
        assert [line.data["reason"] for line in decision.lines if line.kind == "aside"] == [play.lead.aside["stage"]["reason"]]
        assert any(system == "salesforce" for _, system, _ in decision.dirty), "the record is told what it should show"
    else:
        assert play.lead.said_no == [ANA]


def test_marketings_step_back_is_kept_aside_where_only_sales_may() -> None:
    play = Play(stages(mql={"back": frozenset({"sales"})}))
    play.did("a", 50)
    play.marketing(60, lifecyclestage="lead")
    assert play.stage == "mql"
    assert play.lead.aside["stage"]["reason"] == "marketing may not move mql backwards (lifecycle.yaml:12)"
    assert play.lead.said_no == []


@pytest.mark.parametrize(("back", "stage"), [({"sales"}, "sal"), (set(), "sql"), (None, "sal")])
def test_a_side_takes_its_own_step_back_only_where_it_may(back: set[Any] | None, stage: str) -> None:
    play = Play(stages(sql={"back": None if back is None else frozenset(back)}))
    play.did("a", 50)
    play.sales(60, Stage__c="SQL")
    play.sales(70, Stage__c="SAL")
    assert play.stage == stage


def test_after_a_step_back_only_what_the_person_does_later_brings_forward_again() -> None:
    play = Play(stages(mql={"back": frozenset({"sales"})}))
    play.did("a", 50)
    play.sales(60, Stage__c="LEAD")
    play.marketing(70, jobtitle="Head")
    assert play.stage == "lead"
    decision = play.did("b", 80)
    assert (play.stage, play.lead.value("owner")) == ("mql", "ben@acme.example"), "not to whoever said no"
    assert [event.type for event in decision.events].count("truce.handoff.offered") == 1


def test_a_recycled_lead_rests_as_long_as_returns_says_and_needs_what_it_asks_for() -> None:
    again = when("touched", lambda v: any(kind == "form" for kind, _, _ in v["touches"]), "touches")
    play = Play(stages(recycled={"returns": Returns(HERE, 14 * DAY * 1000, again)}))
    play.did("a", 50)
    play.sales(60, Stage__c="RECYCLED")
    play.did("b", 10 * DAY)
    assert play.stage == "recycled"
    play.did("c", 60 + 14 * DAY)
    assert (play.stage, play.lead.said_no) == ("mql", [ANA])
    assert play.lead.value("owner") != ANA


def test_a_segment_has_a_definition_of_its_own() -> None:
    large = Segment(
        "enterprise",
        HERE,
        when("lead.employees >= 500", lambda v: v["employees"] >= 500, "employees"),
        {"mql": when("lead.engagement >= 15", lambda v: v["engagement"] >= 15, "engagement", line=61)},
    )
    play = Play(factory.playbook(segments=(large,)))
    play.did("a", 50, "newsletter")
    assert (play.stage, play.lead.why["stage"]["lines"][0]["where"]) == ("mql", "test.yaml:61")
    small = Play(factory.playbook(segments=(large,)))
    small.go(changed(CONTACT, 10, {"numberofemployees": 20}, origin="person"))
    small.did("a", 50, "newsletter")
    assert small.stage == "lead"
