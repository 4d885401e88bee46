"""`truce bench`: what Truce does in a second, how long it takes, and what it costs, measured in one run against the raw Kafka client."""

from __future__ import annotations

from typing import Annotated

import typer


def bench(
    quick: Annotated[bool, typer.Option("--quick", help="A minute's smoke: every part runs, no figure means much.")] = False,
    json_out: Annotated[bool, typer.Option("--json", help="Print the figures as JSON at the end, and nothing else.")] = False,
    only: Annotated[str, typer.Option(help="Only this part, `backfill`: its figures are printed as JSON, and bench.json stays.")] = "",
) -> None:
    """Measure on this machine, print every figure beside its goal, and write `.truce/bench.json`.

    Exit 0 means that all of it was measured: a goal that is missed is marked and counted, and depends on the machine.

    Example: `truce bench --quick`
    """
    from sync.cli.bench.run import play
    from sync.cli.output import CannotRun
    from sync.settings import Settings

    if only not in ("", "backfill"):
        raise CannotRun(f"--only {only}: `backfill` is the only part that is measured by itself.")
    raise typer.Exit(play(Settings(), quick=quick, json_out=json_out, only=only))


def raw_loop(
    bootstrap: str,
    source: str,
    target: str,
    partitions: Annotated[str, typer.Argument(help="Like 0,2,4.")],
    at: Annotated[float, typer.Argument(help="When to begin, in seconds since 1970.")],
    seconds: float,
) -> None:
    """Consume and produce with nothing but the Kafka client, and print how many messages a second."""
    import uvloop

    from sync.cli.bench.raw import loop

    typer.echo(uvloop.run(loop(bootstrap, source, target, [int(p) for p in partitions.split(",")], at, seconds)))
