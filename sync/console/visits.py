"""The page of companies that were on the website and are nobody's account. Read only; whoever has the link sees companies, and no person."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.keys import keyed
from sync.alerts.escape import plain
from sync.alerts.visits import span
from sync.store import visits

DAYS, SHOWN = 30, 500


def key(secret: bytes) -> str:
    """Give the key in the page's link: one per installation, known to whoever was given the link."""
    return keyed(secret, "console: companies that visit")


def opens(secret: bytes, given: str) -> bool:
    """Say whether a link's key is right."""
    return bool(secret) and given.isascii() and hmac.compare_digest(key(secret), given)


async def shown(pool: Any, timezone: str, now: datetime) -> dict[str, Any]:
    """Give what the page shows: one row per company, the last visit first."""
    found = await visits.listed(pool, now - timedelta(days=DAYS))
    zone = ZoneInfo(timezone or "UTC")
    rows = [
        {
            "company": plain(row["company"] or row["domain"]),
            "domain": plain(row["domain"]),
            "visits": row["visits"],
            "pages": row["pages"] or "",
            "time": span(row["seconds"]) if row["seconds"] else "",
            "source": plain(row["source"] or ""),
            "last": f"{row['last'].astimezone(zone):%a %d %b %H:%M}",
        }
        for row in found[:SHOWN]
    ]
    return {"rows": rows, "count": len(found), "days": DAYS, "zone": timezone or "UTC"}
