"""Writers look once a second: what 100,000 accounts, leads and calls cost them that are written, or not due, is a page or two of an index."""

from __future__ import annotations

from itertools import product
from typing import Any

from sync.store import account_writes, dirty, intents
from tests.integration.store.test_idle_clocks import looked

MANY = 100_000
PUT = {
    "account_writes": """INSERT INTO account_writes (ref, system, rev, told_rev, playbook, again_at)
       SELECT 'hubspot:companies:' || n, 'hubspot', 2, 2, 3, CASE WHEN n % 10 = 0 THEN now() + interval '1 hour' END FROM generate_series(1, $1::int) n""",
    "leads": "INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version) SELECT gen_random_uuid(), 'k', 1, '{}', true, 1 FROM generate_series(1, $1::int)",
    "dirty": "INSERT INTO dirty (lead_id, system, lane, rev, rung_at) SELECT id, 'hubspot', 'bulk', 1, now() FROM leads LIMIT $1::int",
    "intents": """INSERT INTO intents (id, lead_id, system, kind, object, fields, rev, deadline)
       SELECT gen_random_uuid(), id, 'hubspot', 'update', 'contacts', '{}', 1, now() + interval '1 hour' FROM leads LIMIT $1::int""",
}
LOOKS = {
    "account_writes": (account_writes._CLAIM, ("hubspot", 3, 100, 60.0, "account", ["hubspot"])),
    "dirty": (dirty._DUE.format(who=""), ("hubspot", 30.0, 5_000, [], 600.0)),
    "dirty, of known records": (dirty._DUE.format(who=dirty._KNOWN), ("hubspot", 30.0, 5_000, ["salesforce"], 600.0)),
    "intents": (intents._OVERDUE, ("hubspot", 100, 60.0)),
}


async def test_while_none_is_due_no_look_reads_more_than_a_few_pages(pool: Any) -> None:
    async with pool.acquire() as connection:
        for table, sql in PUT.items():
            await connection.execute(sql, MANY)
            await connection.execute(f"ANALYZE {table}")
        for mode, table in product(("force_custom_plan", "force_generic_plan"), LOOKS):
            await connection.execute(f"SET plan_cache_mode = {mode}")
            ways, pages = await looked(connection, *LOOKS[table], table.partition(",")[0])
            assert not any(way.startswith("Seq Scan") for way in ways), (table, mode, ways)
            assert pages <= 20, (table, mode, ways, pages)
