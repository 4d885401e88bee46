"""`truce check` warns of rows of territories.csv whose country no route that asks for territories lets in."""

from __future__ import annotations

from datetime import date

import pytest

from sync.playbook.checks import Outside
from sync.playbook.loader import check, read
from tests.house.project import ROOT

EXAMPLE = read(ROOT / "deploy" / "playbook")
ROW = ("tables/territories.csv", "PL,east,emea-ae,\n", "PL,east,emea-ae,\nLT,baltics,,lea@acme.example\n")
LISTED = "lead.country in ['DE', 'AT', 'CH', 'FR', 'GB', 'NL', 'NO', 'SE', 'DK', 'FI', 'ES', 'IT', 'PL', 'IE', 'BE', 'PT']"


def warned(*changes: tuple[str, str, str]) -> list[str]:
    """Change the example and give what is said of it."""
    files = dict(EXAMPLE)
    for file, before, after in changes:
        assert before in files[file].decode(), before
        files[file] = files[file].replace(before.encode(), after.encode(), 1)
    checked = check(files, outside=Outside(date(2026, 11, 25)))
    assert checked.playbook is not None
    return [f"{one.file}:{one.line} {one.text}: {one.suggestion}" for one in checked.problems]


def test_a_country_that_no_route_lets_in() -> None:
    assert warned(ROW) == ["tables/territories.csv:18 LT: no route that uses territories lets it in: add it to routing.yaml:41"]


@pytest.mark.parametrize(
    "change",
    [
        ("routing.yaml", "'BE', 'PT']", "'BE', 'PT', 'LT']"),
        ("routing.yaml", LISTED, "lead.country != 'US'"),
        ("routing.yaml", LISTED, "lead.title == 'Head'"),
        ("routing.yaml", "when: lead.industry == 'Energy'", "when: territory('baltics')"),
        (
            "routing.yaml",
            "    fallback: [{pool: sdr}, {owner: sue@acme.example}]",
            "    fallback: [{pool: territory}, {owner: sue@acme.example}]",
        ),
        ("routing.yaml", "assign: {pool: territory}", "assign: {pool: emea-ae}"),
    ],
)
def test_what_cannot_be_proved_is_not_said(change: tuple[str, str, str]) -> None:
    assert warned(ROW, change) == []


def test_a_finer_rule_that_goes_by_territories_lets_in_what_its_outer_one_does() -> None:
    changes = (
        ("routing.yaml", "assign: {pool: territory}", "assign: {pool: emea-ae}"),
        ("routing.yaml", "assign: {owner: lea@acme.example}\n\n", "assign: {pool: territory}\n\n"),
    )
    assert warned(ROW, *changes) == ["tables/territories.csv:18 LT: no route that uses territories lets it in: add it to routing.yaml:41"]
