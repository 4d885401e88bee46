"""What `truce fairness` works out from the turns: what is right is found right, whoever might have had which lead; what is wrong is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.cli.fairness import start_of, told
from sync.cli.output import CannotRun
from sync.lead.turns import PoolState, Turn, after, first
from sync.playbook.models import By
from sync.trial.fairness import examine
from tests import factory
from tests.examples import examples

ANA, BEN, JOE, VERA = PEOPLE = tuple(factory.PEOPLE)
WEIGHTS = {ANA: 1.0, BEN: 2.0, JOE: 1.0, VERA: 0.5}
EVENLY = dict.fromkeys(PEOPLE, 1.0)


def turns(might: Sequence[Sequence[str]], by: By = "round_robin", pool: str = "emea") -> list[Turn]:
    """Take a turn for each lead among those who might have it, an hour apart."""
    state, made = PoolState(), []
    for n, who in enumerate(might, 1):
        weights = {one: (WEIGHTS if by == "weighted" else EVENLY)[one] for one in PEOPLE if one in who}
        member = first(state, weights)
        state = after(state, member, weights, "")
        over = tuple((one, "on leave to 30 Nov") for one in PEOPLE if one not in who)
        made.append(Turn(f"lead-{n}", factory.ms(3600 * n), member, "turn", "routing.yaml:8", 1, over, pool, n, member, by, weights))
    return made


@examples(200)
@given(st.lists(st.sets(st.sampled_from(PEOPLE), min_size=1), min_size=1, max_size=80), st.sampled_from(["round_robin", "weighted"]))
def test_what_was_shared_out_by_turns_is_found_fair(might: list[set[str]], by: By) -> None:
    (report,) = examine(turns([sorted(who) for who in might], by))
    assert report.broken == []
    assert sum(one.had for one in report.members.values()) == report.turns == len(might)
    assert sum(one.fair for one in report.members.values()) == pytest.approx(len(might))
    assert all(one.might + sum(len(m.turns) for m in one.missed.values()) == len(might) for one in report.members.values())


@examples(100)
@given(st.lists(st.sets(st.sampled_from(PEOPLE), min_size=2), min_size=4, max_size=40), st.data())
def test_a_turn_that_went_elsewhere_is_named(might: list[set[str]], data: st.DataObject) -> None:
    made = turns([sorted(who) for who in might])
    place = data.draw(st.integers(0, len(made) - 1))
    wrong = data.draw(st.sampled_from([who for who in made[place].eligible if who != made[place].member]))
    made[place] = replace(made[place], owner=wrong, member=wrong)
    (report,) = examine(made)
    assert f"turn {place + 1} (lead lead-{place + 1}) went to {wrong}, though" in report.broken[0]


def test_a_turn_that_is_missing_is_named() -> None:
    made = turns([PEOPLE] * 6)
    (report,) = examine(made[:2] + made[3:])
    assert report.broken[0] == "turn 4 comes after turn 2: one is missing, or stands twice"


def test_counts_are_held_against_each_other_whatever_the_order_was() -> None:
    made = [replace(one, owner=ANA, member=ANA) for one in turns([(ANA, BEN)] * 3)]
    (report,) = examine(made)
    assert f"{ANA} and {BEN} might always have the same leads, and differ by 2.00 for their weight" in report.broken
    ways = [replace(one, by="least_open") for one in made]
    assert examine(ways)[0].broken == [], "who has the fewest open leads is no matter of turns"


def test_pools_are_told_one_by_one_and_what_was_no_pools_is_left_out() -> None:
    named = Turn("lead-9", 0, ANA, "sticky", "routing.yaml:8", 1)
    reports = examine([*turns([PEOPLE], pool="sdr"), named, *turns([PEOPLE] * 2, pool="amer")])
    assert [(one.name, one.turns) for one in reports] == [("amer", 2), ("sdr", 1)]


def test_how_it_reads() -> None:
    might = [(ANA, BEN, JOE)] * 3 + [(ANA, JOE)] * 5
    made = turns(might)
    made[-1] = replace(made[-1], owner=VERA)
    (report,) = examine(made, factory.ms(3 * 3600))
    book = factory.playbook()
    assert told(report, book, factory.ms(3 * 3600)) == [
        "emea · round robin · 6 turns since Mon 23 Nov 2026 12:00",
        "        had    fair   diff   of those that they might have had",
        "  Ana     3     2.8   +0.2   6 of 6, 1 of theirs to Vera as cover",
        "  Joe     3     2.8   +0.2   6 of 6",
        "  Ben     0     0.3   -0.3   1 of 6",
        "  What made the difference",
        "    Ben could not have 5 leads: on leave to 30 Nov (turn 4 lead-4, turn 5 lead-5, turn 6 lead-6 and 2 more)",
        "  Next          Joe, if the next lead may go to the same people as the last",
        "  ✔ every turn went to whoever was furthest behind, and none is missing",
    ]


def test_since_is_a_day_of_the_company_or_how_long_ago() -> None:
    now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert start_of("2026-11-16", "Europe/Berlin", now) == int(datetime(2026, 11, 15, 23, tzinfo=UTC).timestamp() * 1000)
    assert start_of("7d", "UTC", now) == int(datetime(2026, 11, 16, 9, tzinfo=UTC).timestamp() * 1000)
    assert start_of("12h", "UTC", now) == int(datetime(2026, 11, 22, 21, tzinfo=UTC).timestamp() * 1000)
    with pytest.raises(CannotRun, match="write a day"):
        start_of("yesterday", "UTC", now)
