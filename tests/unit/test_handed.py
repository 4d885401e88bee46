"""A hand-off's lines as people say them, and what is owed in the head of `truce explain`."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from sync.cli.explain import render
from sync.cli.handed import handed, owed
from sync.cli.handoff import told
from sync.cli.happened import happened
from sync.cli.names import Names
from sync.cli.people import Around
from sync.lead import hours, state
from sync.playbook.loader import load
from sync.playbook.models import Hours
from tests.factory import at, ms
from tests.house.project import ROOT
from tests.unit.lead.handing import ANA, JOE, VERA, H, Handed, M, book

NAMES = Names({"desired": {}}, Around(playbook=book()))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"state": "accepted", "owner": ANA, "by": ANA, "rule": "answered"}, "Ana accepted the hand-off: answered"),
        ({"state": "accepted", "owner": ANA, "by": VERA}, "Vera accepted the hand-off for Ana"),
        ({"state": "rejected", "owner": ANA, "by": ANA, "rule": "sla.yaml:70 no_fit", "comment": "a reseller"}, "Ana gave the hand-off back: sla.yaml:70 no_fit “a reseller”"),
        ({"state": "worked", "owner": ANA, "by": ""}, "Ana made the first response"),
        ({"state": "expired", "owner": ANA, "rule": "not accepted by Ana in time"}, "hand-off taken back from Ana: not accepted by Ana in time"),
        ({"state": "closed", "owner": ANA, "closed_as": "sql"}, "hand-off closed as SQL"),
        ({"state": "breached", "owner": ANA, "leg": "accept", "due": None, "cause": "absence"}, "Ana missed the answer, due  (absence)"),
        ({"state": "escalated", "owner": ANA, "to": VERA, "leg": "work"}, "Vera is told that Ana missed working it off"),
        ({"state": "resumed", "owner": ANA, "by": JOE}, "its clock goes on, by Joe"),
        ({"state": "offered", "owner": JOE, "kind": "mql", "cycle": 2, "rule": "r"}, "hand-off offered to Joe (mql, cycle 2): r"),
    ],
)  # fmt: skip
def test_a_line_says_who_did_what(data: dict[str, Any], text: str) -> None:
    assert handed(NAMES, data, ms(0)) == text


def _head(kim: Handed, now: float) -> str:
    out = io.StringIO()
    row = {"id": kim.lead.id, "doc": state.plain(kim.lead)}
    render(Console(file=out, width=400), row, [], "kim", Around(playbook=kim.playbook), now=ms(now))
    return out.getvalue().partition("\n")[0]


def _clock(seconds: float) -> str:
    return f"{at(seconds).astimezone(hours.zone(NAMES.zone)):%H:%M}"


def test_the_head_says_what_is_owed_and_how_much_of_its_time_is_left() -> None:
    kim = Handed(book())
    assert "accept by" not in _head(kim, 15), "it has not reached Ana yet"
    kim.shown(20)
    assert _head(kim, 18 * M + 20).endswith(f"with Ana · accept by {_clock(30 * M + 20)} (12 min left)")
    assert _head(kim, 33 * M + 20).endswith(f"accept was due {_clock(30 * M + 20)} (3 min ago)")
    kim.order("accept", 20 * M)
    assert _head(kim, 20 * M).endswith(f"first response by {_clock(20 * M + H)} (1 h left)")
    kim.responded(25 * M)
    assert owed(Names(state.plain(kim.lead), Around(playbook=kim.playbook)), ms(26 * M)) == ""


def test_times_are_those_of_whose_the_lead_is_as_the_hand_off_itself_shows_them() -> None:
    kim = Handed(book())
    kim.shown(20)
    reps = {**kim.playbook.reps, ANA: replace(kim.playbook.reps[ANA], hours=Hours(timezone="Asia/Kolkata"))}
    kim.playbook = replace(kim.playbook, reps=reps)
    due = f"{at(30 * M + 20).astimezone(hours.zone('Asia/Kolkata')):%H:%M}"
    head = _head(kim, 18 * M + 20)
    assert f"accept by {due} (12 min left)" in head
    assert "(Asia/Kolkata)" in head
    row = {"state": "offered", "closed_as": "", "owner": ANA, "opened_at": at(20), "rule": "r", "id": "h", "offers": [], "legs": []}
    assert "(Asia/Kolkata)" in told(row, kim.playbook, ms(60))[0]


def test_lines_of_a_whole_hand_off_read_as_what_happened() -> None:
    kim = Handed(book())
    lines = [*kim.shown(20).lines, *kim.ring().lines, *kim.ring().lines]
    told = [handed(NAMES, line.data, ms(0)) for line in lines if line.kind == "handoff"]
    assert [one.partition(", due")[0].partition(" is due")[0] for one in told][:2] == [
        "Ana is reminded: the answer",
        "Ana missed the answer",
    ]


def test_what_was_noted_and_decided_reads_as_people_say_it() -> None:
    names = Names({"desired": {}}, Around(playbook=load(ROOT / "deploy" / "playbook")))
    lines: list[dict[str, Any]] = [
        {"at": at(0), "kind": "note", "data": {"by": "ana@acme.example", "comment": "called,\nno answer", "handoff": "h"}},
        {"at": at(1), "kind": "decided", "data": {"fields": {"mql_date": {"after": "2026-11-23T08:00:00.000Z"}}}},
    ]
    assert [line.partition("  ")[2].partition("  ")[2] for line in happened(names, lines, ms(2))][1:] == [
        "Ana Diaz noted “called, no answer”",
        "decided mql_date Mon 23 Nov 09:00",
    ]
