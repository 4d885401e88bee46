"""How the bench reads: one table of goals, one of everything else; plain lines where there is no terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from sync.cli.bench.figures import Goal


def show(console: Console, found: Mapping[str, Any], goals: Sequence[Goal]) -> None:
    """Print what was found."""
    table = Table(title="What Truce does here", title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for column in ("figure", "here", "goal", ""):
        table.add_column(column, justify="right" if column in ("here", "goal") else "left", overflow="fold")
    for goal in goals:
        bound = f"{'≥' if goal.least else '≤'} {goal.goal:g} {goal.unit}"
        table.add_row(goal.name, f"{goal.value:,.{_digits(goal.value)}f} {goal.unit}", bound, "✔" if goal.met else "✘")
    console.print(table)
    missed = [goal for goal in goals if not goal.met]
    console.print(f"{len(goals) - len(missed)} of {len(goals)} goals met")
    for goal in missed:
        console.print(f"✘ {goal.name}: {goal.hint}", markup=False)
    for line in _beside(found):
        console.print(line, markup=False)


def _digits(value: float) -> int:
    return 0 if value >= 100 else 1 if value >= 10 else 2


def _beside(found: Mapping[str, Any]) -> list[str]:
    """Say the figures that have no goal of their own."""
    base, share, loads, memory = found["raw_per_s"], found["decided_to_raw"], found["end_to_end"], found["memory"]
    sizes = [name for name in memory if name != "ratio"]
    lines = [
        f"Raw aiokafka loop, same messages, same broker: {base['1']:,.0f}/s in one process, {base['2']:,.0f}/s in two",
        f"Decided against raw: {share['1']:.3f} with one worker, {share['2']:.3f} with two "
        f"({found['decided']['fields']} fields, {found['decided']['rules']} rules, every change is news)",
    ]
    lines += [
        f"End to end at {ms} ms: {load['per_s']:,.0f}/s ({load['per_s'] / base['1']:.3f} of raw) · {load['calls']} calls for {load['changes']} "
        f"records, least {load['calls_least']}"
        for ms, load in loads.items()
    ]
    lines.append(
        "Memory of a worker: "
        + " · ".join(f"{memory[n]['rss_mb']:.0f} MB resident, {memory[n]['uss_mb']:.0f} its own at {int(n):,} leads" for n in sizes)
    )
    looks = found["idle"]["look_ms"]
    lines.append("A look for due clocks: " + " · ".join(f"{took:.2f} ms among {int(n):,} open" for n, took in looks.items()))
    sample, routed = found["simulated"]["sample"], found["routed"]
    lines.append(
        f"Rules: a bare loop asks all {routed['rules']} for {routed['bare_per_s']:,.0f} leads/s · simulate looked at {sample['looked']:,} of "
        f"{sample['leads']:,} leads on {sample['cores']} cores"
    )
    filled = found["backfilled"]
    lines.append(
        f"Backfill of {filled['people']:,} people in both at 200 ms: {filled['per_s']:,.0f} people/s, read in {filled['reading_s']:.0f} s, written after "
        f"{filled['seconds']:.0f} s · {filled['read_calls']} calls to read (least {filled['read_least']}), {filled['bulk_calls']} to write "
        f"(least {filled['bulk_least']}) · {filled['handoff_ms']['handoffs']} hand-offs meanwhile, p50 {filled['handoff_ms']['p50']:.0f} ms"
    )
    return [
        *lines,
        f"First sync of {found['first_sync']['people']:,} people in both: {found['first_sync']['seconds']:.0f} s · bench {found['seconds']:.0f} s",
    ]
