"""Dates as people say them: `Mon`, `tomorrow`, `3 Dec`, `17:00`, `fri 9:00`, `2026-12-03`, `for 3 days`. Moments are ms, read in a person's zone."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from sync.lead import hours

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = re.compile(r"^(?:at )?([01]?\d|2[0-3])[:.h]([0-5]\d)$")
_LENGTH = re.compile(r"^(?:for |in )?(\d{1,9}) ?(m|min|minutes?|h|hours?|d|days?|w|weeks?)$")
_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}$")
_DAY_MONTH = re.compile(r"^(\d{1,2})(?:st|nd|rd|th|\.)? ([a-z]{3})[a-z]*\.?(?: (\d{4}))?$")
_MONTH_DAY = re.compile(r"^([a-z]{3})[a-z]*\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?$")
FURTHEST_DAYS = 3_660
"""Ten years: what lies further away, to either side, is a slip of the pen."""
EXAMPLES = "Mon, tomorrow, 3 Dec, 2026-12-03, 17:00, Fri 9:00, 3 days"


class NoDate(ValueError):
    """What was typed is no moment that can be meant; the text goes on after what was typed, for who typed it."""


_UNCLEAR = f"is no date that Truce understands. Say it like: {EXAMPLES}."
_TOO_FAR = "is too far away: ten years to either side is the most. Is the year as you mean it?"


def moment(text: str, now: int, zone: str) -> int:
    """Give the moment that is meant; a day alone is its beginning, a time alone the next. Raises NoDate where nothing is understood, or it is years away."""
    words = " ".join(text.strip().lower().split())
    if (found := _LENGTH.match(words)) is not None:
        return _later(now, int(found[1]), found[2][0], zone)
    if words == "now":
        return now
    if (clock := _clock(words)) is not None:
        at = _at(hours.wall(now, zone).date(), clock, zone)
        return at if at > now else _at(hours.wall(now, zone).date() + timedelta(days=1), clock, zone)
    day_, _, rest = words.rpartition(" ")
    clock = _clock(rest)
    on = _day(words if clock is None else day_.removesuffix(" at").removesuffix(","), hours.wall(now, zone).date())
    if on is None:
        raise NoDate(_UNCLEAR)
    if abs((on - hours.wall(now, zone).date()).days) > FURTHEST_DAYS:
        raise NoDate(_TOO_FAR)
    return _at(on, clock or time.min, zone)


def end_of(day_: str, now: int, zone: str) -> int:
    """Give when an ISO day is over there; one that is further away than people can say: when the furthest is."""
    furthest = hours.wall(now, zone).date() + timedelta(days=FURTHEST_DAYS)
    return _at(min(date.fromisoformat(day_), furthest) + timedelta(days=1), time.min, zone)


def shown(at: int, now: int, zone: str) -> str:
    """Give a moment as people say it: Mon 30 Nov, or Mon 30 Nov 17:00, with the year where it is another one than now."""
    wall = hours.wall(at, zone)
    year = "" if wall.year == hours.wall(now, zone).year else f" {wall.year}"
    return f"{wall:%a} {wall.day} {wall:%b}{year}" + ("" if (wall.hour, wall.minute) == (0, 0) else f" {wall:%H:%M}")


def _later(now: int, count: int, unit: str, zone: str) -> int:
    if count * {"m": 1, "h": 60, "d": 1_440, "w": 10_080}[unit] > FURTHEST_DAYS * 1_440:
        raise NoDate(_TOO_FAR)
    if unit in "mh":
        return now + count * (60_000 if unit == "m" else 3_600_000)
    return _at(hours.wall(now, zone).date() + timedelta(days=count * (7 if unit == "w" else 1)), time.min, zone)


def _at(on: date, clock: time, zone: str) -> int:
    return int(datetime.combine(on, clock, hours.zone(zone)).timestamp() * 1000)


def _clock(text: str) -> time | None:
    found = _CLOCK.match(text)
    return time(int(found[1]), int(found[2])) if found else None


def _day(text: str, today: date) -> date | None:
    """Give a day: by its name the next of that name (never today), by its date this year or the next."""
    if text in ("today", "tomorrow"):
        return today + timedelta(days=text == "tomorrow")
    name = text.removeprefix("next ")
    if len(name) >= 3 and name[:3] in _DAYS and "monday tuesday wednesday thursday friday saturday sunday".find(name) >= 0:
        return today + timedelta(days=(_DAYS.index(name[:3]) - today.weekday() - 1) % 7 + 1)
    try:
        if _ISO.match(text):
            return date.fromisoformat(text)
        if (found := _DAY_MONTH.match(text)) is not None:
            return _dated(int(found[1]), found[2], found[3], today)
        if (found := _MONTH_DAY.match(text)) is not None:
            return _dated(int(found[2]), found[1], found[3], today)
    except ValueError:
        return None
    return None


def _dated(day_: int, month: str, year: str | None, today: date) -> date | None:
    if month not in _MONTHS:
        return None
    on = date(int(year) if year else today.year, _MONTHS.index(month) + 1, day_)
    return on if year or on >= today else on.replace(year=on.year + 1)
