"""Publishing: doorbells and events of a committed batch, from memory when all goes well, from SQL after a crash."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

import orjson

from schemas.envelope import Envelope
from sync.runtime.metrics import metrics
from sync.store.outbox import pack, packed
from sync.topology import Lane, events_name, writes_name

Doorbell = tuple[str, str, Lane]
"""(lead id, system, lane)."""
Headers = list[tuple[str, bytes]]
Send = Callable[[str, bytes, bytes, Headers], Awaitable["asyncio.Future[object]"]]
"""Give (topic, key, value, headers) to the producer; the future is done when Kafka has it."""


@dataclass(slots=True)
class Payload:
    """What one partition's part of a batch has to publish; packed, it is the outbox row."""

    doorbells: list[Doorbell] = field(default_factory=list)
    events: list[Envelope] = field(default_factory=list)

    def pack(self) -> bytes:
        """Give it as JSON: doorbells as they are, events as [key, value, headers]."""
        return pack(self.doorbells, [packed(str(getattr(event.data, "lead_id", event.id)), event) for event in self.events])


class Publisher:
    """Sends packed payloads to their topics."""

    def __init__(self, installation: str, send: Send) -> None:
        self.installation, self._send = installation, send

    async def publish(self, payloads: Iterable[bytes]) -> None:
        """Send everything; returns once Kafka has all of it, raises KafkaError when it has not."""
        done: list[asyncio.Future[object]] = []
        for payload in payloads:
            parts = orjson.loads(payload)
            for lead, system, lane in parts["doorbells"]:
                done.append(await self._send(writes_name(self.installation, system, lane), lead.encode(), b"", []))
            for (system, lane), count in Counter((system, lane) for _, system, lane in parts["doorbells"]).items():
                metrics.count("truce_doorbells_total", count, system=system, lane=lane)
            for key, value, headers in parts["events"]:
                named = [(name, text.encode()) for name, text in headers]
                done.append(await self._send(events_name(self.installation), key.encode(), value.encode(), named))
        await _all(done)


async def _all(futures: Sequence[asyncio.Future[object]]) -> None:
    outcomes = await asyncio.gather(*futures, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
