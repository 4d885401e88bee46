"""The doors through which people answer, listening: real Kafka and PostgreSQL, the emulated Slack, and a lead that was offered to Ana."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from connectors.emulator.control import serve
from connectors.emulator.slack import Person, Slack
from schemas import envelope
from schemas.envelope import Envelope
from schemas.keys import keyed
from sync.agents import ground
from sync.alerts.channel import Message, Outlet, Sent
from sync.alerts.slack import SlackChannel, door
from sync.answering import answering
from sync.app import active_playbook
from sync.lead.decision import AnswerNote
from sync.runtime.producer import make_producer
from sync.settings import Settings
from sync.sources.publisher import Publisher
from sync.store import answers
from sync.store.connect import open_pool
from tests.integration.store.installed import put
from tests.unit.slack.kim import ANA, HANDOFF, doc, told

LEAD, SECRET, ROOM = "1e000000-0000-4000-8000-000000000001", "a secret of the tests", "C000SALES"
UANA, UBEN, UMARIA, UOUT = "U0000ANA", "U0000BEN", "U00MARIA", "U0OUTSID"
USTRANGE, UGONE = "U0STRANGE", "U0000GONE"
PEOPLE = (
    Person(UANA, ANA, "Ana Diaz"),
    Person(UBEN, "ben@acme.example", "Ben Roth"),
    Person(UMARIA, "maria@acme.example", "Maria Lund"),
    Person(UOUT, "visitor@elsewhere.example", "A Visitor"),
    Person("U000GUEST", "", "A Guest"),
    Person(USTRANGE, ANA, "Ana Diaz", team="T0ELSEWHERE"),
    Person(UGONE, ANA, "Ana Diaz", deleted=True),
)
TOKEN = "a token of Ana's program"


@dataclass
class Desk:
    """What a test has to do with: Slack, where the doors are, what went to Kafka, the store."""

    slack: Slack
    slack_url: str
    url: str
    pool: Any
    topic: str
    bootstrap: str
    secret: str = SECRET

    async def card(self) -> Sent:
        """Put Kim's card before Ana; gives where it is."""
        channel = SlackChannel(
            Outlet("sales-leads", "slack", url=f"{self.slack_url}/api/", secrets={"token": "emulated-bot-token"}, address=ROOM)
        )
        return await channel.send(Message("x", card=told(), to=ANA), key="n-1")

    async def ordered(self, count: int) -> list[Envelope]:
        """Give what stands on `changes`, at least so many."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(self.topic, p) for p in range(2)]
            consumer.assign(places)
            found: list[Envelope] = []
            async with asyncio.timeout(20):
                while len(found) < max(count, sum((await consumer.end_offsets(places)).values())):
                    for rows in (await consumer.getmany(timeout_ms=200)).values():
                        found += [envelope.read(row.value, row.headers) for row in rows]
            return found
        finally:
            await consumer.stop()

    async def decided(self, ident: str, text: str, *, ok: bool = True) -> None:
        """Answer an order as the lead agent does."""
        statement = answers.write([AnswerNote(ident, LEAD, ok, text)])
        await self.pool.execute(statement.sql, *statement.args)

    async def said_to(self, user: str) -> list[str]:
        """Wait until somebody was told something that they alone see, and give it all."""
        async with asyncio.timeout(20):
            while not (found := [one.text for one in self.slack.space.private if one.ephemeral == user]):
                await asyncio.sleep(0.01)
        return found

    async def view(self) -> dict[str, Any]:
        """Wait for a dialog and give it, with its id."""
        async with asyncio.timeout(20):
            while not self.slack.space.views:
                await asyncio.sleep(0.01)
        (one,) = self.slack.space.views.values()
        return {"id": one.id, **one.view}

    @property
    def client(self) -> AsyncWebClient:
        """Slack's own client."""
        return AsyncWebClient("emulated-bot-token", base_url=f"{self.slack_url}/api/")


async def _kim(pool: Any) -> None:
    await pool.execute(
        "INSERT INTO leads (id, key, rev, doc, stage, owner, in_scope, handoff_state, playbook_version) "
        "VALUES ($1, 'k-kim', 1, $2, 'mql', $3, true, 'offered', 1)",
        LEAD,
        doc(),
        ANA,
    )
    key = keyed(SECRET.encode(), "kim.larsen@nordwind.example")
    await pool.execute("INSERT INTO identities (kind, key, lead_id) VALUES ('email', $1, $2)", key, LEAD)
    await pool.execute(
        "INSERT INTO handoffs (id, lead_id, cycle, kind, sla, priority, segment, pool, route, rule, source, state, owner, opened_at, closed_as, "
        "reason, comment, playbook_version) VALUES ($1, $2, 1, 'mql', 'hot', 'hot', '', 'emea-ae', '', 'r', '', 'offered', $3, now(), '', '', '', 1)",
        HANDOFF,
        LEAD,
        ANA,
    )
    await pool.execute(
        "INSERT INTO offers (handoff_id, n, lead_id, owner, rule, at, reason, comment, \"by\") VALUES ($1, 1, $2, $3, 'r', now(), '', '', '')",
        HANDOFF,
        LEAD,
        ANA,
    )


SYSTEMS = {"salesforce": {"vendor": "salesforce", "url": "https://acme.my.salesforce.example"}}


def settings(url: str, **secrets: str) -> Settings:
    given = {"token": "emulated-bot-token", "signing_secret": "emulated-signing-secret"} | secrets
    return Settings.model_validate(
        {"secret": SECRET, "systems": SYSTEMS, "channels": {"slack": {"url": f"{url}/api/", "secrets": given}}, "api_tokens": {ANA: TOKEN}}
    )


@pytest.fixture
def in_force(postgres: str, installation: str) -> tuple[str, str]:
    """An installation with the example in force."""
    put((postgres, installation))
    return postgres, installation


PATIENCE_S = 20.0
"""Slack's three seconds are no measure of a machine that runs many tests at once."""


@pytest.fixture
async def desk(kafka: str, in_force: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(door, "PATIENCE_S", PATIENCE_S)
    pool = await open_pool(*in_force)
    await _kim(pool)
    topic = (await ground.prepare(pool, kafka, in_force[1], ("hubspot",), 2)).topic
    producer = await make_producer(kafka)
    slack = Slack(PEOPLE, {ROOM: "sales-leads"}, unlimited=True)
    known = partial(answering, pool=pool, playbook=active_playbook(pool), publisher=Publisher(pool, producer, topic, SECRET.encode()))
    try:
        async with serve(slack.app) as there, known(settings(there.url)) as routes, serve(Starlette(routes=routes)) as here:
            slack.caller.actions_url, slack.caller.commands_url = f"{here.url}/slack/actions", f"{here.url}/slack/commands"
            slack.hands.url, slack.caller.patience_s = there.url, PATIENCE_S + 5
            yield Desk(slack, there.url, here.url, pool, topic, kafka)
    finally:
        await producer.stop()
        await pool.close()


def plain(data: Any) -> dict[str, Any]:
    """Give a message's data as JSON has it."""
    read: dict[str, Any] = orjson.loads(data.model_dump_json(exclude_defaults=True))
    return read
