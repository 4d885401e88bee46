"""Nobody home: reps are shut out of the CRM with hand-offs open, a region keeps a holiday, no rule matches, a whole pool is away. As a story, on real servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest_asyncio

from connectors.emulator.salesforce import User
from sync.store import audit, orphans
from tests.house.project import ROOT
from tests.integration.local.town import Town, known_people
from tests.integration.local.town import town as run_town

ANA, BEN, JOE, LEA, MARIA, NILS, SUE, TOM = (f"{name}@acme.example" for name in ("ana", "ben", "joe", "lea", "maria", "nils", "sue", "tom"))
HEAD, MARKETING = "head.of.sales@acme.example", "head.of.marketing@acme.example"
NAMES = {ANA: "Ana Diaz", BEN: "Ben Roth", LEA: "Lea Wolf", MARIA: "Maria Lund", SUE: "Sue Kim", TOM: "Tom Reed", HEAD: "Vera Holm"}
PER, IDA, NOA, FAY, JUN = (f"{name}@firm.example" for name in ("per", "ida", "noa", "fay", "jun"))
WANT = {PER: "DE", IDA: "US", NOA: "NO", FAY: "FR", JUN: "JP"}
FIRST_RESPONSE, OPENS, CLOSES = timedelta(hours=2), 9, 17


def a_holiday(now: datetime) -> tuple[str, str, str]:
    """Give (zone, calendar, name) of somewhere where today is a public holiday, and stays so for an hour; there is one on nearly any day."""
    for hours in range(-12, 15):
        zone = f"Etc/GMT{-hours:+d}"
        there = now.astimezone(ZoneInfo(zone))
        if there.date() != (there + timedelta(hours=1)).date():
            continue
        for country, parts in holidays.list_supported_countries().items():
            for part in (None, *parts) if len(country) == 2 else ():
                name = holidays.country_holidays(country, subdiv=part, years=there.year, language="en_US").get(there.date())
                if name:
                    return zone, f"{country}-{part}" if part else country, name
    raise AssertionError("nobody in the world keeps a holiday now")


NOW = datetime.now(UTC)
ZONE, CALENDAR, HOLIDAY = a_holiday(NOW)
CLOSED = (NOW + timedelta(hours=12)).hour
"""An hour that is far from now."""
TEAM = f"""
timezone: Europe/Berlin
reps:
  {ANA}: {{name: Ana Diaz, manager: {MARIA}}}
  {BEN}: {{name: Ben Roth, manager: {MARIA}, timezone: UTC, hours: {{mon-sun: "{CLOSED:02}:00-{CLOSED:02}:30"}}}}
  {TOM}: {{name: Tom Reed, manager: {SUE}}}
  {LEA}: {{name: Lea Wolf, manager: {MARIA}, timezone: {ZONE}, calendar: {CALENDAR}, hours: {{mon-sun: "{OPENS:02}:00-{CLOSES}:00"}}}}
  {JOE}: {{name: Joe Park, away: [{{from: 2020-01-01, to: 2099-12-31}}]}}
  {NILS}: {{name: Nils Ek}}
  {SUE}: {{name: Sue Kim, manager: {HEAD}}}
  {MARIA}: {{name: Maria Lund, manager: {HEAD}}}
  {HEAD}: {{name: Vera Holm}}
  {MARKETING}: {{name: Paul Stein}}
pools:
  dach: [{ANA}, {BEN}, {LEA}]
  amer: [{NILS}, {TOM}, {LEA}]
  nordics: [{LEA}, {ANA}]
  west: [{JOE}, {NILS}]
"""
ROUTING = f"""
routes:
  - {{id: dach, when: lead.country == 'DE', assign: {{pool: dach, sla: quick}}, fallback: {{owner: {MARIA}}}}}
  - {{id: amer, when: lead.country == 'US', assign: {{pool: amer}}, fallback: {{owner: {MARIA}}}}}
  - {{id: nordics, when: lead.country == 'NO', assign: {{pool: nordics}}, fallback: {{owner: {MARIA}}}}}
  - {{id: west, when: lead.country == 'FR', assign: {{pool: west}}, fallback: [{{owner: {NILS}}}, {{owner: {SUE}}}]}}
  - {{id: everyone-else, assign: {{table: named_accounts}}, fallback: {{owner: {HEAD}}}}}
"""
SLA = f"""
default: slow
slas:
  slow:
    accountable: {HEAD}
    legs:
      accept: {{within: 8h, then: [escalate]}}
      first_response: {{within: 2h, then: [escalate]}}
  quick:
    accountable: {HEAD}
    legs:
      accept: {{within: 2s, then: [reassign]}}
      first_response: {{within: 2h, then: [escalate]}}
reasons: {{no_fit: {{label: Does not fit, then: disqualify}}}}
"""
ALERTS = f"""
timezone: Europe/Berlin
channels: {{managers: {{kind: slack}}}}
route: {{to: [managers], accountable: {HEAD}, group_by: [cause], group_wait: 2s, group_interval: 5s, repeat_interval: 4h}}
"""
LIFECYCLE = (ROOT / "deploy" / "playbook" / "lifecycle.yaml").read_text().partition("\nhandoffs:")[0]
WRITTEN = {
    **{"team.yaml": TEAM, "routing.yaml": ROUTING, "sla.yaml": SLA, "alerts.yaml": ALERTS, "lifecycle.yaml": LIFECYCLE},
    **{"goals.yaml": None, "tables/territories.csv": None},
}


@pytest_asyncio.fixture
async def town(kafka: str, postgres: str, installation: str, tmp_path: Path) -> AsyncIterator[Town]:
    options = {"users_every_s": "1"}
    async with run_town((kafka, postgres, installation), tmp_path, written=WRITTEN, options=options) as made:
        await known_people(made)
        yield made


async def handoff(town: Town, email: str) -> dict[str, Any]:
    """Give where somebody's hand-off stands, as the ledger has it."""
    rows = await town.rows(
        "SELECT h.id::text AS id, h.owner, h.state, h.lead_id::text AS lead FROM handoffs h JOIN leads l ON l.id = h.lead_id "
        "WHERE l.doc->'desired'->'email'->>'value' = $1",
        email,
    )
    return rows[0] if rows else {}


async def is_with(town: Town, email: str, owner: str) -> bool:
    return (await handoff(town, email)).get("owner") == owner


async def offers(town: Town, email: str) -> list[tuple[str, str | None]]:
    """Give who had the hand-off, in order, and how it ended for each."""
    ident = (await handoff(town, email))["id"]
    return [
        (one["owner"], one["ended"])
        for one in await town.rows("SELECT owner, ended FROM offers WHERE handoff_id = $1::uuid ORDER BY n", ident)
    ]


def next_opening(at: datetime) -> datetime:
    """Give when Lea works next: found day by day on the calendar that she keeps."""
    country, _, part = CALENDAR.partition("-")
    day = at.astimezone(ZoneInfo(ZONE)).date()
    while day in holidays.country_holidays(country, subdiv=part or None, years=[day.year]):
        day += timedelta(days=1)
    return datetime(day.year, day.month, day.day, OPENS, tzinfo=ZoneInfo(ZONE))


async def test_nobody_is_left_with_a_lead_that_nobody_works_on(town: Town) -> None:
    for email, country in WANT.items():
        await town.fill_in(email, "Demo", firstname=email[:3].title(), lastname="Orr", company="Firm", country=country)
    await town.until("Tom has Ida's", partial(is_with, town, IDA, TOM))
    await town.press(TOM, "Ida", "accept")
    await town.until("Per's went on to Ben", partial(is_with, town, PER, BEN))
    await town.until("all are handed over", lambda: town.pool.fetchval("SELECT count(*) = 5 FROM handoffs WHERE known_at IS NOT NULL"))
    await _each_is_with_somebody_who_is_there(town)

    left = datetime.now(UTC)
    for gone in (BEN, TOM):
        town.crm.add_user(User(gone, NAMES[gone], active=False))
    alert = await town.until("the manager is told", lambda: _alerts(town, "cannot work on them"))
    assert len(alert) == 1, "two people, one message"
    assert all(
        f"{NAMES[gone]} is inactive in salesforce" in alert[0] and f"truce reassign --from {gone}" in alert[0] for gone in (BEN, TOM)
    )
    await _given_on(town)
    await town.settled()
    await _remembered(town)
    await _time_kept(town)
    await _both_systems_say_so(town, left)
    await _told_once(town)


async def _each_is_with_somebody_who_is_there(town: Town) -> None:
    """Holiday, no rule, nobody of a pool: each goes to somebody who is there, the last resort is a named person."""
    assert await offers(town, PER) == [(ANA, "expired"), (BEN, None)]
    assert [await offers(town, email) for email in (NOA, FAY, JUN)] == [[(ANA, None)], [(SUE, None)], [(HEAD, None)]]
    passed = {row["owner"]: dict(row["passed_over"]) for row in await town.rows("SELECT * FROM turns ORDER BY id")}
    assert passed[TOM] == {NILS: "has no user in salesforce", LEA: f"holiday: {HOLIDAY}"}
    assert passed[SUE] == {JOE: "on leave to 31 Dec", NILS: "has no user in salesforce"}
    assert passed[HEAD] == {"named_accounts": "tables/named_accounts.csv has no row for this lead"}


async def _given_on(town: Town) -> None:
    """What the alert says is done: a look first, then in earnest; Tom's are given to Lea by name."""
    look = await town.told("reassign", "--from", BEN, "--dry-run")
    assert [(one["person"], one["handoffs"]) for one in look["receivers"]] == [(MARIA, 1)], "Ana had it, Lea keeps a holiday"
    done = await asyncio.gather(*(town.told("reassign", "--from", *who, "--yes") for who in ((BEN,), (TOM, "--to", LEA))))
    assert [one["answers"] for one in done] == [{"done": 1}, {"done": 1}]


async def _remembered(town: Town) -> None:
    """Whoever had it does not get it again; whoever has it now reads on their card who had it before."""
    assert await offers(town, PER) == [(ANA, "expired"), (BEN, "moved"), (MARIA, None)]
    assert await offers(town, IDA) == [(TOM, "moved"), (LEA, None)]
    for owner, about, before in ((MARIA, "Per", "Ben Roth"), (LEA, "Ida", "Tom Reed")):
        cards = await town.until(f"the card about {about}", partial(town.cards, owner, about))
        assert f"{before} had it before" in json.dumps(cards[-1].blocks, ensure_ascii=False)


async def _time_kept(town: Town) -> None:
    """What Tom took counts; what is left of Ida's two hours is Lea's working time, on her calendar."""
    found = await handoff(town, IDA)
    assert found["state"] == "accepted", "what was accepted stays so"
    (leg,) = await town.rows("SELECT * FROM legs WHERE handoff_id = $1::uuid AND leg = 'first_response'", found["id"])
    moved = await town.pool.fetchval("SELECT at FROM offers WHERE handoff_id = $1::uuid AND n = 2", found["id"])
    taken = moved - leg["started_at"]
    assert timedelta(0) < taken < timedelta(minutes=2)
    assert leg["elapsed_ms"] == round(taken.total_seconds() * 1000)
    assert leg["due_at"] == next_opening(moved) + FIRST_RESPONSE - taken
    shown = datetime.fromisoformat(town.lead(IDA)["SLA_Due__c"])
    assert abs(shown - leg["due_at"]) < timedelta(seconds=1)


async def _both_systems_say_so(town: Town, left: datetime) -> None:
    """Both systems name the same owner, and nobody was ever written who was not there then."""
    users = {town.crm.user_id(email): email for email in NAMES}
    owners = {ident: one.email for ident, one in town.marketing.portal.owners.items()}
    for email, owner in {PER: MARIA, IDA: LEA, NOA: ANA, FAY: SUE, JUN: HEAD}.items():
        assert (users[town.lead(email)["OwnerId"]], owners[town.contact(email)["hubspot_owner_id"]]) == (owner, owner)
    written = [(one, users[str(one.after["OwnerId"])]) for one in town.wrote(town.crm, "OwnerId")]
    assert written
    assert not [one for one, owner in written if owner in (BEN, TOM) and one.at > left]
    assert await audit.lost(town.pool, datetime.now(UTC) + timedelta(hours=1)) == []
    assert await orphans.find(town.pool) == []


async def _told_once(town: Town) -> None:
    """Each trouble was one message; the one that is over says so in its place."""
    await town.until(
        "it is over", lambda: town.pool.fetchval("SELECT count(*) = 0 FROM problems WHERE kind = 'inactive_owner' AND closed_at IS NULL")
    )
    await town.until("the message says so", lambda: [one for one in _alerts(town, "cannot work on them") if "Over" in one])
    assert len(_alerts(town, "cannot work on them")) == 1
    fell = _alerts(town, "fell to the fallback")
    assert len(fell) == 1
    assert all(name in fell[0] for name in ("Sue Kim", "Vera Holm"))
    assert await town.pool.fetchval("SELECT count(*) FROM parked WHERE settled_at IS NULL") == 0


def _alerts(town: Town, words: str) -> list[str]:
    """Give what stands in the managers' room and has these words in it."""
    said = [json.dumps(one.plain(), ensure_ascii=False) for one in town.chat.messages("C0MANAGERS")]
    return [one for one in said if words in one]
