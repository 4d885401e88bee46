"""Changes from one vendor to the other, end to end: how many a second, with how many calls, how fast at a steady pace, how long after kill -9."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import aiohttp

from connectors.emulator.hubspot import signature
from sync.cli import emulate
from sync.cli.bench import figures
from sync.cli.bench.figures import Row
from sync.cli.bench.town import Town
from sync.cli.local import Local
from sync.store.connect import connect

BATCH = 200
"""Salesforce takes so many records in one call."""
SETTLED = """
SELECT (SELECT count(*) FROM dirty) + (SELECT count(*) FROM intents WHERE state IN ('open', 'done')) + (SELECT count(*) FROM read_orders)
  + (SELECT count(*) FROM cursors WHERE name = 'everything' AND done_at IS NULL) + 2
  - (SELECT count(*) FROM cursors WHERE name = 'everything') + greatest(0, $1 - (SELECT count(*) FROM records)) AS n
"""

DECIDED = "SELECT coalesce(sum(next_offset), 0) FROM applied"


class NotInTime(RuntimeError):
    """What the bench waited for did not come about; the text says what."""


def moment(row: Row) -> float:
    """Give a journal entry's time in seconds."""
    return datetime.fromisoformat(row["at"]).timestamp()


def writing(calls: Sequence[Row]) -> list[Row]:
    """Give Truce's own writing calls."""
    return [call for call in calls if call["client"] == "truce" and call["writing"]]


@dataclass
class Flow:
    """The running installation between two emulated systems."""

    local: Local
    installation: str
    town: Town
    hook: str
    """Where webhooks go."""
    _next: int = field(default=0)

    def until(self, what: str, so: Callable[[], bool], *, seconds: float, every: float = 0.1) -> None:
        """Wait until something is so; raises NotInTime, or PartEnded when a part died meanwhile."""
        end = time.monotonic() + seconds
        while not so():
            self.local.parts.check()
            if time.monotonic() > end:
                raise NotInTime(f"not within {seconds:.0f} s: {what}; the logs are in {self.local.folder}")
            time.sleep(every)

    async def ask(self, statement: str, *values: int) -> int:
        """Give what the store answers as a number."""
        connection = await connect(self.local.dsn, self.installation)
        try:
            return int(await connection.fetchval(statement, *values))
        finally:
            await connection.close()

    def settled(self, seconds: float = 90.0) -> None:
        """Wait until both were read fully, everyone is known and nothing is left to be told."""
        calm = [0]

        def quiet() -> bool:
            calm[0] = calm[0] + 1 if not asyncio.run(self.ask(SETTLED, len(self.town.urls) * self.town.people)) else 0
            return calm[0] >= 3

        self.until("nothing dirty, no open intent", quiet, seconds=seconds, every=0.25)

    def calm(self, seconds: float) -> None:
        """Wait until nothing was decided for so long: what a load leaves behind (our own writes, read back by polls) is none of the next figure's."""
        last = [-1, time.monotonic()]

        def still() -> bool:
            done = asyncio.run(self.ask(DECIDED))
            if done != last[0]:
                last[:] = [done, time.monotonic()]
            return time.monotonic() - last[1] >= seconds

        self.settled()
        self.until("nothing being decided", still, seconds=60.0, every=0.25)

    def mark(self) -> str:
        """Give how the titles of a new turn begin."""
        self._next += 1
        return f"Turn {self._next} of"

    def throughput(self, who: Sequence[int], latency_s: float) -> dict[str, Any]:
        """Let marketing change all these people at once, and count how fast they are written in Salesforce, by how many calls."""
        self.settled()
        mark = self.mark()
        effects, calls = (self.town.count("salesforce", kind) for kind in ("effects", "calls"))
        self.town.slow(latency_s)
        began, found = time.time(), dict[str, float]()
        self.town.edit(who, mark)
        fed = time.time() - began

        def all_there() -> bool:
            nonlocal effects
            rows = self.town.journal("salesforce", "effects", effects)
            effects += len(rows)
            found.update((row["id"], moment(row)) for row in rows if str(row["after"].get("Title")).startswith(mark))
            return len(found) >= len(who)

        self.until(f"{len(who)} changes written in Salesforce", all_there, seconds=120, every=0.3)
        self.town.slow(0.0)
        made = writing(self.town.journal("salesforce", "calls", calls))
        least = figures.least(made, BATCH)
        took = max(found.values()) - began
        return {
            "changes": len(who), "per_s": len(who) / took, "seconds": took, "fed_in_s": fed,
            "calls": len(made), "calls_least": least, "calls_ratio": len(made) / max(1, least),
        }  # fmt: skip

    def paced(self, who: Sequence[int], per_s: float, act: Callable[[], None] | None = None, at: int = 0) -> list[float]:
        """Send one webhook after the other at this pace, `act` before number `at`; gives for each how long after its 2xx it was told."""
        mark = self.mark()
        effects, calls = (self.town.count("salesforce", kind) for kind in ("effects", "calls"))
        accepted = asyncio.run(self.send(who, mark, per_s, act, at))

        def written() -> dict[str, float]:
            rows = self.town.journal("salesforce", "effects", effects)
            return {str(row["after"].get("Title")): moment(row) for row in rows if row["client"] == "truce"}

        self.until("all webhooks written in Salesforce", lambda: accepted.keys() <= written().keys(), seconds=60, every=0.5)
        spans = [(moment(call), float(call["seconds"])) for call in writing(self.town.journal("salesforce", "calls", calls))]
        told = written()
        return [(figures.begun(told[title], spans) or told[title]) - accepted[title] for title in accepted]

    async def send(
        self, who: Sequence[int], mark: str, per_s: float, act: Callable[[], None] | None = None, at: int = 0
    ) -> dict[str, float]:
        """Send one webhook after the other; gives when each was accepted, by the title that it tells."""
        accepted: dict[str, float] = {}
        connector = aiohttp.TCPConnector(limit=20)
        start = time.monotonic()
        async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
            for place, n in enumerate(who):
                await asyncio.sleep(max(0.0, start + place / per_s - time.monotonic()))
                if act is not None and place == at:
                    act()
                group.create_task(self._post(session, n, f"{mark} {n}", accepted))
        return accepted

    async def _post(self, session: aiohttp.ClientSession, n: int, title: str, accepted: dict[str, float]) -> None:
        for _ in range(10):
            body = json.dumps([self.town.event(n, title)]).encode()
            headers = signature.headers(emulate.WEBHOOK_SECRET, self.hook, body, int(time.time() * 1000))
            async with session.post(self.hook, data=body, headers=headers) as answer:
                if answer.status < 300:
                    accepted[title] = time.time()
                    return
        raise NotInTime(f"a webhook was refused ten times ({answer.status})")
