"""Visits of companies of which no person is known: kept by domain, told to whom the account is."""

from __future__ import annotations

from datetime import datetime

from sync.store.statement import Connection, clean

_PUT = """
INSERT INTO visits (door, delivery, domain, company, at, pages, seconds, source) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (door, delivery) DO NOTHING
"""


async def put(
    connection: Connection, door: str, delivery: str, domain: str, company: str, at: datetime, pages: int | None, seconds: float | None,
    source: str,
) -> None:  # fmt: skip
    """Keep a visit, once by its delivery."""
    await connection.execute(_PUT, door, delivery, clean(domain), clean(company), at, pages, seconds, clean(source))
