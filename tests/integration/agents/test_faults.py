"""Real workers that are killed, frozen and lied to: nothing is lost, nothing happens twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from sync.runtime import kafka as kafka_server
from sync.topology import events_name, writes_name
from tests.integration.agents.support import World, exit_code, message, send
from tests.integration.agents.support import world as make_world


async def test_a_worker_killed_between_commit_and_publishing_loses_and_doubles_nothing(world: World) -> None:
    ids = await send(world, [message(f"crm:Lead:{n % 40}", n) for n in range(300)])
    assert await exit_code(world.start("die-unpublished:2", batch=50)) == -signal.SIGKILL
    assert await world.value("SELECT count(*) FROM outbox") > 0
    world.start(batch=50)
    await world.until_done(300)
    await world.applied_once(ids)

    async def published() -> bool:
        return bool(await world.value("SELECT count(*) = 0 FROM outbox"))

    await world.until(published)
    events = {(dict(row.headers)["ce_id"], row.value) for row in await world.read_topic(events_name(world.name))}
    assert len(events) == 300  # what was published again is the same event: same id, same bytes
    doorbells = {row.key.decode() for row in await world.read_topic(writes_name(world.name, "crm", "hot"))}
    assert doorbells == {row["id"] for row in await world.connection.fetch("SELECT id FROM leads")}


async def test_messages_that_faust_skipped_in_the_middle_are_read_again(world: World) -> None:
    world.start("skip:2")
    ids = await send(world, [message("crm:Lead:0", n) for n in range(10)])
    await world.until_done(10)
    for start in range(10, 200, 30):  # fetch by fetch, so that the second one is lost with others behind it
        ids += await send(world, [message(f"crm:Lead:{n}", n) for n in range(start, start + 30)])
    await world.until_done(len(ids))
    await world.applied_once(ids)
    assert '"reading again"' in world.log()


async def test_last_messages_that_faust_skipped_are_read_again(world: World) -> None:
    world.start("skip-last:9")
    ids = await send(world, [message(f"crm:Lead:{n}", n) for n in range(40)])
    await world.until_done(40, 20)
    await world.applied_once(ids)
    assert (world.folder / "flag-0").read_text() == "skipped"
    assert '"reason": "tail"' in world.log()


async def test_a_worker_frozen_in_the_middle_of_its_assignment_changes_nothing_when_it_wakes(world: World) -> None:
    """It sleeps for longer than a request of its own may take, too: another worker starts and applies everything meanwhile."""
    ids = await send(world, [message(f"crm:Lead:{n % 30}", n) for n in range(200)])
    sleeper = world.start("freeze", request_s=2.5)

    async def frozen() -> bool:
        return (world.folder / "flag-0").exists()

    await world.until(frozen)
    world.start()
    await world.until_done(200)
    owners = await world.connection.fetch("SELECT partition, group_number, generation FROM applied ORDER BY partition")
    ids += await send(world, [message(f"crm:Lead:{n % 30}", n) for n in range(200, 260)])
    await world.until_done(260)
    assert owners == await world.connection.fetch("SELECT partition, group_number, generation FROM applied ORDER BY partition")
    sleeper.send_signal(signal.SIGCONT)
    ids += await send(world, [message(f"crm:Lead:{n % 30}", n) for n in range(260, 400)])
    await world.until_done(400)

    async def shared() -> bool:  # both own partitions again, in a newer generation
        return bool(await world.value("SELECT min(generation) > $1 FROM applied", max(row["generation"] for row in owners)))

    await world.until(shared)
    ids += await send(world, [message(f"crm:Lead:{n % 30}", n) for n in range(400, 480)])
    await world.until_done(480)
    await world.applied_once(ids)


async def test_two_workers_share_the_load_and_a_killed_one_is_replaced(world: World) -> None:
    first = world.start()
    world.start()

    async def both() -> bool:
        return all('"partitions taken"' in world.log(n) and '"count": 2' in world.log(n) for n in (0, 1))

    await world.until(both)
    ids = await send(world, [message(f"crm:Lead:{n % 60}", n, pool="everyone" if n % 5 == 0 else "") for n in range(1500)])
    first.kill()
    ids += await send(world, [message(f"crm:Lead:{n % 60}", n) for n in range(1500, 2000)])
    await world.until_done(2000)
    await world.applied_once(ids)
    assert await world.value("SELECT sum((doc->'desired'->'count'->>'value')::int) FROM leads") == 2000
    assert await world.value("SELECT number FROM pools WHERE name = 'everyone'") == 300


async def test_a_kafka_that_lost_its_data_stops_the_agent_with_a_clear_message(postgres: str, installation: str, tmp_path: Path) -> None:
    server = kafka_server.start(tmp_path / "first")
    try:
        async with make_world(server.bootstrap, postgres, installation, tmp_path) as world:
            worker = world.start()
            await send(world, [message(f"crm:Lead:{n}", n) for n in range(40)])
            await world.until_done(40)
            worker.kill()
            worker.wait(10)
            server.stop()
            server = kafka_server.start(tmp_path / "empty")
            world.kafka = server.bootstrap
            assert await exit_code(world.start()) == 2
            assert "lost its data" in world.log(1)
            assert "--new-incarnation" in world.log(1)
            await _topic_made_anew(world)
            assert await exit_code(world.start()) == 2
            assert "Kafka lost data: partition" in world.log(2)
            assert await world.done() == 40
    finally:
        server.stop()


async def _topic_made_anew(world: World) -> None:
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=world.kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(world.topic, 4, 1)])
    finally:
        await admin.close()


async def test_a_group_that_the_broker_forgot_gets_a_new_number(world: World) -> None:
    await world.connection.execute(
        "INSERT INTO applied (topic, partition, group_number, generation) SELECT $1, p, 1, 50 FROM generate_series(0, 3) p", world.topic
    )
    ids = await send(world, [message(f"crm:Lead:{n}", n) for n in range(20)])
    world.start()
    await world.until_done(20)
    await world.applied_once(ids)
    assert await world.value("SELECT min(group_number) FROM applied") == 2


async def test_an_agent_without_servers_waits_with_a_named_reason_and_stops_when_told_to(world: World) -> None:
    world.kafka = f"127.0.0.1:{kafka_server.free_port()}"
    worker = world.start()

    async def waits() -> bool:
        return '"waiting": "kafka"' in world.log()

    await world.until(waits)
    worker.send_signal(signal.SIGTERM)
    assert await exit_code(worker, 10) == 0


async def test_a_lost_database_connection_costs_nothing(world: World) -> None:
    world.start(batch=40)
    ids = await send(world, [message(f"crm:Lead:{n % 30}", n) for n in range(200)])
    await world.until_done(1)
    for at in range(200, 500, 100):
        await world.connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database() AND backend_type = 'client backend'"
        )
        ids += await send(world, [message(f"crm:Lead:{n % 30}", n) for n in range(at, at + 100)])
    await world.until_done(500)
    await world.applied_once(ids)
    assert await world.value("SELECT count(*) FROM parked") == 0


async def test_a_broker_killed_and_restarted_costs_nothing(postgres: str, installation: str, tmp_path: Path) -> None:
    server = kafka_server.start(tmp_path / "kafka")
    try:
        async with make_world(server.bootstrap, postgres, installation, tmp_path) as world:
            worker = world.start(session_s=6.0)
            ids = await send(world, [message(f"crm:Lead:{n % 30}", n) for n in range(200)])
            await world.until_done(200)
            server.kill()
            server = _again(server, tmp_path / "kafka")
            ids += await send(world, [message(f"crm:Lead:{n % 30}", n) for n in range(200, 400)])
            await world.until_done(400)
            await world.applied_once(ids)
            assert worker.poll() is None
    finally:
        server.stop()


def _again(server: kafka_server.LocalKafka, folder: Path) -> kafka_server.LocalKafka:
    """Start a killed broker on its old address with its old data."""
    from unittest.mock import patch

    port = int(server.bootstrap.rpartition(":")[2])
    with patch.object(kafka_server, "free_port", side_effect=[port, kafka_server.free_port()]):
        return kafka_server.start(folder)


async def test_generations_that_began_anew_under_a_known_group_are_overcome_by_a_new_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SHUT_OUT_S", "1")
    world.start()
    await world.until_done(len(ids := await send(world, [message(f"crm:Lead:{n}", n) for n in range(8)])))
    await world.connection.execute("UPDATE applied SET generation = 50")
    world.workers[0].terminate()
    assert await exit_code(world.workers[0], 10) == 0
    assert await exit_code(world.start()) == 1
    world.start()
    ids += await send(world, [message(f"crm:Lead:{n}", n) for n in range(8)])
    await world.until_done(16)
    await world.applied_once(ids)
    assert await world.value("SELECT min(group_number) FROM applied") == 2
