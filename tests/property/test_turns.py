"""Fairness as statements about every sequence of leads: who may have which lead is made up, the counts are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from sync.lead.turns import PoolState, after, first
from tests.examples import examples

PEOPLE = ("ana", "ben", "joe", "lea", "sue", "tom")
weight = st.sampled_from([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 7.0, 100.0])
some = st.sets(st.sampled_from(PEOPLE), min_size=1)
Leads = Sequence[Mapping[str, float]]
"""Per lead: who may have it, with their weights."""


def play(leads: Leads, state: PoolState | None = None) -> tuple[PoolState, list[str]]:
    """Give every lead to whose turn it is."""
    state, got = state or PoolState(), []
    for weights in leads:
        got.append(first(state, weights))
        state = after(state, got[-1], weights, "2026-11-23")
    return state, got


def alike(leads: Leads) -> list[tuple[str, str]]:
    """Give the pairs who may have the same leads, each."""
    return [
        (a, b)
        for a, b in combinations(PEOPLE, 2)
        if all((a in weights) == (b in weights) for weights in leads) and any(a in weights for weights in leads)
    ]


def together(pairs: Sequence[set[str]]) -> list[set[str]]:
    """Let ana and ben, and joe and lea, always come or stay away together."""
    return [{*one, *({"ana", "ben"} if "ana" in one else ()), *({"joe", "lea"} if "joe" in one else ())} - _alone(one) for one in pairs]


def _alone(one: set[str]) -> set[str]:
    return ({"ben"} if "ana" not in one else set()) | ({"lea"} if "joe" not in one else set())


present = st.lists(some, min_size=1, max_size=120).map(together).map(lambda rows: [one for one in rows if one])


@examples(300)
@given(present)
def test_who_may_always_have_the_same_leads_takes_turns_strictly(leads: list[set[str]]) -> None:
    rows = [{who: 1.0 for who in PEOPLE if who in one} for one in leads]
    _, got = play(rows)
    for a, b in alike(rows):
        turns = [who for who in got if who in (a, b)]
        assert all(x != y for x, y in pairwise(turns)), (a, b, turns)
        for n in range(len(turns) + 1):
            assert abs(turns[:n].count(a) - turns[:n].count(b)) <= 1


@examples(300)
@given(present, st.fixed_dictionaries(dict.fromkeys(PEOPLE, weight)))
def test_weighted_counts_are_never_off_by_more_than_one_step(leads: list[set[str]], weights: dict[str, float]) -> None:
    rows = [{who: weights[who] for who in PEOPLE if who in one} for one in leads]
    _, got = play(rows)
    for a, b in alike(rows):
        step = (1 / weights[a] + 1 / weights[b]) / 2
        assert step <= max(1 / weights[a], 1 / weights[b])
        counts: Counter[str] = Counter()
        for who in got:
            counts[who] += 1
            assert abs(counts[a] / weights[a] - counts[b] / weights[b]) <= step + 1e-6


@examples(300)
@given(st.lists(some, min_size=1, max_size=200))
def test_nobody_is_ever_far_from_what_was_theirs_whoever_may_have_which_lead(leads: list[set[str]]) -> None:
    rows = [{who: 1.0 for who in PEOPLE if who in one} for one in leads]
    state, n = PoolState(), len(PEOPLE)
    for weights in rows:
        state = after(state, first(state, weights), weights, "")
        assert abs(sum(state.ahead.values())) < 1e-9
        assert all(abs(value) <= (n - 1) ** 2 / n + 1e-9 for value in state.ahead.values())


@examples(200)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 40), st.fixed_dictionaries(dict.fromkeys(PEOPLE, weight)))
def test_nobody_who_returns_is_flooded_or_left_out(before: int, away: int, later: int, weights: dict[str, float]) -> None:
    everybody = [weights] * before
    without = [{who: w for who, w in weights.items() if who != "ana"}] * away
    state, _ = play(everybody)
    stood = state.ahead["ana"]
    state, _ = play(without, state)
    assert state.ahead["ana"] == stood
    _, got = play([weights] * later, state)
    due = later * weights["ana"] / sum(weights.values())
    mean = sum(weights.values()) / len(weights)
    assert abs(got.count("ana") - due) <= 1 + weights["ana"] / mean + 1e-6, "as if they had never been away"


@examples(200)
@given(st.lists(st.tuples(st.integers(0, 40), some), min_size=1, max_size=8))
def test_a_playbook_that_adds_and_removes_people_owes_nobody(versions: list[tuple[int, set[str]]]) -> None:
    state, got, rows = PoolState(), list[str](), list[dict[str, float]]()
    for leads, members in versions:
        pool = {who: 1.0 for who in PEOPLE if who in members | {"ana", "ben"}}
        state, more = play([pool] * leads, state)
        got, rows = got + more, rows + [pool] * leads
    turns = [who for who in got if who in ("ana", "ben")]
    assert all(x != y for x, y in pairwise(turns))
    for who in PEOPLE:
        due = sum(1 / len(pool) for pool in rows if who in pool)
        assert abs(got.count(who) - due) <= (len(PEOPLE) - 1) ** 2 / len(PEOPLE)


@examples(100)
@given(st.lists(st.tuples(some, st.integers(1, 3)), min_size=1, max_size=60))
def test_weights_that_change_scale_change_nothing(leads: list[tuple[set[str], int]]) -> None:
    base = dict(zip(PEOPLE, (1.0, 2.0, 1.0, 1.0, 3.0, 0.5), strict=True))
    rows = [{who: base[who] for who in PEOPLE if who in one} for one, _ in leads]
    scaled = [{who: w * 100**scale for who, w in row.items()} for row, (_, scale) in zip(rows, leads, strict=True)]
    assert play(rows)[1] == play(scaled)[1]


def test_the_state_may_be_kept_and_read_again_between_any_two_leads() -> None:
    import orjson

    rows = [dict.fromkeys(PEOPLE[: 3 + n % 4], 1.0) for n in range(400)]
    state, straight = PoolState(), play(rows)[1]
    for weights, expected in zip(rows, straight, strict=True):
        assert first(state, weights) == expected
        state = after(state, expected, weights, "")
        again = orjson.loads(orjson.dumps(state))
        assert PoolState(**again) == state
