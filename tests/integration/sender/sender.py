"""A sender that is not ours: npm's standardwebhooks signs, node's fetch posts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import npm

HERE = Path(__file__).parent
MOST = 4 * 1024 * 1024


@dataclass
class Sender:
    """Sends one order at a time to the process of sender.mjs."""

    process: asyncio.subprocess.Process

    async def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")
        await self.process.stdin.drain()
        async with asyncio.timeout(30):
            found: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return found

    async def send(self, url: str, body: str, *, secrets: list[str], ident: str, at: float | None = None, **headers: str) -> dict[str, Any]:
        """Sign a body with each of the secrets and post it; gives {status, words}."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        order = {"url": url, "body": body, "secrets": secrets, "id": ident, "headers": named}
        return await self._ask(order if at is None else {**order, "at": at})

    async def verify(self, secret: str, headers: Mapping[str, str], body: str) -> dict[str, Any]:
        """Verify what was received; gives {payload}, or {refused}."""
        return await self._ask({"verify": {"secret": secret, "headers": dict(headers), "body": body}})


@asynccontextmanager
async def sender() -> AsyncIterator[Sender]:
    """Run a sender for the length of the block."""
    folder = await asyncio.to_thread(npm.installed, HERE, ("sender.mjs",))
    process = await asyncio.create_subprocess_exec(
        npm.node(), "sender.mjs", cwd=folder, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=MOST
    )
    try:
        yield Sender(process)
    finally:
        process.kill()
        await process.wait()
