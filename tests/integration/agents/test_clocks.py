"""Clocks on a real Kafka and a real PostgreSQL: time alone moves a lead, once, whatever happens to the workers."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import User
from schemas.change import RecordChanged, RecordDeleted, RecordMerged
from schemas.envelope import Envelope, new, write
from schemas.touch import TouchRecorded
from sync.agents import ground
from sync.store import cursors, playbooks, users
from sync.store.connect import open_pool
from tests.forked import Forked
from tests.integration.agents.support import PARTITIONS, REPOSITORY, World, exit_code, send

EXAMPLE = REPOSITORY / "deploy" / "playbook"
SYSTEMS = ("salesforce", "hubspot")
HALF_S = 43.2
"""A form is worth 60 points, and half of it after so long: too little for an MQL then."""
LIFECYCLE = """
engagement:
  - {touch: form, points: 60, half_life_days: 0.0005, label: a form}
stages:
  inquiry: {accountable: head.of.marketing@acme.example, when: has(lead.email)}
  lead: {accountable: head.of.marketing@acme.example, when: lead.engagement >= 1}
  mql: {accountable: head.of.marketing@acme.example, handoff: true, when: lead.engagement >= 20, exit: lead.engagement < 30}
  sal: {accountable: head.of.sales@acme.example}
  sql: {accountable: head.of.sales@acme.example}
  opportunity: {accountable: head.of.sales@acme.example}
  customer: {accountable: head.of.sales@acme.example}
  recycled: {accountable: head.of.marketing@acme.example}
  disqualified: {accountable: head.of.marketing@acme.example}
statuses: {new: {}, working: {}, converted: {}, closed: {}}
opportunity_stages: {prospecting: {is: open}, closed_won: {is: won}, closed_lost: {is: lost}}
"""
TEAM = """
timezone: Europe/Berlin
reps: {head.of.sales@acme.example: {name: Vera Holm}, head.of.marketing@acme.example: {name: Paul Stein}}
"""
ROUTING = b"routes: [{id: all, assign: {owner: head.of.sales@acme.example}}]"
WAITS = b"routes: [{id: all, assign: {owner: head.of.sales@acme.example, hold: {until: has(lead.employees), at_most: 2s}}}]"


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DECIDER", "real")


async def lay_the_ground(world: World, routing: bytes = ROUTING) -> None:
    """Put a playbook in force under which a form is soon worth less."""
    pool = await open_pool(world.dsn, world.name, size=1)
    await ground.prepare(world.connection, world.kafka, world.name, SYSTEMS, PARTITIONS)
    for system in SYSTEMS:
        await users.put(pool, system, [User(id=f"{system}-head", email="head.of.sales@acme.example")])
        await cursors.put(pool, system, "everything", "", done=True)
    await pool.close()
    files = {name: (EXAMPLE / name).read_bytes() for name in ("fields.yaml",)}
    files |= {"lifecycle.yaml": LIFECYCLE.encode(), "team.yaml": TEAM.encode()}
    files["routing.yaml"] = routing
    await playbooks.add(world.connection, files, "v1", "test")


def told(kind: str, data: Any, ident: str) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """Give (id, value, headers) of a message."""
    message: Envelope = new(kind, data, source="test", ident=ident, time=datetime.now(UTC))
    return (ident, *write(message))


def person(n: int) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """HubSpot shows somebody."""
    at, mail = datetime.now(UTC), f"p{n}@firm.example"
    data = RecordChanged(
        ref=f"hubspot:contacts:{n}", at=at, received_at=at, fields={"email": mail}, email=mail, origin="person", complete=True
    )
    return told("truce.record.changed", data, f"m{n}")


def form(n: int, left_s: float, name: str = "demo") -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """They filled in a form; in so many seconds it is worth half."""
    at = datetime.now(UTC) - timedelta(seconds=HALF_S - left_s)
    data = TouchRecorded(
        system="hubspot", activity_id=f"a{n}-{name}", kind="form", name=name, at=at, received_at=at, ref=f"hubspot:contacts:{n}"
    )
    return told("truce.touch.recorded", data, f"t{n}-{name}")


async def started(world: World, count: int = 1) -> list[Forked]:
    """Start workers, and wait until they share the partitions."""
    made = [world.start() for _ in range(count)]

    async def shared() -> bool:
        return all(f'"count": {PARTITIONS // count}' in world.log(n) for n in range(len(world.workers) - count, len(world.workers)))

    await world.until(shared, 60)
    return made


async def tell(world: World, *messages: tuple[str, bytes, list[tuple[str, bytes]]]) -> None:
    """Send messages of one person after the other: each person's stay in one partition."""
    await send(world, messages, per_partition=lambda i: int(messages[i][0][1:].partition("-")[0]) % PARTITIONS)


async def until_stage(world: World, stage: str, count: int) -> None:
    """Wait until so many leads stand in a stage."""

    async def there() -> bool:
        return int(await world.value("SELECT count(*) FROM leads WHERE stage = $1", stage)) == count

    await world.until(there)


async def moves(world: World) -> list[tuple[str, str]]:
    """Give what the timeline tells of stages, as (before, after), in order."""
    rows = await world.connection.fetch("SELECT data->>'before' AS b, data->>'after' AS a FROM timeline WHERE kind = 'stage' ORDER BY id")
    return [(row["b"], row["a"]) for row in rows]


async def test_a_lead_falls_out_of_its_stage_with_no_message_but_its_clock(world: World) -> None:
    await lay_the_ground(world)
    await started(world)
    await tell(world, person(1), form(1, 3.0))
    await until_stage(world, "mql", 1)
    assert await world.done() == 2
    assert await world.value("SELECT kind FROM clocks") == "stage"
    due = await world.value("SELECT due_at FROM clocks")
    await world.connection.execute("DELETE FROM dirty")
    await until_stage(world, "lead", 1)
    assert (await moves(world))[-1] == ("mql", "lead")
    late = await world.value("SELECT at - $1 FROM timeline WHERE kind = 'stage' ORDER BY id DESC LIMIT 1", due)
    assert timedelta(0) <= late
    assert await world.value("SELECT array_agg(system ORDER BY system) FROM dirty") == ["hubspot", "salesforce"]
    assert await world.value("SELECT sum(applied) FROM applied") == 3


async def test_two_workers_share_what_is_due_and_none_is_told_twice(world: World) -> None:
    await lay_the_ground(world)
    await started(world, 2)
    people = range(40)
    await tell(world, *(person(n) for n in people), *(form(n, 3.0) for n in people))
    await world.until_done(80)
    await until_stage(world, "lead", 40)
    assert (await moves(world)).count(("mql", "lead")) == 40
    assert await world.value("SELECT sum(applied + noop + parked + filtered) FROM applied") == 120
    assert await world.value("SELECT sum(noop + parked) FROM applied") == 0


async def test_a_clock_comes_back_when_the_worker_that_claimed_it_was_killed(world: World) -> None:
    await lay_the_ground(world)
    killed = world.start("die-claimed")
    await tell(world, person(1), form(1, 3.0))
    assert await exit_code(killed) == -signal.SIGKILL
    assert await world.done() == 2
    assert await world.value("SELECT attempts FROM clocks") == 1
    world.start()
    await until_stage(world, "lead", 1)
    assert await moves(world) == [(None, "inquiry"), ("inquiry", "mql"), ("mql", "lead")]


async def test_a_clock_that_is_told_again_changes_nothing(world: World) -> None:
    await lay_the_ground(world)
    await started(world)
    await tell(world, person(1), form(1, 3.0))
    await until_stage(world, "lead", 1)
    (first,) = [row for row in await world.read_topic(world.topic) if dict(row.headers)["ce_type"] == b"truce.clock.due"]
    before = await world.value("SELECT doc::text FROM leads")
    headers = [(name, value) for name, value in first.headers]
    await send(world, [(first.key.decode(), first.value, headers)], per_partition=lambda i: first.partition)
    await world.until_done(4)
    assert await world.value("SELECT doc::text FROM leads") == before
    assert await world.value("SELECT sum(noop) FROM applied") == 1


async def test_whoever_is_erased_or_joined_into_another_has_no_clock(world: World) -> None:
    await lay_the_ground(world)
    await started(world)
    people = (1, 2, 5)
    await tell(world, *(person(n) for n in people), *(form(n, 30.0) for n in people))
    await world.until_done(6)
    assert await world.value("SELECT count(*) FROM clocks") == 3
    at = datetime.now(UTC)
    merged = RecordMerged(survivor="hubspot:contacts:1", losers=("hubspot:contacts:5",), at=at, received_at=at)
    erased = RecordDeleted(ref="hubspot:contacts:2", how="erased", at=at, received_at=at)
    await tell(world, told("truce.record.merged", merged, "x1"), told("truce.record.deleted", erased, "x2"))
    await world.until_done(8)
    rows = await world.connection.fetch("SELECT r.ref, c.kind FROM clocks c JOIN records r USING (lead_id) WHERE r.gone IS NULL")
    assert [tuple(row) for row in rows] == [("hubspot:contacts:1", "stage")]
    assert await world.value("SELECT count(*) FROM clocks") == 1


async def test_a_hand_off_that_waits_for_enrichment_is_given_when_its_time_is_over(world: World) -> None:
    await lay_the_ground(world, WAITS)
    await started(world)
    await tell(world, person(1), form(1, HALF_S))
    await until_stage(world, "mql", 1)
    assert await world.value("SELECT handoff_state FROM leads") is None
    assert await world.value("SELECT data ? 'expires' FROM clocks WHERE kind = 'hold'")

    async def given() -> bool:
        return bool(await world.value("SELECT handoff_state = 'offered' FROM leads"))

    await world.until(given)
    assert await world.value("SELECT count(*) FROM clocks WHERE kind = 'hold'") == 0
    assert await world.value("SELECT count(*) FROM turns") == 1
    assert await world.done() == 3
