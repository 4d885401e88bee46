"""`truce case WHO`: a case of a real lead, with personal values replaced, printed or appended to a file of cases."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import orjson
import typer

from sync.cli import people
from sync.cli.case_file import appended, first_line, text_of
from sync.cli.duty import Json, Who, with_store
from sync.cli.output import PROBLEM, CannotRun, as_json, console, plain
from sync.cli.place import Place
from sync.lead.decision import Facts
from sync.lead.state import load, to_ms
from sync.playbook.loader import load_files
from sync.playbook.models import Playbook
from sync.playbook.problems import PlaybookError
from sync.settings import Settings
from sync.store import accounts, playbooks, users
from sync.trial.cases import play
from sync.trial.making import Made, make

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
MADE = "cases/made.yaml"
"""As which file a case is played before it is given away."""


async def _made(connection: Any, here: Place, who: str, ident: str, now: datetime) -> tuple[Made, playbooks.Version, Playbook]:
    kept = await playbooks.active(connection)
    row = await people.lead_of(connection, who, here.secret.encode())
    if row is None or kept is None:
        raise CannotRun(f"nobody is known as {who}: give an e-mail, a record ref (system:object:id) or a lead id.")
    lead, secret, playbook = load(orjson.dumps(row["doc"])), here.secret.encode(), load_files(kept.files, kept.version)
    if lead.erased or lead.undecided is not None or not lead.records or not lead.in_scope:
        raise CannotRun("nothing is kept of this lead that a case could give: truce explain says why.")
    if ident in {one.id for one in playbook.cases}:
        raise CannotRun(f"there is a case {ident} already: give another name with --id.")
    facts = Facts(secret, users=await users.every(connection), ledger=await accounts.known(connection, [lead], playbook, secret))
    return make(lead, facts, playbook, to_ms(now), ident), kept, playbook


def _played(text: str, kept: playbooks.Version) -> None:
    """Play the case as it is written, under the version in force; what is printed passes `truce test`."""
    files = {name: content for name, content in kept.files.items() if not name.startswith("cases/")} | {MADE: text.encode()}
    try:
        failed = play(load_files(files, kept.version)).failed
    except PlaybookError as error:
        raise RuntimeError(f"the case that was made is none: {error}") from error
    if failed:
        raise RuntimeError(f"the case that was made does not pass: {', '.join(one.what for one in failed[0].differences)}")


def _file(to: Path) -> Path:
    """Give the file that is meant: of the playbook's folder when it is said as there, `cases/mine.yaml`."""
    folder = Settings().playbook
    found = folder / to if to.parts[0] == "cases" and not to.parent.is_dir() else to
    if found.suffix not in (".yaml", ".yml") or found.parent.name != "cases":
        raise CannotRun(f"{to} is no file of cases: write --to cases/mine.yaml.")
    return found


def case(
    who: Who,
    ident: Annotated[str, typer.Option("--id", metavar="NAME", help="How the case is called; without it by what comes of it.")] = "",
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Append it to this file of cases: cases/mine.yaml.")] = None,
    json: Json = False,
) -> None:
    """Make a case of a real lead, as the rules in force judge it now; personal values are replaced.

    Given is what its records show and what the person did, without what Truce decided of it; expected is what comes of that. What is
    personal says fields.yaml. The case is played: exit 1 if it does not come out as the lead does, with the value that makes the difference.

    Example: `truce case kim.larsen@nordwind.example --to cases/mine.yaml`
    """
    if ident and not _ID.fullmatch(ident):
        raise CannotRun(f"{ident!r} is no name of a case: small letters, figures and dashes.")
    file, now = _file(to) if to is not None else None, datetime.now(UTC)

    async def step(connection: Any, here: Place) -> tuple[Made, playbooks.Version, Playbook]:
        return await _made(connection, here, who, ident, now)

    made, kept, playbook = with_store(step)
    head = f"Made by truce case from a real lead, as v{kept.version} judges it; what is personal is made up."
    text = text_of(made, head, ZoneInfo(playbook.timezone))
    _played(text, kept)
    if file is not None:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(appended(before, text, str(file), first_line(file.parent)), encoding="utf-8")
    _tell(made, text, file, json=json)
    if made.differs:
        raise typer.Exit(PROBLEM)


def _tell(made: Made, text: str, file: Path | None, *, json: bool) -> None:
    if json:
        shown: Mapping[str, Any] = {
            "id": made.case.id,
            "file": file and str(file),
            "yaml": text,
            "notes": made.notes,
            "differs": made.differs,
        }
        as_json(shown)
    elif file is None:
        sys.stdout.write(text)
    else:
        console.print(f"Wrote the case {made.case.id} into {file}. truce test plays it.", markup=False)
    for one in made.differs:
        sys.stderr.write(plain(f"It does not come out as the lead does: {one}.\n"))
