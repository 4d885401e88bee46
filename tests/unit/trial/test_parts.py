"""A condition taken apart: each part with its value, tables and territories of the playbook included."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.playbook.conditions import Wrong
from sync.playbook.loader import load
from sync.trial.parts import conditions_of, parts

PLAYBOOK = load(Path(__file__).parents[2] / "playbook" / "good")
NOW = 1_795_424_400_000


def told(text: str, **values: object) -> dict[str, str]:
    return {part.text: part.shown for part in parts(conditions_of(PLAYBOOK), text, {"now": NOW, "touches": (), **values})}  # type: ignore[dict-item]


def test_every_part_has_its_value_the_whole_first() -> None:
    text = "lead.employees >= 500 && has(lead.phone)"
    found = told(text, employees=820)
    assert list(found) == [text, "lead.employees >= 500", "lead.employees", "has(lead.phone)"]
    assert list(found.values()) == ["false", "true", "820", "false"]


def test_an_empty_field_is_named_where_it_is_asked() -> None:
    assert told("lead.employees >= 500") == {"lead.employees >= 500": "field empty", "lead.employees": "field empty"}


def test_tables_and_territories_answer() -> None:
    assert (
        told("in_table(lead.email_domain, 'partners')", email_domain="agency.example")["in_table(lead.email_domain, 'partners')"] == "true"
    )
    assert told("territory('dach')", country="AT")["territory('dach')"] == "true"
    assert told("territory('dach')", country="NO")["territory('dach')"] == "false"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lead.employes > 5", "did you mean lead.employees"),
        ("territory('dahc')", "did you mean dach"),
        ("in_table(lead.email_domain, 'partner')", "did you mean partners"),
    ],
)
def test_what_does_not_exist_is_told_with_what_was_meant(text: str, words: str) -> None:
    with pytest.raises(Wrong) as caught:
        conditions_of(PLAYBOOK).read(text)
    assert any(words in mistake.suggestion for mistake in caught.value.mistakes)
