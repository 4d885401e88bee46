"""Finds a lead by what people call it: WHO is an e-mail, a record ref or a lead id."""

from __future__ import annotations

import uuid
from typing import Any

from schemas.keys import keyed, normal_email


async def lead_of(connection: Any, who: str, secret: bytes) -> dict[str, Any] | None:
    """Find a lead by WHO: e-mail, record ref, or lead id; follows to the survivor. None when there is none."""
    if "@" in who:
        ident = await connection.fetchval(
            "SELECT lead_id FROM identities WHERE kind = 'email' AND key = $1", keyed(secret, normal_email(who) or who)
        )
    elif ":" in who:
        ident = await connection.fetchval("SELECT lead_id FROM identities WHERE kind = 'ref' AND key = $1", who)
    else:
        try:
            ident = str(uuid.UUID(who))
        except ValueError:
            return None
    row = await connection.fetchrow("SELECT * FROM leads WHERE id::text = $1", str(ident))
    while row and row["survivor"]:
        row = await connection.fetchrow("SELECT * FROM leads WHERE id::text = $1", row["survivor"])
    return dict(row) if row else None
