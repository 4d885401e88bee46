"""Versions of the playbook: `truce diff`, `truce playbook log`, `truce playbook rollback`; and how a version is named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from sync.cli import leaving, people
from sync.cli.duty import Json, with_store
from sync.cli.output import PROBLEM, CannotRun, as_json, console, table
from sync.cli.place import NothingThere, Place
from sync.lead.state import load
from sync.playbook.loader import checksum, environment_of, load_files, read, within
from sync.playbook.models import Playbook
from sync.settings import Settings
from sync.store import leads, playbooks
from sync.trial.consequences import Consequence, consequences
from sync.trial.diff import Difference, differences, told

IN_FORCE = "in-force"
LOOKED = 20_000
"""So many leads are looked at for what a change would mean; their ids are random, hence so are these."""


class Named(NamedTuple):
    """A playbook by the name that a person gave it."""

    label: str
    playbook: Playbook


async def named(connection: Any, text: str) -> Named:
    """Load what `text` names: a folder, `v12`, or `in-force`; raises CannotRun when there is no such version."""
    number = text.removeprefix("v")
    if (text == IN_FORCE or number.isdecimal()) and not Path(text).is_dir():
        if connection is None:
            raise CannotRun(f"{text} is a version of an installation, and there is none here: name a folder, or start `truce up`.")
        kept = await (playbooks.active(connection) if text == IN_FORCE else playbooks.get(connection, int(number)))
        if kept is None:
            raise CannotRun(f"there is no version {text}: `truce playbook log` shows those that there are.")
        return Named(f"v{kept.version}", load_files(kept.files, kept.version))
    return Named(text, load_files(read(Path(text), await _environment(connection))))


async def _environment(connection: Any) -> str | None:
    """Give the environment that a folder is read for: the one that is set, else that of the version in force."""
    if (chosen := Settings().environment) is not None or connection is None:
        return chosen
    kept = await playbooks.active(connection)
    return environment_of(kept.files) if kept is not None else None


async def effects(connection: Any, before: Playbook, after: Playbook) -> list[Consequence]:
    """Say what a change of the shared fields means for the leads that there are."""
    found = []
    async for row in leads.stream(connection, most=LOOKED):
        found.append(load(row["doc"]))
    return consequences(before, after, found)


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A folder, a version (v12), or in-force.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    json: Json = False,
) -> None:
    """Say what changes between two playbooks by meaning, and what follows for the records that there are; exit 1 if they differ.

    Example: `truce diff in-force deploy/playbook`
    """

    async def step(connection: Any, _: Place | None) -> tuple[list[Difference], list[Consequence], str]:
        one, two = await named(connection, before), await named(connection, after)
        found = differences(one.playbook, two.playbook)
        follows = await effects(connection, one.playbook, two.playbook) if found and connection is not None else []
        return found, follows, f"{one.label} → {two.label}"

    found, follows, title = somewhere(step)
    if json:
        rows = [{"kind": d.kind, "path": d.path, "before": d.before, "after": d.after, "place": d.place, "text": d.text} for d in found]
        as_json({"differences": rows, "consequences": [asdict(one) for one in follows]})
    else:
        console.print(
            f"{title}: {len(found)} difference{'s' if len(found) > 1 else ''}" if found else f"{title}: both say the same.", markup=False
        )
        show(found, follows)
    if found:
        raise typer.Exit(PROBLEM)


def somewhere(step: Any) -> Any:
    """Do a step on the store where there is one, else without (connection None)."""
    import asyncio

    try:
        return with_store(step)
    except NothingThere:
        return asyncio.run(step(None, None))


def show(found: list[Difference], follows: list[Consequence]) -> None:
    """Print differences, and what follows from them."""
    lines = told(found)
    width = max((len(place) for place, _ in lines), default=0)
    for place, text in lines:
        console.print(f"  {place:<{width}}  {text}", markup=False)
    if follows:
        console.print("What follows", markup=False)
    for one in follows:
        console.print(f"  {one.where}  {one.text}: {one.count}", markup=False)
        for example in one.examples:
            console.print(f"      {example}", markup=False)


def log(json: Json = False, most: Annotated[int, typer.Option("--most", min=1, help="How many, the newest first.")] = 50) -> None:
    """Show the versions: who put which in force, when, how and why, how much it changed, and how many leads it was said to move.

    Example: `truce playbook log`
    """

    async def step(connection: Any, _: Place) -> list[playbooks.Entry]:
        return await playbooks.history(connection, most)

    rows = with_store(step)
    if json:
        as_json([row._asdict() for row in rows])
        return
    shown = [
        (
            f"v{row.version}{' in force' if row.in_force else ''}",
            row.at.astimezone().strftime("%a %d %b %Y %H:%M"),
            row.author,
            row.how,
            *_came(row.moved or {}),
        )
        for row in rows
    ]
    columns = ("version", "since", "by", "how", "changes", "leads moved", "note")
    table(columns, shown, "No playbook was ever in force: truce apply DIR.")


def _came(said: Mapping[str, Any]) -> tuple[str, str, str]:
    """Say how much a version changed, how many leads it was said to move, and why it came."""
    files, many = said.get("files"), said.get("differences")
    changed = "" if files is None else f"{many or 0:,} in {files:,} file{'' if files == 1 else 's'}"
    moved = f"{said['moved']} of {said['looked']}" if "moved" in said else ""
    return changed, moved, str(said.get("note", ""))


def rollback(
    version: Annotated[str, typer.Argument(metavar="N", help="The version whose content comes back: v11.")],
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Why: kept with the version, and shown by truce playbook log.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Put an earlier version's content in force again, as a new version; nothing of the log is lost.

    Example: `truce playbook rollback v11`
    """

    async def step(connection: Any, _: Place) -> dict[str, Any]:
        now, number = await playbooks.active(connection), version.removeprefix("v")
        kept = await playbooks.get(connection, int(number)) if number.isdecimal() else None
        if kept is None or now is None:
            raise CannotRun(f"there is no version {version}: `truce playbook log` shows those that there are.")
        files = within(kept.files, environment_of(now.files))  # content comes back; where it is in force stays
        mark = checksum(files)
        if mark == now.checksum:
            return {"version": now.version, "changed": False}
        before, after = load_files(now.files, now.version), load_files(files, kept.version)
        found = differences(before, after)
        show(found, []) if not json else None
        if not yes and not typer.confirm(f"v{now.version} is in force. Put the content of v{kept.version} in force again?"):
            raise CannotRun("nothing was changed.")
        how, other = f"rollback to v{kept.version}", sum(files.get(name) != now.files.get(name) for name in {**files, **now.files})
        size = {"files": other, "differences": len(found)} | ({"note": note.strip()} if note and note.strip() else {})
        made = await playbooks.add(connection, files, mark, people.whoami(), how=how, moved=size, expected=now.version)
        gone = await leaving.note(connection, before, after)
        return {"version": made, "changed": True, "content_of": kept.version, "was": now.version, "left": gone}

    told = with_store(step)
    if json:
        as_json(told)
    elif not told["changed"]:
        console.print(f"v{told['version']} is in force, and says the same already.", markup=False)
    else:
        console.print(
            f"v{told['version']} is in force, with the content of v{told['content_of']} (was v{told['was']}). "
            "Leads that were judged stay as they are until their next change, or `truce rejudge`.",
            markup=False,
        )
        for text in told["left"]:
            console.print(text, markup=False)
