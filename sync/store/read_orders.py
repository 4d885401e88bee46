"""Records that must be read before anything can be said of them: orders in SQL, claimed in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


async def order(pool: Any, refs: Sequence[str], *, last: bool = False) -> None:
    """Order records to be read; an order that stands already is due again. `last`: whatever is ordered within a day goes before."""
    await pool.execute(
        """INSERT INTO read_orders (ref, system, ordered_at)
           SELECT r, split_part(r, ':', 1), now() + CASE WHEN $2 THEN interval '1 day' ELSE interval '0' END FROM unnest($1::text[]) r
           ON CONFLICT (ref) DO UPDATE SET claimed_until = NULL, ordered_at = least(read_orders.ordered_at, excluded.ordered_at)""",
        list(refs),
        last,
    )


async def claim(pool: Any, system: str, most: int, seconds: float = 60.0) -> list[str]:
    """Claim the oldest orders of a system for so long; they come back when they are not settled by then."""
    rows = await pool.fetch(
        """UPDATE read_orders SET claimed_until = now() + make_interval(secs => $3), attempts = attempts + 1
           WHERE ref IN (SELECT ref FROM read_orders WHERE system = $1 AND (claimed_until IS NULL OR claimed_until < now())
                         ORDER BY ordered_at LIMIT $2 FOR UPDATE SKIP LOCKED)
           RETURNING ref""",
        system,
        most,
        seconds,
    )
    return [row["ref"] for row in rows]


async def settle(pool: Any, refs: Sequence[str]) -> None:
    """The records were read and Kafka has them; what was ordered once more since it was claimed may have moved since, and stays."""
    await pool.execute("DELETE FROM read_orders WHERE ref = ANY($1::text[]) AND claimed_until IS NOT NULL", list(refs))
