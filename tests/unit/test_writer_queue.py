"""The keyed queue and the release of offsets, without any I/O; and both under generated histories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from sync.writer.lanes import Offsets
from sync.writer.queue import KeyedQueue, Mark


@dataclass
class Time:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Released:
    marks: list[Mark] = field(default_factory=list)

    def __call__(self, mark: Mark) -> None:
        self.marks.append(mark)


def queue() -> tuple[KeyedQueue, Time, Released]:
    time, released = Time(), Released()
    return KeyedQueue(time, released), time, released


def test_doorbells_of_a_waiting_lead_become_one() -> None:
    q, _, released = queue()
    for mark in (1, 2, 3):
        q.ring("a", "bulk", mark)
    assert q.take(10) == [("a", "bulk")]
    q.done("a")
    assert released.marks == [1, 2, 3]
    assert len(q) == 0


def test_a_lead_rung_for_while_busy_is_looked_at_again_before_that_ring_is_released() -> None:
    q, _, released = queue()
    q.ring("a", "hot", 1)
    q.take(1)
    q.ring("a", "bulk", 2)
    assert q.take(1) == []
    q.done("a")
    assert released.marks == [1]
    assert q.take(1) == [("a", "bulk")]
    q.done("a")
    assert released.marks == [1, 2]


def test_hot_goes_first_and_alone_and_a_hot_ring_makes_a_bulk_lead_hot() -> None:
    q, _, _ = queue()
    for name in "abc":
        q.ring(name, "bulk")
    q.ring("z", "hot")
    q.ring("c", "hot")
    assert (q.hot, q.take(3)) == (True, [("z", "hot"), ("c", "hot")])
    assert (q.hot, q.take(3)) == (False, [("a", "bulk"), ("b", "bulk")])


def test_a_lead_that_is_tried_again_keeps_its_marks_and_waits_its_time() -> None:
    q, time, released = queue()
    q.ring("a", "hot", 1)
    q.take(1)
    q.retry("a", "hot", 2.0)
    q.ring("a", "hot", 2)
    assert (q.take(1), q.next_due(), released.marks) == ([], 2.0, [])
    time.now = 2.0
    assert q.take(1) == [("a", "hot")]
    q.done("a")
    assert released.marks == [1, 2]


ACTS = st.lists(st.tuples(st.sampled_from(["ring", "take", "done", "retry", "time"]), st.sampled_from("abc")), max_size=60)


@given(ACTS)
def test_every_mark_is_released_once_and_only_after_a_look_that_began_after_it(acts: list[tuple[str, str]]) -> None:
    q, time, released = queue()
    rung: dict[Any, int] = {}
    looked: dict[str, int] = {}
    busy: set[str] = set()
    for step, (act, lead) in enumerate(acts):
        if act == "ring":
            rung[lead, step] = step
            q.ring(lead, "hot" if step % 2 else "bulk", (lead, step))
        elif act == "take":
            for name, _ in q.take(1):
                assert name not in busy
                busy.add(name)
                looked[name] = step
        elif act == "time":
            time.now += 1
        elif lead in busy:
            busy.discard(lead)
            before = len(released.marks)
            q.done(lead) if act == "done" else q.retry(lead, "hot", 1.0)
            for mark in released.marks[before:]:
                assert rung[mark] < looked[mark[0]]  # type: ignore[index]
    for _ in range(200):
        time.now += 1
        for lead in [*busy, *[name for name, _ in q.take(5)]]:
            q.done(lead)
        busy.clear()
    assert sorted(released.marks) == sorted(rung)  # type: ignore[type-var]
    assert len(q) == 0


PLACE = TopicPartition("t", 0)


def test_only_what_is_contiguous_is_committed() -> None:
    offsets = Offsets()
    for n in range(5, 9):
        offsets.taken(PLACE, n)
    offsets.release(PLACE, 6)
    assert offsets.movable() == {}
    offsets.release(PLACE, 5)
    assert offsets.movable() == {PLACE: 7}
    assert offsets.movable() == {}
    offsets.release(TopicPartition("t", 1), 5)
    assert offsets.movable() == {}


@given(st.permutations(range(12)), st.integers(0, 12))
def test_an_offset_is_never_committed_past_one_that_is_not_done(order: list[int], done: int) -> None:
    offsets = Offsets()
    for n in range(12):
        offsets.taken(PLACE, n)
    for n in order[:done]:
        offsets.release(PLACE, n)
    first_open = min(set(range(12)) - set(order[:done]), default=12)
    assert offsets.movable().get(PLACE, 0) == first_open
