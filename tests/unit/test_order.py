"""How tests are dealt to several processes: each once, towns first everywhere, the rest evenly mixed, files in one piece."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

from tests.order import STORIES, dealt, shared_out, woven


@dataclass(frozen=True)
class Test:
    __test__ = False
    path: Path
    name: int


def some(folder: str, *sizes: int) -> list[Test]:
    return [Test(Path("/x/tests") / folder / f"test_{n}.py", one) for n, size in enumerate(sizes) for one in range(size)]


ALL = [
    *some("contract", 40, 7, 60),
    *some("integration/agents", 9, 3, 4),
    *some("integration/local", 1, 5, 1, 2),
    *some("unit", 30, 1, 90),
]


@pytest.mark.parametrize("hands", [1, 2, 3, 4, 7])
def test_every_test_is_dealt_once_and_each_share_begins_with_towns(hands: int) -> None:
    found = dealt(ALL, hands)
    assert Counter(found) == Counter(ALL)
    start = 0
    for hand in range(hands) if hands > 1 else ():
        share = found[start : start + (len(ALL) - start) // (hands - hand)]
        start += len(share)
        assert share[0].path.parent.name == "local"
        waiting = sum(one.path.parent.name == "agents" for one in share)
        assert abs(waiting - 16 / hands) <= 9, "no process has all that wait"


def test_one_process_takes_them_as_they_come() -> None:
    assert dealt(ALL, 1) == ALL


def test_a_file_stays_in_one_piece() -> None:
    found = woven(some("a", 9, 9, 9), some("b", 1, 1, 1))
    assert len([path for path, _ in groupby(found, lambda one: one.path)]) == 6
    assert [one.path.parent.name for one in found[::10]] == ["a", "a", "a"]


def test_stories_begin_first_two_at_once() -> None:
    story = Path("/x/tests/integration/local") / STORIES
    towns = [*some("integration/local", 3, 4), *(Test(story, n) for n in range(4))]
    shares = shared_out(towns, 4)
    assert [[one.name for one in share if one.path == story] for share in shares] == [[0, 2], [1, 3], [], []]
    assert all(share[0].path == story for share in shares[:2])
    assert sorted(map(len, shares)) == [2, 3, 3, 3]
