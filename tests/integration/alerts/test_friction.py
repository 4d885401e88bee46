"""The five signals of friction, each by the ledger in PostgreSQL: told when it is one, not below, with the leads behind it, to both managers, once a day."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync.alerts.friction import Friction
from sync.playbook.models.alerts import Channel, Quiet
from sync.runtime.clock import SetClock
from sync.settings import ChannelSettings
from tests.integration.alerts.ledger import handoff, lead, leg, parked
from tests.integration.alerts.office import EXAMPLE, HERE, Office, secret
from tests.integration.alerts.receivers import SECRET, Hook, Mailbox

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
THIS_WEEK, LAST_WEEK, LONG_AGO = NOON - timedelta(days=3), NOON - timedelta(days=10), NOON - timedelta(days=30)
MANAGERS = ["head.of.marketing@acme.example", "head.of.sales@acme.example"]


@dataclass
class Past:
    """What stands in the ledger."""

    pool: Any

    async def company(self, n: int) -> str:
        return await lead(self.pool, NOON, company=f"Company {n:02}")

    async def offers(self, at: datetime, rejected: int, of: int) -> None:
        for n in range(of):
            await self.put(n, at, "rejected" if n < rejected else "moved", owner=f"{n}@acme.example")

    async def put(self, n: int, at: datetime, ended: str | None, *, owner: str = "ben@acme.example") -> str:
        return await handoff(self.pool, await self.company(n), NOON, owner=owner, at=at, ended=ended)

    async def legs(self, at: datetime, late: int, of: int) -> None:
        for n in range(of):
            ident = await self.company(n)
            handed = await handoff(self.pool, ident, NOON, owner=f"{n}@acme.example", at=LONG_AGO)
            await leg(self.pool, ident, handed, at, breached=n < late)

    async def set_aside(self, at: datetime, count: int) -> None:
        for n in range(count):
            await parked(self.pool, await self.company(n), at)

    async def taken(self, at: datetime, count: int) -> None:
        for n in range(count):
            ident = await self.put(n, LONG_AGO, None)
            await self.pool.execute("UPDATE handoffs SET state = 'accepted', accepted_at = $2 WHERE id = $1::uuid", ident, at)

    async def unanswered(self, at: datetime, count: int, *, ended: str | None = "expired", answered: int = 0) -> None:
        for n in range(count):
            await self.put(n, at, ended)
        for n in range(answered):
            await self.put(n, at, "rejected")


Case = Callable[[Past], Awaitable[None]]


def case(*steps: Callable[[Past], Awaitable[None]]) -> Case:
    async def run(past: Past) -> None:
        for step in steps:
            await step(past)

    return run


@pytest.fixture
async def office(pool: Any, mailbox: Mailbox) -> AsyncIterator[Office]:
    playbook = replace(EXAMPLE, alerts=replace(EXAMPLE.alerts, quiet=()))
    made = Office(pool, {"mail": ChannelSettings(url=mailbox.url, address="team@acme.example")}, playbook, _at(NOON))
    yield made
    await made.close()


def _at(moment: datetime) -> SetClock:
    return SetClock(round(moment.timestamp() * 1000))


async def hours(office: Office, count: int) -> None:
    """Look every hour, and send what is to be said."""
    friction, ground = Friction(office.pool, office.clock), office.ground()
    for _ in range(count):
        await friction.look(ground)
        await office.after()
        office.clock.forward(3600)


SIGNALS = [
    pytest.param(
        case(lambda past: past.offers(LAST_WEEK, 2, 12), lambda past: past.offers(THIS_WEEK, 6, 12)),
        "Leads of emea do not fit: more are rejected",
        "6 of 12 offers were rejected in the last 7 days, 2 of 12 in the week before.",
        6,
        id="rejects",
    ),
    pytest.param(
        case(lambda past: past.legs(LAST_WEEK, 3, 10), lambda past: past.legs(THIS_WEEK, 5, 10)),
        "Accepting takes longer than agreed",
        "5 of 10 were late in the last 7 days, 3 of 10 in the week before.",
        5,
        id="late",
    ),
    pytest.param(
        case(lambda past: past.set_aside(LAST_WEEK, 4), lambda past: past.set_aside(NOON - timedelta(hours=2), 4)),
        "More is set aside at salesforce",
        "8 wait for somebody, a day ago it was 4: truce parked says why.",
        4,
        id="parked",
    ),
    pytest.param(
        case(lambda past: past.taken(LAST_WEEK, 5)),
        "Leads with Ben Roth stand still",
        "5 were accepted more than a week ago and have gone no further.",
        5,
        id="stale",
    ),
    pytest.param(
        case(lambda past: past.unanswered(THIS_WEEK, 5)),
        "Offers to Ben Roth get no answer",
        "5 offers of the last 7 days were neither accepted nor rejected.",
        5,
        id="silent",
    ),
]
BELOW = [
    pytest.param(case(lambda past: past.offers(THIS_WEEK, 4, 12)), id="four rejects"),
    pytest.param(case(lambda past: past.offers(LAST_WEEK, 5, 12), lambda past: past.offers(THIS_WEEK, 6, 12)), id="rejects as before"),
    pytest.param(case(lambda past: past.legs(LAST_WEEK, 4, 10), lambda past: past.legs(THIS_WEEK, 5, 10)), id="late as before"),
    pytest.param(case(lambda past: past.legs(THIS_WEEK, 4, 4)), id="four late"),
    pytest.param(
        case(lambda past: past.set_aside(LAST_WEEK, 4), lambda past: past.set_aside(NOON - timedelta(hours=2), 3)), id="parked, not twice"
    ),
    pytest.param(case(lambda past: past.taken(LAST_WEEK, 4)), id="four stale"),
    pytest.param(case(lambda past: past.taken(THIS_WEEK, 9)), id="not yet stale"),
    pytest.param(case(lambda past: past.unanswered(THIS_WEEK, 4)), id="four unanswered"),
    pytest.param(case(lambda past: past.unanswered(THIS_WEEK, 9, answered=1)), id="one answered"),
    pytest.param(case(lambda past: past.unanswered(NOON - timedelta(hours=1), 9, ended=None)), id="an hour ago"),
    pytest.param(case(lambda past: past.unanswered(THIS_WEEK, 9, ended="moved")), id="taken from them"),
]


@pytest.mark.parametrize(("happened", "title", "line", "behind"), SIGNALS)
async def test_a_signal_is_told_to_both_managers_once_a_day_with_the_leads_behind_it(
    office: Office, mailbox: Mailbox, pool: Any, happened: Case, title: str, line: str, behind: int
) -> None:
    await happened(Past(pool))
    await hours(office, 11)
    assert sorted((str(mail["To"]), str(mail["Subject"])) for mail in mailbox.mails) == [(who, title) for who in MANAGERS]
    body = mailbox.mails[0].get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert line in text
    named = ", ".join(f"Company {n:02}" for n in range(min(behind, 5)))
    assert f"Behind it: {named}{' and more' if behind > 5 else ''}." in text
    assert "Vera Holm and Paul Stein together" in text
    await hours(office, 1)
    assert len(mailbox.mails) == 4, "midnight in Berlin"


@pytest.mark.parametrize("happened", BELOW)
async def test_less_than_that_is_no_signal(office: Office, mailbox: Mailbox, pool: Any, happened: Case) -> None:
    await happened(Past(pool))
    await hours(office, 2)
    assert mailbox.subjects() == []


async def test_a_day_is_that_of_the_agreement_wherever_it_is(office: Office, mailbox: Mailbox, pool: Any) -> None:
    office.playbook = replace(office.playbook, alerts=replace(office.playbook.alerts, timezone="America/Los_Angeles"))
    await Past(pool).unanswered(THIS_WEEK, 5)
    office.clock.ms = round(datetime(2026, 11, 25, 17, 0, tzinfo=UTC).timestamp() * 1000)  # nine in the morning
    await hours(office, 15)
    assert len(mailbox.mails) == 2
    await hours(office, 1)
    assert len(mailbox.mails) == 4


async def test_in_quiet_hours_it_waits(office: Office, mailbox: Mailbox, pool: Any) -> None:
    every = (Quiet(frozenset(range(1, 8)), "00:00", "14:30"),)
    office.playbook = replace(office.playbook, alerts=replace(office.playbook.alerts, quiet=every))
    await Past(pool).unanswered(THIS_WEEK, 5)
    await hours(office, 2)
    assert mailbox.subjects() == [], "one and two o'clock in Berlin"
    await hours(office, 1)
    assert len(mailbox.mails) == 2


async def test_where_no_channel_reaches_people_the_root_is_told(pool: Any, hook: Hook) -> None:
    root = EXAMPLE.alerts.root
    assert root is not None
    alone = replace(EXAMPLE.alerts, quiet=(), root=replace(root, to=("ops",)), channels={"ops": Channel("ops", "webhook", HERE)})
    made = Office(
        pool, {"ops": ChannelSettings(url=hook.url, secrets={"secret": secret(SECRET)})}, replace(EXAMPLE, alerts=alone), _at(NOON)
    )
    await Past(pool).unanswered(THIS_WEEK, 5)
    await hours(made, 3)
    assert [body["data"]["title"] for body in hook.taken.values()] == ["Offers to Ben Roth get no answer"]
    await made.close()
