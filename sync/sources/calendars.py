"""People's own calendars (ICS addresses): whole days, and what says that they are out of office, become absences; read now and then.

A calendar holds much that is nobody's business: only from when to when somebody is away is kept, never a title, and no text of it is logged.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import aiohttp
import recurring_ical_events
from icalendar import Calendar

from sync.lead import hours
from sync.lead.decision import ProblemNote
from sync.lead.presence import Away
from sync.lead.state import to_ms
from sync.playbook.models import Playbook
from sync.runtime import log
from sync.sources.lease import in_turn
from sync.store import presence, problems
from sync.store.statement import run

EVERY_S = 900.0
AHEAD = timedelta(days=120)
BACK = timedelta(days=1)
MOST_BYTES = 8_000_000
MOST = 500
"""So many absences of one calendar are kept; it is no calendar of absences that has more."""
MOST_SERIES = 500
"""What recurs is worked out day by day: nobody has more series, and with more it takes minutes."""
_OUT = re.compile(
    r"\b(out of (the )?office|ooo|vacation|holidays?|on leave|annual leave|parental leave|pto|sick|urlaub|abwesend|krank)\b", re.IGNORECASE
)
_SLOW, _PARTS_OF_DAYS = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}), ("BYHOUR", "BYMINUTE", "BYSECOND")
_log = log.get("calendars")


class Unreadable(Exception):
    """A calendar could not be read; the text says why, without its address."""


def absences(text: bytes, now: datetime, zone: str) -> list[Away]:
    """Give the absences of an ICS calendar from a day ago to four months ahead, in order, those that touch as one; raises Unreadable.

    A whole day is one in the person's `zone`. A whole day that is marked as free time is none, unless it says out of office.
    """
    try:
        calendar = Calendar.from_ical(text)
        calendar.subcomponents = [one for one in calendar.subcomponents if not _endless(one)]
        if sum("RRULE" in one for one in calendar.subcomponents) > MOST_SERIES:
            raise Unreadable(f"more than {MOST_SERIES} of its events recur")
        events = recurring_ical_events.of(calendar, skip_bad_series=True).between(now - BACK, now + AHEAD)
        spans = sorted(_span(one, zone) for one in events if _is_out(one))
    except Unreadable:
        raise
    except Exception as error:  # the library raises what it likes over what anybody may have written
        raise Unreadable(f"it is no calendar that can be read ({type(error).__name__})") from None
    merged: list[tuple[int, int]] = []
    for begin, end in spans:
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif begin < end:
            merged.append((begin, end))
    return [Away(begin, end) for begin, end in merged[:MOST]]


def _endless(event: Any) -> bool:
    """Say whether an event recurs several times a day, as no absence does: of every second there are ten millions in four months."""
    rules = event.get("RRULE", [])
    return any(
        not _SLOW.issuperset(map(str, rule.get("FREQ", ()))) or any(len(rule.get(part, ())) > 1 for part in _PARTS_OF_DAYS)
        for rule in (rules if isinstance(rules, list) else [rules])
    )


def _is_out(event: Any) -> bool:
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return False
    busy = str(event.get("X-MICROSOFT-CDO-BUSYSTATUS", "")).upper()
    if busy == "OOF" or _OUT.search(str(event.get("SUMMARY", ""))):
        return True
    free = str(event.get("TRANSP", "")).upper() == "TRANSPARENT" or busy == "FREE"
    return not free and not isinstance(event["DTSTART"].dt, datetime)


def _span(event: Any, zone: str) -> tuple[int, int]:
    begin = event["DTSTART"].dt
    end = event["DTEND"].dt if "DTEND" in event else begin + (timedelta() if isinstance(begin, datetime) else timedelta(days=1))
    return _moment(begin, zone), _moment(end, zone)


def _moment(at: date | datetime, zone: str) -> int:
    """Give ms; a day is its beginning, and a time without a zone is the person's."""
    full = at if isinstance(at, datetime) else datetime.combine(at, time.min)
    return to_ms(full if full.tzinfo is not None else full.replace(tzinfo=hours.zone(zone)))


async def fetch(url: str) -> bytes:
    """Read a calendar; raises Unreadable."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session,
            session.get(re.sub(r"^webcals?://", "https://", url), max_redirects=3) as answer,
        ):
            if answer.status != 200:
                raise Unreadable(f"its address answers {answer.status}")
            found = await answer.content.read(MOST_BYTES + 1)
            while not answer.content.at_eof() and len(found) <= MOST_BYTES:
                found += await answer.content.read(MOST_BYTES + 1 - len(found))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise Unreadable(f"its address does not answer ({type(error).__name__})") from None
    if len(found) > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES // 1_000_000} MB")
    return found


class Calendars:
    """Keeps the absences of people's calendars as they are there; one process does at a time."""

    def __init__(self, pool: Any, urls: Mapping[str, str], playbook: Callable[[], Awaitable[Playbook]]) -> None:
        self._pool, self._urls, self._playbook = pool, urls, playbook

    async def run(self) -> None:
        """Read them again and again, as long as the lease is held."""
        await in_turn(self._pool, "calendars", self.once, EVERY_S)

    async def once(self, now: datetime) -> None:
        """Read every calendar once; one that cannot be read leaves what was known, and is a problem until it can."""
        playbook = await self._playbook()
        for person, url in self._urls.items():
            rep = playbook.reps.get(person)
            if rep is None:
                continue
            note = ProblemNote("calendar_unreadable", person, False)
            try:
                spans = await asyncio.to_thread(absences, await fetch(url), now, rep.hours.timezone or playbook.timezone)
            except Unreadable as error:
                text = f"the calendar of {rep.name} cannot be read: {error}. Absences stay as they were; TRUCE_CALENDARS holds its address"
                note = ProblemNote("calendar_unreadable", person, True, text)
            else:
                await presence.keep_calendar(self._pool, person, spans, to_ms(now))
            await run(self._pool, problems.write([note]))
