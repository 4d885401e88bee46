"""How many changes a second are decided, and in how much memory: messages lie ready, then workers start; nobody writes."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psutil
from aiokafka import AIOKafkaProducer

from schemas import envelope
from schemas.envelope import Envelope
from schemas.keys import keyed
from sync.app import Ready
from sync.cli.bench import figures, fill, people
from sync.cli.bench.figures import Sample
from sync.cli.local import Local
from sync.store.connect import connect, open_pool

LOOK_S = 0.05
_SAMPLE = "SELECT coalesce(sum(next_offset), 0)::bigint AS done, coalesce(max(generation), 0) AS generation FROM applied WHERE topic = $1"


@dataclass
class Log:
    """The installation whose workers are measured, and how much was put on its log so far."""

    local: Local
    ready: Ready
    sent: int = 0
    leads: int = 0
    turn: int = 0
    resident: dict[str, list[int]] = field(default_factory=dict)
    """Part → its resident memory at each look, once messages were applied."""

    @property
    def secret(self) -> bytes:
        """The installation's secret."""
        return self.ready.settings.secret_bytes

    def fill(self, leads: int) -> None:
        """Let there be so many leads."""
        asyncio.run(self._fill(leads))
        self.leads = leads

    async def _fill(self, leads: int) -> None:
        pool = await open_pool(self.ready.dsn, self.ready.settings.installation)
        try:
            if not self.leads:
                await fill.begin(pool)
            lead = fill.pattern(self.ready.playbook, self.secret, datetime.now(UTC))
            await fill.fill(pool, lead, self.secret, self.leads, leads)
        finally:
            await pool.close()

    def put(self, count: int) -> None:
        """Put so many edits on the log, of leads drawn from all there are."""
        self.turn += 1
        drawn = random.Random(self.turn).choices(range(self.leads), k=count)
        messages = (
            (people.email(n), people.edit(n, self.sent + place, at))
            for place, (n, at) in enumerate(zip(drawn, people.moments(datetime.now(UTC), count), strict=True))
        )
        asyncio.run(send(self.ready, messages))
        self.sent += count

    def run(self, workers: int, watch: Callable[[], object] = lambda: None, seconds: float = 120.0) -> list[Sample]:
        """Start workers and look on until all is applied; gives what was seen, and ends them."""
        for n in range(workers):
            self.local.parts.start(f"decider-{self.turn}-{n}", "worker")
        try:
            samples = asyncio.run(self._look_on(seconds))
            watch()
        finally:
            self.local.parts.stop()
        return samples

    def memory(self) -> list[dict[str, float]]:
        """Give each worker's resident memory in MB: the median while it worked, and what is its own now."""
        found = []
        for name, part in self.local.parts.running.items():
            own = psutil.Process(part.process.pid).memory_full_info().uss
            found.append({"rss_mb": figures.quantile(self.resident[name], 0.5) / 2**20, "uss_mb": own / 2**20})
        return found

    async def _look_on(self, seconds: float) -> list[Sample]:
        connection = await connect(self.ready.dsn, self.ready.settings.installation)
        samples, end = list[Sample](), time.monotonic() + seconds
        try:
            while (not samples or samples[-1].done < self.sent) and time.monotonic() < end:
                row = await connection.fetchrow(_SAMPLE, self.ready.changes)
                samples.append(Sample(time.monotonic(), row["done"], row["generation"]))
                self.local.parts.check()
                if samples[-1].done > samples[0].done:
                    for name, part in self.local.parts.running.items():
                        self.resident.setdefault(name, []).append(psutil.Process(part.process.pid).memory_info().rss)
                await asyncio.sleep(LOOK_S)
        finally:
            await connection.close()
        return samples


async def send(ready: Ready, messages: Iterable[tuple[str, Envelope]]) -> None:
    """Put (address, message) on `changes`, as a source would, but without looking at the store."""
    producer: Any = AIOKafkaProducer(bootstrap_servers=ready.bootstrap, linger_ms=5, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        waits = []
        for address, message in messages:
            value, headers = envelope.write(message)
            key = keyed(ready.settings.secret_bytes, address).encode()
            waits.append(await producer.send(ready.changes, value, key=key, headers=headers))
        await asyncio.gather(*waits)
    finally:
        await producer.stop()
