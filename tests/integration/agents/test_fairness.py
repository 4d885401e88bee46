"""Fairness with two real workers on a real Kafka and a real PostgreSQL: filters, caps, an absence, a worker killed and replaced in between."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from connectors.base import User
from schemas.change import RecordChanged
from schemas.envelope import new, write
from sync.agents import ground
from sync.store import playbooks, turns, users
from sync.store.connect import open_pool
from sync.trial.fairness import examine
from tests.integration.agents.support import PARTITIONS, REPOSITORY, World, send

EXAMPLE = REPOSITORY / "deploy" / "playbook"
ANA, BEN, JOE, LEA, SUE, VERA = TEAM = tuple(f"{name}@acme.example" for name in ("ana", "ben", "joe", "lea", "sue", "head.of.sales"))
SYSTEMS = ("salesforce", "hubspot")
JOES, LEAS, OPEN = 7, 9, 11
"""Joe is given at most seven leads in any thirty days by anybody, the pool gives Lea at most nine a week, Sue has at most eleven open."""
ROUTING = """
routes:
  - id: german
    when: lead.country == 'DE'
    assign: {pool: everybody, by: round_robin, skills: [german]}
    fallback: {owner: head.of.sales@acme.example}
  - id: large
    when: lead.country == 'NO'
    assign: {pool: few, by: weighted}
    fallback: [{pool: everybody}, {owner: head.of.sales@acme.example}]
  - id: rest
    assign: {pool: everybody}
    fallback: {owner: head.of.sales@acme.example}
"""
COUNTRIES = ("Germany", "Norway", "France", "Germany", "Spain", "Norway", "Italy")


def team(away: str = "") -> str:
    """Give team.yaml; Sue is away when told so."""
    return f"""
timezone: Europe/Berlin
reps:
  ana@acme.example: {{name: Ana Diaz, skills: [german]}}
  ben@acme.example: {{name: Ben Roth, skills: [german]}}
  joe@acme.example: {{name: Joe Park, caps: {{window: {{days: 30, leads: {JOES}}}}}}}
  lea@acme.example: {{name: Lea Wolf, skills: [german]}}
  sue@acme.example: {{name: Sue Kim, caps: {{open: {OPEN}}}{away}}}
  head.of.sales@acme.example: {{name: Vera Holm}}
  head.of.marketing@acme.example: {{name: Paul Stein}}
pools:
  everybody: [ana@acme.example, ben@acme.example, joe@acme.example, sue@acme.example]
  few:
    members: [{{rep: ana@acme.example, weight: 2}}, lea@acme.example, {{rep: joe@acme.example, weight: 3}}]
    each: {{week: {LEAS}}}
"""


AWAY = ", away: [{from: 2020-01-01, to: 2099-12-31, cover: lea@acme.example}]"


async def apply(world: World, number: int, people: str) -> None:
    """Put a playbook in force."""
    files = {name: (EXAMPLE / name).read_bytes() for name in ("fields.yaml", "lifecycle.yaml")}
    files["lifecycle.yaml"] = files["lifecycle.yaml"].partition(b"\nhandoffs:")[0]  # they name people and SLAs that are not here
    files |= {"routing.yaml": ROUTING.encode(), "team.yaml": people.encode()}
    await playbooks.add(world.connection, files, f"v{number}", "test")


def leads(first: int, last: int) -> Sequence[tuple[str, bytes, list[tuple[str, bytes]]]]:
    """Give a message for each new person whom marketing calls an MQL."""
    made = []
    for n in range(first, last):
        at, mail = datetime.now(UTC), f"p{n}@firm{n}.example"
        shown = {"email": mail, "country": COUNTRIES[n % len(COUNTRIES)], "lifecyclestage": "marketingqualifiedlead"}
        data = RecordChanged(ref=f"hubspot:contacts:{n}", at=at, received_at=at, fields=shown, email=mail, origin="person", complete=True)
        made.append((f"m{n}", *write(new("truce.record.changed", data, source="test", ident=f"m{n}", time=at))))
    return made


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DECIDER", "real")


async def _lay_the_ground(world: World) -> None:
    pool = await open_pool(world.dsn, world.name, size=1)
    await ground.prepare(world.connection, world.kafka, world.name, SYSTEMS, PARTITIONS)
    for system in SYSTEMS:
        await users.put(pool, system, [User(id=f"{system}-{n}", email=mail) for n, mail in enumerate(TEAM)])
    await pool.close()


async def _both_work(world: World, *workers: int) -> None:
    async def shared() -> bool:
        return all('"partitions taken"' in world.log(n) and '"count": 2' in world.log(n) for n in workers)

    await world.until(shared, 60)


async def test_two_workers_share_out_fairly_through_filters_caps_an_absence_and_a_restart(world: World, real: None) -> None:
    await _lay_the_ground(world)
    await apply(world, 1, team())
    first = world.start(batch=6)
    world.start(batch=6)
    await _both_work(world, 0, 1)
    await send(world, leads(0, 60))
    await world.until_done(30, 90)
    await apply(world, 2, team(AWAY))
    await send(world, leads(60, 120))
    await world.until_done(80, 90)
    first.kill()
    world.start(batch=6)
    await send(world, leads(120, 180))
    await world.until_done(150, 90)
    await apply(world, 3, team())
    await send(world, leads(180, 240))
    await world.until_done(240, 120)
    await _look(world)


async def _look(world: World) -> None:
    rows = await world.connection.fetch("SELECT lead_id, pool, number, owner, member, how, eligible FROM turns ORDER BY id")
    assert len(rows) == len({row["lead_id"] for row in rows}) == 240, "every lead was given to somebody, once"
    owners = Counter(row["owner"] for row in rows)
    assert owners[JOE] == JOES, "the cap was reached, and not by one exceeded"
    assert Counter(row["owner"] for row in rows if row["pool"] == "few")[LEA] == LEAS
    assert owners[SUE] == OPEN
    for pool in ("everybody", "few"):
        mine = [row for row in rows if row["pool"] == pool]
        assert sorted(row["number"] for row in mine) == list(range(1, len(mine) + 1))
    assert any(row["how"] == "cover" and (row["member"], row["owner"]) == (SUE, LEA) for row in rows)
    turn_by_turn = sorted((row for row in rows if row["pool"] == "everybody"), key=lambda row: row["number"])
    assert all((ANA in row["eligible"]) == (BEN in row["eligible"]) for row in turn_by_turn)
    counts: Counter[str] = Counter()
    for row in turn_by_turn:
        counts[row["member"]] += 1
        assert abs(counts[ANA] - counts[BEN]) <= 1
    assert min(counts[ANA], counts[BEN]) > 40
    assert [report.broken for report in examine([turn async for turn in turns.read(world.connection)])] == [[], []]
    told = await asyncio.to_thread(_told, world)
    pools = {one["pool"]: one for one in told}
    assert sum(one["had"] for one in pools["everybody"]["members"]) == pools["everybody"]["turns"] == len(turn_by_turn)


def _told(world: World) -> list[dict[str, Any]]:
    """What the command says; it ends with 0."""
    words = [sys.executable, "-m", "sync.cli", "fairness", "--json", "--since", "1d"]
    place = {"TRUCE_DATABASE": world.dsn, "TRUCE_INSTALLATION": world.name, "TRUCE_HOME": str(world.folder)}
    done = subprocess.run(words, cwd=REPOSITORY, env={**os.environ, **place}, capture_output=True, check=True)
    found: list[dict[str, Any]] = orjson.loads(done.stdout)["pools"]
    return found


async def test_who_is_full_through_the_crm_is_given_no_more(world: World, real: None) -> None:
    """Leads that reps were given in the CRM count, and one that is closed there makes room."""
    await _lay_the_ground(world)
    await apply(world, 1, team())
    world.start(batch=6)
    world.start(batch=6)
    await _both_work(world, 0, 1)
    sue = f"salesforce-{TEAM.index(SUE)}"
    await send(world, [_owned(n, sue) for n in range(OPEN - 1)])
    await world.until_done(OPEN - 1, 60)
    await send(world, leads(0, 40))
    await world.until_done(OPEN - 1 + 40, 90)
    given = "SELECT count(*) FROM turns WHERE owner = $1"
    assert await world.value(given, SUE) == 1
    await send(world, [_owned(0, sue, stage="Customer"), _owned(1, sue, stage="Disqualified")])
    await world.until_done(OPEN + 1 + 40, 60)
    await send(world, leads(40, 80))
    await world.until_done(OPEN + 1 + 80, 90)
    assert await world.value(given, SUE) == 3


def _owned(n: int, owner: str, stage: str = "Lead") -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """A rep's own lead in the CRM."""
    at, mail, ident = datetime.now(UTC), f"own{n}@their{n}.example", f"own{n}{stage}"
    shown = {
        "Email": mail,
        "LastName": f"Own {n}",
        "Company": f"Their {n}",
        "Country": "France",
        "OwnerId": owner,
        "Lifecycle_Stage__c": stage,
    }
    data = RecordChanged(
        ref=f"salesforce:Lead:own{n}", at=at, received_at=at, fields=shown, email=mail, origin="person", complete=True, read_at=at
    )
    return ident, *write(new("truce.record.changed", data, source="test", ident=ident, time=at))
