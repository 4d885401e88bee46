"""What sales made of marketing's leads, and what those who bought have in common."""

from __future__ import annotations

from typing import Any

import pytest

from sync.playbook.loader import load, load_files, read
from sync.reports.feedback import Result, changed, results, tallies, worst
from sync.reports.profile import candidate, traits
from tests.house.project import ROOT

EXAMPLE = ROOT / "deploy" / "playbook"
LINE = "lead.engagement >= 40 && lead.fit >= 20"
WHERE = "lifecycle.yaml:66"


def result(n: int, engagement: float, reason: str = "", *, won: bool = False, **more: Any) -> Result:
    found = {"source": "form", "campaign": "demo", "rule": "routing.yaml:4 emea"} | more
    lines = ((LINE, WHERE, f"engagement {engagement:g}, fit 60"),)
    return Result(f"h{n}", found["source"], found["campaign"], found["rule"], not reason, won, reason, reason == "no_fit", lines)


FOUND = [
    result(1, 41, "no_fit"), result(2, 42, "no_fit"), result(3, 47.5, "no_fit"), result(4, 42), result(5, 60, won=True),
    result(6, 44, "no_time", source="visit", campaign=""), result(7, 41),
]  # fmt: skip


def test_the_ledger_is_read_as_sales_meant_it() -> None:
    row = {
        "id": "h1",
        "kind": "mql",
        "source": "form:demo",
        "rule": "r",
        "reason": "",
        "accepted_at": None,
        "closed_as": "",
        "stage": "mql",
    }
    offers = [
        {"handoff_id": "h1", "ended": "rejected", "reason": "no_fit"},
        {"handoff_id": "h1", "ended": "expired", "reason": "not accepted by Ana Diaz in time"},
    ]
    lines = [
        {"text": LINE, "where": WHERE, "why": "engagement 52, fit 60", "matched": True},
        {"text": "x", "where": "y", "why": "z", "matched": False},
    ]
    kinds: list[dict[str, Any]] = [
        row,
        {**row, "id": "h2", "kind": "customer"},
        {**row, "id": "h3", "source": "", "stage": "customer", "accepted_at": 1},
    ]
    found = results(kinds, offers, {"h1": lines}, lambda reason: reason == "no_fit")
    assert found == [
        Result("h1", "form", "demo", "r", False, False, "no_fit", True, ((LINE, WHERE, "engagement 52, fit 60"),)),
        Result("h3", "unknown", "", "r", True, True, "", False),
    ]


def test_counted_per_source_and_campaign() -> None:
    by = tallies(FOUND, lambda one: one.source)
    assert {name: one.plain() for name, one in by.items()} == {
        "form": {"offered": 6, "accepted": 3, "rejected": {"no_fit": 3}, "won": 1, "amounts": {}},
        "visit": {"offered": 1, "accepted": 0, "rejected": {"no_time": 1}, "won": 0, "amounts": {}},
    }
    assert list(tallies(FOUND, lambda one: one.campaign)) == ["demo"], "who came by no campaign is not one"


def test_the_line_that_lets_in_what_is_given_back_and_the_next_stricter_one() -> None:
    (one,) = worst(FOUND)
    assert (one.text, one.where, one.against, one.tally.offered) == (LINE, WHERE, 3, 7)
    assert one.stricter is not None
    assert one.stricter.text == "lead.engagement >= 42 && lead.fit >= 20"
    assert (one.stricter.keeps_out, one.stricter.loses, one.stricter.won) == (1, 1, 0)
    assert worst(FOUND[:2]) == [], "two say nothing"


def test_the_stricter_line_stands_in_the_playbook_where_the_other_stood() -> None:
    files = read(EXAMPLE)
    (one,) = worst(FOUND)
    made = changed(files, one)
    assert made is not None
    line = made["lifecycle.yaml"].decode().splitlines()[65]
    assert "lead.engagement >= 42 && lead.fit >= 20" in line
    assert load_files(made).version == 0
    moved = [Result(**{**_plain(r), "lines": ((LINE, "lifecycle.yaml:3", r.lines[0][2]),)}) for r in FOUND]
    assert changed(files, worst(moved)[0]) is None, "it does not stand there any more"


def _plain(one: Result) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Result.__slots__}


def person(**more: Any) -> dict[str, Any]:
    return {"employees": 100, "industry": "Retail", "title": "Clerk", "country": "DE", "phone": None} | more


WON = [person(industry="Energy", country="NO") for _ in range(12)] + [person(phone="+47 1") for _ in range(4)]
LOST = [person(employees=900) for _ in range(10)] + [person(phone="+49 1") for _ in range(4)] + [person(industry="Energy")]


def test_what_those_who_bought_have_in_common_beside_the_points() -> None:
    found = {one.what: one for one in traits(load(EXAMPLE), WON, LOST)}
    ours, large, norway = found["our industries"], found["large company"], found["country NO"]
    assert (ours.won, ours.lost, ours.of_won, ours.of_lost, ours.points) == (12, 1, 16, 15, 20)
    assert ours.lift == pytest.approx((12.5 / 17) / (1.5 / 16))
    assert ours.suggested is not None
    assert large.suggested is not None
    assert ours.suggested > 20
    assert large.suggested < 0, "nobody of a large company bought"
    assert (norway.where, norway.when, norway.lost) == ("", "lead.country == 'NO'", 0)
    assert found["decides"].suggested is None, "too few"
    assert "country DE" not in found, "no more often true of those who bought"


def test_the_suggested_points_are_a_playbook_that_loads() -> None:
    files = read(EXAMPLE)
    made, lines = candidate(files, traits(load(EXAMPLE), WON, LOST))
    assert len(lines) == len([line for line in lines if line.startswith("lifecycle.yaml:")])
    again = {points.label: points.points for points in load_files(made).fit}
    for one in traits(load(EXAMPLE), WON, LOST):
        if one.where and one.suggested is not None:
            assert again[one.what] == one.suggested
    assert again["decides"] == 12
