"""What changes between two playbooks is told by meaning: rules, not lines of text."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.playbook.loader import load_files
from sync.trial.diff import differences

GOOD = {path.name: path.read_bytes() for path in (Path(__file__).parents[2] / "playbook" / "good").glob("*.yaml")}


def told(file: str, before: str, after: str) -> list[str]:
    text = GOOD[file].decode()
    assert before in text
    changed = GOOD | {file: text.replace(before, after).encode()}
    return [f"{d.place}  {d.text}" for d in differences(load_files(GOOD), load_files(changed))]


def test_a_playbook_does_not_differ_from_itself_nor_by_comments_and_order_of_keys() -> None:
    assert told("routing.yaml", "routes:\n  - id: emea\n", "# a comment\n\nroutes:\n  - id: emea\n") == []


@pytest.mark.parametrize(
    ("file", "before", "after", "wanted"),
    [
        (
            "routing.yaml",
            "lead.employees >= 500",
            "lead.employees >= 400",
            ["route emea-large · now asks lead.employees >= 400 instead of lead.employees >= 500"],
        ),
        ("team.yaml", "Berlin", "Vienna", ["timezone: Europe/Berlin → Europe/Vienna"]),
    ],
)
def test_a_change_is_told_with_the_rule_that_it_concerns(file: str, before: str, after: str, wanted: list[str]) -> None:
    lines = told(file, before, after)
    assert len(lines) == len(wanted)
    for line, words in zip(lines, wanted, strict=True):
        assert line.startswith(file)
        assert words in line
