"""When people work: zones, spans, summer time, holidays."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.lead import hours
from sync.playbook.models import Hours, Span

WEEK: dict[int, tuple[Span, ...]] = dict.fromkeys(range(1, 6), (("09:00", "12:00"), ("13:00", "17:30")))
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "America/St_Johns",
    "UTC",
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1), timezones=st.just(UTC)).map(lambda at: int(at.timestamp() * 1000))


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("at", "zone", "works"),
    [
        ("2026-11-23T08:59:59+01:00", "Europe/Berlin", False),
        ("2026-11-23T09:00:00+01:00", "Europe/Berlin", True),
        ("2026-11-23T12:00:00+01:00", "Europe/Berlin", False),
        ("2026-11-23T17:29:59+01:00", "Europe/Berlin", True),
        ("2026-11-23T17:30:00+01:00", "Europe/Berlin", False),
        ("2026-11-22T10:00:00+01:00", "Europe/Berlin", False),  # Sunday
        ("2026-11-23T15:00:00+01:00", "America/New_York", True),  # 09:00 there
        ("2026-11-23T14:59:00+01:00", "America/New_York", False),
        ("2026-11-23T03:45:00+00:00", "Asia/Kathmandu", True),  # 09:30 there
        ("2026-11-22T23:00:00+00:00", "Australia/Lord_Howe", True),  # Monday 10:00 there
    ],
)
def test_hours_are_by_the_clock_on_ones_own_wall(at: str, zone: str, works: bool) -> None:
    assert hours.working(Hours(WEEK, zone), ms(at), "UTC") is works
    assert hours.working(Hours(WEEK), ms(at), zone) is works, "the company's zone stands in"


def test_the_clock_that_springs_forward_and_falls_back_is_followed() -> None:
    night = Hours({7: (("02:00", "03:00"),)}, "Europe/Berlin")
    spring = [hours.working(night, ms(f"2026-03-29T{hour:02}:30:00+00:00"), "UTC") for hour in range(4)]
    assert spring == [False, False, False, False], "there is no hour from two to three on that day"
    autumn = [hours.working(night, ms(f"2026-10-25T{hour:02}:30:00+00:00"), "UTC") for hour in range(4)]
    assert autumn == [True, True, False, False], "it comes twice"
    morning = Hours(dict.fromkeys(range(1, 8), (("09:00", "10:00"),)), "Europe/Berlin")
    assert hours.working(morning, ms("2026-03-28T08:30:00+00:00"), "UTC")
    assert hours.working(morning, ms("2026-03-29T07:30:00+00:00"), "UTC")
    assert not hours.working(morning, ms("2026-03-29T08:30:00+00:00"), "UTC")


def test_a_span_over_midnight_belongs_to_the_day_that_it_begins_on() -> None:
    late = Hours({5: (("22:00", "06:00"),)}, "UTC")
    answers = {
        at: hours.working(late, ms(f"2026-11-{at}:00+00:00"), "UTC") for at in ("27T21:59", "27T22:00", "28T05:59", "28T06:00", "27T05:00")
    }
    assert answers == {"27T21:59": False, "27T22:00": True, "28T05:59": True, "28T06:00": False, "27T05:00": False}
    assert hours.working(Hours({1: (("00:00", "00:00"),)}, "UTC"), ms("2026-11-23T23:59:00+00:00"), "UTC"), "the whole day"


def test_without_hours_somebody_works_at_any_time() -> None:
    assert hours.working(Hours(), ms("2026-12-25T03:00:00+00:00"), "UTC")


@pytest.mark.parametrize(
    ("calendar", "day", "name"),
    [
        ("DE", "2026-12-25", "Christmas Day"),
        ("DE", "2026-01-06", None),
        ("DE-BY", "2026-01-06", "Epiphany"),
        ("US", "2026-11-26", "Thanksgiving Day"),
        ("GB-SCT", "2026-11-30", "Saint Andrew's Day"),
        ("GB-ENG", "2026-11-30", None),
        ("NO", "2026-05-17", "Constitution Day"),
        ("", "2026-12-25", None),
        ("XX", "2026-12-25", None),
        ("DE-XX", "2026-12-25", None),
    ],
)
def test_holidays_are_the_countrys_and_its_parts(calendar: str, day: str, name: str | None) -> None:
    assert hours.holiday(calendar, day) == name


@given(moments, st.sampled_from(ZONES))
def test_days_and_weeks_leave_no_gap_and_begin_at_a_quarter_of_an_hour(now: int, zone: str) -> None:
    start, end = hours.day_span(now, zone)
    assert start <= now < end
    assert start % 900_000 == end % 900_000 == 0
    assert hours.day_span(end, zone)[0] == end
    assert hours.day(start, zone) == hours.day(end - 1, zone) == hours.day(now, zone)
    for first in range(1, 8):
        begins, ends = hours.week_span(now, zone, first)
        assert begins <= start < end <= ends
        assert hours.week_span(ends, zone, first)[0] == ends
        assert hours.wall(begins, zone).isoweekday() == first
        assert hours.week(now, zone, first) == hours.day(begins, zone)


@given(moments, st.sampled_from(ZONES))
def test_a_day_has_as_many_working_minutes_as_its_spans_unless_the_clock_is_set_within_them(now: int, zone: str) -> None:
    start, end = hours.day_span(now, zone)
    worked = sum(hours.working(Hours(WEEK, zone), minute, "UTC") for minute in range(start, end, 15 * 60_000)) * 15
    assert worked == (450 if hours.wall(now, zone).isoweekday() <= 5 else 0)
