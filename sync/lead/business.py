"""Business time: how long somebody works between two moments, and when so much of it has passed. Moments and lengths are ms.

Worked is what `hours.working` says, less the public holidays that the person keeps, which run from midnight to midnight where they are.
It is reckoned by spans of whole days, never minute by minute. Who never works at all gets the bound: nothing is due later than `BOUND_MS` on.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from sync.lead import hours as times
from sync.lead.hours import DAY_MS, MINUTE_MS
from sync.playbook.models import Hours
from sync.playbook.models.sla import Clock, Within
from sync.playbook.models.team import Span

BOUND_DAYS = 3 * 366
BOUND_MS = BOUND_DAYS * DAY_MS
"""What is not due within three years is due then: nobody works at these hours, or so much was never meant."""
_DAY = 1440
_EPOCH = date(1970, 1, 1).toordinal()

Piece = tuple[int, int]
"""From, to (exclusive): worked without a break; in minutes of a day, or as moments."""


def after(start: int, within: Within, hours: Hours, home: str) -> int:
    """Give the moment when so much time has passed since `start` on its clock; `home` is the company's zone."""
    if within.clock == "always":
        return start + within.seconds() * 1000
    if within.unit == "d":
        return _days_on(start, within.amount, hours, home)
    return add(start, within.seconds() * 1000, hours, home)


def before(deadline: int, within: Within, hours: Hours, home: str) -> int:
    """Give the moment so much earlier than a deadline, for a warning; what ends outside working time ends with the last before it."""
    if within.clock == "always":
        return deadline - within.seconds() * 1000
    if within.unit == "d":
        return _days_back(deadline, within.amount, hours, home)
    return _subtract(deadline, within.seconds() * 1000, hours, home)


def spent(start: int, end: int, hours: Hours, home: str, clock: Clock = "business") -> int:
    """Give how much time passed between two moments; none if the second is not the later one."""
    if clock == "always":
        return max(0, end - start)
    zone, total = hours.timezone or home, 0
    for day in range(_ordinal(start, zone), _ordinal(end, zone) + 1 if end > start else 0):
        total += sum(max(0, min(last, end) - max(first, start)) for first, last in _worked(day, hours, zone))
    return total


def add(start: int, length: int, hours: Hours, home: str) -> int:
    """Give the moment when so many ms are worked since `start`: what is left of a leg, by the calendar of who has it now."""
    zone, left, at = hours.timezone or home, length, start
    first = _ordinal(start, zone)
    for day in range(first, first + BOUND_DAYS):
        for opened, end in _worked(day, hours, zone):
            begin = max(opened, at)
            if end <= begin:
                continue
            if end - begin >= left:
                return min(begin + left, start + BOUND_MS)
            left, at = left - (end - begin), end
    return start + BOUND_MS


def _subtract(deadline: int, length: int, hours: Hours, home: str) -> int:
    zone, left, at = hours.timezone or home, length, deadline
    last = _ordinal(deadline, zone)
    for day in range(last, last - BOUND_DAYS, -1):
        for begin, closed in reversed(_worked(day, hours, zone)):
            end = min(closed, at)
            if end <= begin:
                continue
            if end - begin >= left:
                return max(end - left, deadline - BOUND_MS)
            left, at = left - (end - begin), begin
    return deadline - BOUND_MS


def opens(now: int, hours: Hours, home: str) -> int:
    """Give the next moment that is worked: now, if this one is."""
    return add(now, 0, hours, home)


def _days_on(start: int, days: int, hours: Hours, home: str) -> int:
    zone = hours.timezone or home
    at = opens(start, hours, home)
    today = _shift_at(at, hours, zone, lambda piece: piece[0] <= at < piece[1])
    for count, day in enumerate(_worked_days(today, 1, hours, zone), start=1):
        if count == days:
            return min(_same_time(at, today, day, zone), _shift(day, hours, zone)[-1][1], start + BOUND_MS)
    return start + BOUND_MS


def _days_back(deadline: int, days: int, hours: Hours, home: str) -> int:
    zone = hours.timezone or home
    at = _subtract(deadline, 0, hours, home)
    today = _shift_at(at, hours, zone, lambda piece: piece[0] < at <= piece[1])
    for count, day in enumerate(_worked_days(today, -1, hours, zone), start=1):
        if count == days:
            return max(_same_time(at, today, day, zone), _shift(day, hours, zone)[0][0], deadline - BOUND_MS)
    return deadline - BOUND_MS


def _worked_days(today: int, step: int, hours: Hours, zone: str) -> Iterator[int]:
    """Give the days after (or before) today on which somebody works; a day is that on which its spans begin."""
    return (day for day in range(today + step, today + step * BOUND_DAYS, step) if _shift(day, hours, zone))


def _shift_at(at: int, hours: Hours, zone: str, holds: Callable[[Piece], bool]) -> int:
    """Give the day that a moment is worked for: that of the wall, or the one before, whose last span goes on past midnight."""
    today = _ordinal(at, zone)
    days = (today, today - 1)
    return next((day for day in days if any(map(holds, _shift(day, hours, zone)))), today)


def _same_time(at: int, day: int, other: int, zone: str) -> int:
    """Give the first moment at which the clock on the wall shows on another day what it shows at this one, or later where that is left out."""
    shown = at + _offset(at, zone) + (other - day) * DAY_MS
    stretches = _stretches(shown // DAY_MS + _EPOCH, zone)
    return next((max(begin, shown - offset) for begin, end, offset in stretches if shown - offset < end), stretches[-1][1])


def _ordinal(at: int, zone: str) -> int:
    return times.wall(at, zone).date().toordinal()


def _worked(day: int, hours: Hours, zone: str) -> tuple[Piece, ...]:
    """Give what is worked of one day of the wall: its own spans, and what goes on past midnight from the day before."""
    today, yesterday = _spans(hours, day), _spans(hours, day - 1)
    return _pieces(day, _merged(today, yesterday), hours.calendar, zone)


def _shift(day: int, hours: Hours, zone: str) -> tuple[Piece, ...]:
    """Give what is worked of the spans that begin on a day, to their end past midnight."""
    spans = _spans(hours, day)
    return _pieces(day, _merged(spans, ()), hours.calendar, zone) + _pieces(day + 1, _merged((), spans), hours.calendar, zone)


_ALWAYS: tuple[Span, ...] = (("00:00", "24:00"),)


def _spans(hours: Hours, day: int) -> tuple[Span, ...]:
    return hours.days.get((day - 1) % 7 + 1, ()) if hours.days else _ALWAYS


@lru_cache(maxsize=1024)
def _merged(today: tuple[Span, ...], yesterday: tuple[Span, ...]) -> tuple[Piece, ...]:
    """Give the minutes of a day that are worked, in order, none twice."""
    pieces = [(first, last if first < last else _DAY) for first, last in map(_minutes, today)]
    pieces += [(0, last) for first, last in map(_minutes, yesterday) if last <= first and last > 0]
    merged: list[Piece] = []
    for first, last in sorted(pieces):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return tuple(merged)


def _minutes(span: Span) -> Piece:
    first, last = (int(one[:2]) * 60 + int(one[3:]) for one in span)
    return first, last


@lru_cache(maxsize=16_384)
def _pieces(day: int, minutes: tuple[Piece, ...], calendar: str, zone: str) -> tuple[Piece, ...]:
    """Give those minutes of a day as moments, in order; none on a holiday. An hour that the clock shows twice is worked twice."""
    if not minutes or (calendar and times.holiday(calendar, date.fromordinal(day).isoformat())):
        return ()
    midnight = (day - _EPOCH) * DAY_MS
    found: list[Piece] = []
    for begin, end, offset in _stretches(day, zone):
        for first, last in minutes:
            piece = max(begin, midnight + first * MINUTE_MS - offset), min(end, midnight + last * MINUTE_MS - offset)
            if piece[0] < piece[1]:
                found.append(piece)
    return tuple(found)


@lru_cache(maxsize=16_384)
def _stretches(day: int, zone: str) -> tuple[tuple[int, int, int], ...]:
    """Give a day in stretches of one offset from UTC each: (from, to, offset)."""
    midnights = (datetime.combine(date.fromordinal(day) + timedelta(days=n), time.min, times.zone(zone)) for n in (0, 1))
    begin, end = (int(one.timestamp() * 1000) for one in midnights)
    was, will = _offset(begin, zone), _offset(end - MINUTE_MS, zone)
    if was == will:
        return ((begin, end, was),)
    minutes = range(begin, end, MINUTE_MS)
    turn = minutes[bisect_left(minutes, True, key=lambda at: _offset(at, zone) != was)]
    return (begin, turn, was), (turn, end, will)


def _offset(at: int, zone: str) -> int:
    offset = datetime.fromtimestamp(at / 1000, times.zone(zone)).utcoffset()
    return int(offset.total_seconds() * 1000) if offset is not None else 0
