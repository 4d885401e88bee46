"""Quiet hours and the digest go by the clock on the wall."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sync.alerts.times import next_digest, quiet_until
from sync.playbook.models.alerts import Digest, Quiet

WEEK, END = frozenset({1, 2, 3, 4, 5}), frozenset({6, 7})
SPANS = (Quiet(WEEK, "19:00", "07:30"), Quiet(END, "00:00", "23:59"))
ZONE = "Europe/Berlin"


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-25T12:00", None),
        ("2026-11-25T19:00", "2026-11-26T07:30"),
        ("2026-11-26T03:00", "2026-11-26T07:30"),
        ("2026-11-26T07:30", None),
        ("2026-11-27T20:00", "2026-11-30T00:00"),  # Friday night and the whole weekend are one quiet
        ("2026-10-25T01:30", "2026-10-26T00:00"),  # the day on which summer time ends
    ],
)
def test_the_quiet_that_is_now_ends_when_the_last_span_that_meets_it_does(now: str, until: str | None) -> None:
    assert quiet_until(at(now), SPANS, ZONE) == (at(until) if until else None)


def test_quiet_all_the_time_ends_some_day() -> None:
    always = (Quiet(frozenset(range(1, 8)), "00:00", "23:59"),)
    now = at("2026-11-25T12:00")
    assert now < (quiet_until(now, always, ZONE) or 0) <= now + 9 * 86_400_000


def test_the_digest_comes_on_its_next_day() -> None:
    digest = Digest(WEEK, "08:30", ("managers",))
    assert next_digest(at("2026-11-25T08:29"), digest, ZONE) == at("2026-11-25T08:30")
    assert next_digest(at("2026-11-25T08:30"), digest, ZONE) == at("2026-11-26T08:30")
    assert next_digest(at("2026-11-27T09:00"), digest, ZONE) == at("2026-11-30T08:30")
