"""The auditor finds a lost hand-off by SQL alone; the list page shows company and owner, no more."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from prometheus_client import CollectorRegistry

from sync.alerts.flush import Ground
from sync.alerts.rounds import Rounds
from sync.console.problems import app
from sync.lead.decision import ProblemNote
from sync.runtime.metrics import Metrics
from sync.settings import ChannelSettings
from sync.store import audit, cursors
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
    rounds, ground = Rounds(pool, office.clock), office.ground()
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


async def _leg(pool: Any, lead_id: str, handoff_id: str, now: datetime, left_s: float, *, runs: bool = True) -> None:
    """Let a hand-off wait for a yes for so long yet."""
    due, since = now + timedelta(seconds=left_s), round(now.timestamp() * 1000)
    await pool.execute(
        "INSERT INTO legs (handoff_id, leg, lead_id, owner, started_at, due_at, cause, elapsed_ms, paused_ms, within_ms, version) "
        "VALUES ($1::uuid, 'accept', $2::uuid, 'ana@acme.example', $3, $4, '', 0, 0, 1800000, 1)",
        handoff_id, lead_id, now, due,
    )  # fmt: skip
    doc = {"handoff": {"legs": {"accept": {"since": since if runs else None}}}}
    await pool.execute("UPDATE leads SET doc = $2 WHERE id = $1::uuid", lead_id, doc)
    await pool.execute("UPDATE offers SET known_at = at WHERE handoff_id = $1::uuid", handoff_id)


async def test_promises_in_danger_are_told_before_they_are_due_once_for_a_system_and_over_when_it_is_read_again(
    office: Office, mailbox: Mailbox, pool: Any
) -> None:
    now = office.clock.now()
    for n in range(5):
        known = await lead(pool, now, company=f"Company {n}")
        await _leg(pool, known, await handoff(pool, known, now), now, 1800 + 60 * n, runs=n != 4)
    await cursors.put(pool, "salesforce", "changes", "c")
    await cursors.note_seen(pool, "salesforce", now)
    rounds = Rounds(pool, office.clock)

    async def until(seconds: float) -> list[str]:
        """Let time pass; gives the text of what is open."""
        office.clock.forward(seconds)
        await rounds.promises(office.ground())
        return [row["text"] for row in await pool.fetch("SELECT text FROM problems WHERE kind = 'unreachable' AND closed_at IS NULL")]

    assert await until(600) == [], "the warnings are 20 minutes away, and it was read 10 minutes ago"
    [text] = await until(180)
    assert ": 4 promises of hand-offs are in danger, due from " in text, "what stands still is in no danger"
    await office.minutes(2)
    assert mailbox.subjects() == ["Salesforce cannot be reached"]
    [again] = await until(31)
    assert again == text
    await cursors.note_seen(pool, "salesforce", office.clock.now())
    assert await until(31) == []
    await office.minutes(7)
    assert mailbox.subjects() == ["Salesforce cannot be reached", "Over · Salesforce cannot be reached"]


async def test_an_offer_that_cannot_reach_its_owner_is_in_danger_too(office: Office, pool: Any) -> None:
    now = office.clock.now()
    known = await lead(pool, now)
    await handoff(pool, known, now, at=now - timedelta(days=20))
    await cursors.put(pool, "salesforce", "changes", "c")
    await cursors.note_seen(pool, "salesforce", now - timedelta(days=30))
    rounds, ground = Rounds(pool, office.clock), Ground(office.playbook, {})
    await rounds.promises(ground)
    assert await pool.fetchval("SELECT count(*) FROM problems") == 0, "the sources have a minute to read first"
    office.clock.forward(61)
    await rounds.promises(ground)
    assert "1 promise of hand-offs is in danger" in await pool.fetchval("SELECT text FROM problems WHERE key = 'salesforce:promises'")


async def test_five_thousand_failures_are_each_listed_behind_the_one_link(pool: Any, office: Office, mailbox: Mailbox) -> None:
    now = office.clock.now()
    ident = await lead(pool, now)
    for part in range(5):
        await office.opened(*(problem(n, lead_id=ident) for n in range(part * 1000, part * 1000 + 1000)))
    await pool.execute("UPDATE problems SET text = key")
    await office.minutes(1)
    assert mailbox.subjects() == ["5,000 leads not accepted in time: Ben Roth"]
    mail = mailbox.mails[0].get_body(("html",))
    assert mail is not None
    link = re.search(r'href="http://truce\.example(/problems\?group=[0-9a-f]{32})"', mail.get_content())
    assert link is not None

    async def playbook() -> Any:
        return EXAMPLE

    seen, path = list[str](), link[1]
    async with AsyncClient(transport=ASGITransport(app(pool, playbook)), base_url="http://truce.example") as client:
        while path:
            page = (await client.get(path)).text
            seen += re.findall(r"handoff-\d+", page)
            following = re.search(r'rel="next" href="([^"]+)"', page)
            path = following[1].replace("&amp;", "&") if following else ""
    assert sorted(seen) == sorted(f"handoff-{n}" for n in range(5000))


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


async def test_a_problem_that_is_nobodys_stands_with_whoever_has_the_lead(pool: Any, office: Office) -> None:
    now = office.clock.now()
    ana, nobody = await lead(pool, now), await lead(pool, now, owner=None)
    await office.opened(problem(1, owner=None, lead_id=ana), problem(2, owner=None, lead_id=nobody), problem(3, owner=None))
    await office.minutes(1)
    token = await pool.fetchval("SELECT token FROM alert_groups")

    async def playbook() -> Any:
        return EXAMPLE

    async with AsyncClient(transport=ASGITransport(app(pool, playbook)), base_url="http://truce.example") as client:
        found = await client.get("/problems", params={"group": token})
        astray = await client.get("/")
    assert re.findall(r'data-label="With">([^<]+)<', found.text) == ["Ana Diaz", "nobody", "–"]
    assert (astray.status_code, "nothing behind this link" in astray.text) == (404, True)


async def test_prometheus_is_told_how_many_problems_are_open_of_each_kind(office: Office, pool: Any) -> None:
    gauges = Metrics(CollectorRegistry())
    rounds, ground = Rounds(pool, office.clock, gauges=gauges), office.ground()

    async def told(kind: str) -> float | None:
        office.clock.forward(16)
        await rounds.count(ground)
        return gauges.registry.get_sample_value("truce_open_problems", {"kind": kind})

    await office.opened(problem(1), problem(2))
    assert await told("not_accepted") == 2
    await office.opened(problem(1, opened=False), problem(2, opened=False))
    assert await told("not_accepted") == 0
