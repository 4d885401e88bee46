"""`truce init`: a first playbook from two live systems, in observe mode, with a comment on every guess."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from sync.cli.output import CannotRun, console, plain
from sync.settings import Settings, SystemSettings


def init(
    folder: Annotated[Path, typer.Argument(help="Where the playbook is written; a folder that has files is left alone.")] = Path(
        "playbook"
    ),
    crm: Annotated[str, typer.Option(help="The system of sales, as TRUCE_SYSTEMS__… names it; '': the one that there is.")] = "",
    map_: Annotated[str, typer.Option("--map", help="The system of marketing.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: take the guesses.")] = False,
) -> None:
    """Read both systems and write a first playbook, in observe mode, with a comment on every guess; nothing is written to the systems.

    It asks at most seven questions. What is written passes `truce check` and `truce test`; change it as you like.

    Example: `truce init --crm salesforce --map hubspot`
    """
    from sync.cli.doctor import systems_of
    from sync.cli.init.screen import ask, seen, show
    from sync.cli.init.start import look, settle, write

    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise CannotRun(f"{folder} is there already and has files: name another folder, as in truce init my-playbook")
    systems = systems_of(Settings())
    pair = chosen(systems, crm, "sales", "--crm"), chosen(systems, map_, "marketing", "--map")

    def say(lines: Iterable[str]) -> None:
        for line in lines:
            console.print(plain(line), markup=False)

    looked = asyncio.run(look({name: systems[name] for name in pair}))
    say(seen(looked.crm, looked.other))
    found = settle(looked, lambda one: ask(one, yes=yes), _timezone())
    written = write(found, folder)
    say(show(found, written, folder))
    if written.wrong:
        raise CannotRun(
            "what was written does not pass its own check: that is a defect of Truce; the files are there to be mended by hand."
        )


def chosen(systems: Mapping[str, SystemSettings], name: str, side: str, option: str) -> str:
    """Give the system of a side, by its name or because there is only one; raises CannotRun otherwise."""
    from connectors.registry import manifests

    able: Sequence[str] = [one for one, how in systems.items() if how.vendor in manifests() and manifests()[how.vendor].side == side]
    if name and name not in systems:
        raise CannotRun(
            f"no connection {name} is set up: {', '.join(systems) or 'none is'}. Set TRUCE_SYSTEMS__{name.upper()}__VENDOR, …__URL and …__SECRETS__…."
        )
    if name and name not in able:
        raise CannotRun(f"{name} is not a system of {side}; of these there are {', '.join(able) or 'none'}.")
    if not name and len(able) != 1:
        raise CannotRun(f"say which is the system of {side}: {option} {' or '.join(able) or 'NAME, once its TRUCE_SYSTEMS__… are set'}.")
    return name or able[0]


def _timezone() -> str:
    """Give this machine's time zone by name, UTC where it has none."""
    zone: Any = datetime.now().astimezone().tzinfo
    key = getattr(zone, "key", "")
    link = Path("/etc/localtime")
    found = key or (str(link.resolve()).partition("zoneinfo/")[2] if link.is_symlink() else "")
    return found if "/" in found and not found.startswith("Etc/") else "UTC"
