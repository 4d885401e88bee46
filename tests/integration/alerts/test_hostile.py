"""A company called `<!channel>`, `*bold*`, `<script>`, CR/LF or ANSI: what it is called arrives as words in every channel, and on the page behind it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient

from connectors.emulator.control import serve
from connectors.emulator.slack import Person, Slack
from sync.alerts import terminal
from sync.alerts.friction import Friction
from sync.console.problems import app
from sync.playbook.models.alerts import Alerts, Channel, Digest, Medium
from sync.settings import ChannelSettings
from tests.integration.alerts.asana_server import PROJECT, TOKEN, AsanaServer
from tests.integration.alerts.ledger import handoff, lead, notice
from tests.integration.alerts.office import HERE, Office, agreed, problem, secret
from tests.integration.alerts.receivers import SECRET, Hook, Mailbox
from tests.integration.alerts.services import Service
from tests.property.test_cards import harmless
from tests.unit.alerts.test_escape import NASTY, tags

ROOM, ANA = "C000SALES", "ana@acme.example"
MEDIA: dict[str, Medium] = {"room": "slack", "mail": "email", "hook": "webhook", "tasks": "asana", "ops": "apprise"}
TAGS = {"html", "body", "div", "h1", "p", "a"}


@dataclass
class Everywhere:
    """One of each channel, each with its receiver."""

    office: Office
    slack: Slack
    mailbox: Mailbox
    hook: Hook
    asana: AsanaServer
    service: Service

    def came(self) -> dict[str, int]:
        """Count what came where."""
        sizes = (len(self.slack.messages()), len(self.mailbox.mails), len(self.hook.taken), len(self.asana.tasks), len(self.service.posts))
        return dict(zip(MEDIA, sizes, strict=True))

    def texts(self) -> list[str]:
        """Give every text that is to be one line, from wherever it came; what Slack and HTML make of theirs is looked at on the way."""
        found: list[str] = []
        assert self.slack.called() == []
        for one in self.slack.messages():
            harmless(one.text, list(one.blocks))
            found.append(one.text)
        for mail in self.mailbox.mails:
            plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
            assert plain is not None
            assert page is not None
            assert {name for name, _ in tags(page.get_content())} <= TAGS
            assert mail["Bcc"] is None
            found += [str(mail["Subject"]), *plain.get_content().replace("\r\n", "\n").split("\n")]
        for body in self.hook.taken.values():
            found += [body["data"]["title"], *body["data"].get("lines", ())]
        for task in self.asana.tasks.values():
            found += [task["name"], *task["notes"].split("\n")]
        for post in self.service.posts:
            lines = [post["title"], *post["message"].split("\n")]
            assert not set("*_`~[]|#<>@\\&") & set("".join(lines).replace("http://truce.example/problems?group=", ""))
            found += lines
        return found


@pytest.fixture
async def everywhere(pool: Any, mailbox: Mailbox, hook: Hook) -> AsyncIterator[Everywhere]:
    slack = Slack(
        [Person("U0000ANA", ANA, "Ana Diaz"), Person("U000VERA", "head.of.sales@acme.example", "Vera Holm")],
        {ROOM: "alerts"},
        unlimited=True,
    )
    async with serve(slack.app) as there, AsanaServer() as asana, Service() as service:
        settings = {
            "room": ChannelSettings(url=f"{there.url}/api/", address=ROOM, secrets={"token": secret("emulated-bot-token")}),
            "mail": ChannelSettings(url=mailbox.url, address="team@acme.example", options={"from": "truce@acme.example"}),
            "hook": ChannelSettings(url=hook.url, secrets={"secret": secret(SECRET)}),
            "tasks": ChannelSettings(url=asana.url, address=PROJECT, secrets={"token": secret(TOKEN)}),
            "ops": ChannelSettings(url=f"json://{service.place}/"),
        }
        channels = {name: Channel(name, medium, HERE) for name, medium in MEDIA.items()}
        office = Office(pool, settings, agreed(tuple(MEDIA), channels=channels))
        yield Everywhere(office, slack, mailbox, hook, asana, service)
        await office.close()


def legible(text: str) -> bool:
    return not any(unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") for sign in text)


def with_digest(office: Office) -> Alerts:
    alerts = office.playbook.alerts
    assert alerts.root is not None
    return replace(alerts, root=replace(alerts.root, digest=True), digest=Digest(frozenset(range(1, 8)), "08:30", tuple(MEDIA)))


async def test_a_failure_whose_text_says_what_a_company_is_called(everywhere: Everywhere, pool: Any) -> None:
    for n, name in enumerate(NASTY):
        await everywhere.office.opened(replace(problem(n, owner=name), text=f"{name} was not accepted"))
    for _ in range(5 * len(NASTY)):  # Slack takes one message a second
        await everywhere.office.after(10)
    assert everywhere.came() == dict.fromkeys(MEDIA, len(NASTY))
    texts = everywhere.texts()
    assert [text for text in texts if not legible(text)] == []
    assert sum("was not accepted" in text for text in texts) >= 4 * len(NASTY)


async def test_a_digest_and_a_signal_of_friction_with_such_names(everywhere: Everywhere, pool: Any) -> None:
    office = everywhere.office
    office.playbook = replace(office.playbook, alerts=with_digest(office))
    now = office.clock.now()
    for n, name in enumerate(NASTY):
        await office.opened(replace(problem(n, "bad_value", None), system=name))
        await handoff(pool, await lead(pool, now, company=name), now, ended="rejected", at=now - timedelta(hours=30))
    await office.minutes(24 * 60, step_s=1800)
    assert all(everywhere.came().values())
    texts = everywhere.texts()
    assert [text for text in texts if not legible(text)] == []
    await Friction(pool, office.clock).look(office.ground())
    await office.minutes(1)
    assert [text for text in everywhere.texts() if not legible(text)] == []
    assert any("Behind it: " in str(one.blocks) for one in everywhere.slack.messages())


async def test_a_card_of_such_a_company(everywhere: Everywhere, pool: Any) -> None:
    office = everywhere.office
    now = office.clock.now()
    for name in NASTY:
        ident = await lead(pool, now, company=name)
        await notice(pool, ident, await handoff(pool, ident, now), "offered", ANA, now)
    for _ in range(2 * len(NASTY)):
        await office.after(10)
    assert everywhere.came()["room"] == len(NASTY)
    assert [text for text in everywhere.texts() if not legible(text)] == []


async def test_the_page_behind_it_and_the_terminal(everywhere: Everywhere, pool: Any) -> None:
    office = everywhere.office
    for n, name in enumerate(NASTY):
        ident = await lead(pool, office.clock.now(), company=name)
        await office.opened(replace(problem(n, lead_id=ident), text=f"{name} was not accepted"))
    async with pool.acquire() as connection:
        lines = await terminal.claim(connection)
    assert len(lines) == len(NASTY)
    assert [line for line in lines if not legible(line)] == []
    await office.minutes(1)

    async def playbook() -> Any:
        return office.playbook

    token = await pool.fetchval("SELECT token FROM alert_groups")
    async with AsyncClient(transport=ASGITransport(app(pool, playbook)), base_url="http://truce.example") as client:
        page = (await client.get("/problems", params={"group": token})).text
    cells = re.findall(r"<td[^>]*>(.*?)</td>", page, flags=re.S)
    assert len(cells) == 5 * len(NASTY)
    assert [cell for cell in cells if "<" in cell or not legible(cell)] == []
