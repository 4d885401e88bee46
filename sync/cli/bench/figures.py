"""The arithmetic of the bench, pure: rates, waits, ratios, and what to say of a figure that misses its goal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

Row = Mapping[str, Any]


class Sample(NamedTuple):
    """How far the log was applied at one moment."""

    at: float
    done: int
    generation: int
    """The consumer group's: it goes up whenever a worker comes or goes."""


def rate(samples: Sequence[Sample], total: int) -> float:
    """Give messages per second from the first applied one to the last, start-up and rebalances before the last worker came left out."""
    last = samples[-1].generation
    under_way = [s for s in samples if s.generation == last and s.done > samples[0].done]
    if len(under_way) < 2:
        return 0.0
    start = under_way[0]
    end = next((s for s in under_way if s.done >= total), under_way[-1])
    return (end.done - start.done) / (end.at - start.at) if end.at > start.at else 0.0


def begun(effect_at: float, calls: Sequence[tuple[float, float]]) -> float | None:
    """Give when the call was received in which something took effect; `calls`: (end, seconds). None when no call fits."""
    found = [end - seconds for end, seconds in calls if end - seconds <= effect_at <= end]
    return max(found, default=None)


def quantile(values: Sequence[float] | Sequence[int], share: float) -> float:
    """Give the value below which that share of them lies; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def least(calls: Sequence[Row], batch: int) -> int:
    """Give the least number of calls for the rows that these calls wrote, each kind of call for itself."""
    rows: dict[tuple[str, str], int] = {}
    for call in calls:
        kind = call["method"], call["path"]
        rows[kind] = rows.get(kind, 0) + call["rows"]
    return sum(-(-count // batch) for count in rows.values())


def longest_silence(times: Sequence[float]) -> float:
    """Give the longest time between two of these moments."""
    return max((b - a for a, b in pairwise(sorted(times))), default=0.0)


@dataclass(frozen=True)
class Goal:
    """One figure beside its goal; `least` says that more is better."""

    name: str
    value: float
    goal: float
    unit: str
    least: bool = False
    hint: str = ""
    """Where to look when it is missed."""

    @property
    def met(self) -> bool:
        """Say whether the goal is reached."""
        return self.value >= self.goal if self.least else self.value <= self.goal

    def plain(self) -> dict[str, Any]:
        """Give it as JSON has it; the hint only where it is of use."""
        kept = {"figure": self.name, "value": round(self.value, 2), "goal": self.goal, "unit": self.unit, "met": self.met}
        return kept if self.met else kept | {"hint": self.hint}


def goals(found: Mapping[str, Any]) -> list[Goal]:
    """Give every figure that has a goal, beside it."""
    decided, loads, latency = found["decided_per_s"], found["end_to_end"], found["latency_ms"]
    calls = max(load["calls_ratio"] for load in loads.values())
    slow = "the machine's two cores are shared by Kafka, PostgreSQL, emulators and Truce: compare the ratio to the raw client"
    return [
        Goal(
            "own latency at 50 changes/s, p50", latency["p50"], 40, "ms", hint="hops: webhook → Kafka → decision → doorbell → plan → call"
        ),
        Goal(
            "own latency at 50 changes/s, p99",
            latency["p99"],
            150,
            "ms",
            hint="what runs beside it: each poll of Salesforce brings our own writes back as full reads",
        ),
        Goal(
            "longest stall after kill -9",
            found["stall"]["longest_s"],
            8,
            "s",
            hint="the group's session of 6 s, then the new owner's start",
        ),
        Goal(
            "decided changes/s, one worker",
            decided["1"],
            1500,
            "/s",
            True,
            f"a lead of 40 fields in two systems is 22 KB: PostgreSQL compresses it, Python reads, decides and writes it; {slow}",
        ),
        Goal("decided changes/s, two workers", decided["2"], 2500, "/s", True, slow),
        Goal("written end to end at 200 ms", loads["200"]["per_s"], 250, "/s", True, slow),
        Goal("calls against the least under load", calls, 1.2, "×", hint="batches that were sent before they were full"),
        Goal(
            "memory of a worker, many leads against few",
            found["memory"]["ratio"],
            1.1,
            "×",
            hint="a worker keeps nothing per lead: look at the size of its batches first",
        ),
        Goal(
            f"a look for due clocks, {found['idle']['many']:,} open against {found['idle']['few']:,}",
            found["idle"]["ratio"],
            1.2,
            "×",
            hint="it reads one page of the index clocks_ready: look at its plan",
        ),
        *_backfill_goals(found["backfilled"]),
        *_playbook_goals(found["routed"], found["loaded"], found["simulated"], found["refused"]),
    ]


def _backfill_goals(filled: Row) -> list[Goal]:
    """Give the figures of a backfill while people work on."""
    many = f"{filled['people']:,} people"
    return [
        Goal(
            f"calls of a backfill of {many}, against the least",
            filled["calls_ratio"],
            1.1,
            "×",
            hint="pages that were read twice, records told twice, look-ups, or batches not full",
        ),
        Goal("memory in a backfill, at its end against a tenth", filled["memory"]["ratio"], 1.1, "×", hint=f"{filled['memory']['ratios']}"),
        Goal(
            "hand-offs during a backfill, from the form to the owner in the CRM, p99",
            filled["handoff_ms"]["p99"],
            2000,
            "ms",
            hint="what stands on `changes` before them: sync/sources/lag.py",
        ),
    ]


def _playbook_goals(routed: Row, loaded: Row, simulated: Row, refused: Row) -> list[Goal]:
    """Give the figures of the playbook: measured alone, before any server runs."""
    sample, files, lines = simulated["sample"], refused["files"], refused["lines"]
    choosing = "choosing the person takes most of the time (sync/lead/route.py), the reasons that are kept most of the rest"
    replaying = "a replay decides each message as a worker would: profile sync/trial/replay.py"
    looking = f"every message is looked at once, in one process, before the sample is replayed on {sample['cores']} cores"
    return [
        Goal(f"leads through {routed['rules']} rules, all asked", routed["all_per_s"], 2500, "/s", True, choosing),
        Goal(f"leads through {routed['rules']} rules, with the index", routed["indexed_per_s"], 10_000, "/s", True, choosing),
        Goal("all asked, against a bare loop of the same", routed["ratio"], 0.7, "×", True, choosing),
        Goal(f"load and check of {loaded['rules']:,} rules", loaded["seconds"], 1.0, "s", hint="conditions are compiled one by one by CEL"),
        Goal("simulated messages/s, per core and playbook", simulated["per_core_and_playbook_per_s"], 2000, "/s", True, replaying),
        Goal(f"simulate's sample of {sample['leads']:,} leads", sample["seconds"], 60, "s", hint=looking),
        Goal(f"worst of {files['count']} hostile files", files["ms"], 100, "ms", hint=files["worst"]),
        Goal(f"worst of {lines['count']} hostile conditions", lines["ms"], 50, "ms", hint=lines["worst"]),
    ]
