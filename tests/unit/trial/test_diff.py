"""What changes between two playbooks is told by meaning: rules, not lines of text."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.playbook.loader import load_files, read
from sync.trial.diff import differences
from sync.trial.diff import told as shown
from tests.house.project import ROOT

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


EXAMPLE = read(ROOT / "deploy" / "playbook")
TERRITORIES = "tables/territories.csv"


def lines(**changes: tuple[str, str]) -> list[str]:
    """Change files of the example and give what is told of it."""
    files = dict(EXAMPLE)
    for file, (before, after) in changes.items():
        assert before.encode() in files[file], before
        files[file] = files[file].replace(before.encode(), after.encode(), 1)
    return [f"{place}  {text}" for place, text in shown(differences(load_files(EXAMPLE), load_files(files)))]


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("        within: 4h\n        warn: 1h\n        then: [remind, {do: reassign", "        within: 2h\n        warn: 1h\n        then: [remind, {do: reassign", "SLA normal, accept: within 4 h → 2 h"),
        ("within: 1d\n        warn: 2h\n        then: [escalate]\n      work", "within: 2d\n        warn: 2h\n        then: [escalate]\n      work", "SLA normal, first response: within 1 working day → 2 working days"),
        ("        then: [reassign, escalate]   #", "        then: [reassign, remind, escalate]   #", "SLA hot, accept · then remind: new"),
        ("offers: 3 ", "offers: 5 ", "SLA hot: offers 3 → 5"),
        ("then: recycle, after: 90d}", "then: recycle, after: 60d}", "reason bad_timing: after 90 days → 60 days"),
        ("default: normal", "default: hot", "slas default: normal → hot"),
    ],
)  # fmt: skip
def test_what_is_owed_is_told_with_its_sla_and_leg(before: str, after: str, wanted: str) -> None:
    (line,) = lines(**{"sla.yaml": (before, after)})
    place, text = line.split("  ", 1)
    assert (place.partition(":")[0], text) == ("sla.yaml", wanted)


def test_what_follows_in_a_new_sla_is_told_step_by_step() -> None:
    leg = "accept: {within: 2h, then: [remind, {do: escalate, after: 1h}]}"
    new = f"  large:\n    accountable: maria@acme.example\n    legs: {{{leg}}}\n  customer: "
    assert "then remind, escalate (after 1 h)" in next(line for line in lines(**{"sla.yaml": ("  customer: ", new)}) if "SLA large" in line)


def test_a_table_is_told_row_by_row() -> None:
    after = "PL,east,emea-ae,\nLT,east,,lea@acme.example\n"
    assert lines(**{TERRITORIES: ("PL,east,emea-ae,\n", after)}) == [f"{TERRITORIES}:18  + LT, east → lea@acme.example"]
    assert lines(**{TERRITORIES: ("ES,south,,lea@acme.example", "ES,west,,ana@acme.example")}) == [
        f"{TERRITORIES}:14  ES: territory south → west, lea@acme.example → ana@acme.example"
    ]
    assert lines(**{TERRITORIES: ("SE,nordics,emea-ae,\n", "")}) == [f"{TERRITORIES}:6  - SE, nordics → emea-ae"]
    assert lines(**{TERRITORIES: ("DE,dach,emea-ae,\nAT,dach,emea-ae,\n", "AT,dach,emea-ae,\nDE,dach,emea-ae,\n")}) == []


def test_of_many_rows_the_first_are_told() -> None:
    tables = [
        {**EXAMPLE, "tables/vip.csv": content}
        for content in (b"name,owner\n", b"name,owner\n" + b"".join(b"n%d,ana@acme.example\n" % n for n in range(30)))
    ]
    found = [text for _, text in shown(differences(load_files(tables[0]), load_files(tables[1])))]
    assert found[0] == "+ n0 → ana@acme.example"
    assert found[-1] == "and 10 more"
    assert len(found) == 21


def test_a_new_table_and_new_columns_are_each_one_line() -> None:
    vip = {**EXAMPLE, "tables/vip.csv": b"name,owner\nx,ana@acme.example\n"}
    wide = {**EXAMPLE, "tables/vip.csv": b"name,owner,note\nx,ana@acme.example,\n"}
    assert [text for _, text in shown(differences(load_files(EXAMPLE), load_files(vip)))] == ["table vip: new: 1 row of name, owner"]
    assert [text for _, text in shown(differences(load_files(vip), load_files(wide)))] == [
        "table vip · columns: name, owner → name, owner, note"
    ]


def test_changed_cases_are_one_line() -> None:
    case = "cases/routing.yaml"
    (told,) = lines(**{case: ("employees: 820", "employees: 823")})
    assert told == f"{case}:5  cases: 1 changed (norway-enterprise)"


def test_a_new_line_above_moves_no_case_and_no_row() -> None:
    files = {**EXAMPLE, "cases/routing.yaml": b"# more\n" + EXAMPLE["cases/routing.yaml"]}
    assert differences(load_files(EXAMPLE), load_files(files)) == []


def test_a_value_of_a_picklist_is_a_line_per_system() -> None:
    files = dict(EXAMPLE)
    for file, before, after in (
        ("lifecycle.yaml", b"\nstatuses:\n", b"\nstatuses:\n  nurturing: {}\n"),
        ("fields.yaml", b"{new: Open - Not", b"{nurturing: Nurturing, new: Open - Not"),
        ("fields.yaml", b"{new: NEW", b"{nurturing: NURTURE, new: NEW"),
    ):
        assert before in files[file]
        files[file] = files[file].replace(before, after, 1)
    found = shown(differences(load_files(EXAMPLE), load_files(files)))
    line = load_files(files).fields["status"].where
    assert [(place, text) for place, text in found if "is spelled" in text] == [
        (str(line), "status · nurturing is spelled Nurturing in salesforce: new"),
        (str(line), "status · nurturing is spelled NURTURE in hubspot: new"),
    ]
    assert next(text for place, text in found if place.startswith("lifecycle.yaml:")).startswith("statuses: ")
    assert len(found) == 3


def with_doors(visitors: bytes = b"") -> dict[str, bytes]:
    """Give the example with all doors that are shipped, and a channel that is sent events."""
    presets = {f"inbound/{path.name}": path.read_bytes() for path in (ROOT / "deploy" / "presets").glob("*.yaml")}
    text = EXAMPLE["alerts.yaml"].replace(b"channels:\n", b"channels:\n  partners: {kind: webhook}\n", 1)
    alerts = text + b"\nevents:\n  - {to: partners, types: [truce.lead.*]}\n"
    return {**EXAMPLE, **presets, "alerts.yaml": alerts, **({"inbound/visitors.yaml": visitors} if visitors else {})}


def test_doors_and_what_is_sent_out_are_told_by_their_lines() -> None:
    doors = load_files(with_doors())
    assert differences(doors, load_files(with_doors())) == [], "read twice it says the same"
    told = [f"{place}  {text}" for place, text in shown(differences(load_files(EXAMPLE), doors))]
    assert "alerts.yaml  alerts events: new: partners (to partners · types truce.lead.*)" in told
    assert any(line.startswith("inbound/visitors.yaml  door visitors: new: rules (company (when has(body.company.domain)") for line in told)
    assert any("cases: 7 new (enrichment/kim" in line for line in told)
    assert not any("systems" in line or "field " in line.partition("  ")[2][:6] for line in told), (
        "what follows from a door is not told again"
    )
    preset = with_doors()["inbound/visitors.yaml"]
    after = preset.replace(b"when: has(body.company.domain)", b"when: has(body.company.name)").replace(
        b"body.visitDuration", b"body.duration"
    )
    one, two = (f"{d.place}  {d.text}" for d in differences(doors, load_files(with_doors(after))))
    assert one == "inbound/visitors.yaml:9  door visitors · rules company when: has(body.company.domain) → has(body.company.name)"
    assert two == "inbound/visitors.yaml:15  door visitors · rules company visit seconds: body.visitDuration → body.duration"
