"""Read orders: an order is settled only by a read that was sent after it was given."""

from __future__ import annotations

from typing import Any

from sync.store import read_orders

REF = "crm:Lead:1"


async def test_an_order_is_claimed_once_and_settled(pool: Any) -> None:
    await read_orders.order(pool, [REF])
    assert await read_orders.claim(pool, "crm", 10) == [REF]
    assert await read_orders.claim(pool, "crm", 10) == []
    await read_orders.settle(pool, [REF])
    assert await pool.fetchval("SELECT count(*) FROM read_orders") == 0


async def test_what_is_ordered_again_while_it_is_read_is_read_again(pool: Any) -> None:
    await read_orders.order(pool, [REF])
    await read_orders.claim(pool, "crm", 10)
    await read_orders.order(pool, [REF])  # the read that is under way may show the record as it was before
    await read_orders.settle(pool, [REF])
    assert await read_orders.claim(pool, "crm", 10) == [REF]
