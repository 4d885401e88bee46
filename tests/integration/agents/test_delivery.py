"""Real workers on real servers: what happens to messages when all goes well, and when some are bad."""

from __future__ import annotations

import signal

from sync.topology import events_name, writes_name
from tests.integration.agents.support import World, message, send


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
