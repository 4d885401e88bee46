"""2,000 inputs that nobody meant: the loader and conditions answer with problems, each at its place. `make fuzz` looks at 100,000."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz import mutator
from tests.fuzz.looking import files, look, texts

SHARDS = {"playbook": (4, 200), "condition": (2, 600)}
"""Kind → (shards, inputs of each)."""


@pytest.mark.parametrize(("kind", "shard"), [(kind, shard) for kind, (count, _) in SHARDS.items() for shard in range(count)])
def test_nothing_but_problems_comes_of_any_input(kind: str, shard: int) -> None:
    said = [look(kind, f"house:{shard}:{number}") for number in range(SHARDS[kind][1])]
    assert [one for one in said if one] == []


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
