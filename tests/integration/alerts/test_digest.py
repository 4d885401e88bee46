"""What does not go at once: quiet hours hold it until they end, the digest tells the rest at its time, each once and by the right clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sync.alerts import digest
from sync.lead.decision import ProblemNote
from sync.playbook.models import Playbook
from sync.playbook.models.alerts import AlertRoute, Alerts, Channel, Digest, Quiet
from sync.settings import ChannelSettings
from sync.store import alerts, telling
from tests.integration.alerts.office import EXAMPLE, HERE, Office, problem
from tests.integration.alerts.receivers import Mailbox

HEAD, DAYS = "head.of.sales@acme.example", frozenset(range(1, 6))
ZONE = "America/New_York"


def agreement(zone: str = ZONE) -> Playbook:
    """Hot leads wake, data waits for the digest at 08:30, the rest is quiet from 19:00 to 07:30; all by the clock of `zone`."""
    hot = AlertRoute("hot", HERE, ("mail",), HEAD, match={"priority": frozenset({"hot"})}, wakes=True)
    data = AlertRoute("data", HERE, ("mail",), HEAD, match={"cause": frozenset({"bad_value", "duplicate"})}, digest=True)
    root = AlertRoute("root", HERE, ("mail",), HEAD, routes=(hot, data))
    channels = {"mail": Channel("mail", "email", HERE, "other"), "other": Channel("other", "email", HERE)}
    return replace(EXAMPLE, alerts=Alerts(root, channels, (Quiet(DAYS, "19:00", "07:30"),), Digest(DAYS, "08:30", ("mail",)), zone))


@pytest.fixture
async def office(pool: Any, mailbox: Mailbox) -> AsyncIterator[Office]:
    settings = {"mail": ChannelSettings(url=mailbox.url, address="team@acme.example", options={"from": "truce@acme.example"})}
    made = Office(pool, settings, agreement())
    yield made
    await made.close()


async def at(office: Office, clock: str, day: int = 2, zone: str = ZONE, step_s: int = 60) -> None:
    """Go on, bit by bit, until the clock there shows this, in the first week of December 2026."""
    hour, minute = map(int, clock.split(":"))
    until = datetime(2026, 12, day, hour, minute, tzinfo=ZoneInfo(zone))
    await office.after(step_s)
    while office.clock.now() < until - timedelta(seconds=step_s):
        await office.after(step_s)


def set_to(office: Office, clock: str, day: int = 2, zone: str = ZONE) -> None:
    hour, minute = map(int, clock.split(":"))
    office.clock.ms = round(datetime(2026, 12, day, hour, minute, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def bad_value(n: int, *, opened: bool = True) -> ProblemNote:
    return ProblemNote("bad_value", f"value-{n}", opened, f"{n} is no number", system="hubspot")


def text(mailbox: Mailbox, n: int = -1) -> str:
    body = mailbox.mails[n].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def test_quiet_hours_hold_what_is_not_hot_until_they_end_there_and_then_it_goes_once(office: Office, mailbox: Mailbox) -> None:
    set_to(office, "20:00", 1)
    await office.opened(problem(1), problem(2, owner="ana@acme.example", labels={"priority": "hot"}))
    await at(office, "20:05", 1)
    assert mailbox.subjects() == ["1 lead not accepted in time: Ana Diaz"]
    await at(office, "00:30", step_s=600)
    assert len(mailbox.mails) == 2, "it is still open after four hours, and hot"
    await at(office, "07:29", step_s=600)
    assert "1 lead not accepted in time: Ben Roth" not in mailbox.subjects(), "half past seven in Berlin was long ago"
    await at(office, "07:32")
    await at(office, "07:50")
    assert mailbox.subjects().count("1 lead not accepted in time: Ben Roth") == 1


async def test_the_digest_tells_what_is_open_at_its_time_and_what_of_it_is_new(office: Office, mailbox: Mailbox) -> None:
    set_to(office, "09:00", 1)
    await office.after()
    await office.opened(*(bad_value(n) for n in range(3)), ProblemNote("duplicate", "d", True, "two records, one address"))
    await at(office, "08:29", step_s=900)
    assert mailbox.mails == []
    await at(office, "08:31")
    await at(office, "10:00", step_s=300)
    assert mailbox.subjects() == ["What waits for you: 4 open, none of them urgent"]
    assert "Not readable in hubspot (3), new" in text(mailbox)
    assert "Possible duplicates for a person to settle, new" in text(mailbox)
    await office.opened(bad_value(0, opened=False), bad_value(1, opened=False), bad_value(7), ProblemNote("duplicate", "d", False))
    await at(office, "09:00", 3, step_s=900)
    assert mailbox.subjects()[1:] == ["What waits for you: 2 open, none of them urgent"]
    assert "Not readable in hubspot (2), 1 of them new" in text(mailbox)
    await office.opened(bad_value(2, opened=False), bad_value(7, opened=False))
    await at(office, "10:00", 4, step_s=900)
    assert len(mailbox.mails) == 2, "nothing waits, so nothing is said"


async def test_after_days_of_silence_it_is_told_once_and_then_at_its_time_again(office: Office, mailbox: Mailbox) -> None:
    set_to(office, "09:00", 1)
    await office.after()
    await office.opened(bad_value(1))
    set_to(office, "15:00", 4)
    office.notifier = office.another()
    await office.minutes(5)
    assert len(mailbox.mails) == 1
    await at(office, "12:00", 6, step_s=3600)
    assert len(mailbox.mails) == 1, "the weekend"
    await at(office, "08:35", 7, step_s=300)
    assert len(mailbox.mails) == 2


async def test_two_notifiers_tell_it_once(office: Office, mailbox: Mailbox) -> None:
    set_to(office, "08:00")
    await office.after()
    await office.opened(bad_value(1))
    other = office.another()
    set_to(office, "08:30")
    for _ in range(4):
        await asyncio.gather(office.notifier.step(), other.step(), office.notifier.step(), other.step())
        office.clock.forward(20)
    assert len(mailbox.mails) == 1


async def test_what_another_notifier_is_just_grouping_is_waited_for(office: Office, mailbox: Mailbox, pool: Any) -> None:
    set_to(office, "08:00")
    await office.after()
    await office.opened(bad_value(1))
    set_to(office, "08:30")
    async with pool.acquire() as connection, connection.transaction():
        assert await alerts.ungrouped(connection, 10)
        assert await digest.tell(pool, office.ground(), office.clock.now()) == 0
    await office.after()
    assert len(mailbox.mails) == 1


async def test_killed_between_sending_and_noting_it_is_the_same_mail_again(office: Office, mailbox: Mailbox, pool: Any) -> None:
    set_to(office, "08:00")
    await office.after()
    await office.opened(bad_value(1))
    set_to(office, "08:30")
    await office.after()
    await pool.execute("UPDATE alert_messages SET state = 'waiting', unsure = true, claimed_until = $1, sent_at = NULL", office.clock.now())
    office.notifier = office.another()
    await at(office, "09:30")
    assert len(mailbox.mails) == 2
    assert len({str(mail["Message-ID"]) for mail in mailbox.mails}) == 1
    assert await telling.figures(pool) == {"sent": 1, "copies": 1, "waiting": 0}


async def test_killed_between_deciding_to_tell_it_and_sending_it_goes_out_once(office: Office, mailbox: Mailbox, pool: Any) -> None:
    set_to(office, "08:00")
    await office.after()
    await office.opened(bad_value(1))
    await office.after(60)
    set_to(office, "08:30")
    assert await digest.tell(pool, office.ground(), office.clock.now()) == 1
    assert await digest.tell(pool, office.ground(), office.clock.now()) == 0
    office.notifier = office.another()
    await at(office, "09:00")
    assert len(mailbox.mails) == 1


async def test_a_channel_that_refuses_the_digest_is_followed_by_its_next(pool: Any, mailbox: Mailbox) -> None:
    other = ChannelSettings(url=mailbox.url, address="others@acme.example", options={"from": "truce@acme.example"})
    made = Office(pool, {"mail": ChannelSettings(url="smtp://127.0.0.1:1", address="team@acme.example"), "other": other}, agreement())
    set_to(made, "08:00")
    await made.after()
    await made.opened(bad_value(1))
    set_to(made, "08:30")
    for _ in range(12):
        await made.after(5)
    first = mailbox.mails[0]
    assert (str(first["To"]), str(first["Subject"])) == ("others@acme.example", "What waits for you: 1 open, none of them urgent")
    await made.close()
