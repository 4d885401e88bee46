"""`truce test` as it is called: what it prints, what it writes, and its exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.commands import truce

HERE = Path(__file__).parents[2] / "playbook" / "good"
CASES = """\
cases:
  - id: kim
    given:
      at: 2026-11-23T09:14:00+01:00
      lead: {email: kim@nordwind.example, country: NO, employees: 820, stage: lead}
      touches: [{touch: form, name: Pricing, ago: 2m}]
    expect: {stage: STAGE}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "playbook"
    shutil.copytree(HERE, made)
    (made / "cases").mkdir()
    return made


def write(folder: Path, stage: str) -> None:
    (folder / "cases" / "a.yaml").write_text(CASES.replace("STAGE", stage), encoding="utf-8")


def test_as_expected_is_0_and_tells_the_coverage(folder: Path, tmp_path: Path) -> None:
    write(folder, "mql")
    done = truce("test", str(folder), home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["1 case: 1 as expected, 0 not.", "Reached: 4 of 6 rules, 7 of 14 outcomes of their lines."]
    assert "  no case reaches  routing.yaml:2     route emea" in lines
    assert "  never false      routing.yaml:9     lead.employees >= 500" in lines


def test_otherwise_than_expected_is_1_and_shows_why(folder: Path, tmp_path: Path) -> None:
    write(folder, "lead")
    done = truce("test", str(folder), home=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[:4] == [
        "✘ cases/a.yaml:2  kim",
        "    cases/a.yaml:7  stage  expected lead, got mql",
        "    ✔ lifecycle.yaml:2                        +40 · employees 820 ≥ 500",
        "    ✔ lifecycle.yaml:4                        +50",
    ]
    assert "    ✔ routing.yaml:8     emea-large           employees 820 ≥ 500" in done.stdout.splitlines()


def test_json_says_the_same(folder: Path, tmp_path: Path) -> None:
    write(folder, "lead")
    done = truce("test", str(folder), "--json", home=tmp_path)
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["cases"][0]["differences"] == [{"what": "stage", "expected": "lead", "got": "mql", "where": "cases/a.yaml:7"}]
    assert found["cases"][0]["path"][-1]["id"] == "ana@acme.example"
    assert found["coverage"]["rules"] == {"all": 6, "reached": 4}


def test_update_writes_for_review_and_then_all_is_as_expected(folder: Path, tmp_path: Path) -> None:
    write(folder, "lead")
    done = truce("test", str(folder), "--update", home=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Wrote what came out into cases/a.yaml: review it, as with any change.\n")
    assert "expect: {stage: mql}" in (folder / "cases" / "a.yaml").read_text()
    assert truce("test", str(folder), home=tmp_path).returncode == 0


def test_complete_asks_for_every_rule(folder: Path, tmp_path: Path) -> None:
    write(folder, "mql")
    assert truce("test", str(folder), "--complete", home=tmp_path).returncode == 1


def test_no_cases_is_said(folder: Path, tmp_path: Path) -> None:
    done = truce("test", str(folder), home=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("No cases: write some into cases/*.yaml")


def test_a_playbook_that_does_not_load_is_told_as_check_tells_it(folder: Path, tmp_path: Path) -> None:
    write(folder, "mqll")
    done = truce("test", str(folder), home=tmp_path)
    assert done.returncode == 1
    assert "cases/a.yaml:7:21  cases[0].expect.stage (kim)  unknown stage mqll" in done.stderr


def test_no_such_folder_is_said(tmp_path: Path) -> None:
    done = truce("test", str(tmp_path / "nowhere"), home=tmp_path)
    assert done.returncode == 1
    assert "no such folder" in done.stderr
