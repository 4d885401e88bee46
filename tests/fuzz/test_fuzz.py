"""2,000 inputs that nobody meant: the loader and conditions answer with problems, each at its place. `make fuzz` looks at 100,000."""

from __future__ import annotations

from random import Random

import pytest

from sync.playbook.loader import check
from tests.examples import part_of
from tests.fuzz import mutator
from tests.fuzz.looking import files, look, texts, work
from tests.playbook.test_bad import GOOD

SHARDS = {"playbook": (4, 200), "condition": (2, 600)}
"""Kind → (shards, inputs of each)."""


@pytest.mark.parametrize(("kind", "shard"), [(kind, shard) for kind, (count, _) in SHARDS.items() for shard in range(count)])
def test_nothing_but_problems_comes_of_any_input(kind: str, shard: int) -> None:
    said = [look(kind, f"house:{shard}:{number}") for number in range(part_of(SHARDS[kind][1]))]
    assert [one for one in said if one] == []


LARGE = {
    "one key again and again": ("team.yaml", b"timezone: UTC\n" * 3_000),
    "keys that nobody knows": ("lifecycle.yaml", b"".join(b"stags%d: {}\n" % number for number in range(300))),
    "routes that nobody knows": ("routing.yaml", b"routes:\n" + b"  - {id: a, asign: {pol: b}}\n" * 300),
    "a list in a list": ("routing.yaml", b"routes: " + b"[" * 5_000),
}
MOST = 700_000
"""So many calls looking at one playbook takes at most; those of the corpus take 50,000."""


@pytest.mark.parametrize("name", LARGE)
def test_no_file_takes_long_to_be_refused(name: str) -> None:
    file, content = LARGE[name]
    found = {**GOOD, file: content}
    assert check(found).problems  # what is read once, as countries are, is read now
    assert work(found) < MOST


def test_no_input_takes_long() -> None:
    most = 0
    for number in range(part_of(60)):
        name, content = mutator.file(Random(f"long:{number}"), files())
        found = {**GOOD, name: content}
        check(found)
        most = max(most, work(found))
    assert 10_000 < most < MOST


def test_there_are_2000_and_they_are_the_same_every_time() -> None:
    assert sum(count * each for count, each in SHARDS.values()) == 2_000
    made = [mutator.file(Random(f"a:{n}"), files()) for n in range(200)]
    assert made == [mutator.file(Random(f"a:{n}"), files()) for n in range(200)]
    assert len({content for _, content in made}) > 190
    assert len({mutator.condition(Random(f"a:{n}"), texts()) for n in range(200)}) > 120


def test_a_crash_is_told_with_what_makes_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(look.__globals__["KINDS"], "condition", lambda rng: 1 / 0)
    assert look("condition", "x:1").startswith("condition x:1: Traceback")
    assert "ZeroDivisionError" in look("condition", "x:1")
