"""Laws 2 and 3 over made-up histories: whatever the order, the doubling and the races, both systems end equal, and then it is quiet."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

from schemas.base import Scalar
from tests.examples import examples
from tests.factory import CONTACT, HS, LEAD, SF
from tests.world import World

FIELDS = {
    "title": ("Title", "jobtitle"),
    "company": ("Company", "company"),
    "industry": ("Industry", "industry"),
    "website": ("Website", "website"),
}
VALUES = ["a", "b", "c", None]
Step = tuple[Any, ...]

edits = st.tuples(st.just("edit"), st.sampled_from([SF, HS]), st.sampled_from(sorted(FIELDS)), st.sampled_from(VALUES))
others = st.one_of(
    st.tuples(st.just("deliver"), st.integers(0, 9)),
    st.tuples(st.just("again"), st.integers(0, 30)),
    st.tuples(st.just("ring"), st.integers(0, 3)),
    st.tuples(st.just("land"), st.integers(0, 3), st.booleans()),
    st.tuples(st.just("reread"), st.sampled_from([SF, HS])),
)
histories = st.lists(st.one_of(edits, others), max_size=24)


def play(world: World, step: Step) -> None:
    """Do one step; one that finds nothing to do is none."""
    match step:
        case ("edit", system, name, value):
            ref, place = (LEAD, 0) if system == SF else (CONTACT, 1)
            world.edit(ref, {FIELDS[name][place]: value})
        case ("deliver", n) if world.waiting:
            world.deliver(world.waiting.pop(n % len(world.waiting)))
        case ("again", n) if world.decided:
            world.deliver(world.decided[n % len(world.decided)][0])
        case ("ring", n) if world.dirty:
            world.ring(*sorted(world.dirty)[n % len(world.dirty)])
        case ("land", n, echo) if world.calls:
            world.land(world.calls[n % len(world.calls)], echo=echo)
        case ("reread", system):
            world.waiting.append(world.read(LEAD if system == SF else CONTACT))


def begin() -> World:
    """Two records of one person, known to Truce and equal."""
    world = World()
    for ref, mail in ((LEAD, "Email"), (CONTACT, "email")):
        world.add(ref, {mail: "kim@x.example"}, bulk=True)
    world.settle()
    world.sweep()
    assert len(world.leads()) == 1
    return world


@examples(120, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_both_systems_end_equal_and_then_it_is_quiet(history: list[Step]) -> None:
    world = begin()
    acts: list[tuple[str, str, Scalar]] = []
    for step in history:
        before, act = len(world.waiting), step[0] == "edit"
        play(world, step)
        if act and len(world.waiting) > before:
            acts.append((step[1], step[2], step[3]))
    world.settle()
    world.sweep()
    expected = newest([a for a in acts if a[1] == "title"], {SF, HS}, blanks=True)
    assert set(world.shown("title").values()) == {expected}
    for name in FIELDS:
        assert len(set(world.shown(name).values())) == 1, (name, world.shown(name))
    writes = len(world.writes)
    world.sweep()
    world.sweep()
    assert len(world.writes) == writes, world.writes[writes:]
    assert len(world.leads()) == 1


def newest(history: list[tuple[str, str, Scalar]], sides: set[str], *, blanks: bool) -> Scalar:
    """Give the last value by these systems."""
    return next((value for system, _, value in reversed(history) if system in sides and (blanks or value is not None)), None)


@examples(120, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(edits, min_size=1, max_size=7), st.randoms(use_true_random=False))
@example([("edit", SF, "title", "a"), ("edit", HS, "title", "b"), ("edit", SF, "title", "c")], None)
def test_the_value_is_the_one_that_the_laws_name_in_any_order(history: list[Step], random: Any) -> None:
    world = begin()
    acts: list[tuple[str, str, Scalar]] = []
    for step in history:
        before = len(world.waiting)
        play(world, step)
        if len(world.waiting) > before:
            acts.append((step[1], step[2], step[3]))
    if random is not None:
        random.shuffle(world.waiting)
        world.waiting += random.sample(world.waiting, len(world.waiting) // 2)
    world.settle()
    for name, expected in {
        "title": newest([a for a in acts if a[1] == "title"], {SF, HS}, blanks=True),
        "company": _by_side([a for a in acts if a[1] == "company"], SF, HS),
        "industry": _by_side([a for a in acts if a[1] == "industry"], HS, SF),
    }.items():
        assert set(world.shown(name).values()) == {expected}, (name, acts, world.shown(name))


def _by_side(acts: list[tuple[str, str, Scalar]], owner: str, other: str) -> Scalar:
    """The owner's last word, a blank included; before it has any, the other's last value."""
    if any(system == owner for system, _, _ in acts):
        return newest(acts, {owner}, blanks=True)
    return newest(acts, {other}, blanks=False)
