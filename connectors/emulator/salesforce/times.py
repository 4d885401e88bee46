"""Times as Salesforce's REST writes them, and a clock that never goes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

_FORM = "%Y-%m-%dT%H:%M:%S.000+0000"


def wire(moment: datetime) -> str:
    """Write a time as the REST API does, `2020-10-22T21:03:23.000+0000`: seconds only; texts compare as the times do."""
    return moment.astimezone(UTC).strftime(_FORM)


def read_time(text: str) -> str | None:
    """Read an ISO-8601 time with a zone and give it in wire form; None if it is none."""
    if "T" not in text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None or moment.year < 1700 else wire(moment)
    except (ValueError, OverflowError):
        return None


def moment(text: str) -> datetime:
    """Read a wire time back."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.000%z")


def read_date(text: str) -> str | None:
    """Read `YYYY-MM-DD`; None if it is none."""
    try:
        return date.fromisoformat(text).isoformat() if len(text) == 10 else None
    except ValueError:
        return None


def system_clock() -> datetime:
    """Give the machine's time."""
    return datetime.now(UTC)


class Clock:
    """The org's own time: any source of time, held so that it never goes back."""

    def __init__(self, source: Callable[[], datetime] = system_clock) -> None:
        self._source = source
        self._last = datetime(1970, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """Give the time, never earlier than it was given before."""
        self._last = max(self._last, self._source().astimezone(UTC))
        return self._last

    def stamp(self) -> str:
        """Give the time in wire form: second resolution, as SystemModstamp has."""
        return wire(self.now())
