"""What observe mode would have written, once per (record, field, value)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from schemas.base import Scalar


class WouldWrite(NamedTuple):
    """One difference that was not told because of the mode."""

    lead_id: str
    system: str
    record_id: str
    field: str
    before: Scalar
    after: Scalar
    rule: str
    at: datetime


async def report(pool: Any, system: str | None = None, most: int = 1000, since: datetime | None = None) -> list[WouldWrite]:
    """Give what would have been written, newest first; `record_id` is `new` where a record would be created."""
    rows = await pool.fetch(
        """SELECT lead_id, system, record_id, field, before, after, rule, at FROM would_write
           WHERE ($1::text IS NULL OR system = $1) AND ($3::timestamptz IS NULL OR at >= $3) ORDER BY at DESC, lead_id, field LIMIT $2""",
        system,
        most,
        since,
    )
    return [WouldWrite(**dict(row)) for row in rows]


async def totals(pool: Any, since: datetime | None = None) -> list[tuple[str, str, int]]:
    """Count by (system, field)."""
    rows = await pool.fetch(
        "SELECT system, field, count(*) AS n FROM would_write WHERE $1::timestamptz IS NULL OR at >= $1 GROUP BY 1, 2 ORDER BY 1, 3 DESC",
        since,
    )
    return [(row["system"], row["field"], row["n"]) for row in rows]
