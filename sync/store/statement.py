"""Set-based statements as data, and how several of them go to PostgreSQL in one round trip."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

Connection = Any
"""An asyncpg connection (the driver has no types)."""


class Statement(NamedTuple):
    """One INSERT, UPDATE or DELETE with its arguments; `name` names what it returns, '' when nothing is asked of it."""

    sql: str
    args: tuple[object, ...]
    name: str = ""


@lru_cache(maxsize=512)
def _together(parts: tuple[tuple[str, int, str], ...]) -> str:
    tables, answers, before = [], [], 0
    for n, (sql, count, name) in enumerate(parts):
        shifted = re.sub(r"\$(\d+)", lambda m, by=before: f"${int(m[1]) + by}", sql)  # type: ignore[misc]
        tables.append(f"s{n} AS ({shifted})")
        if name:
            answers.append(f"(SELECT jsonb_agg(to_jsonb(s{n})) FROM s{n}) AS {name}")
        before += count
    return f"WITH {', '.join(tables)} SELECT {', '.join(answers) or '1 AS done'}"


async def run(connection: Connection, statements: Sequence[Statement]) -> dict[str, list[dict[str, Any]]]:
    """Carry out statements on DIFFERENT tables (or rows) as one; give the rows that each named one returned."""
    if not statements:
        return {}
    sql = _together(tuple((s.sql, len(s.args), s.name) for s in statements))
    row = await connection.fetchrow(sql, *(arg for s in statements for arg in s.args))
    return {s.name: row[s.name] or [] for s in statements if s.name}


def columns(rows: Sequence[Sequence[Any]], width: int) -> tuple[list[Any], ...]:
    """Turn rows into `width` columns, as unnest() wants them."""
    return tuple(list(column) for column in zip(*rows, strict=True)) if rows else tuple([] for _ in range(width))


def clean(text: str, most: int = 4000) -> str:
    """Give text as PostgreSQL can keep it: no NUL, no lone surrogate, not longer than `most`."""
    return text.replace("\x00", "\\0").encode(errors="backslashreplace").decode()[:most]
