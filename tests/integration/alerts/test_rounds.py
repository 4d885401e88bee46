"""The auditor finds a lost hand-off by SQL alone; friction reaches both managers; the list page shows company and owner, no more."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from httpx import ASGITransport, AsyncClient

from sync.alerts.flush import Ground
from sync.alerts.friction import Friction
from sync.alerts.rounds import Rounds
from sync.console.problems import app
from sync.lead.decision import ProblemNote
from sync.playbook.models.alerts import Quiet
from sync.settings import ChannelSettings
from sync.store import audit
from tests.integration.alerts.ledger import handoff, lead
from tests.integration.alerts.office import EXAMPLE, Office, agreed, problem
from tests.integration.alerts.receivers import Mailbox


@pytest.fixture
async def office(pool: Any, mailbox: Mailbox) -> AsyncIterator[Office]:
    made = Office(
        pool,
        {"mail": ChannelSettings(url=mailbox.url, address="team@acme.example", options={"from": "truce@acme.example"})},
        agreed(("mail",)),
    )
    yield made
    await made.close()


async def test_the_auditor_finds_a_hand_off_that_was_lost_and_says_so_once(office: Office, mailbox: Mailbox, pool: Any) -> None:
    now = office.clock.now()
    leads = [await lead(pool, now) for _ in range(3)]
    ids = [await handoff(pool, one, now) for one in leads]
    rounds, ground = Rounds(pool, office.clock), Ground(office.playbook, office.outlets.ready(office.playbook))
    await rounds.audit(ground)
    assert await audit.lost(pool, now) == []
    await pool.execute("DELETE FROM handoffs WHERE id = $1::uuid", ids[1])
    office.clock.forward(301)
    await rounds.audit(ground)
    assert [row["key"] for row in await pool.fetch("SELECT key FROM problems WHERE kind = 'no_handoff' AND closed_at IS NULL")] == [
        leads[1]
    ]
    await office.minutes(2)
    assert mailbox.subjects() == ["1 lead handed to sales without an owner or an open hand-off: Ana Diaz"]
    await handoff(pool, leads[1], now)
    office.clock.forward(301)
    await rounds.audit(ground)
    assert await pool.fetchval("SELECT count(*) FROM problems WHERE closed_at IS NULL") == 0


async def test_an_mql_without_an_owner_is_found_unless_a_problem_says_why(pool: Any, office: Office) -> None:
    now = office.clock.now()
    known = await lead(pool, now)
    await handoff(pool, known, now)
    alone, said = await lead(pool, now, owner=None), await lead(pool, now, owner=None)
    await office.opened(ProblemNote("unrouted", said, True, "nobody may be given this lead", lead_id=said))
    assert await audit.look(pool, now) == 1
    assert await pool.fetchval("SELECT lead_id::text FROM problems WHERE kind = 'no_handoff'") == alone


async def test_friction_goes_to_both_managers_together_once_a_day(pool: Any, mailbox: Mailbox) -> None:
    made = Office(pool, {"mail": ChannelSettings(url=mailbox.url, address="team@acme.example")}, EXAMPLE)
    made.playbook = replace(EXAMPLE, alerts=replace(EXAMPLE.alerts, quiet=()))
    now = made.clock.now()
    for n in range(6):
        await handoff(pool, await lead(pool, now, company=f"Company {n}"), now, ended="rejected", at=now - timedelta(hours=30))
    friction, ground = Friction(pool, made.clock), Ground(made.playbook, made.outlets.ready(made.playbook))
    for _ in range(3):
        await friction.look(ground)
        made.clock.forward(10)
    await made.after()
    found = [(str(mail["To"]), str(mail["Subject"])) for mail in mailbox.mails]
    title = "Leads of emea do not fit: more are rejected"
    assert sorted(found) == [("head.of.marketing@acme.example", title), ("head.of.sales@acme.example", title)]
    body = mailbox.mails[0].get_body(("plain",))
    assert body is not None
    assert "6 of 6 offers were rejected in the last 7 days" in body.get_content()
    assert "Company 0" in body.get_content()
    await made.close()


async def test_no_friction_is_told_in_quiet_hours(pool: Any, office: Office) -> None:
    quiet = replace(office.playbook, alerts=replace(office.playbook.alerts, quiet=(Quiet(frozenset(range(1, 8)), "00:00", "23:59"),)))
    now = office.clock.now()
    for _ in range(6):
        await handoff(pool, await lead(pool, now), now, ended="rejected", at=now - timedelta(hours=30))
    await Friction(pool, office.clock).look(Ground(quiet, office.outlets.ready(quiet)))
    assert await pool.fetchval("SELECT count(*) FROM alert_messages") == 0


async def test_the_sign_of_life_stops_when_alerts_do_not_go_out(pool: Any, office: Office, mailbox: Mailbox) -> None:
    beats: list[str] = []

    async def beat(request: web.Request) -> web.Response:
        beats.append(request.path)
        return web.Response(text="OK")

    server = web.Application()
    server.router.add_get("/alive", beat)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    rounds = Rounds(pool, office.clock, f"http://127.0.0.1:{runner.addresses[0][1]}/alive")
    ground = Ground(office.playbook, office.outlets.ready(office.playbook))
    for _ in range(3):
        await rounds.beat(ground)
        office.clock.forward(61)
    assert beats == ["/alive"] * 3
    mailbox.refuse = "451 later"
    await office.opened(problem(1))
    await office.minutes(7)
    await rounds.beat(ground)
    assert len(beats) == 3
    await rounds.close()
    await runner.cleanup()


async def test_the_list_shows_each_problem_with_company_and_owner_and_nothing_of_the_person(
    pool: Any, office: Office, mailbox: Mailbox, postgres: str, installation: str
) -> None:
    now = office.clock.now()
    hostile = await lead(pool, now, company="<script>alert(1)</script>")
    await office.opened(*(problem(n, lead_id=hostile) for n in range(250)))
    await office.minutes(1)
    token = await pool.fetchval("SELECT token FROM alert_groups")

    async def playbook() -> Any:
        return EXAMPLE

    pages = app(pool, playbook)

    async with AsyncClient(transport=ASGITransport(pages), base_url="http://truce.example") as client:
        found = await client.get("/problems", params={"group": token})
        second = await client.get("/problems", params={"group": token, "page": 1})
        wrong = [await client.get("/problems", params={"group": text}) for text in ("", "0" * 32, "' OR 1=1", token[:-1])]
    assert found.status_code == 200
    assert found.text.count("<tr>") == 201
    assert second.text.count("<tr>") == 51
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in found.text
    assert "<script" not in found.text
    assert "Ben Roth" in found.text
    assert "Larsen" not in found.text
    assert found.headers["cache-control"] == "no-store"
    assert {one.status_code for one in wrong} == {404}
