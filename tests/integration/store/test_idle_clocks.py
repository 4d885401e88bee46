"""100,000 open clocks cost nothing while none is due: every look at them reads a page or two of an index, and none looks at all of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from sync.cli.bench import idle
from sync.store import clocks

MANY = 100_000
LOOKS = {"claim": (clocks._CLAIM, (500, 60.0)), "wait": (clocks._NEXT, ()), "overdue": (clocks._OVERDUE, ())}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for one in plan.get("Plans", ()):
        yield from nodes(one)


async def looked(connection: Any, sql: str, arguments: tuple[object, ...], table: str = "clocks") -> tuple[set[str], int]:
    """Give by which ways a look found a table's rows, and how many pages it read; rolled back."""
    transaction = connection.transaction()
    await transaction.start()
    (found,) = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *arguments)
    await transaction.rollback()
    ways = {f"{one['Node Type']} {one.get('Index Name', '')}".strip() for one in nodes(found["Plan"]) if one.get("Relation Name") == table}
    return ways, found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]


async def test_while_none_is_due_no_look_reads_more_than_a_few_pages(pool: Any) -> None:
    async with pool.acquire() as connection:
        await idle.put(connection, MANY)
        assert await connection.fetchval("SELECT count(*) FROM clocks") == MANY
        for mode, name in product(("force_custom_plan", "force_generic_plan"), LOOKS):
            await connection.execute(f"SET plan_cache_mode = {mode}")
            ways, pages = await looked(connection, *LOOKS[name])
            assert not any(way.startswith("Seq Scan") for way in ways), (name, mode)
            assert ways & {"Index Scan clocks_ready", "Index Only Scan clocks_due", "Index Scan clocks_due", "Bitmap Heap Scan"}, (
                name,
                mode,
                ways,
            )
            assert pages <= 10, (name, mode, ways, pages)


async def test_of_many_only_those_that_are_due_are_read(pool: Any) -> None:
    async with pool.acquire() as connection:
        await idle.put(connection, MANY)
        await connection.execute(
            "WITH mine AS (SELECT gen_random_uuid() AS id FROM generate_series(1, 20)), made AS ("
            "INSERT INTO leads (id, key, rev, doc, in_scope, playbook_version) SELECT id, 'k', 1, '{}', true, 1 FROM mine RETURNING id) "
            "INSERT INTO clocks (lead_id, kind, due_at, playbook_version) SELECT id, 'handoff', now() - interval '1 min', 1 FROM made"
        )
    assert len(await clocks.claim(pool, 500)) == 20
    assert await clocks.claim(pool, 500) == []
    wait = await clocks.wait(pool)
    assert wait is not None
    assert 0 < wait <= clocks.AGAIN_S


async def test_the_bench_looks_among_few_and_many_in_turns_and_leaves_nothing(pool: Any, postgres: str, installation: str) -> None:
    found = await idle._measure(postgres, installation, 1_000)
    assert (found["few"], found["many"]) == (100, 1_000)
    assert found["ratio"] == found["look_ms"]["1000"] / found["look_ms"]["100"] > 0
    assert await pool.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname LIKE $1", f"{installation}1%") == 0
