"""Hand-offs on a real Kafka and a real PostgreSQL: a clock that nobody answers moves the lead on once, whatever happens to the workers."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import User
from schemas.command import Command
from schemas.notice import NoticeSent
from sync.agents import ground
from sync.store import audit, cursors, playbooks, users
from sync.store.connect import open_pool
from tests.integration.agents.support import PARTITIONS, World
from tests.integration.agents.test_clocks import EXAMPLE, HALF_S, LIFECYCLE, SYSTEMS, form, person, started, tell, told

ANA, BEN, MARIA, HEAD, PAUL = (f"{name}@acme.example" for name in ("ana", "ben", "maria", "head.of.sales", "head.of.marketing"))
TEAM = f"""
timezone: Europe/Berlin
reps:
  {ANA}: {{name: Ana Diaz, manager: {MARIA}}}
  {BEN}: {{name: Ben Roth, manager: {MARIA}}}
  {MARIA}: {{name: Maria Lund, manager: {HEAD}}}
  {HEAD}: {{name: Vera Holm}}
  {PAUL}: {{name: Paul Stein}}
pools: {{ae: [{ANA}, {BEN}]}}
"""
ROUTING = f"routes: [{{id: all, assign: {{pool: ae, by: round_robin, sla: hot}}, fallback: {{owner: {MARIA}}}}}]"
SLA = f"""
default: hot
slas:
  hot:
    accountable: {HEAD}
    clock: always
    offers: 3
    legs:
      accept: {{within: 4s, warn: 2s, then: [reassign, escalate]}}
      first_response: {{within: 1h, then: [escalate]}}
reasons: {{no_fit: {{label: Does not fit, then: disqualify}}}}
"""


WAVE = 20
"""So many people are offered to somebody when the workers go."""


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DECIDER", "real")


async def lay_the_ground(world: World, sla: str = SLA) -> None:
    pool = await open_pool(world.dsn, world.name, size=1)
    await ground.prepare(world.connection, world.kafka, world.name, SYSTEMS, PARTITIONS)
    for system in SYSTEMS:
        await users.put(pool, system, [User(id=f"{system}-{who}", email=who) for who in (ANA, BEN, MARIA, HEAD)])
        await cursors.put(pool, system, "everything", "", done=True)
    await pool.close()
    files = {name: (EXAMPLE / name).read_bytes() for name in ("fields.yaml",)}
    files |= {"lifecycle.yaml": LIFECYCLE.replace("half_life_days: 0.0005, ", "").encode(), "team.yaml": TEAM.encode()}
    files |= {"routing.yaml": ROUTING.encode(), "sla.yaml": sla.encode()}
    await playbooks.add(world.connection, files, "v1", "test")


async def row(world: World) -> dict[str, Any]:
    found = await world.connection.fetchrow("SELECT *, id::text AS handoff, lead_id::text AS lead FROM handoffs")
    return dict(found) if found is not None else {}


async def offered(world: World) -> dict[str, Any]:
    """Let somebody fill in a form, and be offered to a rep whose card has been sent."""
    await tell(world, person(1), form(1, HALF_S))

    async def there() -> bool:
        return bool(await row(world))

    await world.until(there)
    first = await row(world)
    await tell(world, sent(first, 1))
    return first


def sent(handoff: dict[str, Any], offer: int, n: int = 1) -> Any:
    data = NoticeSent(lead_id=handoff["lead"], handoff=handoff["handoff"], offer=offer, at=datetime.now(UTC))
    return told("truce.notice.sent", data, f"n{n}-{offer}")


def order(handoff: dict[str, Any], name: Any, by: str, ident: str, at: datetime | None = None, **more: Any) -> Any:
    data = Command(name=name, lead_id=handoff["lead"], handoff=handoff["handoff"], by=by, at=at or datetime.now(UTC), **more)
    return told(f"truce.command.{name}", data, f"c1-{ident}")


async def until_offers(world: World, count: int) -> None:
    async def so() -> bool:
        return int(await world.value("SELECT count(*) FROM offers")) == count

    await world.until(so)


async def answer(world: World, ident: str) -> tuple[bool, str]:
    async def so() -> bool:
        return bool(await world.value("SELECT count(*) FROM answers WHERE id = $1", f"c1-{ident}"))

    await world.until(so)
    found = await world.connection.fetchrow("SELECT ok, text FROM answers WHERE id = $1", f"c1-{ident}")
    return found["ok"], found["text"]


async def test_nobody_answers_and_the_worker_is_killed_it_moves_on_once(world: World) -> None:
    await lay_the_ground(world)
    (worker,) = await started(world)
    first = await offered(world)

    async def known() -> bool:
        return bool(await world.value("SELECT count(*) FROM clocks WHERE kind = 'handoff'"))

    await world.until(known)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    await started(world)
    await until_offers(world, 2)
    second = await row(world)
    assert {first["owner"], second["owner"]} == {ANA, BEN}
    assert second["handoff"] == first["handoff"]
    leg = await world.connection.fetchrow("SELECT owner, breached_at, done_at FROM legs WHERE leg = 'accept'")
    assert (leg["owner"], leg["breached_at"] is not None, leg["done_at"]) == (first["owner"], True, None)
    problems = await world.connection.fetch("SELECT kind, owner FROM problems WHERE closed_at IS NULL")
    assert [(one["kind"], one["owner"]) for one in problems] == [("not_accepted", first["owner"])]
    notices = [one["kind"] for one in await world.connection.fetch("SELECT kind FROM notices ORDER BY at, kind")]
    assert sorted(notices) == ["escalated", "moved", "offered", "offered", "warned"]
    await tell(world, order(second, "accept", second["owner"], "yes"))
    assert await answer(world, "yes") == (True, (await answer(world, "yes"))[1])
    assert (await answer(world, "yes"))[1].startswith("Accepted. First response due ")
    assert await world.value("SELECT count(*) FROM problems WHERE closed_at IS NULL") == 0
    assert await world.value("SELECT stage FROM leads") == "sal"
    await tell(world, order(first, "accept", first["owner"], "late"))
    ok, words = await answer(world, "late")
    assert (ok, words.split(" accepted this")[0], words.endswith("so that changed nothing.")) == (
        False, {ANA: "Ana Diaz", BEN: "Ben Roth"}[second["owner"]], True,
    )  # fmt: skip
    assert await audit.lost(world.connection, datetime.now(UTC) + timedelta(hours=1)) == []


async def test_a_yes_in_time_that_comes_late_is_heard(world: World) -> None:
    await lay_the_ground(world)
    await started(world)
    first = await offered(world)
    pressed = datetime.now(UTC)
    await until_offers(world, 2)
    await tell(world, order(first, "accept", first["owner"], "pressed", pressed))
    assert (await answer(world, "pressed"))[0]
    after = await row(world)
    assert (after["owner"], after["state"]) == (first["owner"], "accepted")
    ended = await world.connection.fetch("SELECT owner, ended FROM offers ORDER BY n")
    assert [(one["owner"] == first["owner"], one["ended"]) for one in ended] == [(False, "void"), (True, None)]
    assert await world.value("SELECT breached_at FROM legs WHERE leg = 'accept'") is None
    assert await world.value("SELECT owner FROM leads") == first["owner"]


def older(value: Any, ms: int) -> Any:
    """Give a lead's document as if all of it had happened so much earlier."""
    if isinstance(value, dict):
        return {name: older(one, ms) for name, one in value.items()}
    if isinstance(value, list):
        return [older(one, ms) for one in value]
    return value - ms if isinstance(value, int) and value > 1_600_000_000_000 else value


async def test_after_four_days_without_workers_nothing_expires_in_a_wave(world: World) -> None:
    await lay_the_ground(world, SLA.replace("within: 4s, warn: 2s", "within: 30m, warn: 10m"))
    (worker,) = await started(world)
    await tell(world, *(one for n in range(WAVE) for one in (person(n), form(n, HALF_S))))

    async def offered_all() -> bool:
        return int(await world.value("SELECT count(*) FROM handoffs")) == WAVE

    await world.until(offered_all)
    rows = await world.connection.fetch("SELECT id::text AS handoff, lead_id::text AS lead FROM handoffs")
    await tell(world, *(sent(dict(row), 1, n) for n, row in enumerate(rows)))

    async def clocks_run() -> bool:
        return int(await world.value("SELECT count(*) FROM legs")) == WAVE

    await world.until(clocks_run)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    days, ms = timedelta(days=4), 4 * 86_400_000
    for lead in await world.connection.fetch("SELECT id, doc FROM leads"):
        await world.connection.execute("UPDATE leads SET doc = $2 WHERE id = $1", lead["id"], older(lead["doc"], ms))
    await world.connection.execute("UPDATE clocks SET due_at = due_at - $1::interval", days)
    back = datetime.now(UTC)
    await started(world)

    async def told_on() -> bool:
        return int(await world.value("SELECT count(*) FROM clocks WHERE kind = 'handoff' AND due_at > now()")) == WAVE

    await world.until(told_on)
    assert await world.value("SELECT count(*) FROM offers WHERE ended IS NULL") == WAVE
    assert await world.value("SELECT count(*) FROM problems WHERE closed_at IS NULL") == 0
    legs = await world.connection.fetch("SELECT due_at, breached_at, cause FROM legs")
    assert {(leg["breached_at"], leg["cause"]) for leg in legs} == {(None, "outage")}
    assert all(back + timedelta(minutes=30) <= leg["due_at"] <= datetime.now(UTC) + timedelta(minutes=31) for leg in legs)
    notices = await world.connection.fetch("SELECT kind, count(*) AS n FROM notices GROUP BY kind")
    assert {one["kind"]: one["n"] for one in notices} == {"offered": WAVE, "warned": WAVE}
    assert await audit.lost(world.connection, datetime.now(UTC) + timedelta(hours=1)) == []


async def test_the_auditor_finds_a_hand_off_that_was_lost(world: World) -> None:
    await lay_the_ground(world)
    await started(world)
    await offered(world)
    await tell(world, person(2), form(2, HALF_S))

    async def both() -> bool:
        return int(await world.value("SELECT count(*) FROM handoffs")) == 2

    await world.until(both)
    later = datetime.now(UTC) + timedelta(hours=1)
    assert await audit.lost(world.connection, later) == []
    await world.connection.execute("DELETE FROM handoffs WHERE lead_id = (SELECT lead_id FROM handoffs ORDER BY opened_at DESC LIMIT 1)")
    assert len(await audit.lost(world.connection, later)) == 1
