"""In which order several processes take the tests: whole towns first, then those that wait for servers spread evenly among those that compute."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Protocol, TypeVar

TOWNS, SERVERS = ("integration", "local"), ("integration",)
"""Folders of tests that take longest, and of all that run on real servers: they wait for more than half of their time."""
STORIES, AT_ONCE = "test_demo.py", 2
"""Those of this file take minutes and are many processes each: so many at once, or none gets through its story in time."""


class Placed(Protocol):
    """A test, as far as its place in the order goes by it."""

    @property
    def path(self) -> Path:
        """Give its file."""


Test = TypeVar("Test", bound=Placed)


def hands() -> int:
    """Give how many processes share this run."""
    return int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))


def dealt(tests: Sequence[Test], hands: int) -> list[Test]:
    """Deal the tests: pytest-xdist gives each process the neighbours that `dealt` made its share, and moves only ends of shares later."""
    if hands < 2:
        return list(tests)
    towns = shared_out([one for one in tests if _in(one, TOWNS)], hands)
    rest = woven([one for one in tests if _in(one, SERVERS) and not _in(one, TOWNS)], [one for one in tests if not _in(one, SERVERS)])
    found, taken = list[Test](), 0
    for hand in range(hands):
        more = max(0, (len(tests) - len(found)) // (hands - hand) - len(towns[hand]))
        found += towns[hand] + rest[taken : taken + more]
        taken += more
    return found


def shared_out(towns: Iterable[Test], hands: int) -> list[list[Test]]:
    """Give each process its towns: stories first, then all have as many as each other."""
    shares = [list[Test]() for _ in range(hands)]
    stories = 0
    for one in sorted(towns, key=lambda one: one.path.name != STORIES):
        if one.path.name == STORIES:
            shares[stories % min(AT_ONCE, hands)].append(one)
            stories += 1
        else:
            min(reversed(shares), key=len).append(
                one
            )  # what is left over when it comes out uneven goes to the last, as pytest-xdist has it
    return shares


def woven(*kinds: Iterable[Test]) -> list[Test]:
    """Spread each kind evenly over the whole; the tests of a file stay together, for what they share."""
    placed = list[tuple[float, list[Test]]]()
    for kind in map(list, kinds):
        done = 0
        for block in (list(found) for _, found in groupby(kind, attrgetter("path"))):
            placed.append(((done + len(block) / 2) / len(kind), block))
            done += len(block)
    return [one for _, block in sorted(placed, key=itemgetter(0)) for one in block]


def _in(test: Placed, folders: tuple[str, ...]) -> bool:
    parts = test.path.parts
    return any(parts[n : n + len(folders)] == folders for n in range(len(parts)))
