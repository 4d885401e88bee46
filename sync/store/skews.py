"""How far each vendor's clock is ahead of ours, as its source measures it and its writer reckons with it."""

from __future__ import annotations

from typing import Any


async def get(pool: Any, system: str) -> float:
    """Give the seconds that a system's clock is ahead; 0 where nothing was measured."""
    return float(await pool.fetchval("SELECT seconds FROM skews WHERE system = $1", system) or 0.0)


async def put(pool: Any, system: str, seconds: float) -> None:
    """Keep the seconds that a system's clock is ahead."""
    await pool.execute(
        """INSERT INTO skews (system, seconds, at) VALUES ($1, $2, clock_timestamp())
           ON CONFLICT (system) DO UPDATE SET seconds = excluded.seconds, at = excluded.at""",
        system,
        seconds,
    )
