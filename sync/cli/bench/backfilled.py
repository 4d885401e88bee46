"""A backfill of both systems while people work on: its calls against the least possible, its memory, and how long hot changes take meanwhile."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from sync.app import prepare
from sync.cli.bench import figures
from sync.cli.bench.figures import Row
from sync.cli.bench.flow import Flow, NotInTime, moment, writing
from sync.cli.bench.town import Town, ask
from sync.cli.local import Local, emulators, start_roles
from sync.cli.parts import compiling
from sync.runtime.kafka import free_port
from sync.settings import Settings

LATENCY_S, POLL_S = 0.2, 1.0
HOT, HOT_PER_S = 50, 2.5
"""So many people are known first; their titles change again and again while all others are read."""
PAGES = {"hubspot": 100, "salesforce": 2_000}
"""So many people a system gives in one call."""
BATCHES = {"hubspot": 100, "salesforce": 200}
OLD_S = 8.0
"""So old are the two systems' people before anybody reads: what was made a moment ago would be told as changes, not as a backfill."""
SMALL = 3
"""A writing call with no more rows than that is a hot one: bulk waits for its batch to fill."""
_BY_HAND = {f"TRUCE_SYSTEMS__{system.upper()}__OPTIONS__FIRST_READ": "by_hand" for system in PAGES}
_KNOWN = "SELECT count(*) FROM records"


@dataclass
class Memory:
    """How much memory each process holds, looked at while `records` goes up."""

    processes: Mapping[str, int]
    """Name → pid."""
    seen: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    """(records known, name → MB resident)."""

    def look(self, known: int) -> None:
        """Note it once; a process that has ended is left out."""
        found = {}
        for name, pid in self.processes.items():
            try:
                process = psutil.Process(pid)
                if process.status() != psutil.STATUS_ZOMBIE:  # it has ended, and nobody asked yet how
                    found[name] = process.memory_info().rss / 1e6
            except psutil.NoSuchProcess:
                continue
        self.seen.append((known, found))

    def figures(self, total: int) -> dict[str, Any]:
        """Give it at a tenth of the records and at its last, and the largest ratio of the two."""
        tenth = next((mb for known, mb in self.seen if known >= total / 10), {})
        last: dict[str, float] = {}
        for known, mb in self.seen:
            last |= mb if known >= total / 10 else {}
        ratios = {name: last[name] / mb for name, mb in tenth.items() if name in last}
        return {"tenth_mb": tenth, "end_mb": last, "ratios": ratios, "ratio": max(ratios.values(), default=0.0)}


@dataclass
class Run:
    """A running installation between two systems full of people, none of whom was read."""

    local: Local
    flow: Flow
    people: int
    waits: list[float] = field(default_factory=list)

    @property
    def town(self) -> Town:
        """The two systems."""
        return self.flow.town

    def order(self, system: str, *words: str) -> subprocess.Popen[str]:
        """Begin a `truce backfill`."""
        return subprocess.Popen(
            [sys.executable, "-m", "sync.cli", "backfill", system, *words, "--json"],
            env={**compiling(), **self.local.parts.environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def slices(self) -> None:
        """Read so many people that there is somebody to change."""
        for system in PAGES:
            _ended(self.order(system, "--first", str(HOT)))
        self.flow.until("the first people are known", lambda: self._known() >= 2 * HOT, seconds=60)

    def _known(self) -> int:
        return asyncio.run(self.flow.ask(_KNOWN))

    def measure(self) -> dict[str, Any]:
        """Read the rest of both systems, and change the first people's titles meanwhile."""
        marks = {system: self.town.count(system, "calls") for system in PAGES}
        began, orders = time.monotonic(), {f"backfill {system}": self.order(system) for system in PAGES}
        parts = {name: part.process.pid for name, part in self.local.parts.running.items() if name.startswith(("edge", "worker"))}
        memory = Memory({**parts, **{name: order.pid for name, order in orders.items()}})
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(memory, stop), daemon=True)
        watcher.start()
        try:
            while any(order.poll() is None for order in orders.values()):
                self._hot()
            read = {system: _ended(orders[f"backfill {system}"]) for system in PAGES}
            took_reading = time.monotonic() - began
            self.flow.settled(60 + self.people / 20)
        finally:
            stop.set()
            watcher.join()
            for order in orders.values():
                order.kill()
        took = time.monotonic() - began
        calls = {system: writing(self.town.journal(system, "calls", mark)) for system, mark in marks.items()}
        found: dict[str, Any] = {"people": self.people, "seconds": took, "reading_s": took_reading, "per_s": self.people / took}
        return found | _calls(read, calls, self.people) | {"memory": memory.figures(2 * self.people), "hot_ms": _spread(self.waits)}

    def _watch(self, memory: Memory, stop: threading.Event) -> None:
        while not stop.wait(1.0):
            memory.look(self._known())

    def _hot(self) -> None:
        """Change all first people's titles once, at a steady pace, and note how long each took until it stood in Salesforce."""
        mark, told = self.flow.mark(), dict[str, float]()
        at = self.town.count("salesforce", "effects")
        accepted = asyncio.run(self.flow.send(range(HOT), mark, HOT_PER_S))

        def all_there() -> bool:
            nonlocal at
            rows = self.town.journal("salesforce", "effects", at)
            at += len(rows)
            told.update((title, moment(row)) for row in rows if (title := str(row["after"].get("Title"))).startswith(mark))
            return accepted.keys() <= told.keys()

        self.flow.until("hot changes written in Salesforce", all_there, seconds=120, every=0.5)
        self.waits += [told[title] - accepted[title] for title in accepted]


def _ended(order: subprocess.Popen[str]) -> Row:
    out, words = order.communicate()
    if order.returncode != 0:
        raise NotInTime(f"a backfill ended with {order.returncode}: {words[-500:]}")
    found: Row = json.loads(out)
    return found


def _calls(read: Mapping[str, Row], calls: Mapping[str, Sequence[Row]], people: int) -> dict[str, Any]:
    """Give the calls of reading and of bulk's writing beside the least possible."""
    bulk = {system: [call for call in made if call["rows"] > SMALL] for system, made in calls.items()}
    reading = sum(one["calls"] for one in read.values())
    least_reading = sum(-(-people // page) for page in PAGES.values())
    writes, least = sum(map(len, bulk.values())), sum(figures.least(made, BATCHES[system]) for system, made in bulk.items())
    return {
        "read_calls": reading, "read_least": least_reading, "write_calls": writes, "write_least": least,
        "calls_ratio": (reading + writes) / max(1, least_reading + least),
    }  # fmt: skip


def _spread(waits: Sequence[float]) -> dict[str, Any]:
    p50, p99 = (figures.quantile(waits, share) * 1000 for share in (0.5, 0.99))
    return {"changes": len(waits), "p50": p50, "p99": p99, "max": max(waits, default=0.0) * 1000}


def measure(settings: Settings, local: Local, people: int) -> dict[str, Any]:
    """Fill two emulated systems with so many people, and let a person backfill both."""
    local.parts.environment = {**local.parts.environment, **_BY_HAND, "TRUCE_INSTALLATION": settings.installation}
    asyncio.run(prepare(settings))
    town = Town(emulators(local.parts))
    town.build(people)
    time.sleep(OLD_S)
    port = free_port()
    flow = Flow(local, settings.installation, town, f"http://127.0.0.1:{port}/webhooks/hubspot")
    run = Run(local, flow, people)
    start_roles(local, 2, port, POLL_S, dict(town.urls))
    try:
        run.slices()
        ask(f"{town.urls['hubspot']}/_emulator/webhooks", {"url": flow.hook})
        town.slow(LATENCY_S)
        return run.measure()
    finally:
        local.parts.stop()
