"""Leads with their hand-offs as the store keeps them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import orjson

from sync.lead.state import Desired, Lead, dump


async def lead(
    pool: Any, now: datetime, *, owner: str | None = "ana@acme.example", company: str = "Nordwind AS", stage: str = "mql"
) -> str:
    ident = str(uuid.uuid4())
    at = round(now.timestamp() * 1000)
    made = Lead(ident, f"key-{ident}", at, at)
    said = {"company": company, "first_name": "Kim", "last_name": "Larsen"}
    made.desired = {name: Desired(value, at, "truce", 1, "") for name, value in said.items()}
    doc = orjson.loads(dump(made))
    await pool.execute(
        "INSERT INTO leads (id, key, rev, doc, stage, stage_since, owner, in_scope, playbook_version) VALUES ($1::uuid, $2, 1, $3, $4, $5, $6, true, 1)",
        ident, f"key-{ident}", doc, stage, now - timedelta(hours=1), owner,
    )  # fmt: skip
    await pool.execute(
        "INSERT INTO records (ref, lead_id, system, object, seen_at) VALUES ($1, $2::uuid, 'salesforce', 'Lead', $3)",
        f"salesforce:Lead:{ident[:8]}", ident, now,
    )  # fmt: skip
    return ident


async def handoff(
    pool: Any, lead_id: str, now: datetime, *, owner: str = "ana@acme.example", at: datetime | None = None, ended: str | None = None
) -> str:
    ident, opened = str(uuid.uuid4()), at or now - timedelta(hours=2)
    columns = "id, lead_id, cycle, kind, sla, priority, segment, pool, route, rule, source, state, owner, opened_at, closed_as, reason, comment, playbook_version"
    await pool.execute(
        f"INSERT INTO handoffs ({columns}) VALUES ($1::uuid, $2::uuid, 1, 'mql', 'hot', 'hot', '', 'emea-ae', 'emea', 'routing.yaml:14', '', $5, $3, $4, '', '', '', 1)",
        ident, lead_id, owner, opened, ended or "offered",
    )  # fmt: skip
    await pool.execute(
        'INSERT INTO offers (handoff_id, n, lead_id, owner, rule, at, ended, reason, comment, "by") VALUES ($1::uuid, 1, $2::uuid, $3, \'\', $4, $5, \'\', \'\', \'\')',
        ident, lead_id, owner, opened, ended,
    )  # fmt: skip
    return ident


async def notice(pool: Any, lead_id: str, handoff_id: str, kind: str, person: str, at: datetime, **data: Any) -> str:
    ident = str(uuid.uuid4())
    await pool.execute(
        "INSERT INTO notices (id, lead_id, handoff_id, offer, kind, person, at, data) VALUES ($1, $2::uuid, $3::uuid, 1, $4, $5, $6, $7)",
        ident, lead_id, handoff_id, kind, person, at, orjson.loads(orjson.dumps(data)),
    )  # fmt: skip
    return ident


async def leg(pool: Any, lead_id: str, handoff_id: str, due: datetime, *, name: str = "accept", breached: bool = False) -> None:
    await pool.execute(
        "INSERT INTO legs (handoff_id, leg, lead_id, owner, started_at, due_at, breached_at, cause, elapsed_ms, paused_ms, within_ms, version) "
        "VALUES ($1::uuid, $2, $3::uuid, 'ana@acme.example', $4, $5, $6, '', 0, 0, 0, 1)",
        *(handoff_id, name, lead_id, due - timedelta(hours=1), due, due if breached else None),
    )


async def parked(pool: Any, lead_id: str, at: datetime, system: str = "salesforce") -> None:
    await pool.execute(
        "INSERT INTO parked (id, kind, reason, system, lead_id, parked_at) VALUES ($1, 'write', 'refused', $2, $3::uuid, $4)",
        *(str(uuid.uuid4()), system, lead_id, at),
    )
