"""Events of Truce go to another program: those that it asked for, once each by their id, signed, again until they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from schemas import envelope
from schemas.envelope import EVENT_TYPES
from schemas.event import LeadEvent
from sync.agents import ground
from sync.alerts import sending
from sync.alerts.channel import Message
from sync.alerts.message import kept
from sync.alerts.outbound import Outbound
from sync.alerts.service import Way
from sync.playbook.models import Subscription
from sync.playbook.models.alerts import Channel
from sync.settings import ChannelSettings
from sync.store import telling
from tests.integration.alerts.office import HERE, Office, agreed, problem, secret
from tests.integration.alerts.receivers import SECRET, Mailbox
from tests.integration.sender.sender import sender

WANTED = (Subscription("warehouse", ("truce.handoff.*", "truce.lead.stage_changed"), HERE),)


class Warehouse:
    """A program that takes what is posted to it, as it came; `status` is what it answers."""

    def __init__(self) -> None:
        self.came: list[tuple[dict[str, str], str]] = []
        self.status, self.open = 200, asyncio.Event()
        self.open.set()

    async def _post(self, request: web.Request) -> web.Response:
        self.came.append(({name.lower(): value for name, value in request.headers.items()}, await request.text()))
        await self.open.wait()
        return web.Response(status=self.status)

    async def __aenter__(self) -> Warehouse:
        app = web.Application()
        app.router.add_post("/in", self._post)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/in"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.open.set()
        await self._runner.cleanup()


@dataclass
class Desk:
    """A notifier that reads events, the program that they are for, and who publishes them."""

    office: Office
    warehouse: Warehouse
    way: Way
    bootstrap: str
    topic: str
    looks: list[Outbound] = field(default_factory=list)
    count: int = 0

    def another(self) -> Outbound:
        """One more reader, as after a restart."""
        self.looks.append(Outbound(self.office.pool, self.office.clock, self.bootstrap, self.topic))
        return self.looks[-1]

    async def happened(self, kind: Any, lead: str = "", **more: Any) -> str:
        """Publish an event as the lead agent does; gives its id."""
        self.count += 1
        data = LeadEvent(lead_id=lead or f"lead-{self.count}", at=datetime.now(UTC), type=kind, **more)
        made = envelope.new(kind, data, source="truce", ident=f"event-{self.count}", time=data.at)
        value, headers = envelope.write(made)
        await self.way.publish(data.lead_id.encode(), value, headers)
        return made.id

    async def until(self, count: int, look: Outbound | None = None) -> list[str]:
        """Look and send until so many messages are kept, then all that is due; gives the ids that came."""
        reader = look or self.looks[0]
        async with asyncio.timeout(20):
            while await self.office.pool.fetchval("SELECT count(*) FROM alert_messages WHERE say = 'event'") < count:
                await reader.look(self.office.ground())
                await asyncio.sleep(0.05)
        await self.office.after()
        return [headers["webhook-id"] for headers, _ in self.warehouse.came]


@pytest_asyncio.fixture
async def desk(pool: Any, kafka: str, installation: str) -> AsyncIterator[Desk]:
    topic, way = f"{installation}.events", Way(kafka, f"{installation}.events")
    await ground.prepare(pool, kafka, installation, (), 2)
    async with Warehouse() as warehouse:
        settings = {"warehouse": ChannelSettings(url=warehouse.url, secrets={"secret": secret(SECRET)})}
        channels = {"warehouse": Channel("warehouse", "webhook", HERE), "mail": Channel("mail", "email", HERE)}
        playbook = agreed(("mail",), channels=channels)
        office = Office(pool, settings, replace(playbook, alerts=replace(playbook.alerts, events=WANTED)))
        made = Desk(office, warehouse, way, kafka, topic)
        await made.happened("truce.handoff.offered")  # before anybody subscribed
        await made.another().look(office.ground())
        yield made
        for one in made.looks:
            await one.close()
        await way.close()
        await office.close()


async def test_what_was_asked_for_is_sent_signed_and_once(desk: Desk) -> None:
    await desk.happened("truce.lead.created")
    ident = await desk.happened("truce.handoff.accepted", after="ana@acme.example", rule="sla.yaml:6 hot")
    await desk.happened("truce.lead.stage_changed", before="mql", after="sal")
    assert len(await desk.until(2)) == 2
    headers, body = next(one for one in desk.warehouse.came if ident in one[1])
    async with sender() as npm:  # Standard Webhooks' own implementation, in TypeScript
        told = await npm.verify(SECRET, headers, body)
        assert "refused" in await npm.verify("whsec_c3RyYW5nZXJzIHNlY3JldCBrZXk=", headers, body)
    assert told["payload"]["id"] == ident
    assert told["payload"]["type"] == "truce.handoff.accepted"
    assert told["payload"]["data"]["after"] == "ana@acme.example"
    assert datetime.fromisoformat(told["payload"]["timestamp"]).tzinfo is not None
    restarted = desk.another()
    for kind in ("truce.handoff.worked", "truce.handoff.closed"):
        await desk.happened(kind, lead="lead-7")
    assert len(await desk.until(4, restarted)) == 4, "after a restart it goes on where it was"
    await desk.looks[0].look(desk.office.ground())
    await desk.looks[0].look(desk.office.ground())
    await desk.office.after()
    assert len(desk.warehouse.came) == 4
    assert ["worked" in body for _, body in desk.warehouse.came[2:]] == [True, False], "what happened to one lead comes in its order"


@pytest.mark.parametrize("status", [500, 404])
async def test_it_is_tried_again_with_the_same_id_until_it_is_taken_and_goes_to_no_person(desk: Desk, status: int) -> None:
    desk.warehouse.status = status
    await desk.happened("truce.handoff.expired")
    await desk.until(1)
    await desk.office.minutes(3)
    tried = {headers["webhook-id"] for headers, _ in desk.warehouse.came}
    assert len(tried) == 1
    assert len(desk.warehouse.came) >= 3
    assert (
        await desk.office.pool.fetchval(
            "SELECT count(*) FROM problems WHERE kind = 'alerts_failing' AND field = 'warehouse' AND closed_at IS NULL"
        )
        == 1
    )
    desk.warehouse.status = 200
    await desk.office.minutes(6)
    assert await desk.office.pool.fetchval("SELECT state FROM alert_messages WHERE say = 'event'") == "sent"
    assert (
        await desk.office.pool.fetchval(
            "SELECT count(*) FROM problems WHERE kind = 'alerts_failing' AND field = 'warehouse' AND closed_at IS NULL"
        )
        == 0
    )
    assert {row["channel"] for row in await desk.office.pool.fetch("SELECT channel FROM alert_messages WHERE say = 'event'")} == {
        "warehouse"
    }


def events(count: int) -> list[telling.Intent]:
    """So many events that wait for the warehouse."""
    told = [Message("truce.lead.created", level="note", event={"id": f"e{n}", "type": "truce.lead.created"}) for n in range(count)]
    return [telling.Intent(f"event-{n}", telling.EVENT, "warehouse", None, "channel", None, kept(one)) for n, one in enumerate(told)]


async def test_a_program_that_does_not_answer_holds_up_nobodys_message(
    desk: Desk, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LOOK_S", 0.05)
    desk.office.outlets.settings.channels["mail"] = ChannelSettings(
        url=mailbox.url, address="team@acme.example", options={"from": "truce@acme.example"}
    )
    desk.warehouse.open.clear()
    await telling.intend(desk.office.pool, events(200), desk.office.clock.now())
    await desk.office.opened(problem(1))
    for _ in range(2):  # the first look groups, the second tells
        desk.office.clock.forward(31)
        await desk.office.notifier.step()
    async with asyncio.timeout(5):  # far less than the ten seconds for which the warehouse is waited for
        while not mailbox.mails:
            await desk.office.notifier.step()
    assert len(desk.warehouse.came) == 1, "it is asked once"
    desk.warehouse.open.set()
    await desk.office.minutes(2)
    assert len({headers["webhook-id"] for headers, _ in desk.warehouse.came}) == 200


@pytest.mark.parametrize("status", [410, 301])
async def test_a_program_that_turns_every_event_away_is_asked_by_one_of_them(desk: Desk, status: int) -> None:
    desk.warehouse.status = status
    await telling.intend(desk.office.pool, events(100), desk.office.clock.now())
    await desk.office.minutes(10)
    assert 5 < len(desk.warehouse.came) < 150
    desk.warehouse.status = 200
    desk.warehouse.came.clear()
    await desk.office.minutes(6)
    assert sorted(headers["webhook-id"] for headers, _ in desk.warehouse.came) == sorted(one.id for one in events(100))


async def test_who_subscribes_anew_is_told_of_what_happens_from_then_on(desk: Desk) -> None:
    book = desk.office.playbook
    desk.office.playbook = replace(book, alerts=replace(book.alerts, events=()))
    await desk.looks[0].look(desk.office.ground())
    await desk.happened("truce.handoff.expired")
    desk.office.playbook = book
    await desk.looks[0].look(desk.office.ground())
    later = await desk.happened("truce.handoff.accepted")
    await desk.until(1)
    assert [later in body for _, body in desk.warehouse.came] == [True]


def test_every_event_may_be_asked_for() -> None:
    every = Subscription("warehouse", ("truce.*",), HERE)
    assert all(every.wants(kind) for kind in EVENT_TYPES)
    assert next(kind for kind in EVENT_TYPES if WANTED[0].wants(kind)) == "truce.lead.stage_changed"
    assert not WANTED[0].wants("truce.handoffs")
