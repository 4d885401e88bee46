"""HubSpot's two ways to write a time: milliseconds since 1970, and ISO-8601 with milliseconds and "Z"."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

DAY_MS = 86_400_000
_MILLIS = re.compile(r"^-?\d{1,15}$")


def millis(moment: datetime) -> int:
    """Give whole milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def iso(ms: int) -> str:
    """Give "2026-11-23T09:14:02.110Z"."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def day(ms: int) -> str:
    """Give the UTC date "2026-11-23"."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%d}"


def read(text: str) -> int:
    """Read milliseconds, a date or an ISO time into milliseconds; raises ValueError when it is neither or out of range."""
    if _MILLIS.match(text):
        ms = int(text)
        datetime.fromtimestamp(ms / 1000, UTC)
        return ms
    if len(text) == 10:
        return millis(datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC))
    moment = datetime.fromisoformat(text)
    return millis(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
