"""Real workers on real servers: what happens to messages when all goes well, and when some are bad."""

from __future__ import annotations

import signal

from aiokafka.admin import AIOKafkaAdminClient

from sync.store import playbooks
from sync.store.parked import unpack_headers
from sync.topology import events_name, group_name, writes_name
from tests.integration.agents.support import PARTITIONS, World, exit_code, message, send


async def test_every_message_is_applied_once_and_its_outputs_are_published(world: World) -> None:
    ids = await send(world, [message(f"crm:Lead:{n % 50}", n) for n in range(400)])
    world.start()
    await world.until_done(400)
    await world.applied_once(ids)
    assert await world.value("SELECT sum((doc->'desired'->'count'->>'value')::int) FROM leads") == 400
    assert await world.value("SELECT count(*) FROM records") == 50
    world.workers[0].send_signal(signal.SIGTERM)
    assert world.workers[0].wait(10) == 0
    assert await world.value("SELECT count(*) FROM outbox") == 0
    doorbells = {row.key.decode() for row in await world.read_topic(writes_name(world.name, "crm", "hot"))}
    assert doorbells == {row["id"] for row in await world.connection.fetch("SELECT id FROM leads")}
    events = [dict(row.headers)["ce_id"] for row in await world.read_topic(events_name(world.name))]
    assert len(events) == len(set(events)) == 400


async def test_a_message_whose_decision_raises_is_parked_with_its_bytes_and_the_rest_go_on(world: World) -> None:
    bad = message("crm:Lead:bad", 7, explode=True)
    good = [message(f"crm:Lead:{n}", n) for n in range(60)]
    ids = await send(world, [*good[:30], bad, *good[30:]])
    world.start()
    await world.until_done(61)
    await world.applied_once(set(ids) - {bad[0]})
    row = await world.connection.fetchrow("SELECT * FROM parked")
    assert (row["kind"], row["code"], row["body"], row["topic"]) == ("message", "RuntimeError", bad[1], world.topic)
    assert unpack_headers(row["headers"]) == bad[2]
    assert "the decision blew up" in row["reason"]
    assert "Traceback" in row["traceback"]
    assert await world.value("SELECT count(*) FROM problems WHERE kind = 'message_parked' AND closed_at IS NULL") == 1
    assert world.workers[0].poll() is None


async def test_a_message_that_postgresql_refuses_is_parked_alone(world: World) -> None:
    bad = message("crm:Lead:nul", 7, nul=True)
    good = [message(f"crm:Lead:{n}", n) for n in range(200)]
    ids = await send(world, [*good[:111], bad, *good[111:]])
    world.start()
    await world.until_done(201)
    await world.applied_once(set(ids) - {bad[0]})
    assert [row["body"] for row in await world.connection.fetch("SELECT body FROM parked")] == [bad[1]]


async def test_what_cannot_be_read_is_parked_with_a_reason_that_names_what_is_wrong(world: World) -> None:
    good = message("crm:Lead:1")
    bad = [
        ("1", b"{", good[2]),
        ("2", good[1], []),
        ("3", good[1], [*good[2][:2], ("ce_type", b"truce.unheard.of"), *good[2][3:]]),
        ("4", good[1].replace(b"crm:Lead:1", b"no ref"), good[2]),
        ("5", b'{"ref": "crm:Lead:\\u0000"}', good[2]),
        message("crm:Lead:2", greedy=True),
    ]
    await send(world, [*bad, good])
    world.start()
    await world.until_done(7)
    reasons = {row["reason"] for row in await world.connection.fetch("SELECT reason FROM parked")}
    assert len(reasons) == 6
    assert any("ce_specversion" in reason for reason in reasons)
    assert any("ref" in reason for reason in reasons)
    await world.applied_once([good[0]])


async def test_too_much_that_is_bad_stops_the_agent_instead_of_parking_everything(world: World) -> None:
    bad = [message(f"{system}:Lead:{n}", n, explode=True) for n in range(200) for system in ("crm", "map")]
    await send(world, bad, per_partition=lambda n: n // 2 % PARTITIONS)  # both systems in each, whichever partition is read first
    assert await exit_code(world.start(batch=20)) == 2
    assert "truce parked" in world.log()
    assert await world.value("SELECT count(*) FROM parked") <= 160


async def test_one_sender_of_nothing_but_nonsense_stops_nobody(world: World) -> None:
    good = [message(f"map:Lead:{n}", n) for n in range(20)]
    ids = await send(world, [*(message(f"crm:Lead:{n}", n, explode=True) for n in range(120)), *good])
    world.start(batch=20)
    await world.until_done(140)
    await world.applied_once(ids[120:])
    assert await world.value("SELECT count(*) FROM parked") == 120


async def test_an_input_that_may_be_applied_once_is_applied_once_however_often_it_comes(world: World) -> None:
    one = message("crm:Lead:1", once=True)
    await send(world, [one])
    world.start()
    await world.until_done(1)
    await send(world, [one, one, message("crm:Lead:2")])
    await world.until_done(4)
    assert await world.value("SELECT count(*) FROM timeline WHERE data->>'id' = $1", one[0]) == 1
    assert await world.value("SELECT sum(noop)::int FROM applied") == 2


async def test_a_broken_playbook_never_replaces_a_good_one(world: World) -> None:
    world.start()
    await send(world, [message("crm:Lead:1")])
    await world.until_done(1)
    await playbooks.add(world.connection, {"broken": b""}, "2", "test")
    await send(world, [message("crm:Lead:2")])
    await world.until_done(2)
    assert "playbook broken" in world.log()
    assert await world.value("SELECT sum(applied)::int FROM applied") == 2


async def test_without_a_playbook_nothing_is_decided_and_nothing_is_lost(world: World) -> None:
    await world.connection.execute("DELETE FROM meta WHERE key = 'active_playbook'")
    ids = await send(world, [message(f"crm:Lead:{n}") for n in range(5)])
    world.start()

    async def waits() -> bool:
        return '"waiting": "playbook"' in world.log() or '"waiting":"playbook"' in world.log()

    await world.until(waits)
    assert await world.done() == 0
    await playbooks.add(world.connection, {"y": b""}, "3", "test")
    await world.until_done(5)
    await world.applied_once(ids)


async def test_group_offsets_follow_for_the_eyes_of_lag_monitors(world: World) -> None:
    await send(world, [message(f"crm:Lead:{n}") for n in range(40)])
    world.start()
    await world.until_done(40)
    admin = AIOKafkaAdminClient(bootstrap_servers=world.kafka)
    await admin.start()

    async def shown() -> bool:
        offsets = await admin.list_consumer_group_offsets(group_name(world.name, 1))
        return bool(sum(found.offset for found in offsets.values()) == 40)

    try:
        await world.until(shown, 10)
    finally:
        await admin.close()
