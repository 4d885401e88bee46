"""How the first-sync report and the progress of a read look on a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from sync.cli.backfill import STANDS, _reading, _said
from sync.cli.first.screen import show
from sync.sources.backfill import Progress
from sync.trial.first.compare import PERSONAL


def field(name: str, differing: int, examples: list[Any], **more: Any) -> dict[str, Any]:
    counts = {"all_blank": 0, "equal": 5, "one_blank": 0, "differing": differing}
    return {
        "field": name,
        "policy": "latest",
        "where": "fields.yaml:9",
        "wins": {"hubspot": differing},
        "examples": examples,
        **counts,
        **more,
    }


def example(n: int, value: object) -> dict[str, Any]:
    records = {"salesforce": f"salesforce:Lead:00Q{n}", "hubspot": f"hubspot:contacts:{n}"}
    return {"values": {"salesforce": value, "hubspot": None}, "wins": "hubspot", "rule": "fields.yaml:9 latest", "records": records}


NONE: dict[str, Any] = {"records": {}, "fields": [], "in": [], "writes": {}, "copies": {}}
FOUND: dict[str, Any] = {
    "records": {"salesforce": 1_200, "hubspot": 1_000},
    "people": 1_300,
    "in": [
        {"systems": ["salesforce", "hubspot"], "people": 900},
        {"systems": ["salesforce"], "people": 300},
        {"systems": [], "people": 100},
    ],
    "matched_by": {"email": 899, "the Truce id": 1},
    "ambiguous": [{"reason": "two records of hubspot have the address", "records": 2, "examples": ["hubspot:contacts:7"]}],
    "several_records_of_one_address": {"hubspot": 1},
    "records_without_email": {"salesforce": 3},
    "with_account": 0,
    "outside_the_scope": {"fields.yaml:40": 12},
    "accounts": NONE,
    "opportunities": NONE,
    "fields": [
        field("title", 6, [example(n, f"CFO {n}") for n in range(6)]),
        field("phone", 4, [example(n, PERSONAL) for n in range(4)], wins={"salesforce": 4}),
        field("country", 0, []),
    ],
    "unmapped": {"fields": [], "blocks": []},
    "writes": {"hubspot": {"updated": 1, "only_marked": 0, "created": 300, "values": {"title": 6}, "not_created": {}, "not_told": []}},
    "held_after": {},
    "calls": {"hubspot": {"read": 12, "write": 5, "a_day": 250_000, "for_bulk": 125_000, "used_by_all": 17, "days": 1}},
    "lacking": {},
    "lists": {"differences.csv": 10},
}
SCREEN = """\
Read salesforce 1,200, hubspot 1,000: 1,300 people. Nothing was written.
        900  in salesforce and hubspot
        300  only in salesforce
        100  in no system
  matched by: email 899, the Truce id 1
  for a person to place, each counted above as one of their own: 2
          2  two records of hubspot have the address, as hubspot:contacts:7
  addresses that several records of one system have: hubspot 1
  records without an e-mail: they match nobody: salesforce 3
         12  outside the scope: fields.yaml:40

Fields of people whom several systems have
field policy all blank equal one is blank differ whose value it would be by
title latest 0 5 0 6 hubspot 6 fields.yaml:9
phone latest 0 5 0 4 salesforce 4 fields.yaml:9
Equal or blank for everybody: country
For example
  title: salesforce CFO 0 · hubspot (blank) → hubspot (fields.yaml:9 latest)  salesforce:Lead:00Q0 hubspot:contacts:0
  title: salesforce CFO 1 · hubspot (blank) → hubspot (fields.yaml:9 latest)  salesforce:Lead:00Q1 hubspot:contacts:1
  title: salesforce CFO 2 · hubspot (blank) → hubspot (fields.yaml:9 latest)  salesforce:Lead:00Q2 hubspot:contacts:2
  phone: salesforce (personal) · hubspot (blank) → hubspot (fields.yaml:9 latest)  salesforce:Lead:00Q0 hubspot:contacts:0
  Ten of each field: the same with --json.

What would be written
  hubspot: 1 record changed, 300 made
    values: title 6

Calls that it takes
  hubspot: 12 to read people, 5 to write at the least, of 250,000 a day (125,000 may be bulk's, 17 used by everybody so far): within a day

Lists in lists: differences.csv 10
"""


def test_the_report_on_a_terminal_has_counts_a_few_examples_and_says_where_ten_are(capsys: pytest.CaptureFixture[str]) -> None:
    show(FOUND, "lists")
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert shown == [" ".join(line.split()) for line in SCREEN.splitlines()]


def test_where_all_examples_are_shown_nobody_is_sent_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    show({**FOUND, "fields": [field("title", 2, [example(n, "CFO") for n in range(2)])]}, "lists")
    assert "--json" not in capsys.readouterr().out


@pytest.mark.parametrize(("first", "total", "bar"), [(100, 100, "━"), (None, None, "━")])
def test_a_terminal_sees_how_far_a_read_is_and_why_it_waits(
    first: int | None, total: int | None, bar: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with _reading("salesforce", first, shown=True) as tell:
        tell(Progress(people=70, total=total, waits="hot work goes before"))
    shown = capsys.readouterr()
    assert shown.out == "", "what a program reads is left alone"
    assert all(one in shown.err for one in ("salesforce", bar, "70 people", "0:00:00", "hot work goes before"))
    with _reading("salesforce", first, shown=False) as tell:
        tell(Progress(people=70))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("left", "said"), [(0, False), (1_200, True)])
def test_what_a_slice_brought_is_not_told_as_final_while_writers_are_at_it(left: int, said: bool) -> None:
    stands = dict.fromkeys(STANDS, 0)
    found = {"system": "salesforce", "people": 100, "done": False, "records": 100, "calls": 2, "decided": True, "to_plan": left}
    lines = "\n".join(_said(found | {"before": stands, "after": stands}))
    assert ("The writers have 1,200 people left to plan" in lines) is said
    assert ("truce observe report, truce parked." in lines) is said
