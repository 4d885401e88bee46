"""When alerts may speak: quiet hours and the digest, by the clock on the wall. Moments are ms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sync.lead.hours import zone
from sync.playbook.models.alerts import Digest, Quiet

MINUTE_MS = 60_000


def _moment(day: date, clock: str, name: str) -> int:
    """Give when the clock shows this on that day there; an hour that summer time leaves out is the one after it."""
    hour, minute = map(int, clock.split(":"))
    return round(datetime.combine(day, time(hour, minute), zone(name)).timestamp() * 1000)


def _end(day: date, quiet: Quiet, name: str) -> int:
    """Give when the span that begins on a day ends; 23:59 is the end of the day, because no later time can be written."""
    if quiet.end == "23:59":
        return _moment(day + timedelta(days=1), "00:00", name)
    return _moment(day + timedelta(days=quiet.end < quiet.start), quiet.end, name)


def quiet_until(now: int, spans: Sequence[Quiet], name: str) -> int | None:
    """Give when the quiet ends that it is in now, spans that meet taken together; None: it is not quiet. A week at most."""
    until = now
    while until - now < 7 * 86_400_000:
        today = datetime.fromtimestamp(until / 1000, UTC).astimezone(zone(name)).date()
        days = (today, today - timedelta(days=1))
        ends = [
            end
            for quiet in spans
            for day in days
            if day.isoweekday() in quiet.days and _moment(day, quiet.start, name) <= until < (end := _end(day, quiet, name))
        ]
        if not ends:
            break
        until = max(ends)
    return until if until > now else None


def next_digest(after: int, digest: Digest, name: str) -> int:
    """Give when the next digest is told, later than `after`."""
    day = datetime.fromtimestamp(after / 1000, UTC).astimezone(zone(name)).date()
    while True:
        if day.isoweekday() in digest.days and (at := _moment(day, digest.at, name)) > after:
            return at
        day += timedelta(days=1)
