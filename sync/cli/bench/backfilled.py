"""A backfill of both systems while people work on: its calls against the least possible, its memory, and how long hand-offs take meanwhile."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil

from sync.app import prepare
from sync.cli.bench import figures
from sync.cli.bench.figures import Row
from sync.cli.bench.flow import Flow, NotInTime
from sync.cli.bench.handoffs import Handoffs
from sync.cli.bench.spent import PAGES, Due, counted, due, spread
from sync.cli.bench.town import Town, ask
from sync.cli.local import Local, emulators, start_roles
from sync.cli.parts import compiling
from sync.runtime.kafka import free_port
from sync.settings import Settings

LATENCY_S, POLL_S = 0.2, 1.0
KNOWN_PART = 100
"""One of so many people is known to both systems first, and asks for a demo while all others are read."""
OLD_S = 8.0
"""So old are the two systems' people before anybody reads: what was made a moment ago would be told as changes, not as a backfill."""
_BY_HAND = {f"TRUCE_SYSTEMS__{system.upper()}__OPTIONS__FIRST_READ": "by_hand" for system in PAGES}
_KNOWN = "SELECT count(*) FROM records"
_UNTOLD = "SELECT (SELECT count(*) FROM dirty) + (SELECT count(*) FROM intents WHERE state IN ('open', 'done'))"


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
    who: Mapping[str, Sequence[int]]
    """Who is in which system."""
    known: int
    """So many are read first."""

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
        """Read so many people that there is somebody to hand over, and let them be told."""
        for system in PAGES:
            _ended(self.order(system, "--first", str(self.known)))
        self.flow.until("the first people are known", lambda: self._known() >= 2 * self.known, seconds=60)
        self.flow.until("the first people are told", lambda: not asyncio.run(self.flow.ask(_UNTOLD)), seconds=60)

    def _known(self) -> int:
        return asyncio.run(self.flow.ask(_KNOWN))

    def _spent(self) -> Counter[str]:
        return counted(f"http://127.0.0.1:{self.local.parts.port('edge')}/metrics")

    def measure(self) -> dict[str, Any]:
        """Read the rest of both systems, while the first people are handed over."""
        people, spent = self.town.people, self._spent()
        handoffs = Handoffs(self.flow, list(range(self.known)), read={system: self.town.count(system, "effects") for system in PAGES})
        began, orders = time.monotonic(), {f"backfill {system}": self.order(system) for system in PAGES}
        parts = {name: part.process.pid for name, part in self.local.parts.running.items() if name.startswith(("edge", "worker"))}
        memory = Memory({**parts, **{name: order.pid for name, order in orders.items()}})
        stop = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(memory, stop), daemon=True)
        watcher.start()
        try:
            while any(order.poll() is None for order in orders.values()):
                handoffs.turn()
            read = {system: _ended(orders[f"backfill {system}"]) for system in PAGES}
            took_reading = time.monotonic() - began
            self.flow.settled(60 + people / 20)
        finally:
            stop.set()
            watcher.join()
            for order in orders.values():
                order.kill()
        took, calls = time.monotonic() - began, _calls(read, self._spent() - spent, due(self.who, self.known))
        found: dict[str, Any] = {"people": people, "seconds": took, "reading_s": took_reading, "per_s": people / took}
        return found | calls | {"memory": memory.figures(2 * people), "handoff_ms": _spread(handoffs.waits())}

    def _watch(self, memory: Memory, stop: threading.Event) -> None:
        while not stop.wait(1.0):
            memory.look(self._known())


def _ended(order: subprocess.Popen[str]) -> Row:
    out, words = order.communicate()
    if order.returncode != 0:
        raise NotInTime(f"a backfill ended with {order.returncode}: {words[-500:]}")
    found: Row = json.loads(out)
    return found


def _calls(read: Mapping[str, Row], spent: Mapping[str, int], due: Mapping[str, Due]) -> dict[str, Any]:
    """Give the calls of reading, and all that bulk spent on telling (look-ups and reading back, too), beside the least possible."""
    least = [one.least(system) for system, one in due.items()]
    reading, to_read, to_write = sum(one["calls"] for one in read.values()), sum(one for one, _ in least), sum(one for _, one in least)
    return {
        "read_calls": reading, "read_least": to_read, "bulk_calls": spent["bulk"], "bulk_least": to_write,
        "calls_ratio": (reading + spent["bulk"]) / (to_read + to_write), "beside": {name: spent[name] for name in ("hot", "normal")},
    }  # fmt: skip


def _spread(waits: Sequence[float]) -> dict[str, Any]:
    p50, p99 = (figures.quantile(waits, share) * 1000 for share in (0.5, 0.99))
    return {"handoffs": len(waits), "p50": p50, "p99": p99, "max": max(waits, default=0.0) * 1000}


def measure(settings: Settings, local: Local, people: int) -> dict[str, Any]:
    """Fill two emulated systems with so many people, and let a person backfill both."""
    local.parts.environment = {**local.parts.environment, **_BY_HAND, "TRUCE_INSTALLATION": settings.installation}
    local.parts.metrics_port = free_port()
    asyncio.run(prepare(settings))
    known, town, port = max(50, people // KNOWN_PART), Town(emulators(local.parts)), free_port()
    who = spread(people, known)
    town.build(who)
    time.sleep(OLD_S)
    flow = Flow(local, settings.installation, town, f"http://127.0.0.1:{port}/webhooks/hubspot")
    run = Run(local, flow, who, known)
    start_roles(local, 2, port, POLL_S, dict(town.urls))
    try:
        run.slices()
        ask(f"{town.urls['hubspot']}/_emulator/webhooks", {"url": flow.hook})
        town.slow(LATENCY_S)
        return run.measure()
    finally:
        local.parts.stop()
        local.parts.metrics_port = 0
