"""A channel that refuses, hangs or dies between sending and noting: the next has it within a minute, one message says so, copies are counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from sync.settings import ChannelSettings
from sync.store import telling
from tests.integration.alerts.office import Office, agreed, problem, secret
from tests.integration.alerts.receivers import SECRET, Hook, Mailbox


@pytest.fixture
async def office(pool: Any, hook: Hook, mailbox: Mailbox) -> AsyncIterator[Office]:
    settings = {
        "ops": ChannelSettings(url=hook.url, secrets={"secret": secret(SECRET)}),
        "mail": ChannelSettings(url=mailbox.url, address="team@acme.example", options={"from": "truce@acme.example"}),
    }
    made = Office(pool, settings)
    yield made
    await made.close()


@pytest.mark.parametrize("status", [500, 503, 404])
async def test_the_next_channel_has_it_within_a_minute_and_one_message_says_that_the_first_is_broken(
    office: Office, hook: Hook, mailbox: Mailbox, pool: Any, status: int
) -> None:
    hook.status = status
    await office.opened(problem(1))
    await office.minutes(1.5)
    assert mailbox.subjects()[0] == "1 lead not accepted in time: Ben Roth"
    row = await pool.fetchrow(
        "SELECT m.sent_at - f.first_at AS took FROM alert_messages m, alert_messages f WHERE m.state = 'sent' AND f.state = 'refused' LIMIT 1"
    )
    assert row["took"].total_seconds() <= 60
    await office.opened(*(problem(n, owner=f"p{n}@acme.example") for n in range(2, 9)))
    await office.minutes(4)
    assert len([subject for subject in mailbox.subjects() if subject.startswith("Alerts cannot be delivered")]) == 1
    text = next(mail for mail in mailbox.mails if "cannot be delivered" in str(mail["Subject"])).get_body(("plain",))
    assert text is not None
    assert "The channel ops does not take messages" in text.get_content()
    hook.status = 200
    await office.opened(problem(20, owner="z@acme.example"))
    await office.minutes(1)
    assert await pool.fetchval("SELECT count(*) FROM problems WHERE kind = 'alerts_failing' AND closed_at IS NULL") == 0


@pytest.mark.parametrize("seconds", ["9" * 15, "9" * 400, "Mon, 30 Nov 2026 00:00:00 +9999999999999"])
async def test_a_receiver_that_asks_for_an_endless_wait_keeps_nobody_elses_messages(
    office: Office, hook: Hook, mailbox: Mailbox, seconds: str
) -> None:
    hook.status, hook.headers = 429, {"Retry-After": seconds}
    await office.opened(problem(1))
    await office.minutes(2)
    assert "1 lead not accepted in time: Ben Roth" in mailbox.subjects()


async def test_a_message_that_every_channel_refuses_is_kept_and_sent_once_one_takes_it(
    office: Office, hook: Hook, mailbox: Mailbox
) -> None:
    hook.status, mailbox.refuse = 500, "451 try later"
    await office.opened(problem(1))
    await office.minutes(20)
    assert mailbox.mails == []
    mailbox.refuse = None
    await office.minutes(10)
    assert [s for s in mailbox.subjects() if "not accepted" in s] == ["1 lead not accepted in time: Ben Roth"]


async def test_a_break_is_one_line_in_the_log_and_so_is_its_end(office: Office, hook: Hook) -> None:
    hook.status = 500
    with capture_logs() as lines:
        await office.opened(problem(1), problem(2, owner="ana@acme.example"))
        await office.minutes(2)
        hook.status = 200
        await office.opened(problem(3, owner="z@acme.example"))
        await office.minutes(8)
    assert [(one["log_level"], one["event"], one["channel"]) for one in lines if "channel" in one] == [
        ("warning", "channel does not take messages", "ops"),
        ("info", "channel takes messages again", "ops"),
    ]
    assert "500" in next(one["reason"] for one in lines if "channel" in one)


async def test_a_copy_has_the_id_of_the_first_and_is_counted(office: Office, hook: Hook, pool: Any) -> None:
    hook.hangs = True
    await office.opened(problem(1))
    await office.after(10)
    await office.after(30)
    hook.hangs = False
    await office.minutes(1)
    assert len(hook.taken) == 1
    assert len(hook.calls) > 1
    assert len(set(hook.calls)) == 1
    assert (await telling.figures(pool))["copies"] >= 1


async def test_killed_between_sending_and_noting_it_is_sent_again_with_the_same_id(office: Office, hook: Hook, pool: Any) -> None:
    await office.opened(problem(1))
    await office.minutes(1)
    await pool.execute("UPDATE alert_messages SET state = 'waiting', unsure = true, claimed_until = $1, sent_at = NULL", office.clock.now())
    office.notifier = office.another()
    await office.after(61)
    assert len(hook.calls) == 2
    assert len(hook.taken) == 1
    assert await telling.figures(pool) == {"sent": 1, "copies": 1, "waiting": 0}


async def test_while_no_channel_is_set_up_nothing_is_said_and_later_what_is_still_open_is(pool: Any, hook: Hook) -> None:
    made = Office(pool, {})
    await made.opened(problem(1), problem(2))
    await made.opened(problem(2, opened=False))
    await made.minutes(5)
    assert await pool.fetchval("SELECT count(*) FROM alert_messages") == 0
    late = Office(pool, {"ops": ChannelSettings(url=hook.url, secrets={"secret": secret(SECRET)})}, clock=made.clock)
    await late.minutes(1)
    assert [body["data"]["title"] for body in hook.taken.values()] == ["1 lead not accepted in time: Ben Roth"]
    await late.close()


async def test_a_slow_channel_takes_a_part_of_each_look_and_nothing_is_sent_twice_for_it(
    pool: Any, hook: Hook, mailbox: Mailbox, office: Office
) -> None:
    office.playbook = agreed(("ops", "mail"))
    other = office.another()
    hook.slow = lambda: office.clock.forward(6)
    await office.opened(*(problem(n, owner=f"p{n}@acme.example") for n in range(12)))
    await office.notifier.step()
    office.clock.forward(31)
    begun = office.clock.monotonic()
    await office.notifier.step()
    assert 0 < len(hook.calls) < 12
    assert office.clock.monotonic() - begun < 30, "what is left is left to the next look"
    assert not await pool.fetchval("SELECT count(*) FROM alert_messages WHERE state = 'waiting' AND (first_at IS NOT NULL OR attempts > 0)")
    for _ in range(12):
        await asyncio.gather(office.notifier.step(), other.step())
    assert len(hook.calls) == len(hook.taken) == 12
    assert await telling.figures(pool) == {"sent": 24, "copies": 0, "waiting": 0}
