"""Engagement: half-lives, windows, caps of lines and categories, points taken away, machines; scores that a field gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from schemas.touch import TouchKind
from sync.lead import score
from sync.lead.qualify import stage_values
from sync.lead.state import Lead, TouchNote
from sync.playbook.models import Category, Points, Scanners, Segment, When, Where
from tests import factory
from tests.factory import HS, SF, at, ms, shared, when
from tests.unit.lead.play import DAY, Play

HERE = Where("lifecycle.yaml", 7)


def line(points: float, kind: TouchKind | None = None, name: str | None = None, **more: Any) -> Points:
    return Points(points, HERE, None, kind, name, **more)


def sum_up(rules: list[Points], touches: Sequence[tuple[str, str, float]], now: float, **more: Any) -> float:
    notes = [TouchNote(HS, str(i), kind, name, ms(seconds)) for i, (kind, name, seconds) in enumerate(touches)]
    playbook = factory.playbook(engagement=tuple(rules), **more)
    return score.engagement(notes, playbook, ms(now)).total(playbook)


def test_the_first_line_that_fits_counts() -> None:
    rules = [line(50, "form", "pricing"), line(15, "form"), line(1)]
    assert sum_up(rules, [("form", "Get PRICING now", 0), ("form", "newsletter", 0), ("visit", "pricing", 0)], 0) == 66


def test_a_touch_outside_the_window_counts_no_more_and_falls_to_no_other_line() -> None:
    rules = [line(50, "form", "pricing", window_days=7), line(15, "form")]
    assert sum_up(rules, [("form", "pricing", 0)], 7 * DAY) == 50
    assert sum_up(rules, [("form", "pricing", 0)], 7 * DAY + 0.001) == 0


def test_a_category_has_one_cap_over_its_lines() -> None:
    rules = [line(20, "visit", category="web"), line(10, "click", category="web", cap=15), line(5, "form")]
    acts = [("visit", "", 0), ("click", "", 0), ("click", "", 0), ("form", "", 0)]
    assert sum_up(rules, acts, 0, categories={"web": Category("web", 30, HERE)}) == 35
    assert sum_up(rules, acts, 0) == 40


def test_points_are_taken_away_and_no_more_than_the_cap_says() -> None:
    rules = [line(50, "form", "pricing"), line(-30, "form", "unsubscribe", cap=-40)]
    assert sum_up(rules, [("form", "pricing", 0), ("form", "unsubscribe", 0)], 0) == 20
    assert sum_up(rules, [("form", "pricing", 0), *[("form", "unsubscribe", 0)] * 3], 0) == 10


def test_what_each_line_gave_sums_up_to_the_score_also_over_the_cap_of_a_category() -> None:
    rules = (line(20, "visit", category="web"), line(30, "form"))
    playbook = factory.playbook(engagement=rules, categories={"web": Category("web", 30, Where("lifecycle.yaml", 30))})
    notes = [TouchNote(HS, str(i), kind, "", ms(0)) for i, kind in enumerate(["visit", "visit", "form"])]
    found = score.engagement(notes, playbook, ms(0))
    assert [(row["points"], row["where"]) for row in found.lines(playbook)] == [
        (40, "lifecycle.yaml:7"),
        (30, "lifecycle.yaml:7"),
        (-10, "lifecycle.yaml:30"),
    ]
    assert found.total(playbook) == 60


@pytest.mark.parametrize(
    ("kind", "after", "machine", "counts"),
    [
        ("open", 3.0, False, False),
        ("click", 10.0, False, False),
        ("click", 10.001, False, True),
        ("open", None, False, True),
        ("open", 900.0, True, False),
        ("open", -2.0, False, False),
        ("form", 3.0, False, True),
    ],
)
def test_who_opens_or_clicks_within_seconds_of_delivery_is_a_machine(kind: str, after: float | None, machine: bool, counts: bool) -> None:
    play = Play(factory.playbook(engagement=(line(5),)))
    more: dict[str, Any] = {} if after is None else {"delivered_at": at(100 - after)}
    decision = play.did("a", 100, "newsletter", kind, machine=machine, **more)
    assert decision.touches == [(HS, "a", play.lead.id, kind, "newsletter", ms(100))], "it is kept all the same"
    values = stage_values(play.lead, play.playbook, ms(100))
    assert values["engagement"] == (5 if counts else 0)
    assert values["touches"] == (((kind, "newsletter", ms(100)),) if counts else ())


def test_how_soon_a_machine_is_is_the_playbooks_to_say() -> None:
    play = Play(factory.playbook(engagement=(line(5),), scanners=Scanners(60_000, frozenset({"click"}))))
    play.did("a", 100, kind="click", delivered_at=at(41))
    play.did("b", 100, kind="open", delivered_at=at(99))
    assert stage_values(play.lead, play.playbook, ms(100))["engagement"] == 5


def test_a_score_may_be_a_field_of_the_map() -> None:
    own = shared("hubspot_score", "number", "marketing", None, "hs_score")
    playbook = factory.playbook(fields={**factory.fields(), "hubspot_score": own}, scores={"engagement": "hubspot_score"})
    play = Play(playbook)
    assert stage_values(play.lead, playbook, ms(5))["engagement"] is None, "no value, no score: conditions say that the field is empty"
    play.marketing(50, hs_score=72)
    values = stage_values(play.lead, playbook, ms(50))
    assert (values["fit"], values["engagement"], values["score"]) == (40, 72, 112)
    assert play.lead.value("engagement_score") == 72
    whole = replace(playbook, scores={"score": "hubspot_score"})
    assert stage_values(play.lead, whole, ms(50))["score"] == 72


def test_the_first_segment_that_holds_is_the_leads() -> None:
    large = Segment("enterprise", HERE, when("lead.employees >= 500", lambda v: v["employees"] >= 500, "employees"))
    rest = Segment("smb", HERE, When())
    lead = Play(factory.playbook(segments=(large, rest))).lead
    assert lead.segment == "enterprise"
    assert stage_values(lead, factory.playbook(segments=(rest, large)), ms(5))["segment"] == "smb"
    assert "segment" not in stage_values(lead, factory.playbook(), ms(5))


def test_values_know_the_touches_the_cycle_and_what_stands_beside() -> None:
    play = Play(factory.playbook())
    values = stage_values(play.lead, play.playbook, ms(60), {"account.industry": "Energy"})
    assert (values["cycle"], values["account.industry"], values["now"]) == (0, "Energy", ms(60))
    play.did("a", 50)
    assert stage_values(play.lead, play.playbook, ms(60))["cycle"] == 1


def test_a_document_of_before_is_read() -> None:
    from sync.lead.state import load

    old = '{"id":"1","key":"k","created_at":1,"now":2,"touches":[{"system":"hubspot","id":"a","kind":"form","name":"x","at":5}],'
    old += '"handoff":{"id":"h","cycle":1,"state":"offered","owner":"ana@acme.example","rule":"r","opened_at":3}}'
    lead: Lead = load(old)
    assert (lead.touches[0].after_ms, lead.said_no, lead.segment) == (None, [], "")
    assert lead.handoff is not None
    assert (lead.handoff.kind, lead.handoff.sla) == ("mql", "")
    assert SF not in lead.records
