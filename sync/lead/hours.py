"""When people work: their own zone, spans of the day, public holidays. Moments are ms, days ISO dates; no day is 24 hours by decree.

Spans are by the clock on the wall, so that an hour that summer time leaves out or repeats is worked as the clock shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from itertools import product
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sync.playbook.models import Hours
from sync.playbook.models.calendar import public_holidays

MINUTE_MS = 60_000
DAY_MS = 86_400_000
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """Give an IANA zone; UTC for one that does not exist (`truce check` names it)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


@lru_cache(maxsize=4096)
def _wall(minute: int, name: str) -> datetime:
    return datetime.fromtimestamp(minute * 60, zone(name))


def wall(now: int, name: str) -> datetime:
    """Give what the clock on the wall shows, to the minute."""
    return _wall(now // MINUTE_MS, name)


@lru_cache(maxsize=4096)
def _day(minute: int, name: str) -> str:
    return _wall(minute, name).date().isoformat()


def moment(at: int, now: int, name: str) -> str:
    """Give a moment as a clock there shows it: 10:21, on another day than now Fri 27 Nov 10:21."""
    then = wall(at, name)
    return f"{then:%H:%M}" if then.date() == wall(now, name).date() else f"{then:%a} {then.day} {_MONTHS[then.month - 1]} {then:%H:%M}"


def day(now: int, name: str) -> str:
    """Give the day that it is there."""
    return _day(now // MINUTE_MS, name)


def week(now: int, name: str, first: int = 1) -> str:
    """Give the first day of the week that it is there; `first` is an ISO weekday, 1 is Monday."""
    return _week(now // MINUTE_MS, name, first)


@lru_cache(maxsize=1024)
def _week(minute: int, name: str, first: int) -> str:
    return _first(_wall(minute, name).date(), first).isoformat()


def _first(today: date, first: int) -> date:
    return today - timedelta(days=(today.isoweekday() - first) % 7)


@lru_cache(maxsize=1024)
def _span(start: date, days: int, name: str) -> tuple[int, int]:
    ends = (datetime(one.year, one.month, one.day, tzinfo=zone(name)) for one in (start, start + timedelta(days=days)))
    first, last = (int(one.timestamp() * 1000) for one in ends)
    return first, last


def day_span(now: int, name: str) -> tuple[int, int]:
    """Give where the day begins and ends (exclusive) there."""
    return _span(wall(now, name).date(), 1, name)


def week_span(now: int, name: str, first: int = 1) -> tuple[int, int]:
    """Give where the week begins and ends (exclusive) there."""
    return _span(_first(wall(now, name).date(), first), 7, name)


def holiday(calendar: str, day_: str) -> str | None:
    """Give the name of a public holiday, None on other days; a calendar that does not exist has none (`truce check` names it)."""
    if not calendar:
        return None
    on = date.fromisoformat(day_)
    return public_holidays(calendar, on.year).get(on)


def prepare(calendars: Iterable[str], years: Iterable[int]) -> None:
    """Work out holidays beforehand, so that no decision waits for them: the first of a process takes a second."""
    for calendar, year in product(filter(None, set(calendars)), tuple(years)):
        public_holidays(calendar, year)


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def working(hours: Hours, now: int, home: str) -> bool:
    """Say whether somebody works at this minute, holidays aside; `home` is the company's zone. A span that ends before it begins goes on past midnight."""
    if not hours.days:
        return True
    at = wall(now, hours.timezone or home)
    minute, today, before = at.hour * 60 + at.minute, at.isoweekday(), (at - timedelta(days=1)).isoweekday()
    for start, end in hours.days.get(today, ()):
        first, last = _minutes(start), _minutes(end)
        if first <= minute and (minute < last or last <= first):
            return True
    return any(minute < _minutes(end) <= _minutes(start) for start, end in hours.days.get(before, ()))


def short(day_: str) -> str:
    """Give a day as people say it: 30 Nov."""
    on = date.fromisoformat(day_)
    return f"{on.day} {_MONTHS[on.month - 1]}"
