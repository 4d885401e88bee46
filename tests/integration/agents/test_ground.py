"""What must stand in Kafka for the agent to go on."""

from __future__ import annotations

import pytest

from sync.agents import ground
from sync.agents.halt import Halt
from sync.store.connect import open_pool


async def test_a_broker_that_came_back_empty_stops_us_with_what_to_do(kafka: str, postgres: str, installation: str) -> None:
    pool = await open_pool(postgres, installation)
    try:
        gone = f"{installation}.changes.1"
        await ground.still_there(pool, kafka, gone)  # nothing was applied: nothing is lost
        await pool.execute("INSERT INTO applied (topic, partition, next_offset) VALUES ($1, 0, 7)", gone)
        with pytest.raises(Halt, match="7 of its messages were applied") as halted:
            await ground.still_there(pool, kafka, gone)
        assert halted.value.code == 2
        with pytest.raises(Halt, match="--new-incarnation"):
            await ground.prepare(pool, kafka, installation, ("crm",), 2)
    finally:
        await pool.close()
