"""`truce handoff show` calls people by their names and tells times as the owner's clock shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sync.cli.handoff import told
from sync.lead.state import to_ms
from sync.playbook.loader import load
from tests.house.project import ROOT

BOOK = load(ROOT / "deploy" / "playbook")
JOE, ANA = "joe@acme.example", "ana@acme.example"


def moment(hour: int, minute: int, day: int = 23) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


FOUND: dict[str, Any] = {
    "state": "closed", "closed_as": "sql", "owner": JOE, "opened_at": moment(14, 14), "rule": "routing.yaml:14 emea", "id": "8a0c",
    "offers": [
        {"n": 1, "owner": ANA, "at": moment(14, 14), "ended": "rejected", "ended_at": moment(14, 20), "by": ANA, "reason": "no_time", "comment": "swamped"},
        {"n": 2, "owner": JOE, "at": moment(14, 20), "ended": None, "ended_at": None, "by": "", "reason": "", "comment": ""},
    ],
    "legs": [
        {"leg": "accept", "done_at": moment(14, 50), "due_at": moment(14, 44), "breached_at": moment(14, 44), "cause": "absence"},
        {"leg": "first_response", "done_at": None, "due_at": moment(15, 50, 24), "breached_at": None, "cause": ""},
    ],
}  # fmt: skip


def test_names_and_the_owners_clock() -> None:
    assert told(FOUND, BOOK, to_ms(moment(20, 0))) == [
        "closed as SQL · with Joe Park · since 08:14 (America/Chicago) · routing.yaml:14 emea · 8a0c",
        "  1. Ana Diaz  offered 08:14, rejected 08:20 by Ana Diaz: no_time · swamped",
        "  2. Joe Park  offered 08:20",
        "  accept: done 08:50, missed 08:44 (absence)",
        "  first response: due Tue 24 Nov 09:50",
    ]


def test_without_a_playbook_it_says_what_is_known() -> None:
    first, *_ = told(FOUND, None, to_ms(moment(20, 0)))
    assert first.startswith("closed as SQL · with joe@acme.example · since 14:14 (UTC)")
