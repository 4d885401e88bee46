"""`truce check` warns of what the calendar and the people make of a playbook; loading it never does, so that what loads today loads tomorrow."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from sync.playbook.checks import Outside
from sync.playbook.loader import check, load_files, read
from tests.commands import truce
from tests.house.project import ROOT

GOOD = read(Path(__file__).parent / "good")
TODAY = date(2026, 12, 1)
ANA, BEN = (
    "ana@acme.example: {name: Ana Diaz, deputy: ben@acme.example",
    "manager: ana@acme.example, away: [{from: 2026-11-20, to: 2026-11-30}]",
)
ROUTE = "    assign: {pool: emea-ae}\n    routes:"
CHILD = "assign: {owner: ana@acme.example}"
TABLE = b"email_domain:domain,owner,until:date\nold.example,ana@acme.example,2026-10-31\nolder.example,ana@acme.example,2026-09-30\n"
Changes = list[tuple[str, str, str]]


def warned(changes: Changes, today: date = TODAY, **more: bytes) -> list[str]:
    """Change the good playbook and give what is warned of; it must load all the same."""
    files = dict(GOOD)
    for file, before, after in changes:
        assert before in files[file].decode(), before
        files[file] = files[file].replace(before.encode(), after.encode(), 1)
    files |= {f"tables/{name}.csv": content for name, content in more.items()}
    checked = check(files, outside=Outside(today))
    assert checked.playbook is not None
    assert all(one.warning for one in checked.problems)
    load_files(files)
    return [f"{one.place} {one.text} → {one.suggestion}" for one in checked.problems]


def away(first: str, last: str, of: str = "") -> str:
    return f", away: [{{from: {first}, to: {last}{of}}}]"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], []),
        ([("team.yaml", "reps:", "calendar: DE\nhours: {mon-fri: 09:00-17:00}\nreps:")],
         ["team.yaml:8:3 nobody of emea-ae (Ana Diaz, Ben Roth) is there on Fri 25 Dec 2026 (Christmas Day), on Fri 1 Jan 2027 (New Year's Day)"
          " → leads of these days go to the fallback: add somebody with another calendar"]),
        ([("team.yaml", "reps:", "calendar: DE\nhours: {mon-fri: 09:00-17:00}\nreps:"), ("team.yaml", "Ben Roth,", "Ben Roth, calendar: none,")], []),
        ([("team.yaml", ANA, ANA + away("2026-12-14", "2026-12-18")), ("team.yaml", BEN, BEN.replace("2026-11-20, to: 2026-11-30", "2026-12-16, to: 2026-12-20"))],
         ["team.yaml:6:3 nobody of emea-ae (Ana Diaz, Ben Roth) is there from Wed 16 Dec 2026 to Fri 18 Dec 2026 (all away)"
          " → leads of these days go to the fallback: add somebody, or name a cover"]),
        ([("team.yaml", "pools:", "  lea@acme.example: {name: Lea, manager: ana@acme.example}\npools:"),
          ("team.yaml", "[ana@acme.example, ben@acme.example]", "[ana@acme.example, ben@acme.example, lea@acme.example]"),
          ("team.yaml", ANA, ANA + away("2026-12-14", "2026-12-18", ", cover: ben@acme.example")),
          ("team.yaml", BEN, BEN.replace("2026-11-20, to: 2026-11-30", "2026-12-18, to: 2026-12-20"))],
         ["team.yaml:3:113 Ben Roth, who covers for Ana Diaz, is away too on Fri 18 Dec 2026"
          " → name somebody who is there; until then the next of the pool has the lead"]),
        ([("routing.yaml", "  - id: emea\n", "  - id: emea\n    until: 2026-11-30\n")],
         ["routing.yaml:3:12 emea has taken no lead since Mon 30 Nov 2026: its days are over → delete the route, or give it new days"]),
        ([("routing.yaml", "  - id: emea\n", "  - id: emea\n    until: 2026-12-01\n")], []),
        ([("routing.yaml", "  - id: emea\n", "  - id: emea\n    from: 2027-12-01\n")],
         ["routing.yaml:3:11 emea takes its first lead on Wed 1 Dec 2027, in 365 days → is this the year that you mean?"]),
        ([("team.yaml", "name: Ana Diaz", "name: Ana Diaz, skills: [plc]"),
          ("team.yaml", "pools:\n", "pools:\n  other: [ben@acme.example]\n"),
          ("routing.yaml", ROUTE, "    assign: {pool: emea-ae, skills: [plc]}\n    routes:"), ("routing.yaml", CHILD, "assign: {pool: other}")],
         ["routing.yaml:10:9 nobody of other has plc, which emea-large asks for: every lead goes to the fallback"
          " → add it to the skills of somebody in team.yaml, or name another pool"]),
        ([("routing.yaml", ROUTE, "    assign: {pool: emea-ae, language: lead.country}\n    routes:")],
         ["routing.yaml:6:39 nobody of emea-ae says which languages they speak: every lead that has a lead.country goes to the fallback"
          " → add languages: [en, de] to its people in team.yaml"]),
        ([("team.yaml", "manager: ana@acme.example, ", "")],
         ["team.yaml:4:3 Ben Roth is given leads and has neither manager nor deputy: nobody is told when one stays undone"
          " → add manager: with somebody of team.yaml"]),
    ],
)  # fmt: skip
def test_what_the_calendar_makes_of_it_is_a_warning(changes: Changes, expected: list[str]) -> None:
    assert warned(changes) == expected


def test_a_table_of_which_no_row_counts_any_more_is_a_warning() -> None:
    assert warned([], old=TABLE) == [
        "tables/old.csv:1:1 every row is over: the last one counted until Sat 31 Oct 2026"
        " → add rows for the coming time, or delete the table and what asks it"
    ]
    assert warned([], old=TABLE.replace(b"2026-10-31", b"2026-12-01")) == []
    assert warned([], old=TABLE.replace(b"2026-10-31", b"")) == []


AWAY = [
    ("2026-11-25", "2026-12-02", ", cover: ana@acme.example", "2026-11-30", "2026-12-01", "from Mon 30 Nov 2026 to Tue 1 Dec 2026"),
    ("2026-11-25", "2026-12-02", "", "2026-11-30", "2026-12-01", "from Mon 30 Nov 2026 to Tue 1 Dec 2026"),
    ("2026-11-25", "2026-12-02", "", "2026-11-25", "2026-12-02", "from Wed 25 Nov 2026 to Wed 2 Dec 2026"),
]


@pytest.mark.parametrize(("first", "last", "cover", "begin", "end", "days"), AWAY)
def test_a_pool_that_is_away_as_a_whole_is_told_of_the_example_too(
    first: str, last: str, cover: str, begin: str, end: str, days: str
) -> None:
    files = read(ROOT / "deploy" / "playbook")
    for before, after in (
        ("name: Ben Roth,", f"name: Ben Roth, away: [{{from: {first}, to: {last}{cover}}}],"),
        ("name: Ana Diaz,", f"name: Ana Diaz, away: [{{from: {begin}, to: {end}}}],"),
        ("[ana@acme.example, ben@acme.example, lea@acme.example]", "[ana@acme.example, ben@acme.example]"),
    ):
        assert before.encode() in files["team.yaml"]
        files["team.yaml"] = files["team.yaml"].replace(before.encode(), after.encode(), 1)
    told = [one.text for one in check(files, outside=Outside(date(2026, 11, 25))).problems]
    assert f"nobody of emea-ae (Ana Diaz, Ben Roth) is there {days} (all away)" in told
    assert (f"Ana Diaz, who covers for Ben Roth, is away too {days}" in told) is bool(cover)


def test_a_pool_whose_leads_somebody_else_covers_is_not_empty() -> None:
    files = read(ROOT / "deploy" / "playbook")
    for before, after in (
        ("name: Ben Roth,", "name: Ben Roth, away: [{from: 2026-12-07, to: 2026-12-11, cover: maria@acme.example}],"),
        ("name: Ana Diaz,", "name: Ana Diaz, away: [{from: 2026-12-07, to: 2026-12-11}],"),
        ("[ana@acme.example, ben@acme.example, lea@acme.example]", "[ana@acme.example, ben@acme.example]"),
    ):
        files["team.yaml"] = files["team.yaml"].replace(before.encode(), after.encode(), 1)
    told = [one.text for one in check(files, outside=Outside(date(2026, 12, 1))).problems]
    assert [text for text in told if "emea-ae" in text] == []


def test_the_command_tells_of_a_pool_that_is_away(tmp_path: Path) -> None:
    folder, today = tmp_path / "playbook", datetime.now(UTC).date()
    shutil.copytree(ROOT / "deploy" / "playbook", folder)
    team = folder / "team.yaml"
    gone = f"away: [{{from: {today}, to: {today + timedelta(days=7)}}}],"
    text = team.read_text().replace("pools:\n", "pools:\n  two: [ana@acme.example, ben@acme.example]\n", 1)
    team.write_text(text.replace("name: Ben Roth,", f"name: Ben Roth, {gone}").replace("name: Ana Diaz,", f"name: Ana Diaz, {gone}"))
    done = truce("check", str(folder), home=tmp_path)
    assert done.returncode == 0
    assert "pools.two  warning: nobody of two (Ana Diaz, Ben Roth) is there from" in done.stdout
