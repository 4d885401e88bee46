"""Working copies: `truce playbook get` writes one with a note of the version that it was made from; `truce apply` asks the note."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from sync.cli.duty import Json, with_store
from sync.cli.output import CannotRun, as_json, console
from sync.cli.place import Place
from sync.playbook.loader import load_files, read, within
from sync.store import playbooks
from sync.store.playbooks import Version
from sync.trial.diff import differences

NOTE = ".base"
"""Stands in a copy and is no file of the playbook: `v3 <checksum>`."""
SHOWN = 5


class Base(NamedTuple):
    """The version that a copy was made from."""

    version: int
    checksum: str


def base(folder: Path) -> Base | None:
    """Give what a copy's note says; None where there is none, or none that can be read."""
    try:
        words = (folder / NOTE).read_text().split()
    except (OSError, UnicodeDecodeError):
        return None
    number = words[0].removeprefix("v") if len(words) == 2 else ""
    return Base(int(number), words[1]) if number.isdecimal() else None


def note(folder: Path, version: int, checksum: str) -> None:
    """Note in a copy which version it is of."""
    (folder / NOTE).write_text(f"v{version} {checksum}\n")


def move_on(folder: Path, version: int, checksum: str) -> None:
    """Note in a folder that is a copy, and in no other, which version it is of by now."""
    if base(folder) is not None:
        note(folder, version, checksum)


async def undone(connection: Any, folder: Path, files: Mapping[str, bytes], over: int | None) -> str | None:
    """Say what of others a copy would undo, in place of the version in force; None: nothing, or it is meant (`over`)."""
    now, made = await playbooks.active(connection), base(folder)
    if now is not None and over is not None and over != now.version:
        return f"you said --over v{over}, and v{now.version} is in force now: look at truce diff v{over} v{now.version}."
    if now is None or made is None or over is not None or made.checksum == now.checksum:
        return None
    first = await playbooks.get(connection, made.version)
    if first is None or first.checksum != made.checksum:
        return None  # a copy of another installation's version: nothing here was made from it
    first, now = (one._replace(files=within(one.files, None)) for one in (first, now))
    return _said(folder, first, now, within(files, None))


def _said(folder: Path, first: Version, now: Version, files: Mapping[str, bytes]) -> str | None:
    theirs, ours = _changed(first.files, now.files), _changed(first.files, files)
    lost = [name for name in theirs if files.get(name) != now.files.get(name)]
    if not lost:
        return None
    between = f"v{first.version + 1}" if now.version == first.version + 1 else f"v{first.version + 1} to v{now.version}"
    both = [name for name in lost if name in ours]
    too = f" (of these you changed {', '.join(both)} too)" if both else ""
    return (
        f"this copy was made from v{first.version}; {between} changed {', '.join(lost)} since{too}. Applying it undoes{_meaning(first, now, files)}. "
        f"Make your change in a new copy (truce playbook get DIR), or, if that is meant: truce apply {folder} --over v{now.version}"
    )


def _meaning(first: Version, now: Version, files: Mapping[str, bytes]) -> str:
    """Say which changes of theirs the copy does not have."""
    base_, force, copy = load_files(first.files, first.version), load_files(now.files, now.version), load_files(files)
    away = {one.path for one in differences(force, copy)}
    lost = [f"{one.place}  {one.text}" for one in differences(base_, force) if one.path in away]
    lines = [*lost[:SHOWN], *([f"and {len(lost) - SHOWN} more"] if len(lost) > SHOWN else [])]
    return (
        ":\n" + "\n".join(f"  {line}" for line in lines) + "\n"
        if lines
        else " these lines of text, none of which means anything to the rules"
    )


def _changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    return sorted(name for name in {**before, **after} if before.get(name) != after.get(name))


def get(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the copy is to stand.")],
    version: Annotated[str | None, typer.Option(metavar="N", help="Which version (v11); without it the one in force.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a playbook that stands there.")] = False,
    json: Json = False,
) -> None:
    """Write the playbook in force as a working copy, which knows its version: `truce apply` then undoes nobody's change unasked.

    The note is the file .base of the copy; it is no part of the playbook, and need not be kept in Git.

    Example: `truce playbook get my-playbook`
    """
    if folder.exists() and not folder.is_dir():
        raise CannotRun(f"{folder} is a file: name a folder.")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise CannotRun(f"{folder} is not empty: name another folder, or --force writes over the playbook in it.")

    async def step(connection: Any, _: Place) -> Version | None:
        number = (version or "").removeprefix("v")
        if version is None:
            return await playbooks.active(connection)
        return await playbooks.get(connection, int(number)) if number.isdecimal() else None

    kept: Version | None = with_store(step)
    if kept is None:
        raise CannotRun(
            f"there is no version {version}: `truce playbook log` shows those that there are."
            if version
            else "no playbook is in force yet."
        )
    _write(folder, within(kept.files, None))
    note(folder, kept.version, kept.checksum)
    if json:
        as_json({"folder": folder, "version": kept.version, "checksum": kept.checksum})
    else:
        console.print(f"{folder} is a copy of v{kept.version}. Next: truce check {folder}, truce diff in-force {folder}", markup=False)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make the folder's playbook these files; other files in it stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in read(folder).keys() - files.keys():
        (folder / name).unlink()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
