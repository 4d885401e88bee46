"""Business time, by named examples."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sync.lead.business import BOUND_MS, add, after, before, opens, spent
from sync.playbook.models import Hours, Span
from sync.playbook.models.sla import Within

BERLIN = "Europe/Berlin"
TEN_TO_SIX: dict[int, tuple[Span, ...]] = dict.fromkeys(range(1, 6), (("10:00", "18:00"),))
SHOP = Hours(TEN_TO_SIX)
NIGHT = Hours(dict.fromkeys(range(1, 6), (("22:00", "06:00"),)))
HOUR = 3_600_000


def ms(text: str, zone: str = BERLIN) -> int:
    at = datetime.fromisoformat(text)
    return int((at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).timestamp() * 1000)


def shown(at: int, zone: str = BERLIN) -> str:
    return f"{datetime.fromtimestamp(at / 1000, ZoneInfo(zone)):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("start", "within", "due"),
    [
        ("2026-11-25T20:00", Within(10, "h"), "2026-11-27T12:00"),  # Wed 20:00 + 10 h at 10 to 18 is Fri 12:00
        ("2026-11-25T20:00", Within(10, "h", "always"), "2026-11-26T06:00"),
        ("2026-11-25T14:00", Within(4, "h"), "2026-11-25T18:00"),  # to the minute: not the next morning
        ("2026-11-25T14:00", Within(241, "m"), "2026-11-26T10:01"),
        ("2026-11-27T17:30", Within(45, "m"), "2026-11-30T10:15"),  # over the weekend
        ("2026-11-25T14:00", Within(1, "d"), "2026-11-26T14:00"),
        ("2026-11-25T20:00", Within(1, "d"), "2026-11-27T10:00"),  # begins on Thursday morning
        ("2026-11-27T14:00", Within(1, "d"), "2026-11-30T14:00"),
        ("2026-11-25T14:00", Within(3, "d"), "2026-11-30T14:00"),
        ("2026-10-23T14:00", Within(1, "d"), "2026-10-26T14:00"),  # summer time ends between
        ("2026-10-24T14:00", Within(1, "d", "always"), "2026-10-25T13:00"),  # 24 hours are 24 hours
    ],
)
def test_due(start: str, within: Within, due: str) -> None:
    assert shown(after(ms(start), within, SHOP, BERLIN)) == due


def test_a_day_ends_with_its_last_span() -> None:
    short = Hours({**TEN_TO_SIX, 5: (("10:00", "13:00"),)})
    assert shown(after(ms("2026-11-26T14:00"), Within(1, "d"), short, BERLIN)) == "2026-11-27T13:00"


@pytest.mark.parametrize(
    ("deadline", "within", "warned"),
    [
        ("2026-11-26T10:30", Within(1, "h"), "2026-11-25T17:30"),
        ("2026-11-25T18:00", Within(1, "h"), "2026-11-25T17:00"),
        ("2026-11-30T12:00", Within(1, "d"), "2026-11-27T12:00"),
        ("2026-11-25T02:00", Within(30, "m"), "2026-11-24T17:30"),  # a deadline at night ends the evening before
        ("2026-11-25T02:00", Within(30, "m", "always"), "2026-11-25T01:30"),
    ],
)
def test_warned(deadline: str, within: Within, warned: str) -> None:
    assert shown(before(ms(deadline), within, SHOP, BERLIN)) == warned


def test_the_zone_is_the_persons_and_else_the_companys() -> None:
    start = ms("2026-11-25T12:00")
    there = Hours(TEN_TO_SIX, "America/New_York")
    assert after(start, Within(1, "h"), there, BERLIN) == ms("2026-11-25T11:00", "America/New_York")
    assert after(start, Within(1, "h"), SHOP, "America/New_York") == ms("2026-11-25T11:00", "America/New_York")


def test_a_shift_past_midnight_belongs_to_the_day_on_which_it_began() -> None:
    assert shown(after(ms("2026-11-25T23:00"), Within(3, "h"), NIGHT, BERLIN)) == "2026-11-26T02:00"
    assert shown(after(ms("2026-11-28T02:00"), Within(1, "d"), NIGHT, BERLIN)) == "2026-12-01T02:00"  # Friday's shift; the next is Monday's
    assert spent(ms("2026-11-27T00:00"), ms("2026-11-30T00:00"), NIGHT, BERLIN) == (6 + 2 + 6) * HOUR


def test_holidays_are_not_worked_even_by_who_works_at_any_time() -> None:
    at = ms("2026-10-02T12:00")  # the 3rd is a public holiday
    assert spent(at, ms("2026-10-04T12:00"), Hours(calendar="DE"), BERLIN) == 24 * HOUR
    assert shown(after(at, Within(13, "h"), Hours(calendar="DE"), BERLIN)) == "2026-10-04T01:00"
    assert shown(after(at, Within(13, "h"), Hours(), BERLIN)) == "2026-10-03T01:00"
    assert shown(opens(ms("2026-12-25T11:00"), Hours(TEN_TO_SIX, calendar="DE"), BERLIN)) == "2026-12-28T10:00"


def test_an_hour_of_the_clock_that_is_left_out_is_not_worked_and_one_shown_twice_is_worked_twice() -> None:
    nights = Hours(dict.fromkeys(range(1, 8), (("00:00", "06:00"),)))
    spring, autumn = ms("2026-03-29T00:00"), ms("2026-10-25T00:00")
    assert spent(spring, ms("2026-03-30T00:00"), nights, BERLIN) == 5 * HOUR
    assert spent(autumn, ms("2026-10-26T00:00"), nights, BERLIN) == 7 * HOUR
    assert shown(after(ms("2026-03-28T02:30"), Within(1, "d"), nights, BERLIN)) == "2026-03-29T03:00"


def test_what_is_left_of_a_leg_is_counted_by_the_new_owners_calendar() -> None:
    start, handed = ms("2026-11-25T14:00"), ms("2026-11-25T17:00")
    left = 4 * HOUR - spent(start, handed, SHOP, BERLIN)
    assert add(handed, left, Hours(TEN_TO_SIX, "America/New_York"), BERLIN) == handed + HOUR
    assert spent(handed, start, SHOP, BERLIN) == 0
    assert spent(start, handed + 24 * HOUR, SHOP, BERLIN, "always") == 27 * HOUR


def test_who_never_works_gets_the_bound() -> None:
    never, at = Hours({1: ()}), ms("2026-11-25T14:00")
    assert after(at, Within(1, "m"), never, BERLIN) == at + BOUND_MS
    assert after(at, Within(1, "d"), never, BERLIN) == at + BOUND_MS
    assert before(at, Within(1, "d"), never, BERLIN) == at - BOUND_MS
    assert after(at, Within(9_999_999, "h"), SHOP, BERLIN) == at + BOUND_MS


def test_seconds_count() -> None:
    at = int(datetime(2026, 11, 25, 15, 59, 30, 250_000, UTC).timestamp() * 1000)
    assert after(at, Within(2, "m"), SHOP, BERLIN) == at + 120_000
    assert spent(at, at + 90_001, SHOP, BERLIN) == 90_001
    assert after(at, Within(1, "d"), SHOP, BERLIN) == at + 24 * HOUR
