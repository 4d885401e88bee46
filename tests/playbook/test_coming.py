"""`truce check` warns of what the calendar and the people make of a playbook; loading it never does, so that what loads today loads tomorrow."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sync.playbook.checks import Outside
from sync.playbook.loader import check, load_files, read

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
