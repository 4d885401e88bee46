"""An installation on the test's PostgreSQL with the example playbook in force, and versions put in force beside the commands."""

from __future__ import annotations

import asyncio
from functools import cache

from sync.playbook.loader import load_files, read
from sync.store import playbooks
from sync.store.connect import connect
from tests.house.project import ROOT

EXAMPLE = ROOT / "deploy" / "playbook"


@cache
def _checksum(files: tuple[tuple[str, bytes], ...]) -> str:
    """Load a playbook, which takes long, once for all tests that have it."""
    return load_files(dict(files)).checksum


def put(store: tuple[str, str], *changes: tuple[str, bytes, bytes]) -> int:
    """Put the example in force, with these changes."""
    files = read(EXAMPLE)
    for file, before, after in changes:
        assert before in files[file]
        files[file] = files[file].replace(before, after)

    async def add() -> int:
        connection = await connect(*store)
        try:
            return await playbooks.add(connection, files, _checksum(tuple(files.items())), "ben", how="apply")
        finally:
            await connection.close()

    return asyncio.run(add())
