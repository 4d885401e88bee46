"""After Kafka lost its data: a new incarnation begins, and every system is read in full again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from sync.app import begin_anew, prepare
from sync.settings import Settings
from sync.store import cursors
from sync.store.connect import open_pool
from tests.house.project import ROOT


async def test_a_new_incarnation_has_its_own_topic_and_orders_full_reads(kafka: str, postgres: str, installation: str) -> None:
    settings = Settings(
        installation=installation,
        database=SecretStr(postgres),
        KAFKA_BOOTSTRAP_SERVERS=kafka,
        playbook=ROOT / "deploy" / "playbook",
        partitions=2,
    )
    first = (await prepare(settings)).changes
    pool = await open_pool(postgres, installation)
    try:
        await cursors.put(pool, "salesforce", "everything", "00Q", done=True)
        await cursors.put(pool, "salesforce", "changes", "since yesterday")
        assert await cursors.read_fully(pool) == {"salesforce"}

        assert await cursors.hold_lease(pool, "source:salesforce", "somebody", 60)
        with pytest.raises(cursors.StillHeld, match="source:salesforce"):
            await begin_anew(settings)
        assert (await prepare(settings)).changes == first
        await cursors.drop_lease(pool, "source:salesforce", "somebody")

        second = await begin_anew(settings)

        assert (first, second) == (f"{installation}.changes.1", f"{installation}.changes.2")
        assert (await prepare(settings)).changes == second
        assert await cursors.read_fully(pool) == frozenset()
        assert await cursors.get(pool, "salesforce", "changes") is None
        since = await cursors.read_since(pool)
        assert since is not None
        assert timedelta(days=6, hours=23) < datetime.now(UTC) - since < timedelta(days=7, hours=1)  # as long as the topic kept messages
    finally:
        await pool.close()
