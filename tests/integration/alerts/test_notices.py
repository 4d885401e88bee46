"""A person is told about a hand-off through what reaches them; the lead agent hears that the card arrived."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from connectors.emulator.control import serve
from connectors.emulator.slack import Person, Slack
from schemas.envelope import read
from schemas.notice import NoticeSent
from sync.lead import hours
from sync.playbook.models.alerts import Channel
from sync.settings import ChannelSettings
from tests.integration.alerts.ledger import handoff, lead, leg, notice
from tests.integration.alerts.office import HERE, Office, agreed, secret
from tests.integration.alerts.receivers import Mailbox


@pytest.fixture
async def office(pool: Any, mailbox: Mailbox) -> AsyncIterator[Office]:
    made = Office(pool, {"mail": ChannelSettings(url=mailbox.url, address="team@acme.example", options={"from": "truce@acme.example"})})
    yield made
    await made.close()


async def test_the_card_goes_to_its_person_once_and_the_lead_agent_is_told(office: Office, mailbox: Mailbox, pool: Any) -> None:
    now = office.clock.now()
    lead_id = await lead(pool, now)
    handoff_id = await handoff(pool, lead_id, now)
    ident = await notice(pool, lead_id, handoff_id, "offered", "ana@acme.example", now)
    await office.minutes(2)
    assert [str(mail["To"]) for mail in mailbox.mails] == ["ana@acme.example"]
    assert "Kim Larsen" in mailbox.subjects()[0]
    assert len(office.published) == 1
    said = read(office.published[0][1], office.published[0][2]).data
    assert isinstance(said, NoticeSent)
    assert (said.lead_id, said.handoff, said.offer, said.channel) == (lead_id, handoff_id, 1, "mail")
    assert await pool.fetchval("SELECT sent_at IS NOT NULL FROM notices WHERE id = $1", ident)


async def test_a_card_of_an_offer_that_has_ended_is_not_sent(office: Office, mailbox: Mailbox, pool: Any) -> None:
    now = office.clock.now()
    lead_id = await lead(pool, now)
    handoff_id = await handoff(pool, lead_id, now, ended="expired")
    await notice(pool, lead_id, handoff_id, "offered", "ana@acme.example", now)
    await notice(pool, lead_id, handoff_id, "expired", "ana@acme.example", now)
    await office.minutes(2)
    assert mailbox.mails == []
    assert office.published == []


async def test_who_lost_it_is_told_where_the_card_cannot_be_changed(office: Office, mailbox: Mailbox, pool: Any) -> None:
    now = office.clock.now()
    lead_id = await lead(pool, now)
    handoff_id = await handoff(pool, lead_id, now)
    await notice(pool, lead_id, handoff_id, "offered", "ana@acme.example", now)
    await office.after(1)
    await notice(pool, lead_id, handoff_id, "moved", "ana@acme.example", now, to="maria@acme.example")
    await notice(pool, lead_id, handoff_id, "closed", "ana@acme.example", now)
    await office.minutes(1)
    assert len(mailbox.mails) == 2  # that it is closed only changes the card
    body = mailbox.mails[1].get_body(("plain",))
    assert body is not None
    assert "Maria Lund" in body.get_content()


@pytest.mark.parametrize(("kind", "says"), [("accepted", "Accepted by"), ("moved", "Moved to Maria Lund")])
async def test_a_reminder_does_not_ask_any_more_once_it_went_on(pool: Any, kind: str, says: str) -> None:
    people = [Person("U0000ANA", "ana@acme.example", "Ana Diaz"), Person("U00MARIA", "maria@acme.example", "Maria Lund")]
    slack = Slack(people, {"C000SALES": "sales"}, unlimited=True)
    async with serve(slack.app) as there:
        room = ChannelSettings(url=f"{there.url}/api/", address="C000SALES", secrets={"token": secret("emulated-bot-token")})
        office = Office(pool, {"room": room}, agreed(("room",), channels={"room": Channel("room", "slack", HERE)}))
        now = office.clock.now()
        lead_id = await lead(pool, now)
        handoff_id = await handoff(pool, lead_id, now)
        await leg(pool, lead_id, handoff_id, now)
        for asked, who in (("offered", "ana"), ("warned", "ana"), ("escalated", "maria")):
            await notice(pool, lead_id, handoff_id, asked, f"{who}@acme.example", now, leg="accept")
            await office.after(1)
        card, reminder, boss = slack.messages()
        assert "Accept" in str(reminder.blocks)
        await notice(pool, lead_id, handoff_id, kind, "ana@acme.example", now, to="maria@acme.example")
        await office.after(1)
        assert len(slack.messages()) == 3, "it is changed in place, and said once"
        for one in (card, reminder) if kind == "moved" else (card, reminder, boss):
            assert says in str(one.blocks)
            assert "'accept'" not in str(one.blocks)
        assert "Why?" not in str(reminder.blocks), "what is left to press is on the card"
        await office.close()


async def test_a_reminder_that_was_mail_is_not_sent_again_beside_what_the_card_says(office: Office, mailbox: Mailbox, pool: Any) -> None:
    now = office.clock.now()
    lead_id = await lead(pool, now)
    handoff_id = await handoff(pool, lead_id, now)
    for kind in ("offered", "warned", "moved"):
        await notice(pool, lead_id, handoff_id, kind, "ana@acme.example", now, leg="accept", to="maria@acme.example")
        await office.after(1)
    assert len(mailbox.mails) == 3


async def test_times_are_those_of_the_readers_slack_where_the_playbook_says_no_zone_for_them(pool: Any) -> None:
    slack = Slack([Person("U00MARIA", "maria@acme.example", "Maria Lund", tz="Pacific/Auckland")], {"C000SALES": "sales"}, unlimited=True)
    async with serve(slack.app) as there:
        room = ChannelSettings(url=f"{there.url}/api/", address="C000SALES", secrets={"token": secret("emulated-bot-token")})
        office = Office(pool, {"room": room}, agreed(("room",), channels={"room": Channel("room", "slack", HERE)}))
        now = office.clock.now()
        lead_id = await lead(pool, now)
        due = round(now.timestamp() * 1000) - 60_000
        await notice(pool, lead_id, await handoff(pool, lead_id, now), "escalated", "maria@acme.example", now, leg="accept", due=due)
        await office.after(1)
        (card,) = slack.messages()
        assert f"was due {hours.moment(due, office.clock.now_ms(), 'Pacific/Auckland')}" in str(card.blocks)
        await office.close()
