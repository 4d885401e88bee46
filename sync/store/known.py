"""Which records of a system are known and there, as far as we know: counted, and given page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

PAGE = 1_000
PEOPLE = "SELECT ref FROM records WHERE gone IS NULL AND seen_at < $3"
ACCOUNTS = "SELECT ref FROM accounts WHERE there AND at < $3"
OPPORTUNITIES = "SELECT ref FROM opportunities WHERE there AND at < $3"
_PAGE = " AND system = $1 AND object = $2 AND ref > $4 ORDER BY ref LIMIT $5"
"""By the primary key, which begins with the system and the object: what is not theirs is passed over once."""


async def count(pool: Any, system: str) -> int:
    """Count the records of a system that are there, of people, accounts and opportunities."""
    return int(
        await pool.fetchval(
            """SELECT (SELECT count(*) FROM records WHERE system = $1 AND gone IS NULL) + (SELECT count(*) FROM accounts WHERE system = $1 AND there)
                 + (SELECT count(*) FROM opportunities WHERE system = $1 AND there)""",
            system,
        )
    )


async def refs(pool: Any, kind: str, system: str, object_: str, before: datetime) -> AsyncIterator[Sequence[str]]:
    """Give an object's records that are there and did not change since `before`, page by page, holding no transaction."""
    last = f"{system}:{object_}:"
    while rows := await pool.fetch(kind + _PAGE, system, object_, before, last, PAGE):
        yield [row["ref"] for row in rows]
        last = rows[-1]["ref"]
