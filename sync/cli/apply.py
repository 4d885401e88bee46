"""`truce apply`: a candidate is checked, its cases run, the live systems asked, its size shown; then it is in force."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from connectors.errors import ConnectorError
from connectors.registry import load as connector
from sync.cli import copies, leaving, people
from sync.cli.cases import failures
from sync.cli.doctor import systems_of, unmetered
from sync.cli.duty import Json, with_store
from sync.cli.output import PROBLEM, CannotRun, as_json, console
from sync.cli.place import Place
from sync.cli.versions import effects, show
from sync.lead.decision import Facts
from sync.lead.state import Lead, load, to_ms
from sync.playbook.loader import environment_of, load_files, read
from sync.playbook.models import Playbook
from sync.settings import Settings, SystemSettings
from sync.sources.schema import lacking
from sync.store import accounts, leads, playbooks, users
from sync.trial.cases import Report, play
from sync.trial.consequences import Consequence
from sync.trial.diff import Difference, differences
from sync.trial.rejudge import Moves, preview

SAMPLE = 10_000
"""So many open leads are judged under both playbooks; ids are hashes, hence it is a random sample of them."""


@dataclass(slots=True)
class Examined:
    """A candidate, and everything that a person should know before it is in force."""

    files: Mapping[str, bytes]
    candidate: Playbook
    before: Playbook | None
    kept: Mapping[str, bytes] | None = None
    """The files that are in force."""
    differences: list[Difference] = field(default_factory=list)
    cases: Report | None = None
    follows: list[Consequence] = field(default_factory=list)
    live: list[str] = field(default_factory=list)
    """What the live systems lack."""
    unasked: list[str] = field(default_factory=list)
    """Systems that could not be asked, and why."""
    moves: Moves | None = None
    left: list[str] = field(default_factory=list)
    """Who left the team with it and still has leads; known once it is in force."""

    @property
    def same(self) -> bool:
        """It is in force already."""
        return self.before is not None and self.before.checksum == self.candidate.checksum

    @property
    def changed(self) -> int:
        """So many files are not as they are in force."""
        now = self.kept or {}
        return sum(self.files.get(name) != now.get(name) for name in {**self.files, **now})

    @property
    def too_large(self) -> bool:
        """It moves more than the playbook in force lets pass without a person."""
        return self.moves is not None and self.before is not None and self.moves.share > self.before.guards.moves_share

    def plain(self) -> dict[str, Any]:
        """Give it as plain data, for `--json`."""
        return {
            "checksum": self.candidate.checksum,
            "was": self.before.version if self.before else None,
            "differences": [{"place": d.place, "text": d.text, "kind": d.kind} for d in self.differences],
            "cases": self.cases.plain() if self.cases else None,
            "consequences": [asdict(one) for one in self.follows],
            "live": self.live,
            "unasked": self.unasked,
            "left": self.left,
            "moves": self.moves.plain() if self.moves else None,
        }


async def examine(connection: Any, here: Place, folder: Path, settings: Settings) -> Examined:
    """Look at a candidate from every side; raises PlaybookError with all its problems when it does not load."""
    kept = await playbooks.active(connection)
    files = read(folder, settings.environment or (environment_of(kept.files) if kept else None))
    candidate = load_files(files)
    found = Examined(files, candidate, load_files(kept.files, kept.version) if kept else None, kept.files if kept else None)
    if found.before is None or found.same:
        found.cases = None if found.same else play(candidate)
        return found
    found.differences = differences(found.before, candidate)
    found.cases = play(candidate)
    found.follows = await effects(connection, found.before, candidate)
    found.live, found.unasked = await _live(candidate, systems_of(settings))
    found.moves = await _moves(connection, here, found.before, candidate)
    return found


async def _live(candidate: Playbook, systems: Mapping[str, SystemSettings]) -> tuple[list[str], list[str]]:
    """Ask each system whether it has the fields that the candidate maps."""
    lacks, unasked = [], []
    for name in candidate.systems:
        if name not in systems:
            unasked.append(f"{name}: no connection is set up here")
            continue
        how, free = systems[name], unmetered()
        source = connector(how.vendor).source(how.connection(name), free, free)
        try:
            person = source.manifest.person_object
            live = await source.fields(person)
            lacks += [f"{where}: {name} has no field {one}" for one, where in lacking(candidate, name, person, live).items()]
        except ConnectorError as error:
            unasked.append(f"{name}: {type(error).__name__}: {error.words}")
        finally:
            await source.close()
    return lacks, unasked


async def _moves(connection: Any, here: Place, before: Playbook, candidate: Playbook) -> Moves:
    facts = Facts(here.secret.encode(), users=await users.every(connection))
    total, now = Moves(), to_ms(datetime.now(UTC))
    some = list[Lead]()

    async def judge() -> None:
        ledger = await accounts.known(connection, some, candidate, facts.secret)
        total.add(preview(some, replace(facts, ledger=ledger), now, before, candidate))
        some.clear()

    async for row in leads.stream(connection, most=SAMPLE):
        some.append(load(row["doc"]))
        if len(some) == leads.PAGE:
            await judge()
    await judge()
    return total


def _told(found: Examined) -> None:
    """Say what was found, for a person."""
    show(found.differences, found.follows)
    if found.cases and found.cases.failed:
        failures(found.cases)
    elif found.cases and found.cases.played:
        console.print(f"{len(found.cases.played)} cases come out as expected.", markup=False)
    for line in found.live:
        console.print(f"✘ {line}: make it there, or change the mapping", markup=False)
    for line in found.unasked:
        console.print(f"! not asked: {line}", markup=False)
    if found.moves is not None:
        console.print(size(found.moves), markup=False)


def size(moves: Moves) -> str:
    """Say how much a candidate moves, with the commonest ways and the first example."""
    about = " (a sample)" if moves.looked >= SAMPLE else ""
    lines = [f"Judged again, it moves {moves.moved:,} of {moves.looked:,} open leads{about}" + ("." if not moves.moved else ":")]
    for (what, before, after), count in sorted(moves.ways.items(), key=lambda one: (-one[1], one[0]))[:6]:
        lines.append(f"  {count:>7,}  {what} {before or 'none'} → {after or 'none'}")
    for move in moves.examples[:3]:
        lines.append(f"           {move.lead_id}: {move.rule_before or 'no rule'} → {move.rule_after or 'no rule'}")
    if moves.moved:
        lines.append(
            "Judged as they stand today: an MQL does not go back. truce simulate replays the past as if it had been in force all along, "
            "so its numbers may be others."
        )
    return "\n".join(lines)


def refusal(found: Examined, checksum: str | None) -> str | None:
    """Say why a candidate must not be put in force as it is asked; None when it may."""
    if checksum is not None and not found.candidate.checksum.startswith(checksum):
        return f"this is not what you saw: its checksum is {found.candidate.checksum[:12]}, not {checksum}."
    if found.cases and found.cases.failed:
        return f"{len(found.cases.failed)} of {len(found.cases.played)} cases come out otherwise than expected (truce test shows them)."
    if found.live:
        return f"{len(found.live)} mapped fields are not there in the live systems."
    if found.too_large and checksum is None and found.moves and found.before:
        limit = f"{found.before.guards.moves_share:.0%}"
        return (
            f"it moves {found.moves.share:.0%} of the open leads; more than {limit} waits for a person who has seen it. "
            f"If that is meant: truce apply … --checksum {found.candidate.checksum[:12]}"
        )
    return None


async def objection(connection: Any, found: Examined, folder: Path, checksum: str | None = None, over: int | None = None) -> str | None:
    """Say why a candidate must not be put in force as it is asked, what of others its copy would undo among it; None when it may."""
    return refusal(found, checksum) or await copies.undone(connection, folder, found.files, over)


def apply(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The playbook's folder.")] = None,
    checksum: Annotated[str | None, typer.Option(min=8, help="The checksum that you have seen: confirms a large change.")] = None,
    over: Annotated[
        str | None,
        typer.Option(metavar="N", help="The version in force (v6): confirms that changes which came since the copy was made are undone."),
    ] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="Why: kept with the version, and shown by truce playbook log.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Put a playbook in force: checked, cases run, live systems asked, its size shown. Every worker uses it from its next batch.

    Leads that were judged stay as they are until their next change, or `truce rejudge`. A copy that `truce playbook get` made is refused
    when it would undo what came into force since.

    Example: `truce apply deploy/playbook`
    """
    settings = Settings()
    where = folder or settings.playbook
    number = (over or "").removeprefix("v")
    if over is not None and not number.isdecimal():
        raise CannotRun(f"--over {over} names no version: write it as v6.")

    async def step(connection: Any, here: Place) -> dict[str, Any]:
        found = await examine(connection, here, where, settings)
        if not json and not found.same:
            _told(found)
        why = None if found.same else await objection(connection, found, where, checksum, int(number) if number else None)
        if why is not None or found.same:
            return found.plain() | {"applied": False, "refused": why, "version": found.before.version if found.before else None}
        if not yes and checksum is None and not await asyncio.to_thread(typer.confirm, f"Put {where} in force?"):
            raise CannotRun("nothing was changed.")
        version = await put(connection, found, "apply", (note or "").strip())
        return found.plain() | {"applied": True, "refused": None, "version": version}

    told = with_store(step)
    if not told["refused"]:
        copies.move_on(where, told["version"], told["checksum"])
    if json:
        as_json(told)
    else:
        console.print(_closing(told), markup=False)
    if told["refused"]:
        raise typer.Exit(PROBLEM)


def _closing(told: Mapping[str, Any]) -> str:
    """Say in the end what came of it."""
    if told["refused"]:
        return f"Refused: {told['refused']}"
    if not told["applied"]:
        return f"v{told['version']} is in force, and says the same already."
    stays = "Leads that were judged stay as they are until their next change, or `truce rejudge`."
    more = f" (was v{told['was']}). {stays} Undo: truce playbook rollback v{told['was']}" if told["was"] else "."
    return "\n".join([f"v{told['version']} is in force{more}", *told["left"]])


async def put(connection: Any, found: Examined, how: str, note: str = "") -> int:
    """Put an examined candidate in force; raises Overtaken when another version came into force since. Gives its number."""
    moved = {"moved": found.moves.moved, "looked": found.moves.looked} if found.moves else {}
    size = {"files": found.changed, "differences": len(found.differences)} if found.before else {}
    came = moved | size | ({"note": note} if note else {})
    expected = found.before.version if found.before else None
    number = await playbooks.add(
        connection, found.files, found.candidate.checksum, people.whoami(), how=how, moved=came or None, expected=expected
    )
    found.left = await leaving.note(connection, found.before, found.candidate)
    return number
