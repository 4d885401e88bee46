"""The sign of life: a real receiver is called every minute while all is well, and not while alerts, clocks or decisions stand still."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.change import RecordChanged
from schemas.envelope import new, write
from sync.agents import ground
from sync.alerts.alive import LATE_S
from sync.alerts.rounds import Rounds
from sync.runtime.kafka import free_port
from sync.runtime.producer import make_producer
from sync.settings import ChannelSettings
from sync.sources.lag import LagGate
from sync.store import telling
from sync.store.telling import Intent
from tests.house.project import ROOT
from tests.integration.alerts.ledger import lead
from tests.integration.alerts.office import Office, agreed, later, problem
from tests.integration.alerts.receivers import Mailbox, Pulse
from tests.integration.store.installed import put


@pytest.fixture
async def office(pool: Any, mailbox: Mailbox) -> AsyncIterator[Office]:
    settings = {"mail": ChannelSettings(url=mailbox.url, address="team@acme.example", options={"from": "truce@acme.example"})}
    made = Office(pool, settings, agreed(("mail",)))
    yield made
    await made.close()


async def beats(office: Office, rounds: Rounds, pulse: Pulse, minutes: int = 1) -> int:
    """Let minutes go by; gives how many signs of life came."""
    before, here = pulse.beats, office.ground()
    for _ in range(minutes):
        office.clock.forward(61)
        await rounds.beat(here)
        if rounds._beating is not None:
            await rounds._beating
    return pulse.beats - before


@contextmanager
def worker(postgres: str, kafka: str, installation: str) -> Iterator[None]:
    """A real worker while the block lasts."""
    env = {
        "TRUCE_DATABASE": postgres, "KAFKA_BOOTSTRAP_SERVERS": kafka, "TRUCE_INSTALLATION": installation, "TRUCE_PARTITIONS": "1",
    }  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "sync.cli", "worker"], env={**os.environ, **env}, cwd=ROOT)
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def test_it_stops_when_alerts_do_not_go_out(pool: Any, office: Office, mailbox: Mailbox, pulse: Pulse) -> None:
    rounds = Rounds(pool, office.clock, pulse.url)
    assert await beats(office, rounds, pulse, 3) == 3
    mailbox.refuse = "451 later"
    await office.opened(problem(1))
    await office.minutes(7)
    assert await beats(office, rounds, pulse) == 0
    mailbox.refuse = None
    await office.minutes(6)
    assert await beats(office, rounds, pulse) == 1
    await rounds.close()


async def test_a_long_queue_that_gets_shorter_is_well_and_a_channel_to_which_nothing_goes_is_not(pool: Any, office: Office) -> None:
    now, ago = office.clock.now(), office.clock.now() - later(600)
    await telling.intend(pool, [Intent(f"m{n}", "open", "mail", None, "channel", None) for n in range(400)], ago)
    assert await telling.stuck(pool, now, LATE_S)
    await telling.sent(pool, "m0", now - later(1), "ref", {}, copy=False)
    assert not await telling.stuck(pool, now, LATE_S), "one a second is what it takes"
    await telling.intend(pool, [Intent("o1", "open", "other", None, "channel", None)], ago)
    assert await telling.stuck(pool, now, LATE_S), "what goes elsewhere says nothing of this one"


async def test_it_stops_when_the_notifier_does_nothing_but_beat(pool: Any, office: Office, pulse: Pulse) -> None:
    rounds = Rounds(pool, office.clock, pulse.url)
    await office.opened(problem(1))
    assert await beats(office, rounds, pulse, 4) == 4
    assert await beats(office, rounds, pulse, 4) == 0
    await office.minutes(2)
    assert await beats(office, rounds, pulse) == 1
    await rounds.close()


async def test_who_takes_a_sign_of_life_slowly_holds_up_nothing_and_gets_one_at_a_time(pool: Any, office: Office, pulse: Pulse) -> None:
    rounds, here = Rounds(pool, office.clock, pulse.url), office.ground()
    pulse.open.clear()
    for _ in range(3):
        office.clock.forward(61)
        await rounds.beat(here)
    async with asyncio.timeout(30):
        await pulse.came.wait()
    assert pulse.beats == 1
    pulse.open.set()
    assert rounds._beating is not None
    await rounds._beating
    assert await beats(office, rounds, pulse) == 1
    pulse.open.clear()
    office.clock.forward(61)
    await rounds.beat(here)
    async with asyncio.timeout(30):
        await rounds.close()
    pulse.open.set()


async def test_it_stops_when_nobody_tells_the_clocks(pool: Any, office: Office, pulse: Pulse) -> None:
    rounds = Rounds(pool, office.clock, pulse.url)
    await pool.execute(
        "INSERT INTO clocks (lead_id, kind, due_at, playbook_version) VALUES ($1::text::uuid, 'handoff', now() - interval '4 min', 1)",
        await lead(pool, office.clock.now()),
    )
    assert await beats(office, rounds, pulse) == 1
    await pool.execute("UPDATE clocks SET due_at = due_at - interval '2 min'")
    assert await beats(office, rounds, pulse) == 0
    await pool.execute("DELETE FROM clocks")
    assert await beats(office, rounds, pulse) == 1
    await rounds.close()


async def test_it_stops_while_no_worker_decides_and_goes_on_with_one(
    pool: Any, office: Office, pulse: Pulse, kafka: str, postgres: str, installation: str
) -> None:
    await asyncio.to_thread(put, (postgres, installation))
    topic = (await ground.prepare(pool, kafka, installation, ("salesforce",), 1)).topic
    gate = LagGate(kafka, topic, pool)
    rounds = Rounds(pool, office.clock, pulse.url, gate.waiting)
    assert await beats(office, rounds, pulse, 10) == 10, "who has nothing to do is well"
    producer = await make_producer(kafka)
    now = datetime.now(UTC)
    seen = RecordChanged(ref="salesforce:Lead:00Q1", at=now, fields={"LastName": "Larsen"}, received_at=now)
    value, headers = write(new("truce.record.changed", seen, source="salesforce", ident=str(uuid.uuid4()), time=now))
    await producer.send_and_wait(topic, value, key=b"k", headers=headers)
    await producer.stop()
    assert await beats(office, rounds, pulse, 10) == 5
    with worker(postgres, kafka, installation):
        async with asyncio.timeout(60):
            while await gate.waiting():
                await asyncio.sleep(0.05)
        assert await beats(office, rounds, pulse, 10) == 10
    await rounds.close()
    await gate.close()


async def test_it_stops_while_kafka_does_not_answer(pool: Any, office: Office, pulse: Pulse) -> None:
    gate = LagGate(f"127.0.0.1:{free_port()}", "changes", pool)
    rounds = Rounds(pool, office.clock, pulse.url, gate.waiting)
    assert await beats(office, rounds, pulse) == 0
    await rounds.close()
    await gate.close()
