"""Results that nobody applied: published again, but ever more seldom."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from sync.store import intents

LEAD, CALL = "11111111-1111-5111-8111-111111111111", "22222222-2222-5222-8222-222222222222"


async def _older(pool: Any, seconds: int) -> None:
    """Let time pass."""
    await pool.execute(
        "UPDATE intents SET done_at = done_at - make_interval(secs => $1), deadline = deadline - make_interval(secs => $1)", seconds
    )


async def test_a_result_that_is_never_applied_comes_again_after_twice_the_time(pool: Any) -> None:
    await pool.execute("INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version) VALUES ($1, 'k', 1, '{}', true, 1)", LEAD)
    await pool.execute(
        "INSERT INTO intents (id, lead_id, system, kind, object, fields, rev, deadline) "
        "VALUES ($1, $2, 'crm', 'update', 'Lead', '{}', 1, now() + interval '1 hour')",
        CALL,
        LEAD,
    )
    await intents.settle(pool, "crm", [intents.Settled(CALL, "done", {"n": 1})])
    came = []
    for minute in range(64):
        if await intents.unapplied(pool, "crm", 50, 10):
            came.append(minute)
        await _older(pool, 60)
    assert came[0] == 1
    assert len(came) >= 5, "it comes again"
    assert all(2 * before <= after <= 2 * before + 1 for before, after in pairwise(came))
