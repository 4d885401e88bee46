"""README's ten changes of a first month: each, made word by word in a copy of the example, is a playbook without a problem that means something else."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from sync.playbook.checks import Outside
from sync.playbook.loader import check, load, load_files, read
from sync.trial.cases import play
from sync.trial.diff import differences
from tests.house.project import ROOT
from tests.readme import blocks, edit, section

EXAMPLE = ROOT / "deploy" / "playbook"
CHANGES = re.findall(r"^\*\*(\d+)\. (.+?)\*\*(.*?)(?=^\*\*\d|\Z)", section("## Ten changes of a first month"), re.M | re.S)
EDITS = [(title, text) for _, title, text in CHANGES if any(language == "diff" for language, _ in blocks(text))]
EXPECTED = {
    "A new territory.": ["territories"],
    "Somebody leaves.": ["tom@acme.example"],
    "Holidays, and who covers.": ["ben@acme.example"],
    "Another threshold for an MQL.": ["mql"],
    "A new value of a picklist.": ["status", "nurturing"],
    "Leads of partners.": ["partners"],
    "Named accounts.": ["named_accounts"],
    "A field that marketing is to own.": ["company", "marketing"],
    "No more than five a day.": ["sdr", "5"],
}
"""What `truce diff` must name of each."""


def test_there_are_ten() -> None:
    assert [number for number, _, _ in CHANGES] == [str(n) for n in range(1, 11)]
    assert [title for title, _ in EDITS] == list(EXPECTED)


@pytest.mark.parametrize(("title", "text"), EDITS, ids=[title.rstrip(".") for title, _ in EDITS])
def test_a_change_does_what_it_says(title: str, text: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "my-playbook")
    for language, block in blocks(text):
        if language == "diff":
            edit(tmp_path, block)
    files = read(tmp_path / "my-playbook")
    checked = check(files, outside=Outside(date(2026, 11, 25), None))
    assert [str(problem) for problem in checked.problems] == []
    changed = load_files(files)
    told = " ".join(f"{one.path} {one.text}" for one in differences(load(EXAMPLE), changed))
    assert all(words in told for words in EXPECTED[title]), told
    assert [played.case.id for played in play(changed).played if played.differences] == []
