"""Services behind apprise (JSON, Teams, PagerDuty): what arrives is harmless, what is refused has the next channel within a minute."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from apprise.plugins import pagerduty

from sync.alerts.apprise import open_channel
from sync.alerts.channel import Link, Message, Outlet, Refused
from sync.alerts.escape import unmarked
from sync.playbook.models.alerts import Channel
from sync.settings import ChannelSettings
from sync.store import telling
from tests.integration.alerts.office import HERE, Office, agreed, problem
from tests.integration.alerts.receivers import Mailbox
from tests.integration.alerts.services import Service, certificate
from tests.unit.alerts.test_escape import NASTY

SIGNS = set("*_`~[]|#<>@\\&\r\x1b\u202e")
HOSTILE = Message(" ".join(NASTY), (*NASTY, "<at>everyone</at>"), (Link(NASTY[0], "http://truce.example/problems?group=1"),))


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    async with Service() as made:
        yield made


@pytest.fixture
async def office(pool: Any, service: Service, mailbox: Mailbox) -> AsyncIterator[Office]:
    channels = {"ops": Channel("ops", "apprise", HERE, "mail"), "mail": Channel("mail", "email", HERE)}
    settings = {
        "ops": ChannelSettings(url=f"json://{service.place}/"),
        "mail": ChannelSettings(url=mailbox.url, address="team@acme.example", options={"from": "truce@acme.example"}),
    }
    made = Office(pool, settings, agreed(channels=channels))
    yield made
    await made.close()


async def test_what_arrives_is_text_and_nothing_else(service: Service) -> None:
    await open_channel(Outlet("ops", "apprise", url=f"json://{service.place}/")).send(HOSTILE, key="n-1")
    (post,) = service.posts
    assert post["type"] == "warning"
    assert not SIGNS & set(post["title"] + post["message"])
    assert len(post["message"].splitlines()) == len(HOSTILE.lines) + len(HOSTILE.links)
    assert post["message"].endswith(": http://truce.example/problems?group=1")


async def test_teams_reads_no_order_out_of_a_name(tmp_path: Path) -> None:
    async with Service(certificate(tmp_path)) as service:
        teams = open_channel(Outlet("ops", "apprise", secrets={"url": f"workflow://{service.place}/flow/sig?verify=no&image=no"}))
        await teams.send(HOSTILE, key="n-1")
    card = service.posts[0]["attachments"][0]["content"]
    assert [one["type"] for one in card["body"]] == ["TextBlock"] * len(card["body"])
    shown = "".join(one["text"] for one in card["body"]).replace("\\", "")  # apprise's own escapes, for Markdown
    assert not SIGNS & set(shown)
    assert "entities" not in card["msteams"], "nobody is mentioned"


async def test_pagerduty_is_paged_with_the_same_words(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, pagerduty.PagerDutyRegion.US, f"http://{service.place}/v2/enqueue")
    await open_channel(Outlet("ops", "apprise", url=f"pagerduty://{'k' * 32}@{'a' * 20}/truce/alerts?image=no")).send(HOSTILE, key="n-1")
    (post,) = service.posts
    assert (post["event_action"], post["payload"]["severity"]) == ("trigger", "warning")
    title, *lines = post["payload"]["summary"].splitlines()
    assert (title, len(lines)) == (unmarked(HOSTILE.title), len(HOSTILE.lines) + len(HOSTILE.links))
    assert not SIGNS & set("".join(lines))


@pytest.mark.parametrize("url", ["", "nothing-known://host", "json://"])
def test_an_address_that_apprise_does_not_know_stays_refused(url: str) -> None:
    with pytest.raises(Refused) as refused:
        open_channel(Outlet("ops", "apprise", url=url))
    assert refused.value.permanent


async def test_refused_the_next_channel_has_it_within_a_minute_and_one_message_says_so(
    office: Office, service: Service, mailbox: Mailbox, pool: Any
) -> None:
    service.status = 503
    await office.opened(problem(1))
    await office.minutes(1.5)
    assert mailbox.subjects()[0] == "1 lead not accepted in time: Ben Roth"
    took = "SELECT m.sent_at - f.first_at FROM alert_messages m, alert_messages f WHERE m.state = 'sent' AND f.state = 'refused' LIMIT 1"
    assert (await pool.fetchval(took)).total_seconds() <= 60
    await office.opened(*(problem(n, owner=f"p{n}@acme.example") for n in range(2, 9)))
    await office.minutes(4)
    assert len([subject for subject in mailbox.subjects() if subject.startswith("Alerts cannot be delivered")]) == 1
    assert len([subject for subject in mailbox.subjects() if "not accepted" in subject]) == 8
    assert service.posts == []
    service.status = 200
    await office.opened(problem(20, owner="z@acme.example"))
    await office.minutes(1)
    assert [post["title"] for post in service.posts if "z＠acme.example" in post["title"]] == [
        "1 lead not accepted in time: z＠acme.example"
    ]
    assert await pool.fetchval("SELECT count(*) FROM problems WHERE kind = 'alerts_failing' AND closed_at IS NULL") == 0


async def test_what_it_may_have_taken_is_counted_when_it_is_sent_again(office: Office, service: Service, pool: Any) -> None:
    service.hangs_up = True
    await office.opened(problem(1))
    await office.after(10)
    await office.after(30)
    service.hangs_up = False
    await office.after(10)
    assert len(service.posts) == 2
    assert await telling.figures(pool) == {"sent": 1, "copies": 1, "waiting": 0}
