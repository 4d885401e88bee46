"""A signed door on a real socket, with Kafka and PostgreSQL behind it, and a sender that is not ours."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from connectors.emulator.control import serve
from schemas.envelope import Envelope
from sync.agents import ground
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.runtime.producer import make_producer
from sync.sources.doors import Doors
from sync.sources.inbound import Inbound
from sync.sources.publisher import Publisher
from sync.store.connect import open_pool
from tests.house.project import ROOT
from tests.integration.sender.sender import Sender, sender
from tests.integration.sources.heard import heard

OLD, NEW = "whsec_b2xkIHNlY3JldCBvZiB0aGUgZG9vcg==", "whsec_bmV3IHNlY3JldCBvZiB0aGUgZG9vcg=="
PRESETS = ROOT / "deploy" / "presets"
EXAMPLE = loader.read(ROOT / "deploy" / "playbook")
BODY = {
    "type": "submission_created",
    "timestamp": "2026-11-23T09:14:02+01:00",
    "data": {
        "form": {"name": "Pricing"},
        "submission": {"id": "s-1", "fields": {"email": "Kim@Nordwind.example", "company": "Nordwind AS", "phone": ""}},
    },
}


def agreed(**doors: str) -> Playbook:
    """Give the example playbook with doors, each from its preset or from its own text."""
    texts = {name: (PRESETS / f"{text}.yaml").read_bytes() if "\n" not in text else text.encode() for name, text in doors.items()}
    return loader.load_files(EXAMPLE | {f"inbound/{name.replace('_', '-')}.yaml": text for name, text in texts.items()})


@dataclass
class Signed:
    """The doors that listen, and who sends to them."""

    url: str
    doors: Doors
    sender: Sender
    bootstrap: str
    topic: str
    playbook: Playbook
    pool: Any
    numbers: Any = field(default_factory=itertools.count)

    async def post(self, body: object, *, door: str = "website", secrets: list[str] | None = None, **more: Any) -> int:
        """Send a body as the sender would, and give the answer's status."""
        text = body if isinstance(body, str) else json.dumps(body)
        more.setdefault("ident", f"msg_{next(self.numbers)}")
        answer = await self.sender.send(f"{self.url}/doors/{door}", text, secrets=secrets or [NEW], **more)
        return int(answer["status"])

    async def changes(self) -> list[Envelope]:
        """Give what stands on `changes`."""
        return await heard(self.bootstrap, self.topic)

    async def outcomes(self) -> Mapping[str, str | None]:
        """Give what became of each delivery, by its id."""
        return {row["id"]: row["outcome"] for row in await self.pool.fetch("SELECT id, outcome FROM deliveries")}

    async def problems(self) -> list[str]:
        """Give the texts of what is open."""
        return [row["text"] for row in await self.pool.fetch("SELECT text FROM problems WHERE closed_at IS NULL ORDER BY text")]


@asynccontextmanager
async def signed(kafka: str, postgres: str, installation: str, playbook: Playbook, secrets: Mapping[str, str]) -> AsyncIterator[Signed]:
    """Open the doors of a playbook for the length of the block."""
    pool = await open_pool(postgres, installation, size=8)
    topic = (await ground.prepare(pool, kafka, installation, ("hubspot",), 2)).topic
    producer = await make_producer(kafka)
    made: Signed

    async def in_force() -> Playbook:
        return made.playbook

    doors = Doors(secrets, pool, Publisher(pool, producer, topic, b"s"), in_force, b"s")
    try:
        async with sender() as sending, serve(Inbound({}, further=doors.routes()).app()) as running:
            made = Signed(running.url, doors, sending, kafka, topic, playbook, pool)
            yield made
    finally:
        await producer.stop()
        await pool.close()
