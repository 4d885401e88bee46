"""A writer on the real Kafka and PostgreSQL, with a vendor that lives in memory and keeps a journal."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupCoordinatorNotAvailableError

from connectors.base import Capabilities, Create, Done, Failed, Item, Manifest, Priority, Quota, RowOutcome, Sink, Update, Wanted
from connectors.errors import Conflict, ConnectorError, Gone
from schemas import envelope
from schemas.base import Scalar
from schemas.change import RecordChanged
from schemas.write import WriteDone
from sync.lead.state import Consent, Desired, Lead, Observed, Record, dump
from sync.playbook.models import Guards, Playbook, SharedField, System, SystemField, When, Where
from sync.runtime.breaker import SqlBreaker
from sync.runtime.producer import make_producer
from sync.settings import Settings
from sync.store.connect import open_pool
from sync.topology import LANES, Lane, changes_name, writes_name
from sync.writer.service import Writer, put_together
from tests.factory import makes, noted

SYSTEM = "crm"
PERSON = "Lead"
PARTITIONS = 4
HERE = Where("fields.yaml", 1)
MANIFEST = Manifest(
    vendor="stub", title="Stub", side="sales", person_object=PERSON, truce_id_field="Truce_Id__c", quotas=(Quota(name="calls", calls=100, seconds=10),),
    batch_read=100, batch_write=10, in_flight=4, webhook=False, poll_s=5, permissions="none",
)  # fmt: skip


def playbook(*, version: int = 1, mode: str = "write", guards: Guards | None = None, **modes: str) -> Playbook:
    """Four shared fields; `modes`: field → observe."""
    kinds = {"email": "email", "phone": "phone", "title": "text", "owner": "user", "opted_out": "flag"}
    fields = {
        name: SharedField(
            name, kind, "latest", {SYSTEM: SystemField(name.title(), modes.get(name, "write"))}, HERE,  # type: ignore[arg-type]
            consent="email" if name == "opted_out" else None,
        )
        for name, kind in kinds.items()
    }  # fmt: skip
    system = System(SYSTEM, "stub", "sales", mode, makes(PERSON), {"Company": "[unknown]"})  # type: ignore[arg-type]
    nothing: Any = ()
    return Playbook(version, "", {SYSTEM: system}, fields, When(), None, nothing, nothing, nothing, nothing, {}, {}, guards or Guards())


@dataclass
class Vendor(Sink):
    """Records in memory; `faults` are raised by the next calls, `refuse` judges each row."""

    manifest: Manifest = MANIFEST
    records: dict[str, dict[str, Scalar]] = field(default_factory=dict)
    journal: list[tuple[str, list[str]]] = field(default_factory=list)
    """(verb, record ids or e-mails) of every call that arrived."""
    effects: list[tuple[str, str, dict[str, Scalar]]] = field(default_factory=list)
    faults: list[ConnectorError] = field(default_factory=list)
    lost: list[ConnectorError] = field(default_factory=list)
    """Raised after the next calls were done."""
    refuse: Callable[[str, Mapping[str, Scalar]], ConnectorError | None] = lambda ident, fields: None
    unread: list[ConnectorError] = field(default_factory=list)
    """Raised by the next reads by id."""
    hold: asyncio.Event | None = None
    """While set and not triggered, writing calls do not answer."""
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    writable: frozenset[str] = frozenset({"Email", "Phone", "Title", "Owner", "Opted_Out", "Truce_Id__c", "Company"})

    async def capabilities(self, object_: str) -> Capabilities:
        return Capabilities(self.writable)

    async def _arrive(self, verb: str, names: list[str]) -> None:
        self.journal.append((verb, names))
        self.arrived.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.faults:
            raise self.faults.pop(0)

    def _leave(self) -> None:
        if self.lost:
            raise self.lost.pop(0)

    async def update(self, rows: Sequence[Update], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        await self._arrive("update", [row.id for row in rows])
        told = [self._update(row) for row in rows]
        self._leave()
        return told

    def _update(self, row: Update) -> RowOutcome:
        if row.id not in self.records:
            return Failed(row.key, Gone("entity is deleted", code="ENTITY_IS_DELETED"))
        if (error := self.refuse(row.id, row.fields)) is not None:
            return Failed(row.key, error)
        self.records[row.id] |= row.fields
        self.effects.append(("update", row.id, dict(row.fields)))
        return Done(key=row.key, id=row.id, at=datetime.now(UTC))

    async def create(self, rows: Sequence[Create], *, priority: Priority = "normal") -> Sequence[RowOutcome]:
        await self._arrive("create", [str(row.fields["Email"]) for row in rows])
        told = [self._create(row) for row in rows]
        self._leave()
        return told

    def _create(self, row: Create) -> RowOutcome:
        if (error := self.refuse("new", row.fields)) is not None:
            return Failed(row.key, error)
        for ident, record in self.records.items():
            if record.get("Truce_Id__c") == row.fields["Truce_Id__c"]:
                return Done(key=row.key, id=ident, at=datetime.now(UTC))
            if record.get("Email") == row.fields["Email"]:
                return Failed(row.key, Conflict("duplicate", existing=(ident,)))
        ident = f"00Q{len(self.records) + 1}"
        self.records[ident] = dict(row.fields)
        self.effects.append(("create", ident, dict(row.fields)))
        return Done(key=row.key, id=ident, at=datetime.now(UTC), created=True)

    async def find(self, emails: Sequence[str], wanted: Wanted, *, priority: Priority = "normal") -> Sequence[RecordChanged]:
        self.journal.append(("find", list(emails)))
        return [
            self.snapshot(ident) for ident, record in self.records.items() if record.get("Email") in emails and not record.get("hidden")
        ]

    async def read(self, ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal") -> Sequence[Item]:
        self.journal.append(("read", list(ids)))
        if self.unread:
            raise self.unread.pop(0)
        return [self.snapshot(ident) for ident in ids if ident in self.records]

    async def find_created(
        self, truce_ids: Sequence[str], fields: Sequence[str], *, object_: str = "", priority: Priority = "normal"
    ) -> Sequence[RecordChanged]:
        self.journal.append(("find_created", list(truce_ids)))
        return [self.snapshot(ident) for ident, record in self.records.items() if record.get("Truce_Id__c") in truce_ids]

    async def close(self) -> None:
        """Nothing is held."""

    def snapshot(self, ident: str) -> RecordChanged:
        """Give a record as a complete read."""
        record, now = self.records[ident], datetime.now(UTC)
        truce = record.get("Truce_Id__c")
        return RecordChanged(
            ref=f"{SYSTEM}:{PERSON}:{ident}", at=now, fields=dict(record), complete=True, read_at=now, received_at=now,
            email=str(record.get("Email")), truce_id=str(truce) if truce else None,
        )  # fmt: skip

    def calls(self, verb: str) -> list[list[str]]:
        """Give the calls of one verb."""
        return [names for called, names in self.journal if called == verb]


def lead(ident: str | None = None, *, email: str = "ana@example.com", **values: Scalar) -> Lead:
    """A lead with desired values and no record."""
    made = Lead(ident or str(uuid.uuid4()), f"key-{email}", 1, 1, rev=1)
    made.desired = {
        name: Desired(value, 1_000, "map:contacts:1", 1, "fields.yaml:1 latest") for name, value in {"email": email, **values}.items()
    }
    if "opted_out" in values:
        made.consent["email"] = Consent(bool(values["opted_out"]), 1_000, "map")
    return made


def with_record(made: Lead, ident: str, *, truce_id: bool = True, **shown: Scalar) -> Lead:
    """Add a record that shows these values."""
    ref = f"{SYSTEM}:{PERSON}:{ident}"
    fields = {name: Observed(value, 500, 500) for name, value in shown.items()}
    made.records[ref] = Record(ref, SYSTEM, PERSON, 1, 500, fields, has_truce_id=truce_id)
    return made


@dataclass
class World:
    """Everything around one writer."""

    settings: Settings
    pool: Any
    producer: Any
    vendor: Vendor
    book: Playbook
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    writer: Writer | None = None
    consumer: Any = None
    seen: list[envelope.Envelope] = field(default_factory=list)

    @property
    def installation(self) -> str:
        return self.settings.installation

    async def put(self, *leads: Lead, lane: Lane = "hot", dirty: bool = True) -> None:
        """Store leads as the lead agent would, and mark them dirty."""
        for one in leads:
            noted(one, self.book)
            await self.pool.execute(
                """INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version, survivor) VALUES ($1, $2, $3, $4::text::jsonb, $5, 1, $6)
                   ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, doc = excluded.doc, survivor = excluded.survivor""",
                one.id, one.key, one.rev, dump(one), one.in_scope, one.survivor,
            )  # fmt: skip
            for record in one.records.values():
                await self.pool.execute(
                    "INSERT INTO records (ref, lead_id, system, object, gone, seen_at) VALUES ($1, $2, $3, $4, $5, now()) ON CONFLICT DO NOTHING",
                    record.ref, one.id, record.system, record.object, record.gone,
                )  # fmt: skip
            if dirty:
                await self.pool.execute(
                    """INSERT INTO dirty (lead_id, system, lane, rev) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (lead_id, system) DO UPDATE SET rev = excluded.rev""",
                    one.id, SYSTEM, lane, one.rev,
                )  # fmt: skip

    async def ring(self, *leads: Lead, lane: Lane = "hot") -> None:
        """Ring their doorbells."""
        topic = writes_name(self.installation, SYSTEM, lane)
        await asyncio.gather(*[await self.producer.send(topic, b"", key=one.id.encode()) for one in leads])

    async def start(self) -> None:
        """Start the writer."""
        self.stop = asyncio.Event()
        topic = changes_name(self.installation, 1)
        breaker = SqlBreaker(self.pool, SYSTEM)
        self.writer = put_together(self.settings, SYSTEM, self.pool, self.producer, topic, self.vendor, breaker, self.stop)

        async def load(pool: Any, version: int) -> Playbook:
            return self.book

        self.writer.knowledge.load = load
        self.task = asyncio.create_task(self.writer.run())

    async def end(self) -> None:
        """End the writer in order."""
        self.stop.set()
        if self.task is not None:
            await asyncio.wait_for(self.task, 20)

    async def messages(self, count: int, timeout_s: float = 15.0) -> list[envelope.Envelope]:
        """Give the first `count` messages on `changes`; raises TimeoutError when fewer come."""
        async with asyncio.timeout(timeout_s):
            while len(self.seen) < count:
                for some in (await self.consumer.getmany(timeout_ms=200)).values():
                    self.seen += [envelope.read(one.value, one.headers) for one in some]
        return self.seen[:count]

    async def results(self, count: int, timeout_s: float = 15.0) -> list[WriteDone]:
        """Give the first `count` write results."""
        async with asyncio.timeout(timeout_s):
            while len(found := [one.data for one in self.seen if isinstance(one.data, WriteDone)]) < count:
                await self.messages(len(self.seen) + 1, timeout_s)
        return found[:count]

    async def until(self, condition: Callable[[], Any], timeout_s: float = 15.0) -> None:
        """Wait until something holds; an async condition is awaited."""
        async with asyncio.timeout(timeout_s):
            while True:
                found = condition()
                if asyncio.iscoroutine(found):
                    found = await found
                if found:
                    return
                await asyncio.sleep(0.02)

    async def dirty(self) -> int:
        """Count dirty leads."""
        return int(await self.pool.fetchval("SELECT count(*) FROM dirty"))

    async def clean(self, timeout_s: float = 15.0) -> None:
        """Wait until nothing is dirty."""

        async def nothing() -> bool:
            return await self.dirty() == 0

        await self.until(nothing, timeout_s)

    async def committed(self) -> dict[str, int]:
        """Give the committed doorbell offsets by lane, summed over partitions."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.kafka)
        await admin.start()
        try:
            offsets = await admin.list_consumer_group_offsets(f"{self.installation}.writer.{SYSTEM}")
        except GroupCoordinatorNotAvailableError:  # Kafka is still making the topic in which it keeps them: there are none
            offsets = {}
        finally:
            await admin.close()
        return {lane: sum(o.offset for tp, o in offsets.items() if tp.topic.endswith(lane)) for lane in LANES}


@contextlib.asynccontextmanager
async def world(kafka: str, postgres: str, installation: str, *, read_fully: bool = True, **settings: Any) -> AsyncIterator[World]:
    """Make topics, tables' contents and a vendor; the writer is started by the test."""
    values = {"installation": installation, "kafka": kafka, "database": postgres, "sweep_s": 1.0, **settings}
    system = {"vendor": "stub", "url": "http://localhost", "timeout_s": settings.pop("timeout_s", 5.0)}
    values.pop("timeout_s", None)
    made = Settings(systems={SYSTEM: system}, KAFKA_BOOTSTRAP_SERVERS=values.pop("kafka"), **values)
    pool = await open_pool(postgres, installation, size=8)
    producer = await make_producer(kafka)
    names = [changes_name(installation, 1), *[writes_name(installation, SYSTEM, lane) for lane in LANES]]
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names])
    await admin.close()
    await pool.execute("INSERT INTO meta (key, value) VALUES ('active_playbook', '1'), ('incarnation', '1')")
    if read_fully:
        await pool.execute("INSERT INTO cursors (system, name, cursor, done_at) VALUES ($1, 'everything', '', now())", SYSTEM)
    consumer = AIOKafkaConsumer(names[0], bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    here = World(made, pool, producer, Vendor(), playbook(), consumer=consumer)
    try:
        yield here
    finally:
        with contextlib.suppress(Exception):
            await here.end()
        await consumer.stop()
        await producer.stop()
        await pool.close()
