"""Business time against one who looks at every minute of UTC with the clock on the wall: 10,000 calendars, summer time in both hemispheres."""

from __future__ import annotations

import random
from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import holidays
import pytest

from sync.lead.business import after, before, spent
from sync.playbook.models import Hours, Span
from sync.playbook.models.sla import Within
from tests.examples import part_of

MINUTE = 60_000
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # its day of summer time has no midnight
    "Australia/Sydney",
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Africa/Cairo",
    "UTC",
)
CALENDARS = ("", "", "DE-BE", "US", "AU-NSW", "CL", "IN")
EACH = part_of(1_000)


@lru_cache
def kept(calendar: str) -> frozenset[date]:
    country, _, part = calendar.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=range(2024, 2032))) if calendar else frozenset()


@lru_cache(maxsize=64)
def turns(zone: str) -> tuple[int, ...]:
    """Give the days, as moments, near which the offset changes; a day without a change where it never does."""
    days = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(5 * 365)]
    found = [
        at for at in days if at.astimezone(ZoneInfo(zone)).utcoffset() != (at + timedelta(days=1)).astimezone(ZoneInfo(zone)).utcoffset()
    ]
    return tuple(int(at.timestamp() * 1000) for at in found or days[100:102])


@lru_cache(maxsize=32)
def walls(zone: str, start: int, days: int) -> tuple[tuple[date, int], ...]:
    """Give the day and the minute of the day that the clock on the wall shows, for every minute of UTC."""
    shown = (datetime.fromtimestamp((start + n * MINUTE) / 1000, ZoneInfo(zone)) for n in range(days * 1440))
    return tuple((at.date(), at.hour * 60 + at.minute) for at in shown)


def clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def some_hours(draw: random.Random, zone: str) -> Hours:
    calendar = draw.choice(CALENDARS)
    if draw.random() < 0.05:
        return Hours({}, zone, calendar)
    week: dict[int, tuple[Span, ...]] = {}
    for day in draw.sample(range(1, 8), draw.randint(1, 7)):
        ends = sorted(draw.sample(range(0, 1441, 15), 2 * draw.randint(1, 2)))
        spans = [(clock(first), clock(last)) for first, last in zip(ends[::2], ends[1::2], strict=True)]
        if draw.random() < 0.3:
            spans[-1] = (clock(draw.randrange(1080, 1440, 15)), clock(draw.randrange(0, 600, 15)))  # on past midnight
        week[day] = tuple(spans)
    return Hours(week, zone, calendar)


def day_of(hours: Hours, day: date) -> bytes:
    """Give for every minute that the clock shows on a day whether it is worked: 2 in that day's own spans, 1 in the day's before it, 0 not at all."""
    table = bytearray(2880)
    if day in kept(hours.calendar):
        return bytes(table)
    if not hours.days:
        return b"\2" * 1440
    for mark, began in ((1, day - timedelta(days=1)), (2, day)):
        for first, last in hours.days.get(began.isoweekday(), ()):
            begin, end = (int(one[:2]) * 60 + int(one[3:]) for one in (first, last))
            length = end - begin if end > begin else end + 1440 - begin
            begin -= 1440 if mark == 1 else 0
            begin, end = max(0, begin), max(0, begin + length)
            table[begin:end] = bytes([mark]) * (end - begin)
    return bytes(table[:1440])


def slow(hours: Hours, start: int, days: int) -> list[date | None]:
    """Give for every minute of UTC the day whose spans it is worked for."""
    shown = walls(hours.timezone, start, days)
    marks = {}
    for day in {day for day, _ in shown}:
        names = None, day - timedelta(days=1), day
        marks[day] = [names[mark] for mark in day_of(hours, day)]
    return [marks[day][minute] for day, minute in shown]


@pytest.mark.parametrize("zone", ZONES)
def test_minutes_and_hours(zone: str) -> None:
    draw = random.Random(zone)
    starts = [draw.choice(turns(zone)) + draw.randint(-16, 16) * 3_600_000 for _ in range(12)]
    met = 0
    for _ in range(EACH):
        hours, start = some_hours(draw, zone), draw.choice(starts)
        worked = [n for n, day in enumerate(slow(hours, start, 1)) if day is not None]
        first, last = sorted((draw.randint(0, 1440), draw.randint(0, 1440)))
        a, b = (bisect_left(worked, n) for n in (first, last))
        told = f"{hours} from {datetime.fromtimestamp(start / 1000, UTC)}, minutes {first} to {last}"
        assert spent(start + first * MINUTE, start + last * MINUTE, hours, "") == (b - a) * MINUTE, told
        if a < b:
            met += 1
            length = draw.randint(1, b - a)
            unit = Within(length, "m") if length % 60 else Within(length // 60, "h")
            assert after(start + first * MINUTE, unit, hours, "") == start + (worked[a + length - 1] + 1) * MINUTE, f"{told}: after {unit}"
            assert before(start + last * MINUTE, unit, hours, "") == start + worked[b - length] * MINUTE, f"{told}: before {unit}"
    assert met > EACH // 3, "these calendars prove little"


@pytest.mark.parametrize("zone", ZONES)
def test_days(zone: str) -> None:
    draw = random.Random(zone + "days")
    starts = [draw.choice(turns(zone)) - draw.randint(24, 144) * 3_600_000 for _ in range(max(1, EACH // 300))]
    met = 0
    for _ in range(EACH // 20):
        hours, start = some_hours(draw, zone), draw.choice(starts)
        shifts, shown = slow(hours, start, 12), walls(zone, start, 12)
        first, days = draw.randint(1440, 6 * 1440), draw.randint(1, 3)
        begins = next((n for n in range(first, len(shifts)) if shifts[n] is not None), None)
        if begins is None or (today := shifts[begins]) is None:
            continue
        later = sorted({day for day in shifts if day is not None and day > today} - {shown[-1][0], shown[-1][0] - timedelta(days=1)})
        if len(later) < days:
            continue
        met += 1
        target = later[days - 1]
        time = (shown[begins][0] - today).days * 1440 + shown[begins][1]
        passed = next(n for n, (day, minute) in enumerate(shown) if (day - target).days * 1440 + minute >= time)
        ends = max(n for n, day in enumerate(shifts) if day == target) + 1
        due = after(start + first * MINUTE, Within(days, "d"), hours, "")
        assert due == start + min(passed, ends) * MINUTE, (
            f"{hours} from {datetime.fromtimestamp(start / 1000, UTC)} minute {first} + {days}d"
        )
    assert met > EACH // 100, "these calendars prove little"
