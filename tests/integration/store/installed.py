"""An installation on the test's PostgreSQL with the example playbook in force, and versions put in force beside the commands."""

from __future__ import annotations

import asyncio

from sync.playbook.loader import load_files, read
from sync.store import playbooks
from sync.store.connect import connect
from tests.house.project import ROOT

EXAMPLE = ROOT / "deploy" / "playbook"


def put(store: tuple[str, str], *changes: tuple[str, bytes, bytes]) -> int:
    """Put the example in force, with these changes."""
    files = read(EXAMPLE)
    for file, before, after in changes:
        assert before in files[file]
        files[file] = files[file].replace(before, after)

    async def add() -> int:
        connection = await connect(*store)
        try:
            return await playbooks.add(connection, files, load_files(files).checksum, "ben", how="apply")
        finally:
            await connection.close()

    return asyncio.run(add())
