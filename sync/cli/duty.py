"""Commands of the people on duty: parked, replay, duplicates, pause, resume, doctor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from sync.cli import people, place
from sync.cli.mending import todo
from sync.cli.output import PROBLEM, CannotRun, as_json, console, hung, line
from sync.playbook.models import Playbook
from sync.settings import Settings
from sync.store.connect import connect

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Who = Annotated[str, typer.Argument(help="An e-mail, a record ref (salesforce:Lead:00Q…) or a lead id.")]
Result = TypeVar("Result")


def with_store(step: Callable[[Any, place.Place], Awaitable[Result]]) -> Result:
    """Do one step on the installation's store."""
    with place.find(Settings()) as here:

        async def run() -> Result:
            connection = await connect(here.dsn, here.installation)
            try:
                return await step(connection, here)
            finally:
                await connection.close()

        return asyncio.run(run())


def parked(json: Json = False) -> None:
    """Show what is set aside, each with the reason; exit 1 if there is anything.

    Example: `truce parked`
    """

    from sync.cli.explain import named

    async def step(connection: Any, _: place.Place) -> tuple[list[dict[str, Any]], Playbook | None, dict[str, dict[str, Any]]]:
        rows = await people.parked(connection)
        if json:
            return rows, None, {}
        alone = (str(row["lead_id"]) for row in rows if row["lead_id"] and not row["ref"])
        return rows, await people.in_force(connection), await people.known(connection, alone)

    rows, playbook, known = with_store(step)
    if json:
        as_json(rows)
    else:
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in rows:
            groups.setdefault((row["system"], row["field"], row["reason"], todo(row, playbook)), []).append(row)
        for (system, field, reason, advice), some in groups.items():
            many = f" ({len(some)} times)" if len(some) > 1 else ""
            console.print(f"{' '.join(one for one in (system, field) if one)}: {reason}{many}", markup=False)
            console.print(f"  {advice}", markup=False)
            for row in some:
                value = "" if row["value"] is None else f" = {line(row['value'])}"
                at = row["parked_at"].astimezone().strftime("%d %b %H:%M")
                who = row["ref"] or (named(known[lead]) if (lead := str(row["lead_id"])) in known else row["lead_id"] or row["kind"])
                console.print(f"  {row['id'][:13]}  {at}  {who}{value}", markup=False)
        console.print("When the cause is mended: truce replay (all), or truce replay ID." if rows else "Nothing is parked.")
    if rows:
        raise typer.Exit(PROBLEM)


def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Parked ids (the beginning is enough); none: all.")] = None, json: Json = False
) -> None:
    """Try what is parked again, planned anew from now.

    Example: `truce replay`
    """

    async def step(connection: Any, here: place.Place) -> int:
        if not here.bootstrap:
            raise CannotRun("no Kafka to send it to: start `truce up`, or set KAFKA_BOOTSTRAP_SERVERS.")
        rows = await people.parked(connection)
        only = [row["id"] for row in rows if any(row["id"].startswith(one) for one in ids or [])]
        if ids and not only:
            raise CannotRun("no parked entry begins with that id: `truce parked` shows them.")
        return await people.replay(here.dsn, here.installation, here.bootstrap, only)

    count = with_store(step)
    as_json({"replayed": count}) if json else console.print(f"{count} will be tried again; `truce parked` shows what is refused once more.")


def duplicates(json: Json = False) -> None:
    """Show records that only a person can place; exit 1 if there is one.

    Example: `truce duplicates`
    """

    from sync.cli.explain import named

    async def step(connection: Any, _: place.Place) -> list[dict[str, Any]]:
        return await people.duplicates(connection)

    rows = with_store(step)
    if json:
        as_json(rows)
    elif not rows:
        console.print("No duplicates to settle.")
    else:
        for row in rows:
            console.print(f"{row['reason']} (since {row['opened_at'].astimezone().strftime('%d %b %H:%M')})", markup=False)
            for person in row["people"]:
                console.print(f"  {'?' if row['ref'] in person['refs'] else ' '} {named(person)}", markup=False)
        console.print("? waits, and is made nowhere else meanwhile. One person: merge the two in their system, or write the name alike.")
        console.print("Two people: give one of them an address of their own. Truce sees it and goes on.")
    if rows:
        raise typer.Exit(PROBLEM)


Scope = Annotated[str, typer.Argument(help="A system's name, a shared field's name, or `all`.")]


def _scope(what: str) -> str:
    from sync.playbook.loader import load

    if what == "all":
        return what
    settings = Settings()
    playbook = load(settings.playbook, environment=settings.environment)
    if what in playbook.systems:
        return f"system:{what}"
    if what in playbook.fields:
        return f"field:{what}"
    raise CannotRun(f"{what} is neither `all`, a system ({', '.join(playbook.systems)}) nor a shared field ({', '.join(playbook.fields)}).")


def pause(what: Scope, reason: Annotated[str, typer.Option(help="Why; everybody sees it.")], json: Json = False) -> None:
    """Stop writing to a system, of a field, or at all, within a second; reading and deciding go on.

    Example: `truce pause salesforce --reason "migration until 18:00"`
    """
    from sync.store import pauses

    scope = _scope(what)

    async def step(connection: Any, _: place.Place) -> bool:
        return await pauses.put(connection, scope, reason, people.whoami())

    fresh = with_store(step)
    if json:
        as_json({"paused": scope, "was_paused_before": not fresh})
    elif fresh:
        console.print(f"Paused: {what}. Nothing is lost; truce resume {what} writes what has come together.", markup=False)
    else:
        console.print(f"{what} was paused before, and the first reason stays; truce doctor shows it.", markup=False)


def resume(
    what: Scope,
    waiting: Annotated[
        bool, typer.Option("--waiting", help="Of a system: all that waits now is written, however much the guards allow.")
    ] = False,
    json: Json = False,
) -> None:
    """Write again; everything that came together meanwhile is written, hot hand-offs first.

    Example: `truce resume salesforce --waiting`
    """
    from sync.store import pauses

    kind, _, system = (scope := _scope(what)).partition(":")
    if waiting and kind != "system":
        raise CannotRun("--waiting goes with a system's name: each system has a guard of its own.")

    async def step(connection: Any, _: place.Place) -> tuple[int, list[str], list[pauses.Pause]]:
        room = await pauses.let_go(connection, system) if waiting else 0
        return room, await pauses.lift(connection, scope), await pauses.every(connection)

    room, lifted, left = with_store(step)
    if json:
        as_json({"resumed": lifted, "let_go": room, "still_paused": [pause.scope for pause in left]})
        return
    console.print(f"Resumed: {what}." if lifted else f"{what} was not paused.", markup=False)
    if waiting:
        console.print(f"{room:,} people wait there: they are let past the guard, for a day.", markup=False)
    for pause in left:
        console.print(f"Still paused: {pause.scope.rpartition(':')[2]} by {pause.by}: {pause.reason}", markup=False)


def _grants(settings: Settings, folder: Path, *, json: bool) -> None:
    from sync.cli.doctor import systems_of
    from sync.cli.examining.grants import write
    from sync.playbook.loader import load

    found = write(load(settings.playbook, environment=settings.environment), folder, systems_of(settings))
    if json:
        as_json([{"file": path, "how": how} for path, how in found])
    else:
        for path, how in found:
            console.print(f"Wrote {path}: {how}", markup=False)


def doctor(
    json: Json = False,
    fix: Annotated[
        bool, typer.Option(help="Make in the systems what can be made: external-id fields, and fields that Truce fills in.")
    ] = False,
    grants: Annotated[
        bool, typer.Option("--grants", help="Look at nothing: write the least permissions that each system must give.")
    ] = False,
    folder: Annotated[Path, typer.Option("--to", help="With --grants: the folder for the files.")] = Path("grants"),
) -> None:
    """Check Kafka, PostgreSQL, the playbook and every system, and say what to do; exit 1 if something is wrong.

    Example: `truce doctor --fix`
    """
    from sync.cli.doctor import examine
    from sync.cli.examining.told import told

    if grants:
        _grants(Settings(), folder, json=json)
        return
    findings = asyncio.run(examine(Settings(), fix=fix))
    if json:
        as_json([f.model_dump() for f in findings])
    else:
        for line in told(findings):
            console.print(hung(line))
    if not all(f.ok for f in findings):
        raise typer.Exit(PROBLEM)
