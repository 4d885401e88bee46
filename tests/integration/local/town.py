"""A whole town for a story: emulated Salesforce, HubSpot and Slack as people use them, and Truce's parts as processes on real Kafka and PostgreSQL."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from connectors.emulator.control import serve
from connectors.emulator.hubspot import HubSpot
from connectors.emulator.journal import Effect
from connectors.emulator.salesforce import Salesforce
from connectors.emulator.slack import Slack
from connectors.emulator.slack.workspace import Message
from sync.cli import emulate
from sync.cli.parts import connections
from sync.runtime.kafka import free_port
from sync.store.connect import open_pool
from tests.forked import Forked
from tests.house.project import ROOT

UNDER_WAY = """SELECT (SELECT count(*) FROM dirty) + (SELECT count(*) FROM intents WHERE state IN ('open', 'done'))
  + (SELECT count(*) FROM read_orders) + (SELECT count(*) FROM account_writes WHERE told_rev < rev OR intent IS NOT NULL)"""


@dataclass(kw_only=True)
class Parts:
    """Truce's parts as processes, and HubSpot with its visitors beside whatever else is connected."""

    marketing: HubSpot
    visitors: httpx.AsyncClient
    """The browsers of those who fill in forms."""
    pool: Any
    home: Path
    """Logs, and the playbook's folder."""
    environment: Mapping[str, str]
    running: dict[str, Forked] = field(default_factory=dict)

    @property
    def playbook(self) -> Path:
        """Give the folder that was put in force at the start."""
        return self.home / "playbook"

    async def start(self, role: str, name: str = "") -> None:
        """Start a part as a process; what it says goes to NAME.log."""
        name = name or role
        self.running[name] = Forked(self.environment, self.home / f"{name}.log", "sync.cli", role)

    async def kill(self, name: str) -> None:
        """Kill a part with -9, as a power cut would."""
        process = self.running.pop(name)
        process.kill()
        await asyncio.to_thread(process.wait)

    async def truce(self, *words: str, code: int = 0) -> str:
        """Give what a command says."""
        said = self.home / f"{uuid.uuid4().hex}.said"
        ended = await asyncio.to_thread(Forked(self.environment, said, "sync.cli", *words).wait)
        assert ended == code, said.read_text()
        return said.read_text()

    async def told(self, *words: str, code: int = 0) -> Any:
        """Give what a command says as data."""
        return json.loads(await self.truce(*words, "--json", code=code))

    async def until(self, what: str, so: Callable[[], Any], seconds: float = 90.0) -> Any:
        """Wait until something is so and give it; fails at once when a part has ended."""
        end = time.monotonic() + seconds
        while True:
            found = so()
            if found := (await found if inspect.isawaitable(found) else found):
                return found
            ended = [f"{name}: {one.poll()}" for name, one in self.running.items() if one.poll() is not None]
            assert not ended, f"ended meanwhile: {ended}"
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
            await asyncio.sleep(0.1)

    async def settled(self, seconds: float = 60.0) -> None:
        """Wait until nothing is under way."""
        calm, end = 0, time.monotonic() + seconds
        while calm < 15:
            busy = self.marketing.webhooks.sender.pending or await self.pool.fetchval(UNDER_WAY)
            calm = 0 if busy else calm + 1
            assert time.monotonic() < end, "something stays under way"
            await asyncio.sleep(0.1)

    async def rows(self, sql: str, *values: object) -> list[dict[str, Any]]:
        """Ask Truce's own store."""
        return [dict(row) for row in await self.pool.fetch(sql, *values)]

    async def fill_in(self, email: str, page: str = emulate.FORM_NAME, **fields: str) -> None:
        """Fill in the form as a person."""
        told = {"email": email, **fields}
        body = {
            "submittedAt": int(time.time() * 1000),
            "fields": [{"objectTypeId": "0-1", "name": n, "value": v} for n, v in told.items()],
            "context": {"pageUri": "https://acme.example/form", "pageName": page},
        }
        path = f"/submissions/v3/integration/secure/submit/{emulate.PORTAL_ID}/{emulate.FORM_GUID}"
        answer = await self.visitors.post(path, json=body, headers={"Authorization": f"Bearer {emulate.MARKETING_TOKEN}"})
        assert answer.status_code < 300, answer.text

    def contact(self, email: str) -> dict[str, str]:
        """Give somebody's contact, an empty one while there is none."""
        return self.marketing.by_email(email) or {}


@dataclass(kw_only=True)
class Town(Parts):
    """The systems as people use them, and Truce between them."""

    crm: Salesforce
    chat: Slack

    def lead(self, email: str) -> dict[str, Any]:
        """Give somebody's Lead record, an empty one while there is none."""
        found = self.crm.by_email(email)
        return dict(found[0]) if found else {}

    def wrote(self, system: Salesforce | HubSpot, name: str = "") -> list[Effect]:
        """Give what Truce did to the records of a system, or only where it wrote this field."""
        return [one for one in system.journal.effects if one.client == "truce" and (not name or name in one.after)]

    def cards(self, email: str, about: str) -> list[Message]:
        """Give the messages that somebody has before them about a person, oldest first."""
        room = f"D{emulate.SLACK_USERS[email][1:]}"
        return [one for one in self.chat.messages(room) if about in json.dumps(one.blocks, ensure_ascii=False)]

    async def press(self, email: str, about: str, button: str) -> None:
        """Press a button of somebody's card about a person, once it is there: a signed request to Truce."""

        def card() -> Message | None:
            return next((one for one in self.cards(email, about) if f'"action_id": "{button}"' in json.dumps(one.blocks)), None)

        found: Message = await self.until(f"{email} has a card about {about} with {button}", card)
        answered = await self.chat.hands.press(emulate.SLACK_USERS[email], found.channel, found.ts, button)
        assert answered.status == 200


def laid(home: Path, written: Mapping[str, str | None], changed: Sequence[tuple[str, str, str]]) -> None:
    """Lay a playbook: the example's files, of which some are written anew (None: left out) and others changed here and there."""
    folder = home / "playbook"
    shutil.copytree(ROOT / "deploy" / "playbook", folder)
    shutil.rmtree(folder / "cases")  # they tell of the example's own people
    for name, new in written.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).unlink() if new is None else (folder / name).write_text(new)
    for name, before, after in changed:
        text = (folder / name).read_text()
        assert before in text, f"{name} does not say {before!r}"
        (folder / name).write_text(text.replace(before, after, 1))


def surroundings(servers: tuple[str, str, str], home: Path, port: int) -> dict[str, str]:
    """Give the environment of parts on (Kafka, PostgreSQL, installation) whose doors stand at a port, without any connection."""
    kafka, postgres, installation = servers
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("TRUCE_", "KAFKA_"))},
        **{"TRUCE_INSTALLATION": installation, "TRUCE_DATABASE": postgres, "KAFKA_BOOTSTRAP_SERVERS": kafka, "TRUCE_SECRET": "s"},
        **{"TRUCE_PARTITIONS": "2", "TRUCE_HOME": str(home), "TRUCE_HTTP_PORT": str(port), "TRUCE_CONSOLE_PORT": str(free_port())},
        **{"TRUCE_PLAYBOOK": str(home / "playbook"), "TRUCE_SESSION_S": "3", "TRUCE_PUBLIC_URL": f"http://127.0.0.1:{port}"},
    }


@asynccontextmanager
async def town(
    servers: tuple[str, str, str],
    home: Path,
    *,
    workers: int = 1,
    written: Mapping[str, str | None] | None = None,
    changed: Sequence[tuple[str, str, str]] = (),
    options: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    events: Sequence[str] = (),
    beside: Mapping[str, Any] | None = None,
) -> AsyncIterator[Town]:
    """Run a town on (Kafka, PostgreSQL, installation) until the block ends; `options`: more of Salesforce's connection; `settings`: more variables.

    With `events`, Salesforce tells of changes of these objects by its stream, and Truce listens. `beside`: more emulated systems, by their names.
    """
    laid(home, written or {}, changed)
    _, postgres, installation = servers
    crm, marketing, chat, port = emulate.crm(events=events), emulate.marketing(), emulate.chat(), free_port()
    async with AsyncExitStack() as stack:
        urls = {}
        for name, one in {"salesforce": crm, "hubspot": marketing, "slack": chat, **(beside or {})}.items():
            urls[name] = (await stack.enter_async_context(serve(one.app))).url
        marketing.set_webhook(f"http://127.0.0.1:{port}/webhooks/hubspot")
        chat.hands.url, doors = urls["slack"], f"http://127.0.0.1:{port}/slack"
        chat.caller.actions_url, chat.caller.commands_url = f"{doors}/actions", f"{doors}/commands"
        systems = emulate.systems(urls, base_s=1.0)
        stream = {"events": "on", "events_url": crm.pubsub.url} if crm.pubsub else {}
        systems["salesforce"]["options"] |= {**stream, **(options or {})}
        environment = surroundings(servers, home, port) | connections(systems) | emulate.channels(urls["slack"])
        environment |= settings or {}
        pool = await open_pool(postgres, installation, size=1)
        stack.push_async_callback(pool.close)
        visitors = await stack.enter_async_context(httpx.AsyncClient(base_url=urls["hubspot"], verify=False))
        made = Town(crm=crm, marketing=marketing, chat=chat, visitors=visitors, pool=pool, home=home, environment=environment)
        try:
            for name in (*(f"worker-{n + 1}" for n in range(workers)), "edge"):
                await made.start(name.partition("-")[0], name)
            yield made
        finally:
            for name in list(made.running):
                await made.kill(name)


async def known_people(made: Parts, systems: int = 2) -> None:
    """Wait until the systems' users are known, and all of their records are read."""
    await made.until(
        "the systems are read",
        lambda: made.pool.fetchval("SELECT count(*) = $1 FROM cursors WHERE name = 'everything' AND done_at IS NOT NULL", systems),
    )
