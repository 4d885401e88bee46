"""Tasks in Asana, made by us and seen by its official client; what is completed there is a response here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asana
import pytest

from schemas.envelope import read
from schemas.response import ResponseRecorded
from sync.alerts.answers import Answers
from sync.alerts.asana import Asana
from sync.alerts.channel import Message, Outlet, Refused
from sync.playbook.models.alerts import Channel
from sync.settings import ChannelSettings
from tests.integration.alerts.asana_server import PROJECT, TOKEN, AsanaServer
from tests.integration.alerts.ledger import handoff, lead, notice
from tests.integration.alerts.office import HERE, Office, agreed, secret

DUE = datetime(2026, 11, 26, 9, 44, tzinfo=UTC)


@pytest.fixture
async def server() -> AsyncIterator[AsanaServer]:
    async with AsanaServer() as made:
        yield made


@pytest.fixture
async def channel(server: AsanaServer) -> AsyncIterator[Asana]:
    made = Asana(Outlet("tasks", "asana", PROJECT, server.url, {"token": TOKEN}))
    yield made
    await made.close()


def _official(server: AsanaServer, gid: str) -> dict[str, Any]:
    configuration = asana.Configuration()
    configuration.access_token, configuration.host = TOKEN, server.url
    found: dict[str, Any] = asana.TasksApi(asana.ApiClient(configuration)).get_task(gid, {})
    return found


async def test_a_task_is_the_persons_and_due_by_the_deadline_as_the_official_client_sees_it(server: AsanaServer, channel: Asana) -> None:
    sent = await channel.send(
        Message("New for you: <b>Nordwind\r\nAS</b>", ("Accept by 09:44.",), person="ana@acme.example", due=DUE), key="k1"
    )
    task = await asyncio.to_thread(_official, server, sent.ref)
    assert task["name"] == "New for you: <b>Nordwind AS</b>"
    assert task["due_at"] == "2026-11-26T09:44:00Z"
    assert task["assignee"] == {"gid": "77"}
    assert task["notes"].startswith("Accept by 09:44.\n")


async def test_somebody_whom_asana_does_not_know_is_named_in_the_text(server: AsanaServer, channel: Asana) -> None:
    sent = await channel.send(Message("Nordwind AS", person="new@acme.example"), key="k1")
    assert "assignee" not in server.tasks[sent.ref]
    assert server.tasks[sent.ref]["notes"].startswith("For new@acme.example\n")


async def test_a_task_whose_answer_was_lost_is_found_by_its_key(server: AsanaServer, channel: Asana) -> None:
    server.lost = True
    message = Message("Nordwind AS", person="ana@acme.example")
    with pytest.raises(Refused) as refused:
        await channel.send(message, key="k1")
    assert refused.value.unsure
    since = datetime.now(UTC) - timedelta(minutes=1)
    found = await channel.find(message, key="k1", since=since)
    assert found is not None
    assert found.ref == "1"
    assert await channel.find(message, key="k2", since=since) is None


async def test_what_is_over_is_completed(server: AsanaServer, channel: Asana) -> None:
    sent = await channel.send(Message("Nordwind AS"), key="k1")
    await channel.update(sent, Message("Over", level="good"))
    assert (await asyncio.to_thread(_official, server, sent.ref))["completed"] is True


async def test_a_completed_task_of_a_hand_off_is_told_once_as_a_response(server: AsanaServer, pool: Any) -> None:
    settings = {"tasks": ChannelSettings(url=server.url, address=PROJECT, secrets={"token": secret(TOKEN)})}
    office = Office(pool, settings, agreed(("tasks",), channels={"tasks": Channel("tasks", "asana", HERE)}))
    now = office.clock.now()
    lead_id = await lead(pool, now)
    handoff_id = await handoff(pool, lead_id, now)
    await pool.execute(
        "INSERT INTO alert_messages (id, notice_id, say, channel, role, at, ready_at, state, ref) VALUES ('m1', $1, 'offered', 'tasks', 'owner', $2, $2, 'sent', '1')",
        await notice(pool, lead_id, handoff_id, "offered", "ana@acme.example", now), now,
    )  # fmt: skip
    made = Asana(Outlet("tasks", "asana", PROJECT, server.url, {"token": TOKEN}))
    await made.send(Message("New for you", person="ana@acme.example"), key="m1")
    server.complete("1", "77")
    told: list[tuple[bytes, bytes, list[tuple[str, bytes]]]] = []

    async def publish(key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        told.append((key, value, headers))

    answers = Answers(pool, office.outlets, office.clock, publish)
    ground = office.ground()
    for _ in range(3):
        await answers.look(ground)
        office.clock.forward(31)
    assert len(told) == 1
    said = read(told[0][1], told[0][2]).data
    assert isinstance(said, ResponseRecorded)
    assert (said.system, said.ref, said.kind, said.by) == ("asana", f"salesforce:Lead:{lead_id[:8]}", "task", "77")
    await made.close()
    await office.close()
