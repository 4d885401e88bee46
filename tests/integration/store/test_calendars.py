"""People's calendars over real HTTP: whole days and out of office become absences, changes are followed, what cannot be read is a problem."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from time import process_time, thread_time
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from sync.lead.presence import Away
from sync.playbook.loader import load
from sync.playbook.models import Playbook
from sync.sources.calendars import Calendars, Unreadable, absences
from sync.store import presence
from tests.integration.store.installed import EXAMPLE

ANA, BERLIN = "ana@acme.example", "Europe/Berlin"
NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp() * 1000)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def ics(*events: str) -> bytes:
    body = "\n".join(f"BEGIN:VEVENT\nUID:{n}\nDTSTAMP:20261101T000000Z\n{event}\nEND:VEVENT" for n, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:test\n{body}\nEND:VCALENDAR\n".replace("\n", "\r\n").encode()


DAY = "DTSTART;VALUE=DATE:20261130\nDTEND;VALUE=DATE:20261202\nSUMMARY:Lisbon"
SPAN = Away(ms("2026-11-30T00:00+01:00"), ms("2026-12-02T00:00+01:00"))


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([DAY], [SPAN]),
        ([DAY + "\nTRANSP:TRANSPARENT"], []),
        ([DAY.replace("Lisbon", "OOO") + "\nTRANSP:TRANSPARENT"], [SPAN]),
        ([DAY + "\nSTATUS:CANCELLED"], []),
        (["DTSTART:20261130T090000Z\nDTEND:20261130T100000Z\nSUMMARY:Call with Nordwind"], []),
        (
            ["DTSTART:20261130T090000Z\nDTEND:20261130T120000Z\nSUMMARY:Dentist\nX-MICROSOFT-CDO-BUSYSTATUS:OOF"],
            [Away(ms("2026-11-30T10:00+01:00"), ms("2026-11-30T13:00+01:00"))],
        ),
        (["DTSTART;VALUE=DATE:20261202\nSUMMARY:More of it", DAY], [Away(SPAN.since, ms("2026-12-03T00:00+01:00"))]),
        (
            [
                "DTSTART;TZID=Europe/Berlin:20261105T130000\nDTEND;TZID=Europe/Berlin:20261105T180000\nRRULE:FREQ=WEEKLY;COUNT=5\nSUMMARY:PTO"
            ],
            [Away(ms(f"2026-{day}T13:00+01:00"), ms(f"2026-{day}T18:00+01:00")) for day in ("11-26", "12-03")],
        ),
    ],
)
def test_what_is_an_absence(events: list[str], found: list[Away]) -> None:
    assert absences(ics(*events), NOW, BERLIN) == found


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY", f"FREQ=DAILY;BYMINUTE={','.join(map(str, range(60)))};BYSECOND=1,2,3,4,5,6"]
)
def test_what_recurs_every_second_is_no_absence_and_takes_no_time(rule: str) -> None:
    begun = process_time()
    assert absences(ics(f"DTSTART:20261101T000000Z\nDTEND:20261101T000001Z\nRRULE:{rule}\nSUMMARY:PTO", DAY), NOW, BERLIN) == [SPAN]
    assert process_time() - begun < 3


def test_a_calendar_of_which_too_much_recurs_is_not_worked_out() -> None:
    with pytest.raises(Unreadable, match="more than 500 of its events recur"):
        absences(ics(*[f"{DAY}\nRRULE:FREQ=DAILY"] * 501), NOW, BERLIN)


def test_what_is_no_calendar_is_said_without_a_word_of_it() -> None:
    with pytest.raises(Unreadable, match="no calendar that can be read") as told:
        absences(b"<html>a secret</html>", NOW, BERLIN)
    assert "secret" not in str(told.value)


@pytest_asyncio.fixture
async def served() -> AsyncIterator[tuple[str, dict[str, Any]]]:
    shown: dict[str, Any] = {"status": 200, "body": ics(DAY)}

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=shown["body"], status=shown["status"], content_type="text/calendar")

    app = web.Application()
    app.router.add_get("/ana.ics", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("/ana.ics")), shown


async def test_a_calendar_is_followed_and_a_person_has_the_last_word(pool: Any, served: tuple[str, dict[str, Any]]) -> None:
    url, shown = served

    async def playbook() -> Playbook:
        return load(EXAMPLE)

    async def away() -> tuple[Away, ...]:
        return (await presence.current(pool))[ANA].away if ANA in await presence.current(pool) else ()

    async def problem() -> str | None:
        found = await pool.fetchval("SELECT text FROM problems WHERE kind = 'calendar_unreadable' AND closed_at IS NULL")
        return None if found is None else str(found)

    read = Calendars(pool, {ANA: url}, playbook)
    await read.once(NOW)
    await read.once(NOW)
    assert await away() == (SPAN,)
    assert await pool.fetchval("SELECT count(*) FROM presence") == 1
    shown["status"] = 503
    await read.once(NOW)
    text = await problem()
    assert text is not None
    assert "its address answers 503" in text
    assert url not in text
    assert await away() == (SPAN,), "what was known stays"
    shown |= {"status": 200, "body": ics(DAY.replace("20261202", "20261203"))}
    await read.once(NOW)
    assert await problem() is None
    longer = Away(SPAN.since, ms("2026-12-03T00:00+01:00"))
    assert await away() == (longer,)
    async with pool.acquire() as connection:
        await presence.back(connection, ANA, at=SPAN.since, by="ana", source="slack")
    await read.once(NOW)
    assert await away() == (), "they said that they are there"
    shown["body"] = ics()
    await read.once(NOW)
    assert await away() == ()


async def test_a_large_calendar_holds_up_nothing_else(pool: Any, served: tuple[str, dict[str, Any]]) -> None:
    url, shown = served
    shown["body"] = ics(*[f"{DAY}\nRRULE:FREQ=DAILY"] * 12)
    begun = thread_time()
    absences(shown["body"], NOW, BERLIN)
    alone, gaps, over = thread_time() - begun, [0.0], asyncio.Event()

    async def tick() -> None:
        while not over.is_set():
            at = thread_time()
            await asyncio.sleep(0)
            gaps.append(thread_time() - at)

    here = load(EXAMPLE)

    async def known() -> Playbook:
        return here

    ticking = asyncio.create_task(tick())
    await Calendars(pool, {ANA: url}, known).once(NOW)
    over.set()
    await ticking
    assert max(gaps) < alone / 2
    assert (await presence.current(pool))[ANA].away
