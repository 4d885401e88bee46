"""Storm: a list is imported while people fill in forms, RevOps applies a new threshold and a worker dies; clocks of reps in three zones run on. As a story, on real servers."""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import pytest_asyncio

from connectors.emulator.journal import Effect
from sync.store import audit, turns
from sync.trial.fairness import examine
from tests.house.project import ROOT
from tests.integration.local.town import Town, known_people
from tests.integration.local.town import town as run_town

ANA, BEN, JOE, LEA, MARIA, SUE, TOM = (f"{name}@acme.example" for name in ("ana", "ben", "joe", "lea", "maria", "sue", "tom"))
HEAD, MARKETING = "head.of.sales@acme.example", "head.of.marketing@acme.example"
IMPORTED, FIRST_SLICE, FORMS = 240, 25, (20, 40, 20)
"""So many are on the list, so many of them are released first; so many forms are filled in before the new threshold, meanwhile and after it."""
ZONES = {ANA: ("America/Chicago", "US"), LEA: ("Asia/Kolkata", "IN"), MARIA: ("Australia/Adelaide", "AU-SA")}
COUNTRIES = {ANA: "CA", LEA: "IN", MARIA: "AU", HEAD: "IS"}
EVENING = f"Etc/GMT{(datetime.now(UTC).hour - 20 + 12) % 24 - 12:+d}"
"""Where it is past eight in the evening now."""
LONG = {1: 2000, 2: 1000}
"""Hours in a rep's calendar by version: the first is a year, so that clocks change twice on the way in both hemispheres."""
TEAM = f"""
timezone: Europe/Berlin
hours: {{}}
reps:
{"".join(f'  {who}: {{name: {who[:3].title()}, timezone: {zone}, calendar: {calendar}, hours: {{mon-fri: "10:00-18:00"}}}}{chr(10)}' for who, (zone, calendar) in ZONES.items())}
  {HEAD}: {{name: Vera Holm, timezone: {EVENING}, hours: {{mon-sun: "10:00-18:00"}}}}
  {MARKETING}: {{name: Paul Stein}}
  {TOM}: {{name: Tom Reed, skills: [german]}}
  {SUE}: {{name: Sue Kim, skills: [german]}}
  {JOE}: {{name: Joe Park}}
  {BEN}: {{name: Ben Roth}}
pools: {{everybody: [{TOM}, {SUE}, {JOE}, {BEN}]}}
"""
ROUTING = f"""
routes:
{"".join(f"  - {{id: of-{who[:3]}, when: lead.country == '{country}', assign: {{owner: {who}, sla: {'short' if who == HEAD else 'long'}}}, fallback: {{owner: {who}}}}}{chr(10)}" for who, country in COUNTRIES.items())}
  - {{id: german, when: lead.country == 'DE', assign: {{pool: everybody, skills: [german]}}, fallback: {{owner: {HEAD}}}}}
  - {{id: everyone-else, assign: {{pool: everybody}}, fallback: {{owner: {HEAD}}}}}
"""
SLA = f"""
default: long
slas:
  long: {{accountable: {HEAD}, legs: {{accept: {{within: {LONG[1]}h, then: [escalate]}}}}}}
  short: {{accountable: {HEAD}, legs: {{accept: {{within: 10h, then: [escalate]}}}}}}
reasons: {{no_fit: {{label: Does not fit, then: disqualify}}}}
"""
ALERTS = f"""
timezone: Europe/Berlin
channels: {{managers: {{kind: slack}}}}
route:
  to: [managers]
  accountable: {HEAD}
  routes: [{{id: data, match: {{cause: [held]}}, digest: true}}]
digest: {{at: "08:30", to: [managers]}}
"""
LIFECYCLE = (ROOT / "deploy" / "playbook" / "lifecycle.yaml").read_text().partition("\nhandoffs:")[0]
WRITTEN = {
    **{"team.yaml": TEAM, "routing.yaml": ROUTING, "sla.yaml": SLA, "alerts.yaml": ALERTS, "lifecycle.yaml": LIFECYCLE},
    **{"goals.yaml": None, "tables/territories.csv": None, "tables/named_accounts.csv": None, "tables/partners.csv": None},
}
THRESHOLD = (
    ("lifecycle.yaml", "lead.engagement >= 40 && lead.fit >= 20", "lead.engagement >= 58 && lead.fit >= 20"),
    ("sla.yaml", f"{LONG[1]}h", f"{LONG[2]}h"),
)
"""Who asks for prices is no MQL any more, and the reps have half the time."""


@pytest_asyncio.fixture
async def town(kafka: str, postgres: str, installation: str, tmp_path: Path) -> AsyncIterator[Town]:
    async with run_town((kafka, postgres, installation), tmp_path, workers=2, written=WRITTEN) as made:
        await known_people(made)
        yield made


def imported(n: int) -> str:
    return f"p{n}@list.example"


async def test_a_list_a_new_threshold_and_forms_in_the_same_minute(town: Town) -> None:
    for owner, country in COUNTRIES.items():
        await _asks(town, f"early.{owner}", "Demo", country)
    await town.until("their clocks run", lambda: town.pool.fetchval("SELECT count(*) = 4 FROM legs WHERE leg = 'accept'"))
    before = await _legs(town)

    forms = await _storm(town)
    await town.until("the whole list is in Salesforce", lambda: sum(_in_crm(town, imported(n)) for n in range(IMPORTED)) == IMPORTED)
    await town.until("all forms are decided", lambda: _all_decided(town, forms))
    await town.settled()

    await _the_list_sets_states_and_nothing_else(town)
    await _forms_flow(town, forms)
    await _each_by_one_version(town, forms)
    await _clocks_keep_theirs(town, before)
    await _released_in_slices(town)
    await _fair(town)
    assert await audit.lost(town.pool, datetime.now(UTC) + timedelta(hours=1)) == []


async def _asks(town: Town, email: str, page: str, country: str) -> None:
    await town.fill_in(email, page, firstname="Kim", lastname="Orr", company="Firm", country=country, industry="Manufacturing")


async def _storm(town: Town) -> dict[str, str]:
    """Import, fill in forms, apply a playbook, lose a worker: all at once. Gives who asked for what."""
    second = town.home / "second"
    shutil.copytree(town.playbook, second)
    for name, old, new in THRESHOLD:
        text = (second / name).read_text()
        assert old in text
        (second / name).write_text(text.replace(old, new))
    stage = {"lifecyclestage": "marketingqualifiedlead", "lastname": "Import", "company": "List"}
    rows = [{"email": imported(n), "country": "NO" if n < FIRST_SLICE else "SE", **stage} for n in range(IMPORTED)]
    town.marketing.import_contacts(rows)
    forms: dict[str, str] = {}
    before, meanwhile, after = FORMS
    await _fill_in(town, forms, before)
    await town.until("the first are MQLs", lambda: town.pool.fetchval("SELECT count(*) >= 10 FROM handoffs"))
    applied = asyncio.create_task(town.truce("apply", str(second), "--yes"))
    await _fill_in(town, forms, meanwhile)
    await town.kill("worker-1")
    await town.start("worker", "worker-3")
    assert "v2 is in force" in await applied
    await _fill_in(town, forms, after)
    return forms


async def _fill_in(town: Town, forms: dict[str, str], count: int) -> None:
    for n in range(len(forms), len(forms) + count):
        email, page = f"form{n}@firm{n}.example", "Demo" if n % 4 < 2 else "Pricing"
        await _asks(town, email, page, "DE" if n % 2 else "FR")
        forms[email] = page


def _in_crm(town: Town, email: str) -> bool:
    return town.lead(email).get("Lifecycle_Stage__c") == "MQL"


async def _all_decided(town: Town, forms: dict[str, str]) -> bool:
    touched = await town.pool.fetchval("SELECT count(*) FROM touches")
    return bool(touched == len(forms) + len(COUNTRIES)) and all(_in_crm(town, email) for email, page in forms.items() if page == "Demo")


async def _legs(town: Town) -> dict[str, Any]:
    """Give each rep's first clock."""
    rows = await town.rows(
        "SELECT h.owner, l.* FROM legs l JOIN handoffs h ON h.id = l.handoff_id WHERE leg = 'accept' ORDER BY started_at DESC"
    )
    return {row["owner"]: row for row in rows if row["owner"] in COUNTRIES}


async def _the_list_sets_states_and_nothing_else(town: Town) -> None:
    """The list is known as MQLs in both systems, and nobody hears of it: no hand-off, no owner, no task, no message, nothing set in HubSpot that starts a nurture."""
    mine = "lead_id IN (SELECT id FROM leads WHERE held)"
    assert await town.pool.fetchval("SELECT count(*) FROM leads WHERE held AND stage = 'mql'") == IMPORTED
    for table in ("handoffs", "offers", "notices", "tasks", "turns", "clocks"):
        found = await town.rows(f"SELECT * FROM {table} WHERE {mine}")
        assert found == [], table
    reps = {town.crm.user_id(email) for email in (ANA, BEN, JOE, LEA, MARIA, SUE, TOM, HEAD)}
    assert not [n for n in range(IMPORTED) if town.lead(imported(n))["OwnerId"] in reps]
    ids = {town.contact(imported(n))["hs_object_id"] for n in range(IMPORTED)}
    told = {name for one in town.wrote(town.marketing) if one.id in ids for name in one.after}
    assert not told & {"lifecyclestage", "hubspot_owner_id", "handoff_state", "sla_due"}, told
    assert not [one for one in town.chat.messages() if "Import" in json.dumps(one.plain())]
    held = await town.rows("SELECT count, text FROM problems WHERE kind = 'held' AND closed_at IS NULL")
    assert len(held) == 1
    assert "truce rejudge --hand-over" in held[0]["text"]


async def _forms_flow(town: Town, forms: dict[str, str]) -> None:
    """Whoever fills in a form is in Salesforce within the minute, the list notwithstanding, and once."""

    def moments(effects: list[Effect], verb: str, name: str) -> dict[str, datetime]:
        return {str(one.after[name]): one.at for one in reversed(effects) if one.verb == verb and one.after.get(name)}

    asked = moments([one for one in town.marketing.journal.effects if one.client == "form"], "create", "email")
    there = moments(town.wrote(town.crm), "create", "Email")
    waits = [(there[email] - asked[email]).total_seconds() for email in forms]
    print(f"{len(forms)} forms: {statistics.median(waits):.1f} s in the middle, {max(waits):.1f} s at most")
    assert max(waits) < 60
    assert len({town.lead(email)["Id"] for email in forms}) == len(forms)


async def _each_by_one_version(town: Town, forms: dict[str, str]) -> None:
    """Each was judged, routed and promised by one version, and as that version says."""
    rows = await town.rows(
        "SELECT l.doc->'desired'->'email'->>'value' AS email, l.stage, (l.doc->'why'->'stage'->>'version')::int AS judged, "
        "h.playbook_version AS opened, t.playbook_version AS given, g.version AS promised FROM leads l LEFT JOIN handoffs h ON h.lead_id = l.id "
        "LEFT JOIN turns t ON t.lead_id = l.id LEFT JOIN legs g ON g.handoff_id = h.id"
    )
    seen = Counter[tuple[str, int, str]]()
    for row in rows:
        if row["email"] not in forms:
            continue
        seen[forms[row["email"]], row["judged"], row["stage"]] += 1
        if row["stage"] == "mql":
            assert row["judged"] == row["opened"] == row["given"], row
    assert seen.total() == len(forms)
    assert set(seen) == {("Demo", 1, "mql"), ("Demo", 2, "mql"), ("Pricing", 1, "mql"), ("Pricing", 2, "lead")}, seen


async def _clocks_keep_theirs(town: Town, before: dict[str, Any]) -> None:
    """Running clocks keep version and deadline; later ones have the new; each is right across changes of the clock and holidays."""
    assert {who: (leg["version"], leg["due_at"]) for who, leg in before.items()} == {
        who: (1, _due(who, leg, 1)) for who, leg in before.items()
    }
    after = await _legs(town)
    assert {who: after[who]["due_at"] for who in before} == {who: leg["due_at"] for who, leg in before.items()}
    for owner in ZONES:
        await _asks(town, f"late.{owner}", "Demo", COUNTRIES[owner])
    await town.until(
        "theirs run",
        lambda: town.pool.fetchval("SELECT count(*) = 3 FROM legs WHERE leg = 'accept' AND version = 2 AND owner = ANY($1)", list(ZONES)),
    )
    for who, leg in (await _legs(town)).items():
        assert leg["due_at"] == _due(who, leg, leg["version"])


def _due(who: str, leg: dict[str, Any], version: int) -> datetime:
    """Find the deadline quarter of an hour by quarter of an hour; in the evening of any day, ten hours are noon two days later."""
    started: datetime = leg["started_at"]
    if who == HEAD:
        there = started.astimezone(ZoneInfo(EVENING))
        assert there.hour >= 18
        return there.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=2)
    zone, calendar = ZoneInfo(ZONES[who][0]), ZONES[who][1]
    country, _, part = calendar.partition("-")
    off = holidays.country_holidays(country, subdiv=part or None, years=range(started.year, started.year + 3))
    left, at = timedelta(hours=LONG[version]), started
    while True:
        end = datetime.fromtimestamp((at.timestamp() // 900 + 1) * 900, UTC)
        there = at.astimezone(zone)
        if there.weekday() < 5 and 10 <= there.hour < 18 and there.date() not in off:
            if end - at >= left:
                return at + left
            left -= end - at
        at = end
        assert end - started < timedelta(days=1000)


async def _released_in_slices(town: Town) -> None:
    """A look first; then whom the slice names is handed over, and the rest stays held."""
    look = await town.told("rejudge", "--hand-over", "--dry-run")
    assert (look["leads"], look["ordered"]) == (IMPORTED, False)
    slice_ = ("rejudge", "--hand-over", "--where", "lead.country == 'NO'", "--yes")
    assert (await town.told(*slice_))["leads"] == FIRST_SLICE
    await town.until(
        "the slice is handed over", lambda: town.pool.fetchval("SELECT count(*) = $1 FROM leads WHERE held", IMPORTED - FIRST_SLICE)
    )
    await town.settled()
    given = await town.rows(
        "SELECT h.owner FROM handoffs h JOIN leads l ON l.id = h.lead_id WHERE l.doc->'desired'->'email'->>'value' LIKE '%@list.example'"
    )
    assert len(given) == FIRST_SLICE
    owners = {town.crm.user_id(one): one for one in (TOM, SUE, JOE, BEN)}
    assert Counter(owners[town.lead(imported(n))["OwnerId"]] for n in range(FIRST_SLICE)) == Counter(one["owner"] for one in given)


async def _fair(town: Town) -> None:
    """Turns are without a gap though two workers took them and one died; whoever might have the same leads has as many."""
    async with town.pool.acquire() as connection:
        (report,) = examine([turn async for turn in turns.read(connection) if turn.pool])
    assert report.broken == []
    rows = await town.rows("SELECT number, member, eligible FROM turns WHERE pool = 'everybody' ORDER BY number")
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    had = Counter(row["member"] for row in rows)
    assert abs(had[TOM] - had[SUE]) <= 1
    assert abs(had[JOE] - had[BEN]) <= 1
    assert all(set(row["eligible"]) == {TOM, SUE} for row in rows if len(row["eligible"]) < 4)
