"""Companies that were on the website: the account's owner is told, at once while an opportunity is open, else once a day; others are listed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from httpx import ASGITransport, AsyncClient

from sync.alerts.visits import Visits
from sync.console.problems import app
from sync.console.visits import key
from sync.lead.ledger import Entry, Shown
from sync.playbook.models.alerts import Alerts, Channel, Quiet
from sync.settings import ChannelSettings
from sync.store import accounts, visits
from sync.store.statement import run
from sync.store.visits import Visit
from tests.integration.alerts.office import EXAMPLE, HERE, Office, agreed, secret
from tests.integration.alerts.receivers import SECRET, Hook, Mailbox

ANA, AT = "ana@acme.example", 1_763_888_400_000
ZONE = "Europe/Berlin"


def entry(kind: Any, ref: str, **values: Any) -> Entry:
    return Entry(kind, ref, {name: Shown(value, AT) for name, value in values.items()}, AT)


KNOWN = [
    entry("account", "salesforce:Account:001N", name="Nordwind AS", domain="nordwind.example", owner=ANA),
    entry("account", "hubspot:companies:55", name="nordwind", domain="www.nordwind.example"),
    entry("opportunity", "salesforce:Opportunity:006N", name="Nordwind 2027", stage="prospecting", account="salesforce:Account:001N"),
    entry("account", "salesforce:Account:001F", name="Fjord Metall", domain="fjord.example", owner=ANA),
    entry("account", "salesforce:Account:001W", name="Werk", domain="werk.example", owner=ANA),
    entry("account", "salesforce:Account:001Q", name="Nobody's", domain="nobodys.example"),
]


class Desk:
    """The notifier's look at visits, with a clock that the test moves."""

    def __init__(self, office: Office, mailbox: Mailbox) -> None:
        self.office, self.mailbox, self.pool, self.count = office, mailbox, office.pool, 0
        self.visits = Visits(office.pool, office.clock)

    async def came(self, *domains: str, pages: int = 2) -> None:
        """Somebody from these companies was there."""
        for domain in domains:
            self.count += 1
            await visits.put(self.pool, Visit("visitors", f"msg_{self.count}", domain, domain, self.office.clock.now(), pages, 75, "ads"))

    async def after(self, seconds: float) -> list[str]:
        """Let time pass, look, and give what was mailed meanwhile."""
        before = len(self.mailbox.mails)
        self.office.clock.forward(seconds)
        await self.visits.look(self.office.ground())
        await self.office.after()
        return [f"{mail['To']}: {mail['Subject']}" for mail in self.mailbox.mails[before:]]

    def set_to(self, clock: str, day: int) -> None:
        hour, minute = map(int, clock.split(":"))
        self.office.clock.ms = round(datetime(2026, 12, day, hour, minute, tzinfo=ZoneInfo(ZONE)).timestamp() * 1000)

    def last(self) -> str:
        """Give the text of the newest mail."""
        part = self.mailbox.mails[-1].get_body(("plain",))
        assert part is not None
        return str(part.get_content())


@pytest.fixture
async def desk(pool: Any, mailbox: Mailbox) -> AsyncIterator[Desk]:
    settings = {"mail": ChannelSettings(url=mailbox.url, address="team@acme.example", options={"from": "truce@acme.example"})}
    playbook = agreed(("mail",), channels={"mail": Channel("mail", "email", HERE)})
    office = Office(pool, settings, replace(playbook, alerts=replace(playbook.alerts, timezone=ZONE)))
    await run(pool, accounts.write(KNOWN))
    made = Desk(office, mailbox)
    made.set_to("10:00", 2)  # a Wednesday
    await made.after(0)
    yield made
    await office.close()


async def test_while_an_opportunity_is_open_the_owner_is_told_at_once_and_then_no_more_for_a_while(desk: Desk) -> None:
    await desk.came("nordwind.example", "nordwind.example")
    assert await desk.after(5) == [f"{ANA}: Nordwind AS is on your website: an opportunity is open"]
    assert "2 visits · 4 pages · 2 min · from ads · last Wed 02 Dec 10:00" in desk.last()
    assert "Open: Nordwind 2027" in desk.last()
    await desk.came("nordwind.example")
    assert await desk.after(3600) == [], "the digest has it"
    await desk.came("nordwind.example")
    assert len(await desk.after(4 * 3600)) == 1


async def test_other_accounts_are_told_once_a_day_in_one_message(desk: Desk) -> None:
    await desk.came("fjord.example", "werk.example", "werk.example", "nordwind.example")
    assert len(await desk.after(5)) == 1, "only the one with an opportunity"
    assert await desk.after(3600) == []
    desk.set_to("08:31", 3)
    assert await desk.after(0) == [f"{ANA}: 2 of your accounts were on your website"]
    told = desk.last()
    assert told.index("Werk (werk.example): 2 visits") < told.index(
        "Fjord Metall (fjord.example): one visit · 2 pages · 1 min · from ads · Wed 02 Dec 10:00"
    )
    assert await desk.after(3600) == []
    desk.set_to("08:31", 4)
    assert await desk.after(0) == [], "nothing new"


async def test_what_is_nobodys_stands_on_the_list_and_nobody_is_told(desk: Desk) -> None:
    await desk.came("stranger.example", "stranger.example", "nobodys.example", "fjord.example")
    assert await desk.after(5) == []
    desk.set_to("08:31", 3)
    assert [one.partition(": ")[2] for one in await desk.after(0)] == ["One of your accounts was on your website"]
    since = desk.office.clock.now() - timedelta(days=30)
    rows = {row["domain"]: (row["visits"], row["pages"]) for row in await visits.listed(desk.pool, since)}
    assert rows == {"stranger.example": (2, 4), "nobodys.example": (1, 2)}
    assert "fjord.example" in {row["domain"] for row in await visits.listed(desk.pool, since, known=True)}
    assert await desk.pool.fetchval("SELECT count(*) FROM leads") == 0


async def test_however_many_pages_a_visitor_looked_at_they_are_counted(desk: Desk) -> None:
    await desk.came("stranger.example", "stranger.example", "stranger.example", pages=999_999_999)
    (row,) = await visits.listed(desk.pool, desk.office.clock.now() - timedelta(days=30))
    assert row["pages"] == 2_999_999_997


async def test_in_quiet_hours_and_without_a_channel_it_waits(desk: Desk) -> None:
    book = desk.office.playbook
    desk.office.playbook = replace(book, alerts=replace(book.alerts, quiet=(Quiet(frozenset(range(1, 8)), "09:00", "18:00"),)))
    await desk.came("nordwind.example")
    assert await desk.after(5) == []
    desk.office.playbook = replace(EXAMPLE, alerts=Alerts())
    await desk.came("nordwind.example")
    assert await desk.after(5) == []
    desk.office.playbook = book
    assert len(await desk.after(5)) == 1, "what came while there was no channel"
    desk.set_to("08:31", 3)
    assert len(await desk.after(0)) == 1, "what came in quiet hours"


async def test_where_no_channel_reaches_the_owner_and_the_roots_is_not_set_up_the_first_that_is_tells_for_them(
    desk: Desk, hook: Hook
) -> None:  # fmt: skip
    """Whatever is set up is told, or the visits stay untold: nobody's hearing of them is no telling."""
    await desk.office.close()
    settings = {"hook": ChannelSettings(url=hook.url, secrets={"secret": secret(SECRET)})}
    book = agreed(("mail",), channels={"mail": Channel("mail", "email", HERE), "hook": Channel("hook", "webhook", HERE)})
    desk.office = Office(desk.pool, settings, replace(book, alerts=replace(book.alerts, timezone=ZONE)), desk.office.clock)
    await desk.came("nordwind.example", "fjord.example", "werk.example")
    await desk.after(5)
    desk.set_to("08:31", 3)
    await desk.after(0)
    assert [one["data"]["title"] for one in hook.taken.values()] == [
        "Nordwind AS is on your website: an opportunity is open",
        "2 of Ana Diaz's accounts were on your website",
    ]
    assert "It is Ana Diaz's account (nordwind.example). Who it was nobody knows." in next(iter(hook.taken.values()))["data"]["lines"]
    assert await desk.pool.fetchval("SELECT count(*) FROM visits WHERE told = 'owner'") == 3


async def test_two_notifiers_tell_once(desk: Desk) -> None:
    await desk.came("nordwind.example")
    other = Visits(desk.pool, desk.office.clock)
    desk.office.clock.forward(5)
    async with desk.pool.acquire() as held, held.transaction():
        await held.fetchval("SELECT at FROM alert_ticks WHERE name = 'visits' FOR UPDATE")
        await other.look(desk.office.ground())
        assert await desk.pool.fetchval("SELECT count(*) FROM alert_messages") == 0, "another one is at it"
    assert len(await desk.after(5)) == 1
    await other.look(desk.office.ground())
    assert await desk.pool.fetchval("SELECT count(*) FROM alert_messages") == 1


async def test_the_page_lists_strange_companies_for_whoever_has_the_link(desk: Desk) -> None:
    await desk.came("stranger.example", "<b>bold</b>.example", "stranger.example", "nordwind.example")
    await desk.after(60)

    async def playbook() -> Any:
        return EXAMPLE

    pages = AsyncClient(
        transport=ASGITransport(app(desk.pool, playbook, b"secret", desk.office.clock.now)), base_url="http://truce.example"
    )
    async with pages as client:
        page = await client.get("/visits", params={"key": key(b"secret")})
        refused = [(await client.get("/visits", params={"key": one})).status_code for one in ("", key(b"other"), "é")]
    assert (page.status_code, refused) == (200, [404, 404, 404])
    assert "stranger.example" in page.text
    assert "nordwind.example" not in page.text, "its owner is told"
    assert "<b>" not in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
