"""However many problems: one message per group and interval, each once, resolved once, nothing old said twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.emulator.control import serve
from connectors.emulator.slack import Slack
from sync.lead import hours
from sync.lead.state import to_ms
from sync.playbook.models.alerts import Channel as AlertChannel
from sync.playbook.models.alerts import Quiet
from sync.settings import ChannelSettings
from sync.store import alerts, telling
from tests.integration.alerts.ledger import handoff, lead
from tests.integration.alerts.office import HERE, Office, agreed, problem, secret
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


def titles(hook: Hook) -> list[str]:
    return [body["data"]["title"] for body in hook.taken.values()]


async def test_five_thousand_problems_in_a_minute_are_one_message(office: Office, hook: Hook) -> None:
    for part in range(5):
        await office.opened(*(problem(n) for n in range(part * 1000, part * 1000 + 1000)))
        await office.after(6)
    await office.after(10)
    assert titles(hook) == ["5,000 leads not accepted in time: Ben Roth"]
    await office.minutes(4)
    assert len(hook.taken) == 1
    link = next(iter(hook.taken.values()))["data"]["links"][0]
    assert link["url"].startswith("http://truce.example/problems?group=")


async def test_what_joins_is_told_after_the_interval_and_what_stays_open_is_repeated(office: Office, hook: Hook) -> None:
    await office.opened(problem(1))
    await office.minutes(1)
    await office.opened(problem(2))
    await office.minutes(3)
    assert titles(hook) == ["1 lead not accepted in time: Ben Roth"]
    await office.minutes(3)
    assert titles(hook)[1:] == ["1 more · 2 leads not accepted in time: Ben Roth"]
    await office.after(4 * 3600 - 200)
    assert len(hook.taken) == 2
    await office.after(400)
    assert titles(hook)[2:] == ["Still · 2 leads not accepted in time: Ben Roth"]


async def test_its_end_is_told_once_and_a_new_problem_begins_anew(office: Office, hook: Hook) -> None:
    await office.opened(problem(1))
    await office.minutes(1)
    await office.opened(problem(1, opened=False))
    await office.minutes(10)
    assert titles(hook) == ["1 lead not accepted in time: Ben Roth", "Over · 1 lead not accepted in time: Ben Roth"]
    await office.minutes(5)
    await office.opened(problem(3))
    await office.minutes(1)
    assert titles(hook)[2:] == ["1 lead not accepted in time: Ben Roth"]


async def test_what_is_over_before_it_was_told_is_never_told(office: Office, hook: Hook) -> None:
    await office.opened(problem(1))
    await office.after(10)
    await office.opened(problem(1, opened=False))
    await office.minutes(10)
    assert hook.calls == []


async def test_other_owners_and_causes_are_other_messages(office: Office, hook: Hook) -> None:
    await office.opened(problem(1), problem(2, owner="ana@acme.example"), problem(3, "unrouted", None))
    await office.minutes(1)
    assert sorted(titles(hook)) == [
        "1 lead not accepted in time: Ana Diaz",
        "1 lead not accepted in time: Ben Roth",
        "1 lead that nobody may be given",
    ]


async def test_who_has_by_now_what_was_missed_is_said_and_what_waits_for_somebody(office: Office, hook: Hook, pool: Any) -> None:
    now = office.clock.now()
    for n, owner in enumerate(("ana@acme.example", "ana@acme.example", "ben@acme.example")):
        ident = await handoff(pool, await lead(pool, now), now, owner=owner)
        await office.opened(replace(problem(n), key=ident))
    await office.minutes(1)
    (body,) = hook.taken.values()
    assert body["data"]["lines"][-3:-1] == ["Moved on: Ana Diaz has 2.", "Needs somebody: 1 still with Ben Roth."]


async def test_after_an_outage_of_the_notifier_nothing_old_is_said_and_nothing_twice(office: Office, hook: Hook) -> None:
    await office.opened(problem(1))
    await office.minutes(1)
    await office.opened(problem(2), problem(3))
    await office.opened(problem(2, opened=False))
    office.clock.forward(4 * 86_400)
    office.notifier = office.another()
    await office.minutes(2)
    assert titles(hook) == ["1 lead not accepted in time: Ben Roth", "1 more · 2 leads not accepted in time: Ben Roth"]


async def test_two_notifiers_share_the_work_and_say_nothing_twice(office: Office, hook: Hook) -> None:
    await office.opened(*(problem(n, owner=f"p{n % 7}@acme.example") for n in range(200)))
    other = office.another()
    for _ in range(8):
        office.clock.forward(10)
        await asyncio.gather(office.notifier.step(), other.step(), office.notifier.step(), other.step())
    await office.after(10)
    assert len(hook.calls) == len(hook.taken) == 7


async def test_a_snoozed_group_is_silent_until_then(office: Office, hook: Hook, pool: Any) -> None:
    await office.opened(problem(1))
    await office.minutes(1)
    group = await pool.fetchval("SELECT id FROM alert_groups")
    await alerts.snooze(pool, group, office.clock.now() + timedelta(hours=1), "maria@acme.example", office.clock.now())
    await office.opened(problem(2))
    await office.minutes(30, 60)
    assert len(hook.taken) == 1
    await office.minutes(35, 60)
    assert titles(hook)[1:] == ["1 more · 2 leads not accepted in time: Ben Roth"]


async def test_every_reader_sees_in_the_message_who_keeps_it_quiet_and_until_when(pool: Any) -> None:
    slack = Slack((), {"C000SALES": "managers"}, unlimited=True)
    async with serve(slack.app) as there:
        settings = ChannelSettings(url=f"{there.url}/api/", address="C000SALES", secrets={"token": secret("emulated-bot-token")})
        office = Office(pool, {"room": settings}, agreed(("room",), channels={"room": AlertChannel("room", "slack", HERE)}))
        await office.opened(problem(1))
        await office.minutes(1)
        group, until = await pool.fetchval("SELECT id FROM alert_groups"), office.clock.now() + timedelta(hours=1)
        await alerts.snooze(pool, group, until, "maria@acme.example", office.clock.now())
        await office.opened(problem(2))
        await office.after(1)
        (shown,) = slack.messages()
        at = hours.moment(to_ms(until), office.clock.now_ms(), office.ground().zone)
        assert f"Quiet until {at} (by Maria Lund)" in str(shown.blocks)
        await office.minutes(55, 300)
        assert len(slack.messages()) == 1
        await office.minutes(10, 300)
        assert [one.text for one in slack.messages()][1:] == ["1 more · 2 leads not accepted in time: Ben Roth"]
        await office.close()


async def test_that_all_are_over_is_told_while_it_is_snoozed_and_what_comes_again_meanwhile_is_not(
    office: Office, hook: Hook, pool: Any
) -> None:
    await office.opened(problem(1))
    await office.minutes(1)
    group = await pool.fetchval("SELECT id FROM alert_groups")
    await alerts.snooze(pool, group, office.clock.now() + timedelta(hours=1), "maria@acme.example", office.clock.now())
    await office.after(1)
    await office.opened(problem(1, opened=False))
    await office.minutes(6, 60)
    assert titles(hook)[1:] == ["Over · 1 lead not accepted in time: Ben Roth"]
    await office.opened(problem(2))
    await office.minutes(40, 60)
    assert len(hook.taken) == 2
    await office.minutes(20, 60)
    assert titles(hook)[2:] == ["1 lead not accepted in time: Ben Roth"]


async def test_the_companies_that_wait_longest_are_named_and_how_many_leads_there_are_besides(
    office: Office, hook: Hook, pool: Any
) -> None:
    now = office.clock.now()
    for n, company in enumerate(("Nordwind AS", "Fjord Metall", "Nordwind AS", "", "Hav AS", "Berg AS", "Elv AS")):
        await office.opened(replace(problem(n), lead_id=await lead(pool, now, company=company)))
    await office.minutes(1)
    (body,) = hook.taken.values()
    assert "From Nordwind AS (2), Fjord Metall, Hav AS and 3 more." in body["data"]["lines"]


async def test_quiet_hours_hold_what_does_not_wake(pool: Any, hook: Hook) -> None:
    always = (Quiet(frozenset(range(1, 8)), "00:00", "23:59"),)
    made = Office(pool, {"ops": ChannelSettings(url=hook.url, secrets={"secret": secret(SECRET)})})
    made.playbook = replace(made.playbook, alerts=replace(made.playbook.alerts, quiet=always))
    await made.opened(problem(1))
    await made.minutes(10, 60)
    assert hook.calls == []
    made.playbook = replace(agreed(wakes=True), alerts=replace(agreed(wakes=True).alerts, quiet=always))
    await made.opened(problem(2, owner="ana@acme.example"))
    await made.minutes(2)
    assert len(hook.calls) == 1
    await made.close()


async def test_no_message_is_busy_work(office: Office, hook: Hook, pool: Any) -> None:
    """While nothing changes, nothing is due until the repetition."""
    await office.opened(problem(1))
    await office.minutes(1)
    due = await alerts.next_due(pool)
    assert due is not None
    assert (due - office.clock.now()).total_seconds() > 4 * 3600 - 120
    assert await office.notifier.step() == 0


async def test_figures_count_what_was_sent(office: Office, hook: Hook, pool: Any) -> None:
    await office.opened(problem(1))
    await office.minutes(1)
    assert await telling.figures(pool) == {"sent": 1, "copies": 0, "waiting": 0}
