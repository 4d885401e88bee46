"""What is said of a group when: as Alertmanager does it, with the time passed in."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sync.alerts.judging import State, judge
from sync.playbook.models.alerts import AlertRoute
from sync.playbook.models.base import Where

S = 1000
ROUTE = AlertRoute("root", Where("alerts.yaml", 1, 1), ("managers",), "vera@acme.example")
T0 = 1_700_000_000_000


def test_a_new_group_waits_for_more_of_its_kind_and_is_told_once() -> None:
    state = State(T0, 3, 3)
    assert judge(ROUTE, state, T0 + 29 * S, None) == (None, T0 + 30 * S)
    assert judge(ROUTE, state, T0 + 30 * S, None) == ("open", T0 + 30 * S + 14_400 * S)


def test_what_joins_is_told_after_the_interval() -> None:
    state = State(T0, 5, 2, last_at=T0)
    assert judge(ROUTE, state, T0 + 299 * S, None) == (None, T0 + 300 * S)
    assert judge(ROUTE, state, T0 + 300 * S, None).say == "more"


def test_the_same_is_said_again_only_after_the_repeat_interval() -> None:
    state = State(T0, 5, last_at=T0)
    assert judge(ROUTE, state, T0 + 14_399 * S, None).say is None
    assert judge(ROUTE, state, T0 + 14_400 * S, None).say == "repeat"


def test_its_end_is_told_to_those_who_were_told_and_to_nobody_else() -> None:
    assert judge(ROUTE, State(T0, 0, gone=5, last_at=T0), T0 + 300 * S, None) == ("over", None)
    assert judge(ROUTE, State(T0, 0), T0 + 300 * S, None) == (None, None)


def test_quiet_hours_hold_what_does_not_wake() -> None:
    state, end = State(T0, 1, 1), T0 + 3_600 * S
    assert judge(ROUTE, state, T0 + 60 * S, end) == (None, end)
    assert judge(replace(ROUTE, wakes=True), state, T0 + 60 * S, end).say == "open"


def test_a_snooze_holds_even_what_wakes() -> None:
    state = State(T0, 1, 1, last_at=T0, snoozed_until=T0 + 7_200 * S)
    assert judge(replace(ROUTE, wakes=True), state, T0 + 600 * S, None) == (None, T0 + 7_200 * S)


def test_what_waits_for_the_digest_is_not_told_at_once() -> None:
    assert judge(replace(ROUTE, digest=True), State(T0, 9, 9), T0 + 60 * S, None) == (None, None)


@given(st.lists(st.tuples(st.integers(1, 90), st.integers(0, 2000), st.booleans()), min_size=1, max_size=60), st.booleans())
def test_at_most_one_message_in_any_interval_however_many_problems_come(steps: list[tuple[int, int, bool]], wakes: bool) -> None:
    """Problems come and go in every order; between two messages lies at least the interval, and none is forgotten at the end."""
    route, now, said = replace(ROUTE, wakes=wakes), T0, list[int]()
    open_, new, gone, last = 0, 0, 0, None
    for seconds, came, all_over in steps:
        now += seconds * S
        open_, new = open_ + came, new + came
        if all_over:
            gone, open_, new = gone + open_ - new, 0, 0
        verdict = judge(route, State(T0, open_, new, gone, last), now, None)
        if verdict.say:
            said.append(now)
            last, new, gone = now, 0, 0
        else:
            assert verdict.due is None or verdict.due > now
    assert all(later - earlier >= 300 * S for earlier, later in pairwise(said))
    if new:
        due = judge(route, State(T0, open_, new, gone, last), now, None).due
        assert due is not None
        assert judge(route, State(T0, open_, new, gone, last), due, None).say in ("open", "more")


def test_a_snooze_is_shown_at_once_to_those_who_were_told_and_then_nothing_is_said_until_it_ends() -> None:
    state = State(T0, 5, 2, last_at=T0, snoozed_until=T0 + 3_600 * S, snooze_shown=False)
    assert judge(ROUTE, state, T0 + 60 * S, None) == ("quiet", T0 + 3_600 * S)
    assert judge(ROUTE, replace(state, snooze_shown=True), T0 + 60 * S, None) == (None, T0 + 3_600 * S)
    assert judge(ROUTE, replace(state, last_at=None), T0 + 60 * S, None).say is None
    assert judge(ROUTE, state, T0 + 3_600 * S, None).say == "more"
