"""The role as it runs: on real Kafka and PostgreSQL, a card goes out, the lead agent hears of it, the page answers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer
from pydantic import SecretStr

from schemas.envelope import read
from schemas.notice import NoticeSent
from sync import app
from sync.runtime.kafka import free_port
from sync.settings import ChannelSettings, Settings
from tests.integration.alerts.ledger import handoff, lead, notice
from tests.integration.alerts.receivers import Mailbox


async def test_a_card_goes_out_and_the_lead_agent_hears_of_it(
    postgres: str, kafka: str, installation: str, pool: Any, mailbox: Mailbox
) -> None:
    settings = Settings(installation=installation, console_port=free_port(), partitions=1).model_copy(
        update={
            "database": SecretStr(postgres),
            "kafka": kafka,
            "channels": {"mail": ChannelSettings(url=mailbox.url, address="team@acme.example")},
        }
    )
    ready, stop = await app.prepare(settings), asyncio.Event()
    now = datetime.now(UTC)
    lead_id = await lead(pool, now)
    handoff_id = await handoff(pool, lead_id, now)
    await notice(pool, lead_id, handoff_id, "offered", "ana@acme.example", now)
    consumer = AIOKafkaConsumer(ready.changes, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    telling = asyncio.create_task(app._notifier(settings, ready, pool, stop))
    try:
        async with asyncio.timeout(30):
            found = await consumer.getone()
        said = read(found.value, found.headers).data
        assert isinstance(said, NoticeSent)
        assert said.handoff == handoff_id
        assert [str(mail["To"]) for mail in mailbox.mails] == ["ana@acme.example"]
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{settings.console_port}/health") as answer:
            assert answer.status == 204
    finally:
        stop.set()
        await telling
        await consumer.stop()
