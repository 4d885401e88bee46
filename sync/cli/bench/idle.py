"""What open clocks cost while none is due: a worker's look among few and among many, in turns, so that both meet the same machine."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

from sync.agents.clocks import MOST
from sync.cli.bench import figures
from sync.store import clocks
from sync.store.connect import Pool, open_pool

FEW, LOOKS = 100, 400
_TABLES = """
CREATE SCHEMA "{0}";
CREATE TABLE "{0}".clocks (LIKE "{1}".clocks INCLUDING ALL);
CREATE TABLE "{0}".leads (LIKE "{1}".leads INCLUDING ALL);
"""


async def put(connection: Any, count: int) -> None:
    """Let there be so many open clocks, the first of them due in a day."""
    await connection.copy_to_table("clocks", source=_rows(count), columns=["lead_id", "kind", "due_at", "playbook_version"], format="csv")
    await connection.execute("ANALYZE clocks")


async def _rows(count: int) -> AsyncIterator[bytes]:
    now = time.time()
    for n in range(count):
        due = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + 86_400 + n))
        yield f"{uuid.uuid4()},handoff,{due},1\n".encode()


@asynccontextmanager
async def _among(dsn: str, installation: str, count: int) -> AsyncIterator[Pool]:
    """Give a pool that sees so many clocks and nothing else, with the installation's own tables and indexes; they are gone after."""
    name = f"{installation}{count}"
    pool = await open_pool(dsn, name, size=1)
    try:
        await pool.execute(_TABLES.format(name, installation))
        async with pool.acquire() as connection:
            await put(connection, count)
        yield pool
        await pool.execute(f'DROP SCHEMA "{name}" CASCADE')
    finally:
        await pool.close()


async def look(pool: Pool) -> None:
    """Look as a worker does that has nothing to do: for what is due, and for when the next one is."""
    await clocks.claim(pool, MOST)
    await clocks.wait(pool)


async def _turns(looks: Iterator[Callable[[], Awaitable[None]]]) -> list[float]:
    took = []
    for one in looks:
        began = time.perf_counter()
        await one()
        took.append(time.perf_counter() - began)
    return took


async def _measure(dsn: str, installation: str, many: int) -> dict[str, Any]:
    async with _among(dsn, installation, FEW) as few, _among(dsn, installation, many) as lots:
        took = await _turns((lambda pool=pool: look(pool)) for _ in range(LOOKS) for pool in (few, lots))  # type: ignore[misc]
    ms = {str(count): figures.quantile(took[turn::2], 0.25) * 1000 for turn, count in enumerate((FEW, many))}
    return {"few": FEW, "many": many, "look_ms": ms, "ratio": ms[str(many)] / ms[str(FEW)]}


def measure(dsn: str, installation: str, many: int) -> dict[str, Any]:
    """Give how long a look takes among few and among many, in ms, and their ratio."""
    return asyncio.run(_measure(dsn, installation, many))
