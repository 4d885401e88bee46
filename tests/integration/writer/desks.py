"""The desk at which accounts and copies of opportunities are written: a real PostgreSQL and Kafka, an emulated HubSpot, and nobody else."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from connectors.contract import NotedBreaker, NotedBudget
from connectors.registry import load
from schemas import envelope
from schemas.base import Scalar
from schemas.change import RecordChanged
from sync.lead.copies import due
from sync.lead.decide import decide
from sync.lead.ledger import Asked, Entry, Kind, Shown
from sync.playbook import loader
from sync.playbook.models import Playbook
from sync.runtime.producer import make_producer
from sync.store import account_writes, accounts, copies, cursors, playbooks, users
from sync.store.connect import open_pool
from sync.store.statement import run
from sync.topology import changes_name
from sync.writer.accounts import Accounts
from sync.writer.control import Knowledge
from sync.writer.guard import Guard
from sync.writer.results import Results
from tests.contract.hubspot_world import HubSpotWorld, hubspot_world
from tests.factory import facts, ms
from tests.house.project import ROOT

LATE = ms(1_000_000)


def refusing(field: str) -> str:
    """Give HubSpot's answer that a value is too long."""
    return f"""{{"status": "error", "category": "VALIDATION_ERROR", "message":
 "Property values were not valid: [{{\\"isValid\\":false,\\"message\\":\\"too long\\",\\"error\\":\\"INVALID_STRING\\",\\"name\\":\\"{field}\\"}}]"}}"""


@dataclass
class Desk:
    """HubSpot's writer of one kind, and what is known; `ref`: the row of `account_writes` that a test is about."""

    pool: Any
    hub: HubSpotWorld
    writer: Accounts
    consumer: Any
    files: dict[str, bytes]
    ref: str = ""

    async def playbook(self) -> Playbook:
        """Give the version in force."""
        version = await self.pool.fetchval("SELECT value FROM meta WHERE key = 'active_playbook'")
        return await self.writer.knowledge.playbook(int(version))

    async def agree(self, file: str, before: bytes, after: bytes) -> int:
        """Put another version of the playbook in force."""
        assert before in self.files[file]
        self.files[file] = self.files[file].replace(before, after, 1)
        async with self.pool.acquire() as one:
            return await playbooks.add(one, self.files, loader.checksum(self.files), "test")

    async def put(self, before: Entry, after: Entry) -> None:
        """Enter a record as it is now, as the lead agent does."""
        asked = due(before, after, await self.playbook())
        await run(self.pool, [*accounts.write([after]), *([copies.ask(asked)] if asked else [])])
        await account_writes.wake(self.pool, [after])

    async def held(self, ref: str) -> Entry:
        """Give what is known of a record."""
        kind: Kind = "opportunity" if ref.split(":")[1] in ("Opportunity", "deals") else "account"
        ledger = await accounts.look(self.pool, Asked(frozenset({ref})))
        return ledger.entries.get(ref, Entry(kind, ref))

    async def show(self, ref: str, at: int, **values: Scalar) -> None:
        """Enter what a record shows."""
        before = await self.held(ref)
        await self.put(before, before.show({name: Shown(value, at) for name, value in values.items()}, at))

    async def step(self) -> int:
        """Do one step, as when every wait has passed."""
        await self.pool.execute("UPDATE account_writes SET claimed_until = NULL, again_at = again_at - interval '1 day'")
        return await self.writer.step()

    async def messages(self) -> list[envelope.Envelope]:
        """Give what the writer told on `changes` since."""
        (place,) = (TopicPartition(topic, 0) for topic in self.consumer.subscription())
        end, found = (await self.consumer.end_offsets([place]))[place], list[envelope.Envelope]()
        while await self.consumer.position(place) < end:
            for some in (await self.consumer.getmany(timeout_ms=200)).values():
                found += [envelope.read(raw.value, raw.headers) for raw in some]
        return found

    async def hear(self) -> list[RecordChanged]:
        """Take it in, as the lead agent does."""
        found: list[RecordChanged] = []
        for message in await self.messages():
            assert isinstance(message.data, RecordChanged)
            found.append(message.data)
            ledger = await accounts.look(self.pool, Asked(frozenset({self.ref, message.data.ref})))
            decision = decide(message, facts(users=await users.every(self.pool), ledger=ledger), await self.playbook(), LATE)
            made = accounts.write(decision.entries, decision.settled_intents)
            await run(self.pool, [*made, *([copies.ask(decision.copies, decision.settled_intents)] if decision.copies else [])])
        return found

    async def settle(self) -> None:
        """Step and hear until nothing is told any more."""
        for _ in range(4):
            await self.step()
            await self.hear()

    def writes(self, object_: str) -> int:
        """Count the calls that wrote records of an object."""
        return len([call for call in self.hub.hub.journal.calls if call.writing and f"/{object_}/" in call.path])

    async def state(self) -> Mapping[str, Any]:
        """Give the row."""
        return dict(await self.pool.fetchrow("SELECT * FROM account_writes WHERE ref = $1 AND system = 'hubspot'", self.ref))

    async def problems(self, kind: str) -> list[str]:
        """Give the keys of open problems."""
        rows = await self.pool.fetch("SELECT key FROM problems WHERE kind = $1 AND closed_at IS NULL ORDER BY key", kind)
        return [row["key"] for row in rows]


@contextlib.asynccontextmanager
async def at_work(
    writes: type[Accounts], kafka: str, postgres: str, installation: str, but: tuple[bytes, bytes] = (b"", b"")
) -> AsyncIterator[Desk]:
    """Make topic, tables, vendor and writer, with the example playbook; `but`: (what, what instead) in its fields.yaml."""
    pool, topic = await open_pool(postgres, installation, size=2), changes_name(installation, 1)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    producer = await make_producer(kafka)
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    async with hubspot_world() as hub:
        vendor, connection = load("hubspot"), hub.connection(timeout_s=1.0, retry_s="0")
        source, sink = vendor.source(connection, NotedBudget(), NotedBreaker()), vendor.sink(connection, NotedBudget(), NotedBreaker())
        await users.put(pool, "hubspot", await source.users())
        knowledge, guard = Knowledge(pool, "hubspot", sink), Guard(pool, "hubspot")
        writer = writes(pool, "hubspot", sink, knowledge, Results(producer, topic, "hubspot"), guard, 1.0, b"s")
        desk = Desk(pool, hub, writer, consumer, loader.read(ROOT / "deploy" / "playbook"))
        await desk.agree("fields.yaml", *but)
        for system in ("salesforce", "hubspot"):
            await cursors.put(pool, system, "everything", "", done=True)
        yield desk
        await source.close()
        await sink.close()
    await consumer.stop()
    await producer.stop()
    await pool.close()
