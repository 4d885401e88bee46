"""The bench from start to end: raw client, decisions, memory, end to end, latency, kill; told beside the goals, written to `.truce/bench.json`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from sync.app import prepare
from sync.cli.bench import backfilled, figures, idle, playbook, raw, replayed, rules
from sync.cli.bench.decided import Log
from sync.cli.bench.flow import Flow
from sync.cli.bench.screen import show
from sync.cli.bench.town import Town, ask
from sync.cli.local import Local, emulators, servers, start_roles
from sync.cli.output import DONE, as_json, console
from sync.runtime.folder import empty, forget, hold_any
from sync.runtime.kafka import VERSION, free_port
from sync.settings import Settings

POLL_S = 1.0
PER_S = 50.0


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    raw_s: float
    leads: int
    many: int
    """So many leads for the second look at memory."""
    decided: int
    people: int
    paced: int
    killed: int
    """How many changes at a steady pace, one worker killed after a quarter of them."""
    calm_s: float
    replayed: tuple[int, int]
    """So many leads' history is replayed in one process; the default sample of so many on every core."""
    filled: int = 5_000
    """So many people are in both systems when a person backfills them."""
    clocks: int = 100_000
    """So many clocks are open while none is due."""


FULL = Size(
    raw_s=4.0, leads=10_000, many=100_000, decided=12_000, people=3_000, paced=600, killed=800, calm_s=4.0, replayed=(1_500, 250_000), filled=100_000,
)  # fmt: skip
QUICK = Size(raw_s=0.5, leads=300, many=600, decided=600, people=100, paced=50, killed=100, calm_s=0.5, replayed=(100, 300))


def play(settings: Settings, *, quick: bool, json_out: bool, only: str = "") -> int:
    """Measure everything, or only the `backfill`; gives the exit code: 0 when it was measured, whether or not goals are met."""
    began, size = time.monotonic(), QUICK if quick else FULL
    logging.getLogger("aiokafka").setLevel(logging.ERROR)  # it warns of topics that are a moment old
    folder = hold_any(settings.home, "bench")
    empty(folder)
    own = settings.model_copy(update={"playbook": playbook.write(folder.path / "playbook"), "systems": {}})
    name = f"bench{int(time.time())}" if settings.database else "bench"
    alone = {} if only else _alone(folder.path, size, quiet=json_out)
    with servers(own, folder, name) as local:
        ready = own.model_copy(update={"installation": name, "database": SecretStr(local.dsn), "kafka": local.bootstrap})
        found: dict[str, Any] = {}
        if not only:
            found = _inner(ready, local, size, quiet=json_out)
            found |= _outer(ready.model_copy(update={"installation": f"{name}flow"}), local, size, quiet=json_out)
        _say(
            json_out, f"two emulated systems with {size.filled:,} people in both at 200 ms: a backfill, while some of them are handed over"
        )
        found["backfilled"] = backfilled.measure(ready.model_copy(update={"installation": f"{name}fill"}), local, size.filled)
    if only:
        as_json(found)
        return DONE
    found |= alone | {"quick": quick, "machine": _machine(), "seconds": round(time.monotonic() - began, 1)}
    found["goals"] = [goal.plain() for goal in figures.goals(found)]
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "bench.json").write_text(json.dumps(found, indent=2) + "\n")
    as_json(found) if json_out else show(console, found, figures.goals(found))
    return DONE


def _machine() -> dict[str, Any]:
    return {"cpus": os.cpu_count(), "python": platform.python_version(), "kafka": VERSION, "system": platform.system()}


def _say(quiet: bool, text: str) -> None:
    if not quiet:
        console.print(text, style="dim", markup=False)


def _alone(folder: Path, size: Size, *, quiet: bool) -> dict[str, Any]:
    """Measure the playbook by itself, while no server runs."""
    _say(quiet, "100 rules, 1,000 rules, hostile files and conditions")
    found = {"routed": rules.routed(), "loaded": rules.loaded(), "refused": rules.refused()}
    _say(quiet, f"simulate: the history of {size.replayed[0]:,} leads, then a sample of {size.replayed[1]:,}")
    return found | {"simulated": replayed.measure(folder / "history", *size.replayed)}


def _inner(settings: Settings, local: Local, size: Size, *, quiet: bool) -> dict[str, Any]:
    """Measure the raw client, the decisions, and the workers' memory."""
    ready = asyncio.run(prepare(settings))
    _say(quiet, f"a worker's look among {size.clocks:,} open clocks of which none is due")
    still = idle.measure(ready.dsn, settings.installation, size.clocks)
    log = Log(local, ready)
    _say(
        quiet,
        f"{size.leads} leads with {playbook.FIELDS} fields in both systems; {size.decided} edits of three fields each, half of them full reads, half notices",
    )
    log.fill(size.leads)
    log.put(size.decided)
    base = {f"{n}": raw.measure(local, ready.changes, settings.partitions, n, size.raw_s) for n in (1, 2)}
    seen: dict[int, list[dict[str, float]]] = {size.leads: [], size.many: []}
    decided: dict[str, float] = {}
    _say(quiet, "raw client measured; one worker decides, then two")
    decided["1"] = figures.rate(log.run(1, lambda: seen[size.leads].extend(log.memory())), log.sent)
    log.put(size.decided)
    decided["2"] = figures.rate(log.run(2, lambda: seen[size.leads].extend(log.memory())), log.sent)
    _say(quiet, f"one worker among {size.many} leads")
    log.fill(size.many)
    log.put(size.decided)
    among_many = figures.rate(log.run(1, lambda: seen[size.many].extend(log.memory())), log.sent)
    memory: dict[str, Any] = {str(leads): max(found, key=lambda one: one["rss_mb"]) for leads, found in seen.items()}
    return {
        "idle": still,
        "raw_per_s": base,
        "decided_per_s": decided,
        "decided_to_raw": {n: decided[n] / base[n] for n in base},
        "decided_among_many_per_s": among_many,
        "decided": {"fields": playbook.FIELDS, "rules": playbook.rules(), "leads": size.leads, "many": size.many, "changes": size.decided},
        "memory": memory | {"ratio": memory[str(size.many)]["rss_mb"] / memory[str(size.leads)]["rss_mb"]},
    }


def _outer(settings: Settings, local: Local, size: Size, *, quiet: bool) -> dict[str, Any]:
    """Measure from one vendor to the other."""
    local.parts.environment = {**local.parts.environment, "TRUCE_INSTALLATION": settings.installation}
    asyncio.run(prepare(settings))
    town = Town(emulators(local.parts))
    town.build(dict.fromkeys(town.urls, range(size.people)))
    port = free_port()
    flow = Flow(local, settings.installation, town, f"http://127.0.0.1:{port}/webhooks/hubspot")
    _say(quiet, f"two emulated systems with {size.people} people in both: first sync")
    start_roles(local, 2, port, POLL_S, dict(town.urls))
    began = time.monotonic()
    flow.settled(180.0)
    first = time.monotonic() - began
    ask(f"{town.urls['hubspot']}/_emulator/webhooks", {"url": flow.hook})
    _say(quiet, "changes in HubSpot, written in Salesforce: all at once, then at a steady pace, then with a worker killed")
    loads = {ms: flow.throughput(range(size.people), int(ms) / 1000) for ms in ("0", "200")}
    flow.calm(size.calm_s)
    waits = flow.paced(range(size.paced), PER_S)
    flow.calm(size.calm_s)
    stalled = flow.paced(range(size.killed), PER_S, lambda: _kill(local), size.killed // 4)
    local.parts.stop()
    p50 = figures.quantile(waits, 0.5)
    return {
        "first_sync": {"people": size.people, "seconds": first},
        "end_to_end": loads,
        "latency_ms": {
            "changes": len(waits),
            "per_s": PER_S,
            "p50": p50 * 1000,
            "p99": figures.quantile(waits, 0.99) * 1000,
            "max": max(waits) * 1000,
        },
        "stall": {"changes": len(stalled), "longest_s": max(stalled) - p50, "waited_over_1_s": sum(wait > 1.0 for wait in stalled)},
    }


def _kill(local: Local) -> None:
    """Kill one of two workers as a power cut would, and start another, as whoever looks after it does."""
    local.parts.kill("worker-1")
    forget(local.folder, "worker-1")
    local.parts.start("worker-3", "worker")
