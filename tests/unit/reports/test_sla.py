"""What became of each leg, from the ledger and from the timeline; shares, causes and both sides' promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from sync.cli.report import kept
from sync.lead.periods import current, months, period
from sync.playbook.loader import load
from sync.playbook.models import Goals, Leg
from sync.reports.goals import Line, lines
from sync.reports.sla import Label, Share, Unit, causes, from_ledger, from_timeline, shares
from tests.house.project import ROOT

ANA, BEN = "ana@acme.example", "ben@acme.example"
ALL: frozenset[Leg] = frozenset({"accept", "first_response", "work"})
M = 60_000


def handoff(ident: str, accepted: int | None = None, worked: int | None = None, closed: int | None = None, **more: Any) -> dict[str, Any]:
    found = {"id": ident, "accepted_at": accepted, "worked_at": worked, "closed_at": closed, "opened_at": 0, "kind": "mql", "segment": ""}
    return found | {"closed_as": "", "reason": "", "stage": "mql", "playbook_version": 3} | more


def leg(ident: str, name: Leg, owner: str = ANA, breached: int | None = None, cause: str = "") -> dict[str, Any]:
    return {"handoff_id": ident, "leg": name, "owner": owner, "breached_at": breached, "cause": cause}


def line(ident: str, told: int, state: str, owner: str = ANA, **more: Any) -> dict[str, Any]:
    return {"at": told, "data": {"handoff": ident, "state": state, "owner": owner} | more}


CASES: dict[str, tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], list[Unit]]] = {
    "all in time": (
        handoff("h", 5 * M, 20 * M, 90 * M),
        [leg("h", "accept"), leg("h", "first_response"), leg("h", "work")],
        [
            line("h", 0, "offered"),
            line("h", 5 * M, "accepted", at=5 * M, due=30 * M),
            line("h", 20 * M, "worked", due=60 * M),
            line("h", 90 * M, "closed"),
        ],
        [Unit("h", "accept", ANA, True), Unit("h", "first_response", ANA, True), Unit("h", "work", ANA, True)],
    ),
    "missed, offered on, accepted by the next: missed by the first": (
        handoff("h", 40 * M),
        [leg("h", "accept", ANA, 30 * M, "absence"), leg("h", "first_response", BEN)],
        [
            line("h", 0, "offered"),
            line("h", 30 * M, "breached", leg="accept", due=30 * M, cause="absence"),
            line("h", 30 * M, "expired"),
            line("h", 30 * M, "offered", BEN),
            line("h", 40 * M, "accepted", BEN, due=60 * M),
        ],
        [Unit("h", "accept", ANA, False, "absence")],
    ),
    "accepted in time, known only after the clock had told otherwise": (
        handoff("h", 29 * M),
        [leg("h", "accept"), leg("h", "first_response")],
        [
            line("h", 0, "offered"),
            line("h", 31 * M, "breached", leg="accept", due=30 * M, cause=""),
            line("h", 33 * M, "accepted", at=29 * M, due=30 * M),
        ],
        [Unit("h", "accept", ANA, True)],
    ),
    "late, and no clock had told": (
        handoff("h", 45 * M),
        [leg("h", "accept", ANA, 30 * M)],
        [line("h", 0, "offered"), line("h", 46 * M, "accepted", at=45 * M, due=30 * M)],
        [Unit("h", "accept", ANA, False, "slow")],
    ),
    "given back before anybody answered: counts neither way": (
        handoff("h", closed=9 * M, closed_as="recycled"),
        [leg("h", "accept")],
        [line("h", 0, "offered"), line("h", 9 * M, "closed", due=30 * M)],
        [],
    ),
    "a first response that was late, and the work in time": (
        handoff("h", 5 * M, 70 * M, 90 * M),
        [leg("h", "accept"), leg("h", "first_response", ANA, 60 * M), leg("h", "work")],
        [
            line("h", 5 * M, "accepted", due=30 * M),
            line("h", 60 * M, "breached", leg="first_response", due=60 * M),
            line("h", 70 * M, "worked", due=60 * M),
            line("h", 90 * M, "closed"),
        ],
        [Unit("h", "accept", ANA, True), Unit("h", "first_response", ANA, False, "slow"), Unit("h", "work", ANA, True)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_ledger_and_timeline_say_the_same(name: str) -> None:
    row, legs, told, units = CASES[name]
    assert from_ledger([row], legs) == units
    assert from_timeline(told, {"h": ALL}) == units


def test_a_timeline_that_says_something_else_is_told_apart() -> None:
    row, legs, told, _ = CASES["all in time"]
    late = [told[0], line("h", 45 * M, "accepted", due=30 * M), *told[2:]]
    assert from_timeline(late, {"h": ALL}) != from_ledger([row], legs)


def label(ident: str, sla: str = "hot", pool: str = "sdr", version: int = 3) -> Label:
    return Label(ident, f"l{ident}", "mql", sla, pool, "", version, 0)


UNITS = [
    Unit("1", "accept", ANA, True), Unit("2", "accept", ANA, False, "slow"), Unit("3", "accept", BEN, False, "absence"),
    Unit("3", "first_response", BEN, True), Unit("4", "accept", BEN, False, "absence"),
]  # fmt: skip


def test_shares_by_whom_and_causes_in_their_order() -> None:
    labels = {"1": label("1"), "2": label("2", pool="ae"), "3": label("3"), "4": label("4", "normal")}
    assert shares(UNITS, labels, lambda unit, _: unit.owner) == {
        ANA: {"accept": Share(1, 1)},
        BEN: {"accept": Share(0, 2), "first_response": Share(1, 0)},
    }
    assert shares(UNITS, labels, lambda _, one: one.pool) == {
        "ae": {"accept": Share(0, 1)},
        "sdr": {"accept": Share(1, 2), "first_response": Share(1, 0)},
    }
    assert list(causes(UNITS).items()) == [("absence", {"accept": 2}), ("slow", {"accept": 1})]


@pytest.mark.parametrize(
    ("text", "starts", "span"),
    [
        ("2026-Q4", 1, (date(2026, 10, 1), date(2027, 1, 1))),
        ("2026-Q4", 4, (date(2027, 1, 1), date(2027, 4, 1))),
        ("2026-q1", 7, (date(2026, 7, 1), date(2026, 10, 1))),
        ("2026-11", 1, (date(2026, 11, 1), date(2026, 12, 1))),
        ("2026", 1, (date(2026, 1, 1), date(2027, 1, 1))),
        ("2026-Q5", 1, None),
        ("2026-13", 1, None),
        ("last", 1, None),
        ("", 1, None),
    ],
)
def test_a_period_goes_by_the_fiscal_year(text: str, starts: int, span: tuple[date, date] | None) -> None:
    assert period(text, Goals(fiscal_year_starts=starts)) == span


def test_both_sides_in_one_list() -> None:
    playbook = load(ROOT / "deploy" / "playbook")
    rows = [handoff("1", 1, stage="customer"), handoff("2"), handoff("3", 1, closed_as="sql", playbook_version=4)]
    found = {
        (one.side, one.what): one
        for one in lines(
            playbook, rows, UNITS, {n: label(n) for n in "123"}, {"customer": 40, "amount": 1000.5, "amount:enterprise": 130_000.0}, 3
        )
    }
    large = found["both", "Revenue from large companies"]
    assert (large.segment, large.promised, large.reached, large.kept) == ("enterprise", 120_000, 130_000, True)
    mqls = found["marketing", "MQLs"]
    assert (mqls.promised, mqls.reached, mqls.kept, mqls.versions) == (180, 3, False, "v3, v4")
    assert found["marketing", "MQLs that become sql"].reached == pytest.approx(2 / 3)
    assert found["marketing", "MQLs that become customer"].kept
    accept = found["sales", "hot: accept in time"]
    assert accept.reached == pytest.approx(1 / 3)
    assert (accept.of, accept.kept) == (3, False)
    assert found["sales", "normal: accept in time"].reached is None
    customers = found["both", "New customers"]
    assert (customers.promised, customers.reached, customers.kept) == (12, 40, True)
    mine = replace(playbook, goals=replace(playbook.goals, goals=(replace(playbook.goals.goals[0], segment="enterprise"),)))
    of_segment = lines(mine, [], [], {}, {"customer": 40, "customer:enterprise": 4}, 1)[-1]
    assert (of_segment.segment, of_segment.promised, of_segment.reached) == ("enterprise", 4, 4)
    revenue = found["both", "Revenue from new customers"]
    assert (revenue.promised, revenue.reached, revenue.kept) == (225_000, 1000.5, False)


def test_a_period_has_months() -> None:
    assert months(date(2026, 10, 1), date(2027, 1, 1)) == 3


@pytest.mark.parametrize(
    ("per", "on", "starts", "span"),
    [
        ("quarter", date(2026, 11, 25), 1, (date(2026, 10, 1), date(2027, 1, 1))),
        ("quarter", date(2026, 11, 25), 2, (date(2026, 11, 1), date(2027, 2, 1))),
        ("quarter", date(2026, 1, 5), 12, (date(2025, 12, 1), date(2026, 3, 1))),
        ("year", date(2026, 3, 31), 4, (date(2025, 4, 1), date(2026, 4, 1))),
        ("month", date(2026, 12, 31), 4, (date(2026, 12, 1), date(2027, 1, 1))),
    ],
)
def test_the_period_that_it_is(per: Any, on: date, starts: int, span: tuple[date, date]) -> None:
    assert current(per, on, Goals(fiscal_year_starts=starts)) == span


def test_before_the_period_is_over_no_promise_is_broken_and_no_share_is_sure() -> None:
    line = Line("marketing", "mqls", "head@acme.example", "", "MQLs that become sal", 0.8, 1.0, 1, True, "v1")
    assert (kept(line, over=True), kept(line, over=False)) == ("kept", "so far")
    assert [kept(replace(line, kept=False), over=over) for over in (True, False)] == ["not kept", "not yet"]
    assert kept(replace(line, kept=None), over=False) == ""
    assert [replace(line, side=side).is_share for side in ("marketing", "both")] == [True, False]
    assert not replace(line, what="MQLs").is_share
