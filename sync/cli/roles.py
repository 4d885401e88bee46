"""One process per role: `truce worker`, `truce source SYSTEM`, `truce writer SYSTEM`; and `truce topics`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from sync.cli.output import CannotRun, as_json, console, table
from sync.settings import Settings

System = Annotated[str, typer.Argument(help="A system's name, as TRUCE_SYSTEMS__<NAME>__URL has it in lower case.")]


def _named(settings: Settings, system: str) -> str:
    if system not in settings.systems:
        known = ", ".join(settings.systems) or "none; set TRUCE_SYSTEMS__SALESFORCE__URL and so on"
        raise CannotRun(f"no system {system!r} is set up (there are: {known}).")
    return system


def worker() -> None:
    """Decide: run a lead agent until SIGTERM.

    Example: `KAFKA_BOOTSTRAP_SERVERS=… TRUCE_DATABASE=… truce worker`
    """
    from sync.app import run_worker

    raise typer.Exit(run_worker(Settings()))


def source(system: System) -> None:
    """Read one system, and take its webhooks, until SIGTERM.

    Example: `truce source hubspot`
    """
    _edge(reads=system)


def writer(system: System) -> None:
    """Write one system until SIGTERM.

    Example: `truce writer salesforce`
    """
    _edge(writes=system)


def answers() -> None:
    """Take people's answers to hand-offs (Slack, HTTP API), and what comes through signed doors, until SIGTERM.

    A source that takes webhooks takes them too, at the same address; this is for where there is none.

    Example: `truce answers`
    """
    settings = Settings()
    if not settings.api_tokens and not settings.doors and "slack" not in settings.channels:
        raise CannotRun(
            "nobody can answer here: set TRUCE_API_TOKENS, TRUCE_DOORS__…, or TRUCE_CHANNELS__SLACK__SECRETS__TOKEN and …__SIGNING_SECRET."
        )
    _edge()


def edge() -> None:
    """Read and write every system, and tell, in one process: what `truce up` and the demo start."""
    settings = Settings()
    from sync.app import run_edge

    raise typer.Exit(run_edge(settings, reads=tuple(settings.systems), writes=tuple(settings.systems), tells=True))


def notifier() -> None:
    """Tell people of what fails and of their hand-offs, and show the pages behind the links, until SIGTERM.

    Example: `truce notifier`
    """
    from sync.app import run_edge

    raise typer.Exit(run_edge(Settings(), tells=True))


def _edge(reads: str = "", writes: str = "") -> None:
    from sync.app import run_edge

    settings = Settings()
    read, written = ((_named(settings, name),) if name else () for name in (reads, writes))
    raise typer.Exit(run_edge(settings, reads=read, writes=written))


def topics(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    new_incarnation: Annotated[
        bool, typer.Option(help="Kafka lost its data: begin `changes` anew and read every system in full again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --new-incarnation: do not ask.")] = False,
) -> None:
    """Show every topic: who writes it, who reads it, what keys it; or begin anew after Kafka lost its data.

    Example: `truce topics`
    """
    from sync.topology import topics as every

    settings = Settings()
    if new_incarnation:
        _begin_anew(settings, yes=yes, json=json)
        return
    found = every(settings.installation, 1, tuple(settings.systems) or ("salesforce", "hubspot"), settings.partitions)
    if json:
        as_json([{"name": t.name, "partitions": t.partitions, "key": t.key, "writers": t.writers, "readers": t.readers} for t in found])
        return
    rows = [(t.name, t.partitions, t.key, ", ".join(t.writers), ", ".join(t.readers)) for t in found]
    table(("topic", "partitions", "key", "written by", "read by"), rows, "")


def _begin_anew(settings: Settings, *, yes: bool, json: bool) -> None:
    from sync.app import begin_anew

    if not yes and not typer.confirm("Is every worker, source and writer stopped, and is Kafka's old data really gone?"):
        raise CannotRun("nothing was changed.")
    topic = asyncio.run(begin_anew(settings))
    if json:
        as_json({"topic": topic})
    else:
        console.print(f"{topic} begins. Start the workers, sources and writers again: every system is read in full first.", markup=False)
