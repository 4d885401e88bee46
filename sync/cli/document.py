"""`truce playbook doc`: the agreement as a document that people read."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import typer

from sync.cli.duty import Json
from sync.cli.output import CannotRun, as_json, console
from sync.cli.place import Place
from sync.cli.versions import named, somewhere
from sync.playbook.models import Playbook
from sync.settings import Settings
from sync.store import playbooks
from sync.trial.doc import Kept, document, html, markdown


class Format(StrEnum):
    """As what the document is written."""

    HTML = "html"
    MD = "md"


class Read(NamedTuple):
    """A playbook with where it is from."""

    playbook: Playbook
    kept: Kept | None
    source: str


async def _read(connection: Any, folder: Path | None, version: str | None) -> Read:
    """Load what is asked for; without a word the version in force, and where there is none the folder's playbook."""
    if folder is None and version is None and connection is not None and await playbooks.active(connection) is not None:
        version = "in-force"
    if version is None:
        where = str(folder or Settings().playbook)
        if not Path(where).is_dir():
            raise CannotRun(f"there is no folder {where}: name the one that holds fields.yaml, routing.yaml …")
        return Read((await named(None, f"{where}/")).playbook, None, where)
    found = (await named(connection, version)).playbook
    entry = await playbooks.entry(connection, found.version)
    if entry is None:
        raise CannotRun(f"there is no version {version}: `truce playbook log` shows those that there are.")
    at = entry.at.astimezone().strftime("%a %d %b %Y %H:%M")
    return Read(found, Kept(entry.version, entry.checksum, entry.author, at, entry.how, entry.in_force), "")


def doc(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="The playbook's folder; without it the version in force.")] = None,
    version: Annotated[str | None, typer.Option("--version", metavar="N", help="A version instead: v12.")] = None,
    format_: Annotated[Format | None, typer.Option("--format", help="html or md; without it by the file's name, else md.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it here instead of printing it.")] = None,
    reach: Annotated[bool, typer.Option("--reach", help="With the numbers and addresses by which people are reached.")] = False,
    json: Json = False,
) -> None:
    """Write the agreement down for sales and marketing leads: stages in words, who owes what by when, routing, contacts.

    It is made of the playbook itself, so that it is never out of date.

    Example: `truce playbook doc --out agreement.html`
    """
    if folder is not None and version is not None:
        raise CannotRun("name a folder or a version, not both.")
    number = None if version is None else version.removeprefix("v")
    if number is not None and not number.isdecimal():
        raise CannotRun(f"{version!r} is no version: write v12. `truce playbook log` shows those that there are.")

    async def step(connection: Any, _: Place | None) -> Read:
        return await _read(connection, folder, number)

    read = somewhere(step)
    today = datetime.now(ZoneInfo(read.playbook.timezone)).date().isoformat()
    made = document(read.playbook, today, kept=read.kept, source=read.source, reach=reach)
    if json:
        as_json(asdict(made))
        return
    by_name = {".html": Format.HTML, ".htm": Format.HTML}.get(out.suffix.lower() if out else "", Format.MD)
    text = html(made) if (format_ or by_name) is Format.HTML else markdown(made)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")
        console.print(f"Wrote {out}.", markup=False)
